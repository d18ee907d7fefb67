"""`porter_bgp.fsm.table`: every event in every state (RFC 4271 §8.2.2, RFC 6608, RFC 9687)."""

from __future__ import annotations

import inspect
from ipaddress import IPv4Address

import pytest

from porter_bgp.config import SessionConfig
from porter_bgp.fsm import (
    TABLE,
    Fsm,
    Negotiated,
    Options,
    RestartFacts,
    State,
    Timer,
    action,
    event,
    local_open,
    negotiate,
)
from porter_bgp.wire import CeaseSubcode, ErrorCode, Notification, OpenSubcode

HEADER = Notification(ErrorCode.MESSAGE_HEADER, 2, b"\x00\x12")
OPEN = Notification(ErrorCode.OPEN_MESSAGE, OpenSubcode.BAD_PEER_AS)
UPDATE = Notification(ErrorCode.UPDATE_MESSAGE, 1)
REFRESH = Notification(ErrorCode.ROUTE_REFRESH, 1)
SHUTDOWN = Notification.cease(CeaseSubcode.ADMINISTRATIVE_SHUTDOWN)


def agreed(hold_time: int = 90) -> Negotiated:
    ours = SessionConfig(
        local_asn=65001, router_id=IPv4Address("192.0.2.1"), peer_asn=65002, hold_time=hold_time
    )
    theirs = SessionConfig(local_asn=65002, router_id=IPv4Address("192.0.2.2"), peer_asn=65001)
    facts = RestartFacts()
    return negotiate(local_open(ours, facts), local_open(theirs, facts), ours)


AGREED = agreed()

# A cell: the state after it; what becomes of the ConnectRetryCounter (=, + for one more, 0); then
# the actions in order, a NOTIFICATION as code/subcode with its data in hex.
# Columns: Idle, Connect, Active, OpenSent, OpenConfirm, Established; "-" changes nothing.
DOWN = "Idle + close"
TABLE_OF_THE_RFC: dict[event.Event, str] = {
    event.ManualStart(): "Connect 0 dial | - | - | - | - | -",
    event.AutomaticStart(): "Connect 0 dial | - | - | - | - | -",
    event.AutomaticStartDamped(): "Connect 0 dial | - | - | - | - | -",
    event.ManualStartPassive(): "Active 0 | - | - | - | - | -",
    event.AutomaticStartPassive(): "Active 0 | - | - | - | - | -",
    event.AutomaticStartDampedPassive(): "Active 0 | - | - | - | - | -",
    event.ManualStop(SHUTDOWN): "- | Idle 0 close | Idle 0 close"
    " | Idle 0 6/2 close | Idle 0 6/2 close | Idle 0 6/2 close",
    event.ManualStop(): "-" + " | Idle 0 close" * 5,
    event.AutomaticStop(SHUTDOWN): f"- | {DOWN} | {DOWN}"
    " | Idle + 6/2 close | Idle + 6/2 close | Idle + 6/2 close",
    event.ConnectRetryTimerExpires(): "- | Connect = close dial | Connect = dial"
    " | Idle + 5/1 close | Idle + 5/2 close | Idle + 5/3 close",
    event.HoldTimerExpires(): f"- | {DOWN} | {DOWN}"
    " | Idle + 4/0 close | Idle + 4/0 close | Idle + 4/0 close",
    event.KeepaliveTimerExpires(): f"- | {DOWN} | {DOWN}"
    " | Idle + 5/1 close | OpenConfirm = keepalive | Established = keepalive",
    event.DelayOpenTimerExpires(): "- | OpenSent = open | OpenSent = open"
    " | Idle + 5/1 close | Idle + 5/2 close | Idle + 5/3 close",
    event.IdleHoldTimerExpires(): f"Connect 0 dial | {DOWN} | {DOWN}"
    " | Idle + 5/1 close | Idle + 5/2 close | Idle + 5/3 close",
    event.TcpCrAcked(): "Idle = close | OpenSent = open | OpenSent = open | - | - | -",
    event.TcpConnectionConfirmed(): "Idle = close | OpenSent = open | OpenSent = open | - | - | -",
    event.TcpConnectionFails(): f"- | Idle = close | {DOWN} | Active = close | {DOWN} | {DOWN}",
    event.BgpOpen(AGREED): f"- | {DOWN} | {DOWN} | OpenConfirm = keepalive"
    " | Idle + 5/2:01 close | Idle + 5/3:01 close",
    event.BgpOpenWithDelayOpenTimer(AGREED): "-"
    " | OpenConfirm = open keepalive | OpenConfirm = open keepalive"
    " | Idle + 5/1:01 close | Idle + 5/2:01 close | Idle + 5/3:01 close",
    event.BgpHeaderErr(HEADER): "-" + " | Idle + 1/2:0012 close" * 5,
    event.BgpOpenMsgErr(OPEN): "- | Idle + 2/2 close | Idle + 2/2 close | Idle + 2/2 close"
    " | Idle + 5/2:01 close | Idle + 5/3:01 close",
    event.OpenCollisionDump(): f"- | {DOWN} | {DOWN}"
    " | Idle + 6/7 close | Idle + 6/7 close | Idle + 6/7 close",
    event.NotifMsgVerErr(): f"- | {DOWN} | {DOWN} | Idle = close | Idle = close | {DOWN}",
    event.NotifMsg(): "-" + f" | {DOWN}" * 5,
    event.KeepAliveMsg(): f"- | {DOWN} | {DOWN}"
    " | Idle + 5/1:04 close | Established = | Established =",
    event.UpdateMsg(): f"- | {DOWN} | {DOWN}"
    " | Idle + 5/1:02 close | Idle + 5/2:02 close | Established = deliver",
    event.UpdateMsgErr(UPDATE): f"- | {DOWN} | {DOWN}"
    " | Idle + 5/1:02 close | Idle + 5/2:02 close | Idle + 3/1 close",
    event.SendHoldTimerExpires(): "- | - | - | - | - | Idle + 8/0 reset",
    event.RouteRefreshMsg(): f"- | {DOWN} | {DOWN}"
    " | Idle + 5/1:05 close | Idle + 5/2:05 close | Established = deliver",
    event.RouteRefreshMsgErr(REFRESH): f"- | {DOWN} | {DOWN}"
    " | Idle + 5/1:05 close | Idle + 5/2:05 close | Idle + 7/1 close",
}
# The same while the TCP connection is up and our OPEN is being delayed. Columns: Connect, Active.
DELAYED: dict[event.Event, str] = {
    event.ManualStop(SHUTDOWN): "Idle 0 close | Idle 0 6/2 close",
    event.TcpConnectionFails(): f"Active = close | {DOWN}",
    event.DelayOpenTimerExpires(): "OpenSent = open | OpenSent = open",
    event.NotifMsgVerErr(): "Idle = close | Idle = close",
    event.ConnectRetryTimerExpires(): "Connect = close dial | Connect = dial",
}
CELLS = [
    (state, happened, cell.strip())
    for happened, row in TABLE_OF_THE_RFC.items()
    for state, cell in zip(State, row.split("|"), strict=True)
]
DELAYED_CELLS = [
    (state, happened, cell.strip())
    for happened, row in DELAYED.items()
    for state, cell in zip((State.CONNECT, State.ACTIVE), row.split("|"), strict=True)
]
WAY: dict[State, list[event.Event]] = {
    State.IDLE: [],
    State.CONNECT: [event.ManualStart()],
    State.ACTIVE: [event.ManualStartPassive()],
}
WAY[State.OPEN_SENT] = [*WAY[State.CONNECT], event.TcpCrAcked()]
WAY[State.OPEN_CONFIRM] = [*WAY[State.OPEN_SENT], event.BgpOpen(AGREED)]
WAY[State.ESTABLISHED] = [*WAY[State.OPEN_CONFIRM], event.KeepAliveMsg()]


def machine_in(state: State, *, delay_open_time: float = 0.0) -> Fsm:
    fsm = Fsm(Options(delay_open_time=delay_open_time), lambda: 1.0)
    fsm.retry_after = 5.0
    for step in WAY[state]:
        fsm.handle(step, 0.0)
    assert fsm.state is state
    return fsm


def spelled(actions: action.Actions) -> list[str]:
    words: list[str] = []
    for step in actions:
        match step:
            case action.SendNotification():
                note = step.notification
                data = f":{note.data.hex()}" if note.data else ""
                words.append(f"{note.code}/{note.subcode}{data}")
            case action.CloseConnection():
                words.append("reset" if step.reset else "close")
            case _:
                names = {
                    action.Dial(): "dial",
                    action.SendOpen(): "open",
                    action.SendKeepalive(): "keepalive",
                    action.Deliver(): "deliver",
                }
                words.append(names[step])
    return words


def expect(fsm: Fsm, happened: event.Event, cell: str) -> None:
    fsm.connect_retry_counter = 7
    timers = {timer: fsm.timers.deadline(timer) for timer in Timer}
    state, counter, *words = [fsm.state.value, "="] if cell == "-" else cell.split()

    actions = fsm.handle(happened, 1.0)

    assert (fsm.state.value, spelled(actions)) == (state, words)
    assert fsm.connect_retry_counter == {"=": 7, "+": 8, "0": 0}[counter]
    if cell == "-":
        assert {timer: fsm.timers.deadline(timer) for timer in Timer} == timers
    if state == "Idle" and cell != "-" and words != ["close"]:
        assert fsm.timers.next_deadline() is None


@pytest.mark.parametrize(
    ("state", "happened", "cell"),
    CELLS,
    ids=[f"{state.value}-{happened}" for state, happened, _ in CELLS],
)
def test_cell(state: State, happened: event.Event, cell: str) -> None:
    expect(machine_in(state), happened, cell)


@pytest.mark.parametrize(
    ("state", "happened", "cell"),
    DELAYED_CELLS,
    ids=[f"{state.value}-{happened}" for state, happened, _ in DELAYED_CELLS],
)
def test_cell_while_our_open_is_delayed(state: State, happened: event.Event, cell: str) -> None:
    fsm = machine_in(state, delay_open_time=10.0)
    assert fsm.handle(event.TcpConnectionConfirmed(), 0.0) == ()
    assert (fsm.state, fsm.timers.deadline(Timer.DELAY_OPEN)) == (state, 10.0)

    expect(fsm, happened, cell)

    assert not fsm.timers.running(Timer.DELAY_OPEN)


def test_the_table_is_total() -> None:
    kinds = {
        kind
        for _, kind in inspect.getmembers(event, inspect.isclass)
        if issubclass(kind, event.Event) and kind is not event.Event
    }

    assert set(TABLE) == {(state, kind) for state in State for kind in kinds}
    assert {type(happened) for happened in TABLE_OF_THE_RFC} == kinds


def test_a_cell_takes_no_foreign_event() -> None:
    with pytest.raises(TypeError, match="KeepAliveMsg"):
        TABLE[State.IDLE, event.KeepAliveMsg](machine_in(State.IDLE), event.NotifMsg(), 0.0)


@pytest.mark.parametrize(
    ("state", "happened", "deadlines"),
    [
        (State.IDLE, event.ManualStart(), {Timer.CONNECT_RETRY: 121.0}),
        (State.IDLE, event.ManualStartPassive(), {Timer.CONNECT_RETRY: 6.0}),
        (State.CONNECT, event.TcpCrAcked(), {Timer.HOLD: 241.0}),
        (State.ACTIVE, event.TcpConnectionConfirmed(), {Timer.HOLD: 241.0}),
        (State.OPEN_SENT, event.TcpConnectionFails(), {Timer.CONNECT_RETRY: 6.0}),
        (State.OPEN_SENT, event.BgpOpen(AGREED), {Timer.HOLD: 91.0, Timer.KEEPALIVE: 31.0}),
        (State.OPEN_SENT, event.BgpOpen(agreed(hold_time=0)), {}),
        (State.OPEN_CONFIRM, event.KeepAliveMsg(), {Timer.HOLD: 91.0, Timer.KEEPALIVE: 30.0}),
        (State.ESTABLISHED, event.UpdateMsg(), {Timer.HOLD: 91.0, Timer.KEEPALIVE: 30.0}),
        (State.ESTABLISHED, event.RouteRefreshMsg(), {Timer.HOLD: 91.0, Timer.KEEPALIVE: 30.0}),
        (State.ESTABLISHED, event.KeepaliveTimerExpires(), {Timer.HOLD: 90, Timer.KEEPALIVE: 31}),
    ],
)
def test_timers_after(state: State, happened: event.Event, deadlines: dict[Timer, float]) -> None:
    fsm = machine_in(state)

    fsm.handle(happened, 1.0)

    running = {timer: fsm.timers.deadline(timer) for timer in Timer if fsm.timers.running(timer)}
    assert running == deadlines


def test_a_passive_only_machine_never_dials() -> None:
    fsm = machine_in(State.IDLE)
    fsm.retry_after = None

    fsm.handle(event.AutomaticStartPassive(), 0.0)

    assert (fsm.state, fsm.timers.next_deadline()) == (State.ACTIVE, None)


@pytest.mark.parametrize(("after", "dials_at"), [(5.0, 5.0), (0.5, 1.0), (None, None)])
def test_idle_is_held_and_the_rest_of_the_wait_is_in_active(
    after: float | None, dials_at: float | None
) -> None:
    fsm = machine_in(State.IDLE)
    fsm.retry_after = after
    fsm.hold_idle(1.0, 0.0)
    assert fsm.take_expiry(0.9) is None

    expiry = fsm.take_expiry(1.0)
    assert expiry == event.IdleHoldTimerExpires()
    fsm.handle(expiry, 1.0)

    assert fsm.state is State.ACTIVE
    assert fsm.timers.deadline(Timer.CONNECT_RETRY) == dials_at
