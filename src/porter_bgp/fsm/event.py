"""The events of RFC 4271 §8.1 by their names there, those of RFC 9687 and RFC 2918 beside them.

Events 14 and 15 (a SYN that is, or is not, from a configured peer) are absent: the accept filter
decides them before a connection exists. ROUTE-REFRESH has no number; where UPDATE is expected it
is, too.

An event that stands for a received message knows the type, for a state in which it is unexpected
(RFC 6608); one that stands for a fault brings the NOTIFICATION it earns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from porter_bgp.wire.iana import MessageType

if TYPE_CHECKING:
    from porter_bgp.fsm.negotiate import Negotiated
    from porter_bgp.wire.notification import Notification


class Event:
    """One of those below: `TABLE` has a row for each."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class ManualStart(Event):
    """1: the operator starts the session."""


@dataclass(frozen=True, slots=True)
class ManualStop(Event):
    """2: the operator stops it. `answer` is the Cease to send; None ends it without a word."""

    answer: Notification | None = None


@dataclass(frozen=True, slots=True)
class AutomaticStart(Event):
    """3: the session is started by its own schedule."""


@dataclass(frozen=True, slots=True)
class ManualStartPassive(Event):
    """4: ManualStart with PassiveTcpEstablishment: wait for the peer to dial."""


@dataclass(frozen=True, slots=True)
class AutomaticStartPassive(Event):
    """5: AutomaticStart with PassiveTcpEstablishment."""


@dataclass(frozen=True, slots=True)
class AutomaticStartDamped(Event):
    """6: AutomaticStart with DampPeerOscillations: once the IdleHoldTimer allows."""


@dataclass(frozen=True, slots=True)
class AutomaticStartDampedPassive(Event):
    """7: the same with PassiveTcpEstablishment."""


@dataclass(frozen=True, slots=True)
class AutomaticStop(Event):
    """8: something other than the operator stops the session. `answer` as in ManualStop."""

    answer: Notification | None = None


@dataclass(frozen=True, slots=True)
class ConnectRetryTimerExpires(Event):
    """9: time to dial, or to dial again."""


@dataclass(frozen=True, slots=True)
class HoldTimerExpires(Event):
    """10: the peer has been silent for the Hold Time."""


@dataclass(frozen=True, slots=True)
class KeepaliveTimerExpires(Event):
    """11: we have been silent long enough."""


@dataclass(frozen=True, slots=True)
class DelayOpenTimerExpires(Event):
    """12: the peer had its time to send its OPEN first."""


@dataclass(frozen=True, slots=True)
class IdleHoldTimerExpires(Event):
    """13: Idle has been held long enough."""


@dataclass(frozen=True, slots=True)
class TcpCrAcked(Event):
    """16: the connection we dialled is up."""


@dataclass(frozen=True, slots=True)
class TcpConnectionConfirmed(Event):
    """17: a connection from the peer was accepted."""


@dataclass(frozen=True, slots=True)
class TcpConnectionFails(Event):
    """18: the connection, or the attempt at one, has ended."""


@dataclass(frozen=True, slots=True)
class BgpOpen(Event):
    """19: an OPEN that we accept."""

    message_type: ClassVar[MessageType] = MessageType.OPEN

    negotiated: Negotiated


@dataclass(frozen=True, slots=True)
class BgpOpenWithDelayOpenTimer(Event):
    """20: the same, while our own OPEN is still being delayed."""

    message_type: ClassVar[MessageType] = MessageType.OPEN

    negotiated: Negotiated


@dataclass(frozen=True, slots=True)
class BgpHeaderErr(Event):
    """21: a message header is wrong (RFC 4271 §6.1)."""

    answer: Notification


@dataclass(frozen=True, slots=True)
class BgpOpenMsgErr(Event):
    """22: an OPEN is wrong, or not what we accept (RFC 4271 §6.2)."""

    message_type: ClassVar[MessageType] = MessageType.OPEN

    answer: Notification


@dataclass(frozen=True, slots=True)
class OpenCollisionDump(Event):
    """23: of two connections this one goes (RFC 4271 §6.8)."""


@dataclass(frozen=True, slots=True)
class NotifMsgVerErr(Event):
    """24: the peer's NOTIFICATION says that it wants another version."""


@dataclass(frozen=True, slots=True)
class NotifMsg(Event):
    """25: any other NOTIFICATION, well formed or not: none is ever answered (RFC 4271 §6.4)."""


@dataclass(frozen=True, slots=True)
class KeepAliveMsg(Event):
    """26: a KEEPALIVE."""

    message_type: ClassVar[MessageType] = MessageType.KEEPALIVE


@dataclass(frozen=True, slots=True)
class UpdateMsg(Event):
    """27: an UPDATE, once RFC 7606 has forgiven what it forgives."""

    message_type: ClassVar[MessageType] = MessageType.UPDATE


@dataclass(frozen=True, slots=True)
class UpdateMsgErr(Event):
    """28: an UPDATE that cannot be forgiven (RFC 4271 §6.3, RFC 7606)."""

    message_type: ClassVar[MessageType] = MessageType.UPDATE

    answer: Notification


@dataclass(frozen=True, slots=True)
class SendHoldTimerExpires(Event):
    """29: the peer has taken nothing of what we sent for too long (RFC 9687 §3.2)."""


@dataclass(frozen=True, slots=True)
class RouteRefreshMsg(Event):
    """A ROUTE-REFRESH (RFC 2918): as an UPDATE."""

    message_type: ClassVar[MessageType] = MessageType.ROUTE_REFRESH


@dataclass(frozen=True, slots=True)
class RouteRefreshMsgErr(Event):
    """A ROUTE-REFRESH of a wrong length (RFC 7313 §5): as a faulty UPDATE."""

    message_type: ClassVar[MessageType] = MessageType.ROUTE_REFRESH

    answer: Notification
