"""Idle, Connect and Active: before our OPEN is sent (RFC 4271 §8.2.2).

One small function a cell of the table. With DelayOpen the TCP connection is up in Connect or Active
while our OPEN waits; a NOTIFICATION is then sent without an OPEN before it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from porter_bgp.fsm.action import Actions, CloseConnection, SendOpen
from porter_bgp.fsm.timers import Timer

if TYPE_CHECKING:
    from porter_bgp.fsm.event import (
        AutomaticStop,
        BgpHeaderErr,
        BgpOpenMsgErr,
        BgpOpenWithDelayOpenTimer,
        ManualStop,
    )
    from porter_bgp.fsm.machine import Machine


def ignore(_machine: Machine, _event: object, _now: float) -> Actions:
    """The event changes nothing here."""
    return ()


def start(machine: Machine, _event: object, now: float) -> Actions:
    """Idle: begin anew, and dial."""
    machine.connect_retry_counter = 0
    return machine.dial(now)


def start_passive(machine: Machine, _event: object, now: float) -> Actions:
    """Idle: begin anew, and wait for the peer to dial."""
    machine.connect_retry_counter = 0
    machine.listen(now)
    return ()


def resume(machine: Machine, event: object, now: float) -> Actions:
    """Idle: it was held long enough; begin as the session begins."""
    return (start_passive if machine.passive else start)(machine, event, now)


def refuse(_machine: Machine, _event: object, _now: float) -> Actions:
    """Idle: no connection is welcome."""
    return (CloseConnection(),)


def fall(machine: Machine, _event: object, _now: float) -> Actions:
    """Connect, Active: whatever this is, it does not belong here; end without a word."""
    return machine.down()


def stop_connect(machine: Machine, _event: ManualStop, _now: float) -> Actions:
    """Connect: the operator's stop sends nothing."""
    return machine.stop(None)


def stop_active(machine: Machine, event: ManualStop, _now: float) -> Actions:
    """Active: with DelayOpen there is somebody to tell."""
    return machine.stop(event.answer if machine.timers.running(Timer.DELAY_OPEN) else None)


def halt(machine: Machine, _event: AutomaticStop, _now: float) -> Actions:
    """Connect, Active: an automatic stop sends nothing."""
    return machine.down()


def redial(machine: Machine, _event: object, now: float) -> Actions:
    """Connect: the dial takes too long; drop it and dial again."""
    return (CloseConnection(), *machine.dial(now))


def dial(machine: Machine, _event: object, now: float) -> Actions:
    """Active: time to dial."""
    return machine.dial(now)


def open_now(machine: Machine, _event: object, now: float) -> Actions:
    """Connect, Active: the peer had its time to send its OPEN first."""
    return machine.send_open(now)


def connected(machine: Machine, _event: object, now: float) -> Actions:
    """Connect, Active: the TCP connection is up."""
    if machine.options.delay_open_time:
        machine.timers.stop(Timer.CONNECT_RETRY)
        machine.timers.start(Timer.DELAY_OPEN, machine.options.delay_open_time, now)
        return ()
    return machine.send_open(now)


def dial_failed(machine: Machine, _event: object, now: float) -> Actions:
    """Connect: with DelayOpen the peer was there, so wait for it in Active; else give up."""
    if machine.timers.running(Timer.DELAY_OPEN):
        machine.listen(now)
        return (CloseConnection(),)
    return machine.down(counted=False)


def lost_in_active(machine: Machine, _event: object, _now: float) -> Actions:
    """Active: the connection went before any OPEN.

    The RFC restarts the ConnectRetryTimer on the way to Idle, where nothing heeds it: we do not.
    """
    return machine.down()


def accept_early_open(machine: Machine, event: BgpOpenWithDelayOpenTimer, now: float) -> Actions:
    """Connect, Active: the peer's OPEN came first, as hoped; answer with ours."""
    return (SendOpen(), *machine.confirm(event.negotiated, now))


def refuse_octets(machine: Machine, event: BgpHeaderErr | BgpOpenMsgErr, _now: float) -> Actions:
    """Connect, Active: say what was wrong, without an OPEN of ours."""
    return machine.down(event.answer)


def wrong_version(machine: Machine, _event: object, _now: float) -> Actions:
    """Connect, Active: with DelayOpen the peer answers nothing of ours, so this does not count."""
    return machine.down(counted=not machine.timers.running(Timer.DELAY_OPEN))
