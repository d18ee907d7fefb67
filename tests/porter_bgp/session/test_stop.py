"""How a session ends on our word, and how it changes without ending."""

from __future__ import annotations

from dataclasses import replace

import pytest

from porter_bgp.config import Connection, DialConfig, GracefulRestartConfig
from porter_bgp.session import (
    REJECTED,
    Close,
    DownReason,
    PendingReset,
    RestartFacts,
    Session,
    SessionDown,
    State,
    Stop,
)
from porter_bgp.wire import IPV4_UNICAST, IPV6_UNICAST
from tests.support.pair import A_CONFIG, B_CONFIG, Pair

FACTS = RestartFacts(forwarding={IPV4_UNICAST: True}, notification=True)
GRACEFUL = GracefulRestartConfig()

# How; its NOTIFICATION, in hex; the same where Hard Reset was negotiated; does it come up again.
WAYS = {
    "restart": (Stop.RESTART, "", "", False),
    "leave": (Stop.leave("bye"), "0602 03 627965", "0609 0602 03 627965", False),
    "leave without words": (Stop.leave(), "0602", "0609 0602", False),
    "deconfigured": (Stop.deconfigured(), "0603", "0609 0603", False),
    "admin reset": (Stop.admin_reset("why"), "0604 03 776879", "0604 03 776879", True),
    "config changed": (Stop.config_changed(), "0606", "0606", True),
    "out of resources": (Stop.out_of_resources(), "0608", "0608", True),
    "BFD down": (Stop.bfd_down(), "060a", "0609 060a", True),
    "too many prefixes": (
        Stop.max_prefixes(IPV6_UNICAST, 10),
        "0601 0002 01 0000000a",
        "0609 0601 0002 01 0000000a",
        True,
    ),
}


def established(*, graceful: bool) -> Pair:
    restart = GRACEFUL if graceful else None
    pair = Pair(*(replace(c, graceful_restart=restart) for c in (A_CONFIG, B_CONFIG)))
    pair.a.restart_facts(FACTS)
    pair.b.restart_facts(FACTS)
    return pair.up()


@pytest.mark.parametrize("hard", [False, True], ids=["plain", "hard reset"])
@pytest.mark.parametrize(("how", "plain", "wrapped", "again"), WAYS.values(), ids=WAYS)
def test_what_the_peer_is_told(
    how: Stop, plain: str, wrapped: str, *, again: bool, hard: bool
) -> None:
    pair = established(graceful=hard)
    written = len(pair.ends["a"].written)

    pair.a.stop(pair.now, how)
    pair.pump()

    expected = [bytes.fromhex(text) for text in [wrapped if hard else plain] if text]
    assert [data[19:] for data in pair.ends["a"].written[written:]] == expected
    assert pair.ends["a"].closed == [*pair.ends["a"].closed[:-1], Close(1)]
    (down,) = pair.ends["a"].told(SessionDown)
    assert isinstance(down, SessionDown)
    assert (down.reason, down.established) == (how.reason, True)
    assert (pair.a.next_deadline() is not None) == again
    if not again:
        assert pair.a.accepted(pair.now) is None
        assert pair.a.state is State.IDLE


def test_the_peer_reads_our_words_and_keeps_nothing_of_a_restart() -> None:
    pair = established(graceful=False)
    pair.a.stop(pair.now, Stop.leave("moving rack\x1b[2J"))
    pair.pump()
    pair.settle()

    assert pair.b.last_down is not None
    assert pair.b.last_down.reason is DownReason.NOTIFICATION_RECEIVED
    assert pair.b.last_down.text.isprintable()
    assert "moving rack" in pair.b.last_down.text


def test_a_silent_close_is_a_lost_connection_to_the_peer() -> None:
    pair = established(graceful=True)
    pair.a.stop(pair.now, Stop.RESTART)
    pair.pump()
    pair.settle()

    assert pair.b.last_down is not None
    assert pair.b.last_down.reason is DownReason.CONNECTION_LOST
    assert pair.b.last_down.notification is None


def test_a_session_may_be_stopped_and_started_at_any_time() -> None:
    session = Session(A_CONFIG, jitter=lambda: 1.0)
    session.stop(0.0, Stop.leave())
    session.start(0.0)
    session.start(0.0)
    session.stop(0.0, Stop.leave())
    session.start(1.0)
    session.stop(1.0, Stop.admin_reset())

    assert session.state is State.ACTIVE
    assert session.next_deadline() == 2.0


def test_both_connections_end() -> None:
    pair = Pair()
    pair.start()
    for choice in pair.choices():
        pair.take(choice)

    pair.a.stop(0.0, Stop.leave())
    pair.pump()

    assert [data[19:21].hex() for data in pair.ends["a"].written[-2:]] == ["0602", "0602"]
    assert sorted(close.conn for close in pair.ends["a"].closed) == [1, 2]


def test_held_in_idle_it_says_so_to_the_peer() -> None:
    pair = established(graceful=True)

    pair.a.reconfigure(replace(A_CONFIG, graceful_restart=GRACEFUL, admin_up=False))
    assert pair.a.next_deadline() == 0.0
    pair.a.reconfigure(
        replace(A_CONFIG, graceful_restart=GRACEFUL, admin_up=False, shutdown_message="night")
    )
    pair.a.handle_timeout(pair.now)
    pair.pump()

    assert pair.ends["a"].written[-1][19:] == bytes.fromhex("0609 0602 05") + b"night"
    assert pair.a.last_down is not None
    assert pair.a.last_down.reason is DownReason.ADMIN_DOWN
    assert pair.a.state is State.IDLE
    assert pair.a.next_deadline() is None
    assert pair.a.accepted(pair.now) is None


def test_no_longer_held_it_comes_up() -> None:
    pair = Pair(replace(A_CONFIG, admin_up=False)).up()
    assert pair.a.state.value == "Idle"

    pair.a.reconfigure(A_CONFIG)
    pair.advance(0.0)
    pair.advance(1.0)

    assert pair.a.state is State.ESTABLISHED


def test_a_session_that_was_not_started_stays_down_whatever_is_configured() -> None:
    session = Session(A_CONFIG, jitter=lambda: 1.0)

    session.reconfigure(replace(A_CONFIG, hold_time=9))
    session.handle_timeout(0.0)

    assert session.state is State.IDLE
    assert session.next_output() is None


def test_what_needs_no_reset_waits_for_nothing() -> None:
    pair = established(graceful=False)
    config = replace(
        A_CONFIG,
        hold_time=9,
        keepalive_time=1,
        dial=DialConfig(first=2.0),
        shutdown_message="later",
        connection=Connection.PASSIVE,
    )

    assert pair.a.reconfigure(config) is None
    pair.a.handle_timeout(pair.now)

    assert pair.a.state is State.ESTABLISHED
    pair.break_links()
    pair.settle()
    pair.advance(30.0)
    assert pair.a.negotiated is not None
    assert pair.a.negotiated.hold_time == 9


def test_what_stands_in_the_open_waits_for_a_reset_and_says_so() -> None:
    pair = established(graceful=False)
    config = replace(
        A_CONFIG, families=(IPV4_UNICAST, IPV6_UNICAST), extended_message=False, hold_time=9
    )

    pending = PendingReset(("families", "extended_message"))
    assert pair.a.reconfigure(config) == pending
    assert pair.a.reconfigure(config) == pending
    assert pair.a.reconfigure(A_CONFIG) is None
    assert pair.a.reconfigure(config) == pending
    pair.a.handle_timeout(pair.now)
    assert pair.a.state is State.ESTABLISHED

    pair.a.stop(pair.now, Stop.config_changed())
    pair.pump()
    pair.settle()
    pair.advance(2.0)

    assert pair.a.state is State.ESTABLISHED
    assert pair.a.reconfigure(config) is None
    assert pair.a.negotiated is not None
    assert pair.a.negotiated.codec.max_receive == 4096


def test_before_our_open_everything_may_change() -> None:
    session = Session(A_CONFIG, jitter=lambda: 1.0)
    session.start(0.0)

    assert session.reconfigure(replace(A_CONFIG, local_asn=65009)) is None


@pytest.mark.parametrize(
    ("before", "after", "state", "deadline"),
    [
        (Connection.ACTIVE, Connection.PASSIVE_ONLY, State.ACTIVE, None),
        (Connection.PASSIVE_ONLY, Connection.ACTIVE, State.CONNECT, 120.0),
        (Connection.PASSIVE_ONLY, Connection.PASSIVE, State.ACTIVE, 10.0),
        (Connection.PASSIVE, Connection.PASSIVE_ONLY, State.ACTIVE, None),
        (Connection.PASSIVE_ONLY, Connection.PASSIVE_ONLY, State.ACTIVE, None),
    ],
)
def test_who_waits_obeys_another_mode_at_once(
    before: Connection, after: Connection, state: State, deadline: float | None
) -> None:
    session = Session(replace(A_CONFIG, connection=before), jitter=lambda: 1.0)
    session.start(0.0)
    if before is Connection.ACTIVE:
        session.dial_failed(1, 0.0)

    session.reconfigure(replace(A_CONFIG, connection=after))
    session.handle_timeout(0.0)

    assert (session.state, session.next_deadline()) == (state, deadline)


def test_who_is_not_wanted_is_told_so() -> None:
    assert bytes.fromhex("ff" * 16 + "0015 03 06 05") == REJECTED


def test_each_reason_has_its_sentence() -> None:
    assert len({reason.sentence for reason in DownReason}) == len(DownReason)


def test_who_is_refused_for_a_while_is_not_waited_for_after_a_stop() -> None:
    pair = established(graceful=False)
    pair.a.stop(pair.now, Stop.max_prefixes(IPV4_UNICAST, 1))
    assert pair.a.next_deadline() == 60.0

    pair.a.stop(pair.now, Stop.leave())

    assert pair.a.next_deadline() is None
