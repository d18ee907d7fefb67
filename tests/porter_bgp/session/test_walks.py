"""Random walks of two sessions: whatever befell them, left alone they find each other again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from porter_bgp.config import Connection, GracefulRestartConfig
from porter_bgp.session import SessionDown, SessionEstablished, State, Stop
from tests.support.pair import A_CONFIG, B_CONFIG, Pair

STOPS = [Stop.RESTART, Stop.leave("bye"), Stop.admin_reset(), Stop.bfd_down()]
ENDS = st.sampled_from(["a", "b"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("take"), st.integers(0, 7)),
        st.tuples(st.just("take"), st.integers(0, 7)),
        st.tuples(st.just("wait"), st.floats(0, 100)),
        st.tuples(st.just("break"), st.none()),
        st.tuples(st.just("cut"), st.none()),
        st.tuples(st.just("start"), ENDS),
        st.tuples(st.just("stop"), st.tuples(ENDS, st.sampled_from(STOPS))),
        st.tuples(st.just("hold"), ENDS),
        st.tuples(st.just("noise"), st.tuples(ENDS, st.binary(min_size=1, max_size=40))),
    ),
    max_size=40,
)


def take_step(pair: Pair, what: str, how: object) -> None:
    match what, how:
        case "take", int(number) if pair.choices():
            pair.take(pair.choices()[number % len(pair.choices())])
        case "wait", float(seconds):
            pair.advance(seconds, settle=False)
        case "break", _:
            pair.break_links()
        case "cut", _:
            pair.cut()
        case "start", str(end):
            pair.ends[end].session.start(pair.now)
        case "stop", (str(end), Stop() as stop):
            pair.ends[end].session.stop(pair.now, stop)
        case "hold", str(end):
            configs = {"a": pair.configs[0], "b": pair.configs[1]}
            pair.ends[end].session.reconfigure(replace(configs[end], admin_up=False))
        case "noise", (str(end), bytes(octets)):
            pair.deliver(end, octets)
        case _:
            pass
    pair.pump()


def check(pair: Pair) -> None:
    """What holds at any time."""
    for end in pair.ends.values():
        session = end.session
        ups = len(end.told(SessionEstablished))
        downs = [d for d in end.told(SessionDown) if isinstance(d, SessionDown) and d.established]
        up = session.state is State.ESTABLISHED
        assert ups - len(downs) == up
        assert (session.negotiated is not None) == (session.established_at is not None) == up
        assert len(tuple(session._arbiter)) <= 2
        assert session.counters.established == ups
        assert session.counters.flaps == len(downs)


@pytest.mark.parametrize("mode", Connection, ids=[mode.value for mode in Connection])
@pytest.mark.parametrize("graceful", [None, GracefulRestartConfig()], ids=["plain", "graceful"])
@settings(max_examples=60)
@given(steps=STEPS)
def test_left_alone_they_come_up(
    mode: Connection,
    graceful: GracefulRestartConfig | None,
    steps: list[tuple[str, object]],
) -> None:
    a = replace(A_CONFIG, graceful_restart=graceful, connection=mode)
    b = replace(B_CONFIG, graceful_restart=graceful)
    pair = Pair(a, b)
    pair.start()
    for what, how in steps:
        take_step(pair, what, how)
        check(pair)

    pair.a.reconfigure(a)
    pair.b.reconfigure(b)
    pair.a.start(pair.now)
    pair.b.start(pair.now)
    pair.pump()
    pair.settle()
    pair.advance(500.0)
    check(pair)

    assert pair.a.state is pair.b.state is State.ESTABLISHED
    assert [link.dead for link in pair.live()] == [False]
