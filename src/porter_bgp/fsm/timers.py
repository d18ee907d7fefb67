"""Timers as deadlines: time comes in as `now`, the earliest deadline goes out as one number.

Seconds are those of the caller's monotonic clock; nothing here reads one.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Timer(Enum):
    """The timers of RFC 4271 §8.2.2, the optional ones of §8.1.3, and RFC 9687's."""

    CONNECT_RETRY = "ConnectRetryTimer"
    HOLD = "HoldTimer"
    KEEPALIVE = "KeepaliveTimer"
    DELAY_OPEN = "DelayOpenTimer"
    IDLE_HOLD = "IdleHoldTimer"
    SEND_HOLD = "SendHoldTimer"


_JITTERED = frozenset({Timer.CONNECT_RETRY, Timer.KEEPALIVE, Timer.IDLE_HOLD})  # RFC 4271 §10


class Timers:
    """The running timers of one connection.

    Args:
        jitter: Returns the factor for one start of a timer, 0.75 to 1 (RFC 4271 §10).
    """

    def __init__(self, jitter: Callable[[], float]) -> None:
        self._jitter = jitter
        self._deadlines: dict[Timer, float] = {}

    def start(self, timer: Timer, seconds: float, now: float) -> None:
        """Start or restart `timer`; 0 seconds are over at once."""
        factor = self._jitter() if timer in _JITTERED else 1.0
        self._deadlines[timer] = now + seconds * factor

    def stop(self, timer: Timer) -> None:
        """Stop `timer`, running or not."""
        self._deadlines.pop(timer, None)

    def stop_all(self) -> None:
        """Stop whatever runs."""
        self._deadlines.clear()

    def running(self, timer: Timer) -> bool:
        """Whether `timer` runs."""
        return timer in self._deadlines

    def deadline(self, timer: Timer) -> float | None:
        """When `timer` expires; None where it does not run."""
        return self._deadlines.get(timer)

    def next_deadline(self) -> float | None:
        """The earliest deadline; None where nothing runs."""
        return min(self._deadlines.values(), default=None)

    def take_expired(self, now: float) -> Timer | None:
        """Stop and return the timer that expired first, if one has."""
        timer = min(self._deadlines, key=self._deadlines.__getitem__, default=None)
        if timer is None or self._deadlines[timer] > now:
            return None
        del self._deadlines[timer]
        return timer
