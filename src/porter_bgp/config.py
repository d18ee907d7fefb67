"""What may be set: sessions, their TCP connections, peers and the speaker.

Values only, each of which checks itself: a config that exists can be run. What a field means on
the wire is decided in `porter_bgp.fsm.negotiate`, how sockets obey `TcpConfig` in
`porter_bgp.transport`.

Every constructor here raises ValueError, its message beginning with the name of the field.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from ipaddress import IPv4Address, IPv6Address
from typing import TypeAlias

from porter_bgp.wire.open import AS_TRANS
from porter_bgp.wire.prefix import IPV4_UNICAST, AddressFamily

__all__ = [
    "AddPathConfig",
    "Address",
    "Connection",
    "DialConfig",
    "GracefulRestartConfig",
    "ImportPolicy",
    "ListenConfig",
    "MaxPrefixAction",
    "MaxPrefixes",
    "PeerConfig",
    "PeerType",
    "SessionConfig",
    "SpeakerConfig",
    "TcpConfig",
]

Address: TypeAlias = IPv4Address | IPv6Address

_MAX_ASN = 0xFFFF_FFFF
_MAX_SHUTDOWN_OCTETS = 255


def _check_range(name: str, value: int, least: int, most: int, *, unit: str = "") -> None:
    if not least <= value <= most:
        raise ValueError(f"{name}: {value}{unit} is not in {least} to {most}")


def _check_scope(interface: str | None) -> None:
    if not interface:
        raise ValueError("interface: a link-local address needs one")


def _check_asn(name: str, value: int | None) -> None:
    if value is not None and (not 0 < value <= _MAX_ASN or value == AS_TRANS):  # RFC 7607, 6793 §9
        raise ValueError(f"{name}: {value} is no AS number")


class Connection(Enum):
    """Who opens the TCP connection."""

    ACTIVE = "Active"  # we dial, and accept as well
    PASSIVE = "Passive"  # the peer dials; we do after a restart and where nobody has for a while
    PASSIVE_ONLY = "PassiveOnly"  # we never dial


class PeerType(Enum):
    """Which AS numbers a peer may have where its number is not configured."""

    EXTERNAL = "External"  # any but ours
    INTERNAL = "Internal"  # ours


class ImportPolicy(Enum):
    """What becomes of routes that a peer sends (RFC 8212: nothing, unless asked for)."""

    DROP = "Drop"
    ACCEPT = "Accept"


class MaxPrefixAction(Enum):
    """What follows when a peer sends more prefixes than allowed."""

    WARN = "Warn"
    CEASE = "Cease"


@dataclass(frozen=True, slots=True, kw_only=True)
class GracefulRestartConfig:
    """Graceful restart as we offer it (RFC 4724, RFC 8538).

    Attributes:
        restart_time: Seconds the peer keeps our routes without a session: 0 to 4095.
        notification: Whether the N bit may be offered; the moment of the OPEN decides as well.
    """

    restart_time: int = 90
    notification: bool = True

    def __post_init__(self) -> None:
        _check_range("restart_time", self.restart_time, 0, 4095)  # 12 bits, RFC 4724 §3


@dataclass(frozen=True, slots=True, kw_only=True)
class AddPathConfig:
    """Families in which we offer to send, or are ready to receive, several paths (RFC 7911)."""

    send: frozenset[AddressFamily] = frozenset()
    receive: frozenset[AddressFamily] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class MaxPrefixes:
    """How many prefixes of one family a peer may send.

    Attributes:
        limit: At least 1.
        action: What follows when there are more.
    """

    limit: int = 1000
    action: MaxPrefixAction = MaxPrefixAction.WARN

    def __post_init__(self) -> None:
        _check_range("limit", self.limit, 1, 0xFFFF_FFFF)  # four octets in Cease 6/1, RFC 4486 §4


@dataclass(frozen=True, slots=True, kw_only=True)
class DialConfig:
    """When we dial again, all in seconds. Jitter of 0.75 to 1 is applied by the session.

    Attributes:
        first: After the first failure, after a lost collision, and between graceful restarts.
        limit: `first` doubles up to this.
        rejected: After Cease 6/1, 6/3 or 6/5: the peer's operator has to act.
        stable_after: A session that was Established so long begins again with `first`.
        passive_after: A passive session dials where nobody has connected for so long.
    """

    first: float = 1.0
    limit: float = 60.0
    rejected: float = 60.0
    stable_after: float = 300.0
    passive_after: float = 10.0

    def __post_init__(self) -> None:
        if not 0 < self.first <= self.limit:
            raise ValueError(f"first: {self.first} s is not between 0 and the limit {self.limit} s")
        for name in ("rejected", "stable_after", "passive_after"):
            if getattr(self, name) < self.first:
                raise ValueError(f"{name}: {getattr(self, name)} s is less than {self.first} s")


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionConfig:
    """One BGP session as we want it.

    Attributes:
        local_asn: Our AS number.
        router_id: Our BGP Identifier, not 0.0.0.0 (RFC 6286 §2.1).
        peer_asn: The peer's AS number; None for any that fits `peer_type`.
        peer_type: Needed where `peer_asn` is None, else it must agree with it.
        families: Those we offer, each once, at least one.
        hold_time: Seconds we propose: 0 for none, else 3 to 65535.
        min_hold_time: The least we accept from the peer, in seconds; 0 s (none) is always accepted.
        keepalive_time: Seconds between KEEPALIVEs; None for a third of the hold time agreed on. A
            third of that is also the most it will be.
        send_hold_time: Seconds in which the peer must acknowledge something (RFC 9687); None for
            the greater of 480 s and twice the hold time.
        initial_hold_time: Seconds for the peer's OPEN and first KEEPALIVE to come.
        delay_open_time: Seconds for which our OPEN waits for the peer's; 0 for not at all.
        connection: Who dials.
        dial: When to dial again.
        local_as: The AS number this peer knows us by, where it is not `local_asn`.
        graceful_restart: None: not offered.
        add_path: None: not offered.
        extended_next_hop: Offer IPv4 routes with IPv6 next hops (RFC 8950).
        extended_message: Be ready for messages of 65535 octets (RFC 8654).
        route_refresh: Offer route refresh, plain and enhanced (RFC 2918, RFC 7313).
        enforce_first_as: Routes of an external peer must begin with its AS number.
        admin_up: False: the session is held in Idle.
        shutdown_message: Sent with Cease where the session is held in Idle (RFC 9003): at most 255
            octets of UTF-8.
        loopback: Both ends are loopback addresses: such next hops are legal here.
        own_addresses: Ours: a route whose next hop is one of them is faulty (RFC 4271 §6.3).
    """

    local_asn: int
    router_id: IPv4Address
    peer_asn: int | None = None
    peer_type: PeerType | None = None
    families: tuple[AddressFamily, ...] = (IPV4_UNICAST,)
    hold_time: int = 90
    min_hold_time: int = 3
    keepalive_time: int | None = None
    send_hold_time: int | None = None
    initial_hold_time: int = 240  # RFC 4271 §8.2.2: a large value
    delay_open_time: float = 0.0
    connection: Connection = Connection.ACTIVE
    dial: DialConfig = DialConfig()
    local_as: int | None = None
    graceful_restart: GracefulRestartConfig | None = None
    add_path: AddPathConfig | None = None
    extended_next_hop: bool = False
    extended_message: bool = True
    route_refresh: bool = True
    enforce_first_as: bool = False
    admin_up: bool = True
    shutdown_message: str = ""
    loopback: bool = False
    own_addresses: frozenset[Address] = frozenset()

    def __post_init__(self) -> None:
        self._check_numbers()
        self._check_timers()
        if not self.families or len(set(self.families)) != len(self.families):
            raise ValueError("families: at least one, each once")
        paths = self.add_path or AddPathConfig()
        if strangers := (paths.send | paths.receive) - set(self.families):
            raise ValueError(f"add_path: {min(strangers)} is not among the families")
        if len(self.shutdown_message.encode()) > _MAX_SHUTDOWN_OCTETS:  # RFC 9003 §2
            raise ValueError("shutdown_message: more than 255 octets of UTF-8")

    def _check_numbers(self) -> None:
        for name in ("local_asn", "peer_asn", "local_as"):
            _check_asn(name, getattr(self, name))
        if int(self.router_id) == 0:
            raise ValueError("router_id: 0.0.0.0 is nobody's BGP Identifier")
        if self.peer_asn is None and self.peer_type is None:
            raise ValueError("peer_asn: neither a number nor a peer_type")
        if self.peer_asn is not None and self.peer_type not in {None, self._type_of(self.peer_asn)}:
            raise ValueError(f"peer_type: AS {self.peer_asn} is not {self.peer_type}")

    def _check_timers(self) -> None:
        if self.hold_time:
            _check_range("hold_time", self.hold_time, 3, 0xFFFF)  # RFC 4271 §4.2
        _check_range("min_hold_time", self.min_hold_time, 3, 0xFFFF)
        if self.hold_time and self.min_hold_time > self.hold_time:
            raise ValueError(f"min_hold_time: more than the hold time of {self.hold_time} s")
        if self.keepalive_time is not None:
            _check_range("keepalive_time", self.keepalive_time, 1, 0xFFFF)
        if self.send_hold_time is not None:
            _check_range("send_hold_time", self.send_hold_time, 2 * self.hold_time, 0xFFFFF)
            _check_range("send_hold_time", self.send_hold_time, 6, 0xFFFFF)
        _check_range("initial_hold_time", self.initial_hold_time, 3, 0xFFFF)
        if not 0 <= self.delay_open_time < self.initial_hold_time:
            raise ValueError(f"delay_open_time: {self.delay_open_time} s is out of range")

    @property
    def shown_asn(self) -> int:
        """The AS number the peer knows us by."""
        return self.local_asn if self.local_as is None else self.local_as

    def external_to(self, peer_asn: int) -> bool:
        """Whether a peer of this AS number is an external one."""
        return peer_asn != self.shown_asn

    def admits(self, peer_asn: int) -> bool:
        """Whether `peer_asn` is the number, or of the type, that is configured."""
        if self.peer_asn is not None:
            return peer_asn == self.peer_asn
        return self._type_of(peer_asn) is self.peer_type

    def _type_of(self, peer_asn: int) -> PeerType:
        return PeerType.EXTERNAL if self.external_to(peer_asn) else PeerType.INTERNAL


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpConfig:
    """How connections to one peer are made and kept.

    Attributes:
        remote: The peer's address.
        port: The port we dial.
        source: The address we dial from; None: the kernel chooses.
        interface: The device to bind to, needed for a link-local `remote`.
        connect_timeout: Seconds a dial may take.
        ttl: Hops allowed to and from a peer that is not a neighbour (1 to 255); None: one hop for
            external peers, the kernel's default for internal ones.
        gtsm_hops: Accept only packets from so many hops away (RFC 5082), sending with TTL 255;
            excludes `ttl`.
        md5_password: Key of TCP MD5 (RFC 2385), 1 to 80 octets: the kernel's bound.
    """

    remote: Address
    port: int = 179
    source: Address | None = None
    interface: str | None = None
    connect_timeout: float = 5.0
    ttl: int | None = None
    gtsm_hops: int | None = None
    md5_password: bytes | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        _check_range("port", self.port, 1, 0xFFFF)
        if self.remote.is_unspecified or self.remote.is_multicast:
            raise ValueError(f"remote: {self.remote} is no peer's address")
        if self.source is not None and self.source.version != self.remote.version:
            raise ValueError(f"source: {self.source} is not of the family of {self.remote}")
        if isinstance(self.remote, IPv6Address) and self.remote.is_link_local:
            _check_scope(self.interface or self.remote.scope_id)
        if not 0 < self.connect_timeout <= 300:
            raise ValueError(f"connect_timeout: {self.connect_timeout} s is not in 0 to 300")
        if self.ttl is not None:
            _check_range("ttl", self.ttl, 1, 255)
        if self.gtsm_hops is not None:
            _check_range("gtsm_hops", self.gtsm_hops, 1, 254)
            if self.ttl is not None:
                raise ValueError("gtsm_hops: excludes ttl")
        if self.md5_password is not None:
            _check_range("md5_password", len(self.md5_password), 1, 80, unit=" octets")


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerConfig:
    """One peer: its session, its connections, and what is told to and believed of it.

    Attributes:
        session: The BGP session.
        tcp: The TCP connections under it.
        import_policy: What becomes of its routes.
        max_prefixes: How many of them, per family.
        next_hop_ipv4: Our next hop for IPv4 routes; None: the connection's local end where that is
            of this family, else one of `SpeakerConfig.node_addresses`.
        next_hop_ipv6: The same for IPv6 routes.
    """

    session: SessionConfig
    tcp: TcpConfig
    import_policy: ImportPolicy = ImportPolicy.DROP
    max_prefixes: MaxPrefixes = MaxPrefixes()
    next_hop_ipv4: IPv4Address | None = None
    next_hop_ipv6: IPv6Address | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenConfig:
    """One listening socket.

    Attributes:
        address: The local address; 0.0.0.0 or :: for all of a family.
        port: 0 lets the kernel choose.
    """

    address: Address
    port: int = 179

    def __post_init__(self) -> None:
        _check_range("port", self.port, 0, 0xFFFF)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakerConfig:
    """What all peers of a speaker share.

    Attributes:
        listen: Sockets that accept; none: we only dial.
        node_addresses: Our own addresses, the best first: next hops where a connection has none of
            the family.
    """

    listen: tuple[ListenConfig, ...] = ()
    node_addresses: tuple[Address, ...] = ()

    def __post_init__(self) -> None:
        if len(set(self.listen)) != len(self.listen):
            raise ValueError("listen: the same address and port twice")
