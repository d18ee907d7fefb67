"""What a session tells its owner."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from porter_bgp.fsm import Negotiated
    from porter_bgp.session.output import ConnId
    from porter_bgp.wire import AddressFamily, Notification, Update


class DownReason(Enum):
    """Why a connection, or the attempt at one, has ended."""

    LEFT = "Left"
    RESTARTING = "Restarting"
    ADMIN_DOWN = "AdminDown"
    ADMIN_RESET = "AdminReset"
    DECONFIGURED = "Deconfigured"
    CONFIG_CHANGED = "ConfigChanged"
    MAX_PREFIXES = "MaxPrefixes"
    OUT_OF_RESOURCES = "OutOfResources"
    BFD_DOWN = "BfdDown"
    DIAL_FAILED = "DialFailed"
    CONNECTION_LOST = "ConnectionLost"
    NOTIFICATION_RECEIVED = "NotificationReceived"
    PROTOCOL_ERROR = "ProtocolError"
    HOLD_TIMER_EXPIRED = "HoldTimerExpired"
    SEND_HOLD_TIMER_EXPIRED = "SendHoldTimerExpired"
    COLLISION = "Collision"
    PEER_RESTARTED = "PeerRestarted"

    @property
    def sentence(self) -> str:
        """The same for people."""
        return _SENTENCES[self]


_SENTENCES = {
    DownReason.LEFT: "we left",
    DownReason.RESTARTING: "we are restarting",
    DownReason.ADMIN_DOWN: "the configuration holds the session down",
    DownReason.ADMIN_RESET: "the session was reset by hand",
    DownReason.DECONFIGURED: "the peer is no longer configured",
    DownReason.CONFIG_CHANGED: "the configuration changed",
    DownReason.MAX_PREFIXES: "the peer sent more prefixes than it may",
    DownReason.OUT_OF_RESOURCES: "we are out of resources",
    DownReason.BFD_DOWN: "BFD lost the peer",
    DownReason.DIAL_FAILED: "the dial failed",
    DownReason.CONNECTION_LOST: "the connection was lost",
    DownReason.NOTIFICATION_RECEIVED: "the peer ended it",
    DownReason.PROTOCOL_ERROR: "the peer broke the protocol",
    DownReason.HOLD_TIMER_EXPIRED: "the peer was silent for the hold time",
    DownReason.SEND_HOLD_TIMER_EXPIRED: "the peer took nothing of what we sent",
    DownReason.COLLISION: "of two connections this one had to go",
    DownReason.PEER_RESTARTED: "the peer restarted and connected anew",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEstablished:
    """Routes may flow.

    Attributes:
        negotiated: What holds on this session.
        conn: The connection that carries it.
        at: When.
    """

    negotiated: Negotiated
    conn: ConnId
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionDown:
    """A session, or an attempt at one, has ended.

    Attributes:
        reason: Why, for machines.
        text: Why, for people: one line of printable ASCII.
        notification: The NOTIFICATION that ended it, if one did.
        sent: It was we who sent it.
        established: It had been Established: routes are to be forgotten, or held as stale.
        at: When.
    """

    reason: DownReason
    text: str
    notification: Notification | None
    sent: bool
    established: bool
    at: float


@dataclass(frozen=True, slots=True)
class UpdateReceived:
    """An UPDATE; what RFC 7606 forgives in it is in `Update.faults`."""

    update: Update


@dataclass(frozen=True, slots=True)
class RefreshReceived:
    """A ROUTE-REFRESH for a family of this session (RFC 2918, RFC 7313).

    Attributes:
        family: The family.
        subtype: A `RouteRefreshSubtype`; beginning and end only where both know RFC 7313.
    """

    family: AddressFamily
    subtype: int


SessionEvent: TypeAlias = SessionEstablished | SessionDown | UpdateReceived | RefreshReceived
