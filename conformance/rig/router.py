"""What every router adapter can do, and the values it does it with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from conformance.rig.hosts import Host

Family = Literal["ipv4", "ipv6"]
ESTABLISHED = "Established"


def family_of(address: str) -> Family:
    """The family of an address or prefix in text."""
    return "ipv6" if ":" in address else "ipv4"


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterPeer:
    """One peer as a router is told of it.

    Attributes:
        families: What is exchanged; empty means the family of `address`.
        password: TCP MD5 (RFC 2385), none when empty.
        passive: The router waits for the peer to dial.
        port: Where the router dials, if it does.
        hops: TTL security (RFC 5082): only packets from so many hops away; 0: none.
        multihop: How many hops away the peer may be; 0: it is a neighbour.
        add_path: Whether several paths of a prefix are taken (RFC 7911); None: the router's usual,
            which is yes for FRR and no for BIRD.
        own_address: The router's end, where it is not its usual; BIRD alone cares.
        own_port: The port that the router listens on; BIRD alone can have another.
        own_asn: The router's AS number here, where it is not its usual; BIRD alone.
    """

    address: str
    asn: int
    families: tuple[Family, ...] = ()
    password: str = field(default="", repr=False)
    passive: bool = True
    port: int = 179
    hops: int = 0
    multihop: int = 0
    add_path: bool | None = None
    own_address: str = ""
    own_port: int = 179
    own_asn: int = 0

    @property
    def served(self) -> tuple[Family, ...]:
        return self.families or (family_of(self.address),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session as the router sees it.

    Attributes:
        state: The router's word; `Established` means up with both.
        epoch: Differs after every re-establishment, equal as long as there was none.
        hold_time: Agreed on, in seconds; 0 while there is none.
        peer_id: The peer's BGP Identifier; empty while there is none.
        last_error: The last NOTIFICATION or error in the router's words, its text included.
    """

    state: str
    epoch: str
    hold_time: int = 0
    peer_id: str = ""
    last_error: str = field(default="", compare=False)

    @property
    def established(self) -> bool:
        return self.state == ESTABLISHED


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """One path of a prefix in the router's own table.

    Attributes:
        peer: The address of the peer it came from.
        communities: As `65000:100`; large ones as `64512:1:2`; the router's names are not used.
        stale: Kept for a restarting peer (RFC 4724 §4.2); BIRD does not tell, False there.
    """

    peer: str
    next_hop: str
    as_path: tuple[int, ...]
    communities: tuple[str, ...] = ()
    large_communities: tuple[str, ...] = ()
    med: int | None = None
    local_pref: int | None = None
    stale: bool = False


class Router(Protocol):
    """A router under test: one daemon on one host."""

    host: Host
    asn: int

    def configure(self, *peers: RouterPeer) -> None:
        """Replace the set of peers; those that stay unchanged keep their sessions."""

    def start(self) -> None:
        """Start it with an empty table; returns when it answers."""

    def stop(self) -> None:
        """Let it end properly (SIGTERM); peers hear a NOTIFICATION, kernel routes go."""

    def kill(self) -> None:
        """SIGKILL: peers hear the kernel close; kernel routes stay until it starts again."""

    def sessions(self) -> dict[str, Session]:
        """All sessions by the peer's address."""

    def routes(self, prefix: str) -> tuple[Path, ...]:
        """The paths of `prefix` in its table, in its own order of preference."""
