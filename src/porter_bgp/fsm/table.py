"""The whole state machine: what follows from every event in every state (RFC 4271 §8.2.2).

Three places where the text contradicts itself, and how they are read here: a NOTIFICATION is never
answered, in OpenSent either; a wrong header is answered as such in Established, too (§6.1 over
§8.2.2); a second OPEN on one connection is an unexpected message, well formed or not (RFC 6608).

A collision in OpenConfirm or Established is between connections, each with a machine of its own:
the session finds it, and the loser's machine gets `OpenCollisionDump`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias, TypeVar

from porter_bgp.fsm import connecting, established, opening
from porter_bgp.fsm import event as ev
from porter_bgp.fsm.action import Actions
from porter_bgp.fsm.connecting import ignore
from porter_bgp.fsm.machine import Machine
from porter_bgp.fsm.state import State

E = TypeVar("E", bound=ev.Event)
Cell: TypeAlias = Callable[[Machine, E, float], Actions]
Handler: TypeAlias = Callable[[Machine, ev.Event, float], Actions]
Cells: TypeAlias = dict[tuple[State, type[ev.Event]], Handler]


def row(kind: type[E], *cells: Cell[E]) -> Cells:
    """One event's cells in the order of `State`, each bound to its kind of event."""
    return {(state, kind): _bound(kind, cell) for state, cell in zip(State, cells, strict=True)}


def _bound(kind: type[E], cell: Cell[E]) -> Handler:
    def handler(machine: Machine, event: ev.Event, now: float) -> Actions:
        if not isinstance(event, kind):
            raise TypeError(f"{event} stands in the row of {kind.__name__}")
        return cell(machine, event, now)

    return handler


_start, _passive = connecting.start, connecting.start_passive
_fall, _confused, _unexpected = connecting.fall, opening.confused, opening.unexpected

# fmt: off
TABLE: Mapping[tuple[State, type[ev.Event]], Handler] = MappingProxyType(
    # Idle, Connect, Active, OpenSent, OpenConfirm, Established
    row(ev.ManualStart, _start, ignore, ignore, ignore, ignore, ignore)
    | row(ev.AutomaticStart, _start, ignore, ignore, ignore, ignore, ignore)
    | row(ev.AutomaticStartDamped, _start, ignore, ignore, ignore, ignore, ignore)
    | row(ev.ManualStartPassive, _passive, ignore, ignore, ignore, ignore, ignore)
    | row(ev.AutomaticStartPassive, _passive, ignore, ignore, ignore, ignore, ignore)
    | row(ev.AutomaticStartDampedPassive, _passive, ignore, ignore, ignore, ignore, ignore)
    | row(ev.ManualStop, ignore, connecting.stop_connect, connecting.stop_active,
          opening.stop, opening.stop, opening.stop)
    | row(ev.AutomaticStop, ignore, connecting.halt, connecting.halt,
          opening.halt, opening.halt, opening.halt)
    | row(ev.ConnectRetryTimerExpires, ignore, connecting.redial, connecting.dial,
          _confused, _confused, _confused)
    | row(ev.HoldTimerExpires, ignore, _fall, _fall,
          opening.hold_expired, opening.hold_expired, opening.hold_expired)
    | row(ev.KeepaliveTimerExpires, ignore, _fall, _fall,
          _confused, opening.keep_alive, opening.keep_alive)
    | row(ev.DelayOpenTimerExpires, ignore, connecting.open_now, connecting.open_now,
          _confused, _confused, _confused)
    | row(ev.IdleHoldTimerExpires, connecting.resume, _fall, _fall,
          _confused, _confused, _confused)
    | row(ev.TcpCrAcked, connecting.refuse, connecting.connected, connecting.connected,
          ignore, ignore, ignore)
    | row(ev.TcpConnectionConfirmed, connecting.refuse, connecting.connected, connecting.connected,
          ignore, ignore, ignore)
    | row(ev.TcpConnectionFails, ignore, connecting.dial_failed, connecting.lost_in_active,
          opening.lost_in_open_sent, opening.lost, opening.lost)
    | row(ev.BgpOpen, ignore, _fall, _fall, opening.accept_open, _unexpected, _unexpected)
    | row(ev.BgpOpenWithDelayOpenTimer, ignore,
          connecting.accept_early_open, connecting.accept_early_open,
          _unexpected, _unexpected, _unexpected)
    | row(ev.BgpHeaderErr, ignore, connecting.refuse_octets, connecting.refuse_octets,
          opening.refuse_octets, opening.refuse_octets, opening.refuse_octets)
    | row(ev.BgpOpenMsgErr, ignore, connecting.refuse_octets, connecting.refuse_octets,
          opening.refuse_octets, _unexpected, _unexpected)
    | row(ev.OpenCollisionDump, ignore, _fall, _fall, opening.dump, opening.dump, opening.dump)
    | row(ev.NotifMsgVerErr, ignore, connecting.wrong_version, connecting.wrong_version,
          opening.wrong_version, opening.wrong_version, opening.notified)
    | row(ev.NotifMsg, ignore, _fall, _fall,
          opening.notified, opening.notified, opening.notified)
    | row(ev.KeepAliveMsg, ignore, _fall, _fall,
          _unexpected, opening.establish, established.heard)
    | row(ev.UpdateMsg, ignore, _fall, _fall, _unexpected, _unexpected, established.deliver)
    | row(ev.UpdateMsgErr, ignore, _fall, _fall,
          _unexpected, _unexpected, established.refuse_message)
    | row(ev.SendHoldTimerExpires, ignore, ignore, ignore, ignore, ignore,
          established.send_hold_expired)
    | row(ev.RouteRefreshMsg, ignore, _fall, _fall, _unexpected, _unexpected, established.deliver)
    | row(ev.RouteRefreshMsgErr, ignore, _fall, _fall,
          _unexpected, _unexpected, established.refuse_message)
)
# fmt: on
