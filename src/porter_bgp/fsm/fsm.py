"""One connection's state machine: the table, set in motion by events and by time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from porter_bgp.fsm.event import (
    ConnectRetryTimerExpires,
    DelayOpenTimerExpires,
    Event,
    HoldTimerExpires,
    IdleHoldTimerExpires,
    KeepaliveTimerExpires,
    SendHoldTimerExpires,
)
from porter_bgp.fsm.machine import Machine
from porter_bgp.fsm.table import TABLE
from porter_bgp.fsm.timers import Timer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from porter_bgp.fsm.action import Actions

_EXPIRY: Mapping[Timer, Event] = {
    Timer.CONNECT_RETRY: ConnectRetryTimerExpires(),
    Timer.HOLD: HoldTimerExpires(),
    Timer.KEEPALIVE: KeepaliveTimerExpires(),
    Timer.DELAY_OPEN: DelayOpenTimerExpires(),
    Timer.IDLE_HOLD: IdleHoldTimerExpires(),
    Timer.SEND_HOLD: SendHoldTimerExpires(),
}


class Fsm(Machine):
    """A machine with its table: total, without I/O, and without a clock."""

    def handle(self, event: Event, now: float) -> Actions:
        """Do what `event` asks for in this state; there is always an answer."""
        return TABLE[self.state, type(event)](self, event, now)

    def take_expiry(self, now: float) -> Event | None:
        """The event of the timer that expired first, to be handled next; None where none has."""
        timer = self.timers.take_expired(now)
        return None if timer is None else _EXPIRY[timer]
