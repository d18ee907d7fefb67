"""The six states of one BGP connection (RFC 4271 §8.2.2)."""

from __future__ import annotations

from enum import Enum


class State(Enum):
    """Ordered as a session comes up; `rank` says how far it is."""

    IDLE = "Idle"
    CONNECT = "Connect"
    ACTIVE = "Active"
    OPEN_SENT = "OpenSent"
    OPEN_CONFIRM = "OpenConfirm"
    ESTABLISHED = "Established"

    @property
    def rank(self) -> int:
        """0 for Idle to 5 for Established."""
        return _ORDER.index(self)


_ORDER = tuple(State)
