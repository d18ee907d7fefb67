"""OpenSent and OpenConfirm: our OPEN is out, the session is not yet up (RFC 4271 §8.2.2).

One small function a cell. What answers are due is decided here; whether an OPEN is one that we
accept was decided in `porter_bgp.fsm.negotiate`, and which of two connections stays is for the
session.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from porter_bgp.fsm.action import Actions, CloseConnection
from porter_bgp.fsm.event import (
    AutomaticStop,
    BgpHeaderErr,
    BgpOpen,
    BgpOpenMsgErr,
    BgpOpenWithDelayOpenTimer,
    KeepAliveMsg,
    ManualStop,
    RouteRefreshMsg,
    RouteRefreshMsgErr,
    UpdateMsg,
    UpdateMsgErr,
)
from porter_bgp.fsm.state import State
from porter_bgp.wire.iana import CeaseSubcode, ErrorCode
from porter_bgp.wire.notification import Notification

if TYPE_CHECKING:
    from porter_bgp.fsm.machine import Machine

UnexpectedMessage = (
    BgpOpen
    | BgpOpenMsgErr
    | BgpOpenWithDelayOpenTimer
    | KeepAliveMsg
    | UpdateMsg
    | UpdateMsgErr
    | RouteRefreshMsg
    | RouteRefreshMsgErr
)


def stop(machine: Machine, event: ManualStop, _now: float) -> Actions:
    """The operator's stop: Cease, unless it is to be silent."""
    return machine.stop(event.answer)


def halt(machine: Machine, event: AutomaticStop, _now: float) -> Actions:
    """An automatic stop: Cease, and it counts."""
    return machine.down(event.answer)


def hold_expired(machine: Machine, _event: object, _now: float) -> Actions:
    """The peer was silent for too long."""
    return machine.down(Notification(ErrorCode.HOLD_TIMER_EXPIRED))


def confused(machine: Machine, _event: object, _now: float) -> Actions:
    """A timer that should not run here, or a start out of Idle's order."""
    return machine.confused()


def unexpected(machine: Machine, event: UnexpectedMessage, _now: float) -> Actions:
    """A message that has no place in this state (RFC 6608)."""
    return machine.confused(event.message_type)


def lost_in_open_sent(machine: Machine, _event: object, now: float) -> Actions:
    """OpenSent: the connection went; wait for another."""
    machine.negotiated = None
    machine.listen(now)
    return (CloseConnection(),)


def lost(machine: Machine, _event: object, _now: float) -> Actions:
    """OpenConfirm, Established: the connection went."""
    return machine.down()


def accept_open(machine: Machine, event: BgpOpen, now: float) -> Actions:
    """OpenSent: the peer's OPEN is one that we accept."""
    return machine.confirm(event.negotiated, now)


def refuse_octets(machine: Machine, event: BgpHeaderErr | BgpOpenMsgErr, _now: float) -> Actions:
    """Say what was wrong with the peer's message."""
    return machine.down(event.answer)


def dump(machine: Machine, _event: object, _now: float) -> Actions:
    """Of two connections this one goes (RFC 4271 §6.8)."""
    return machine.down(Notification(ErrorCode.CEASE, CeaseSubcode.COLLISION_RESOLUTION))


def wrong_version(machine: Machine, _event: object, _now: float) -> Actions:
    """The peer wants another version: end without a word, and without counting."""
    return machine.down(counted=False)


def notified(machine: Machine, _event: object, _now: float) -> Actions:
    """A NOTIFICATION ends the connection and is never answered.

    In OpenSent the letter of §8.2.2 answers with Finite State Machine Error ("any other event");
    §6.4 forbids to answer errors in a NOTIFICATION. Silence harms nobody.
    """
    return machine.down()


def keep_alive(machine: Machine, _event: object, now: float) -> Actions:
    """OpenConfirm, Established: it is time to be heard."""
    return machine.keep_alive(now)


def establish(machine: Machine, _event: object, now: float) -> Actions:
    """OpenConfirm: the peer accepts our OPEN, too."""
    machine.heard(now)
    machine.state = State.ESTABLISHED
    return ()
