"""What may be seen of a speaker: immutable, taken on request; the mirror of `porter_bgp.config`.

Times are seconds on the speaker's monotonic clock. Routes are not in here: they come in slices, by
`Speaker.advertised` and `Speaker.paths`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from ipaddress import IPv4Address, IPv6Address

    from porter_bgp.fsm import State
    from porter_bgp.wire import AddressFamily

__all__ = ["DownView", "FamilyView", "PeerView", "SpeakerView"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyView:
    """One address family of one peer, counted in routes.

    Attributes:
        wanted: What we want the peer to have.
        advertised: What it was sent on this session.
        pending: What is left to send, withdrawals included.
        received: What it sent us and did not withdraw; exact up to the peer's prefix limit.
        over_limit: It sent more than the limit.
        end_of_rib_sent: Our End-of-RIB has gone on this session.
        end_of_rib_received: The peer's has come.
        add_path: We may send path identifiers (RFC 7911): several paths to one prefix.
        stale: Routes of the peer that we keep from before, until it has told them again.
    """

    wanted: int
    advertised: int
    pending: int
    received: int
    over_limit: bool
    end_of_rib_sent: bool
    end_of_rib_received: bool
    add_path: bool = False
    stale: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DownView:
    """Why a session last ended, or does not come up.

    Attributes:
        reason: One word for machines.
        text: One sentence for people, printable ASCII.
        at: When.
    """

    reason: str
    text: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerView:
    """One peer.

    Attributes:
        name: As given to `Speaker.configure`.
        remote: Its address.
        port: The port we dial there.
        local: Our end of the connection; None without one.
        state: Of the connection that got furthest.
        established_at: None unless Established.
        peer_asn: As its OPEN says; as configured before there is one.
        peer_id: Its BGP Identifier; None before its OPEN.
        hold_time: Agreed on, in seconds; 0 for none, or none yet.
        families: The negotiated ones; unless Established, those of which we keep stale routes.
        last_down: None while it has never failed.
        flaps: How often it was lost.
        received_messages: By message type's name.
        sent_messages: By message type's name.
        faults: UPDATE faults by verdict's name (RFC 7606).
        graceful_restart: The peer keeps our routes, of all families, if we go without a word:
            graceful restart was offered by both (RFC 4724 §4.2). False unless Established.
        restarting_until: Until when we keep its stale routes; None while there are none.
        unacknowledged_since: When the oldest octets were written to it that it has not
            acknowledged; None where it has acknowledged all, or is not Established.
    """

    name: str
    remote: IPv4Address | IPv6Address
    port: int
    local: IPv4Address | IPv6Address | None
    state: State
    established_at: float | None
    peer_asn: int | None
    peer_id: IPv4Address | None
    hold_time: int
    families: Mapping[AddressFamily, FamilyView]
    last_down: DownView | None
    flaps: int
    received_messages: Mapping[str, int] = field(default_factory=dict)
    sent_messages: Mapping[str, int] = field(default_factory=dict)
    faults: Mapping[str, int] = field(default_factory=dict)
    graceful_restart: bool = False
    restarting_until: float | None = None
    unacknowledged_since: float | None = None

    @property
    def established(self) -> bool:
        """Whether routes may be exchanged."""
        return self.established_at is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakerView:
    """A speaker.

    Attributes:
        now: The clock's reading, to compare the times with.
        peers: By name.
        prefixes: How many are announced to anyone.
        listening: The ports listened on.
        listen_error: Why a socket that is wanted does not listen; None when all is well.
    """

    now: float
    peers: Mapping[str, PeerView]
    prefixes: int
    listening: tuple[int, ...]
    listen_error: str | None
