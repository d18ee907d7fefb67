"""Why a connection has ended, for machines and for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from porter_bgp.fsm import State, event
from porter_bgp.session.event import DownReason, SessionDown

if TYPE_CHECKING:
    from porter_bgp.session.connection import Received, Turn

_MAX_TEXT = 300
_REASONS = {
    event.HoldTimerExpires: DownReason.HOLD_TIMER_EXPIRED,
    event.SendHoldTimerExpires: DownReason.SEND_HOLD_TIMER_EXPIRED,
    event.TcpConnectionFails: DownReason.CONNECTION_LOST,
    event.OpenCollisionDump: DownReason.COLLISION,
    event.NotifMsg: DownReason.NOTIFICATION_RECEIVED,
    event.NotifMsgVerErr: DownReason.NOTIFICATION_RECEIVED,
}


def describe(turn: Turn, received: Received, now: float, reason: DownReason | None) -> SessionDown:
    """What the owner is told of a connection that has ended.

    Args:
        turn: What the machine made of it.
        received: What ended it.
        now: The time.
        reason: Why, where whoever ended it knows better than `received` does.
    """
    if reason is None:
        reason = _REASONS.get(type(received.event), DownReason.PROTOCOL_ERROR)
        if reason is DownReason.CONNECTION_LOST and turn.before is State.CONNECT:
            reason = DownReason.DIAL_FAILED
    words = [reason.sentence]
    if received.notification is not None:
        words.append(str(received.notification))
    if turn.sent is not None:
        words.append(f"sent {turn.sent}")
    if received.detail:
        words.append(received.detail)
    text = ": ".join(words).encode("ascii", "backslashreplace").decode("ascii")
    return SessionDown(
        reason=reason,
        text="".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)[:_MAX_TEXT],
        notification=turn.sent or received.notification,
        sent=turn.sent is not None,
        established=turn.before is State.ESTABLISHED,
        at=now,
    )
