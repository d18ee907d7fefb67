"""`porter_bgp.fsm.fsm`: whatever happens, in whatever order, there is an answer."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porter_bgp.config import SessionConfig
from porter_bgp.fsm import (
    Fsm,
    Options,
    RestartFacts,
    State,
    Timer,
    action,
    event,
    local_open,
    negotiate,
)
from porter_bgp.wire import ErrorCode, Notification

CONFIG = SessionConfig(
    local_asn=65001, router_id=IPv4Address("192.0.2.1"), peer_asn=65002, hold_time=9
)
THEIRS = local_open(
    SessionConfig(local_asn=65002, router_id=IPv4Address("192.0.2.2"), peer_asn=65001),
    RestartFacts(),
)
AGREED = negotiate(local_open(CONFIG, RestartFacts()), THEIRS, CONFIG)
CEASE = Notification(ErrorCode.CEASE)
EVENTS: list[event.Event] = [
    event.ManualStart(),
    event.ManualStop(CEASE),
    event.AutomaticStart(),
    event.AutomaticStartPassive(),
    event.AutomaticStop(),
    event.ConnectRetryTimerExpires(),
    event.DelayOpenTimerExpires(),
    event.IdleHoldTimerExpires(),
    event.TcpCrAcked(),
    event.TcpConnectionConfirmed(),
    event.TcpConnectionFails(),
    event.BgpOpen(AGREED),
    event.BgpOpenWithDelayOpenTimer(AGREED),
    event.BgpHeaderErr(CEASE),
    event.BgpOpenMsgErr(CEASE),
    event.OpenCollisionDump(),
    event.NotifMsgVerErr(),
    event.NotifMsg(),
    event.KeepAliveMsg(),
    event.UpdateMsg(),
    event.UpdateMsgErr(CEASE),
    event.SendHoldTimerExpires(),
    event.RouteRefreshMsg(),
    event.RouteRefreshMsgErr(CEASE),
]
UP = [event.ManualStart(), event.TcpCrAcked(), event.BgpOpen(AGREED), event.KeepAliveMsg()]
STEPS = st.lists(st.tuples(st.sampled_from([*EVENTS, *UP * 3]), st.floats(0, 20)), max_size=50)


@given(STEPS, st.sampled_from([0.0, 3.0]))
def test_a_random_walk_keeps_the_machine_whole(
    steps: list[tuple[event.Event, float]], delay_open_time: float
) -> None:
    fsm, now = Fsm(Options(delay_open_time=delay_open_time), lambda: 0.75), 0.0
    fsm.retry_after = 2.0
    for happened, later in steps:
        now += later
        before, due = fsm.state, [happened]
        while due:
            actions = fsm.handle(due.pop(), now)
            if expiry := fsm.take_expiry(now):
                due.append(expiry)
        up = fsm.state in {State.OPEN_CONFIRM, State.ESTABLISHED}

        assert (fsm.negotiated is not None) == up
        assert fsm.timers.running(Timer.HOLD) == (up or fsm.state is State.OPEN_SENT)
        assert fsm.timers.running(Timer.KEEPALIVE) == up
        if fsm.state is State.IDLE and before is not State.IDLE:
            assert isinstance(actions[-1], action.CloseConnection)
        assert fsm.connect_retry_counter >= 0


@pytest.mark.parametrize(
    ("timer", "happened"),
    [
        (Timer.CONNECT_RETRY, event.ConnectRetryTimerExpires()),
        (Timer.HOLD, event.HoldTimerExpires()),
        (Timer.KEEPALIVE, event.KeepaliveTimerExpires()),
        (Timer.DELAY_OPEN, event.DelayOpenTimerExpires()),
        (Timer.IDLE_HOLD, event.IdleHoldTimerExpires()),
        (Timer.SEND_HOLD, event.SendHoldTimerExpires()),
    ],
)
def test_each_timer_has_its_event(timer: Timer, happened: event.Event) -> None:
    fsm = Fsm(Options(), lambda: 1.0)
    fsm.timers.start(timer, 3.0, 0.0)

    assert fsm.take_expiry(2.9) is None
    assert fsm.take_expiry(3.0) == happened
    assert fsm.take_expiry(3.0) is None


def test_the_states_are_ranked_as_a_session_comes_up() -> None:
    assert [state.rank for state in State] == [0, 1, 2, 3, 4, 5]
