"""Established: what differs from OpenConfirm once routes may flow (RFC 4271 §8.2.2).

One small function a cell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from porter_bgp.fsm.action import Actions, Deliver
from porter_bgp.wire.iana import ErrorCode
from porter_bgp.wire.notification import Notification

if TYPE_CHECKING:
    from porter_bgp.fsm.event import RouteRefreshMsgErr, UpdateMsgErr
    from porter_bgp.fsm.machine import Machine


def heard(machine: Machine, _event: object, now: float) -> Actions:
    """A KEEPALIVE: the peer is alive."""
    machine.heard(now)
    return ()


def deliver(machine: Machine, _event: object, now: float) -> Actions:
    """An UPDATE or ROUTE-REFRESH: the peer is alive, and has something to say."""
    machine.heard(now)
    return (Deliver(),)


def refuse_message(
    machine: Machine, event: UpdateMsgErr | RouteRefreshMsgErr, _now: float
) -> Actions:
    """A message that RFC 7606 cannot forgive, or that RFC 7313 does not."""
    return machine.down(event.answer)


def send_hold_expired(machine: Machine, _event: object, _now: float) -> Actions:
    """The peer takes nothing: tell it, should it ever read, and close at once (RFC 9687 §3.2)."""
    return machine.down(Notification(ErrorCode.SEND_HOLD_TIMER_EXPIRED), reset=True)
