"""What the state machine asks its connection to do: imperatives, executed in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from porter_bgp.wire.notification import Notification


@dataclass(frozen=True, slots=True)
class Dial:
    """Begin a TCP connection to the peer."""


@dataclass(frozen=True, slots=True)
class SendOpen:
    """Send our OPEN."""


@dataclass(frozen=True, slots=True)
class SendKeepalive:
    """Send a KEEPALIVE."""


@dataclass(frozen=True, slots=True)
class SendNotification:
    """Send this NOTIFICATION; closing follows."""

    notification: Notification


@dataclass(frozen=True, slots=True)
class CloseConnection:
    """Drop the TCP connection, or the attempt at one.

    `reset` asks not to wait for what the peer has not taken yet.
    """

    reset: bool = False


@dataclass(frozen=True, slots=True)
class Deliver:
    """Hand on the message that the event stands for: the session is Established."""


Action: TypeAlias = Dial | SendOpen | SendKeepalive | SendNotification | CloseConnection | Deliver
Actions: TypeAlias = tuple[Action, ...]
