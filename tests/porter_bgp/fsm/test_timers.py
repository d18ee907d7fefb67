"""`porter_bgp.fsm.timers`: deadlines, with jitter where RFC 4271 §10 has it."""

from __future__ import annotations

import pytest

from porter_bgp.fsm import Timer, Timers


def test_the_earliest_deadline_is_the_one_to_wake_for() -> None:
    timers = Timers(lambda: 1.0)
    timers.start(Timer.HOLD, 90, 10.0)
    timers.start(Timer.KEEPALIVE, 30, 10.0)

    assert timers.next_deadline() == 40.0
    assert timers.take_expired(39.9) is None
    assert timers.take_expired(100.0) is Timer.KEEPALIVE
    assert timers.take_expired(100.0) is Timer.HOLD
    assert timers.take_expired(100.0) is None
    assert timers.next_deadline() is None


@pytest.mark.parametrize(
    ("timer", "deadline"),
    [
        (Timer.CONNECT_RETRY, 75.0),
        (Timer.KEEPALIVE, 75.0),
        (Timer.IDLE_HOLD, 75.0),
        (Timer.HOLD, 100.0),
        (Timer.DELAY_OPEN, 100.0),
        (Timer.SEND_HOLD, 100.0),
    ],
)
def test_jitter_shortens_what_we_send_and_not_what_we_wait_for(
    timer: Timer, deadline: float
) -> None:
    timers = Timers(lambda: 0.75)

    timers.start(timer, 100, 0.0)

    assert timers.deadline(timer) == deadline


def test_a_stopped_timer_does_not_expire() -> None:
    timers = Timers(lambda: 1.0)
    for timer in Timer:
        timers.start(timer, 1, 0.0)

    timers.stop(Timer.HOLD)
    timers.stop(Timer.HOLD)

    assert not timers.running(Timer.HOLD)
    assert timers.running(Timer.KEEPALIVE)
    timers.stop_all()
    assert timers.take_expired(10.0) is None
