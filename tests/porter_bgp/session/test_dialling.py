"""When a session dials: the back-off, what resets it, the passive modes, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from porter_bgp.config import Connection, GracefulRestartConfig
from porter_bgp.session import (
    Close,
    Dial,
    DownReason,
    RestartFacts,
    Session,
    SessionDown,
    State,
    Stop,
    Write,
)
from porter_bgp.wire import (
    IPV4_UNICAST,
    CeaseSubcode,
    Codec,
    ErrorCode,
    Notification,
    OpenSubcode,
    encode_message,
    hard_reset,
)
from tests.support.pair import A_CONFIG, B_CONFIG, Pair

if TYPE_CHECKING:
    from porter_bgp.config import SessionConfig

PASSIVE = replace(A_CONFIG, connection=Connection.PASSIVE)
PASSIVE_ONLY = replace(A_CONFIG, connection=Connection.PASSIVE_ONLY)
GRACEFUL = GracefulRestartConfig()
WEEK = 7 * 86400.0


def dials(session: Session, until: float) -> list[float]:
    """When `session` dials, each dial failing at once."""
    times: list[float] = []
    now = 0.0
    while True:
        while (output := session.next_output()) is not None:
            if isinstance(output, Dial):
                times.append(now)
                session.dial_failed(output.conn, now)
        at = session.next_deadline()
        if at is None or at > until:
            return times
        now = max(now, at)
        session.handle_timeout(now)


def started(config: SessionConfig = A_CONFIG, jitter: float = 1.0) -> Session:
    session = Session(config, jitter=lambda: jitter)
    session.start(0.0)
    return session


@pytest.mark.parametrize(
    ("jitter", "times"),
    [
        (1.0, [0, 1, 3, 7, 15, 31, 63, 123, 183, 243]),
        (0.75, [0, 0.75, 2.25, 5.25, 11.25, 23.25, 47.25, 92.25, 137.25, 182.25, 227.25]),
    ],
)
def test_the_wait_doubles_from_one_second_to_sixty(jitter: float, times: list[float]) -> None:
    assert dials(started(A_CONFIG, jitter), 250.0) == times


def test_a_week_of_failures_costs_a_dial_a_minute() -> None:
    session = started()

    assert len(dials(session, WEEK)) == pytest.approx(WEEK / 60, abs=10)
    assert session.counters.failures == pytest.approx(WEEK / 60, abs=10)
    assert session.last_down is not None
    assert session.last_down.reason is DownReason.DIAL_FAILED


def test_a_dial_that_nobody_answers_is_begun_anew() -> None:
    session = started()
    assert session.next_output() == Dial(1)

    session.handle_timeout(120.0)

    assert [session.next_output(), session.next_output()][-1] == Dial(2)
    assert session.state is State.CONNECT


@pytest.mark.parametrize(
    ("config", "restarting", "times"),
    [
        (PASSIVE, False, [10, 20, 30]),
        (PASSIVE, True, [0, 1, 3, 7, 15, 31]),
        (PASSIVE_ONLY, False, []),
        (PASSIVE_ONLY, True, []),
    ],
)
def test_passive_sessions_leave_it_to_the_peer(
    config: SessionConfig, *, restarting: bool, times: list[float]
) -> None:
    session = Session(config, jitter=lambda: 1.0)
    session.restart_facts(RestartFacts(restarting=restarting))
    session.start(0.0)

    assert dials(session, 35.0) == times
    assert session.state is State.ACTIVE


def test_a_passive_session_leaves_it_to_the_peer_once_it_was_up_since_the_restart() -> None:
    pair = Pair(PASSIVE)
    pair.a.restart_facts(RestartFacts(restarting=True))
    pair.up()
    _refuse_all(pair)

    pair.break_links()

    assert pair.a.counters.established == 1
    assert dials(pair.a, 35.0) == [10, 20, 30]


@pytest.mark.parametrize("config", [A_CONFIG, PASSIVE, PASSIVE_ONLY])
def test_who_waits_takes_the_peers_connection(config: SessionConfig) -> None:
    pair = Pair(config)
    pair.a.start(0.0)
    pair.pump()
    pair.settle()

    pair.b.start(0.0)
    pair.pump()
    pair.settle()

    assert pair.a.state is pair.b.state is State.ESTABLISHED


def test_a_session_that_proved_stable_starts_again_with_one_second() -> None:
    for lasted, wait in ((299.0, 8.0), (300.0, 1.0)):
        pair = Pair()
        pair.a.start(0.0)
        pair.pump()
        pair.settle()
        pair.advance(5.0)
        pair.b.start(pair.now)
        pair.pump()
        pair.settle()
        assert pair.a.state is State.ESTABLISHED
        _refuse_all(pair)

        pair.now += lasted
        pair.break_links()
        pair.settle()

        assert pair.a.next_deadline() == pair.now + wait


def _refuse_all(pair: Pair) -> None:
    for end in pair.ends.values():
        end.refusing = True


def _ended_by(notification: Notification) -> Pair:
    pair = Pair().up()
    pair.deliver("a", encode_message(notification, Codec()))
    return pair


CEASES = [
    (CeaseSubcode.MAXIMUM_PREFIXES, 60.0),
    (CeaseSubcode.ADMINISTRATIVE_SHUTDOWN, 1.0),
    (CeaseSubcode.PEER_DECONFIGURED, 60.0),
    (CeaseSubcode.ADMINISTRATIVE_RESET, 1.0),
    (CeaseSubcode.CONNECTION_REJECTED, 60.0),
    (CeaseSubcode.COLLISION_RESOLUTION, 1.0),
    (CeaseSubcode.OUT_OF_RESOURCES, 60.0),
]


@pytest.mark.parametrize(("subcode", "wait"), CEASES)
def test_what_the_peer_says_decides_the_wait(subcode: CeaseSubcode, wait: float) -> None:
    pair = _ended_by(Notification.cease(subcode))

    assert pair.a.next_deadline() == wait
    assert pair.a.state is State.ACTIVE
    assert pair.a.accepted(0.5) is not None


@pytest.mark.parametrize(
    ("config", "wait"),
    [(replace(A_CONFIG, local_asn=65009), 0.0), (replace(A_CONFIG, hold_time=6), 60.0)],
    ids=["another AS number", "what the next OPEN reads anyway"],
)
def test_what_may_succeed_where_the_other_failed_is_tried_at_once(
    config: SessionConfig, wait: float
) -> None:
    pair = _ended_by(Notification.cease(CeaseSubcode.PEER_DECONFIGURED))

    pair.a.reconfigure(config)

    assert dials(pair.a, 61.0)[0] == wait


@pytest.mark.parametrize(("subcode", "wait"), CEASES)
def test_a_hard_reset_is_read_by_what_is_inside(subcode: CeaseSubcode, wait: float) -> None:
    pair = _ended_by(hard_reset(Notification.cease(subcode)))

    assert pair.a.next_deadline() == wait


def test_a_notification_before_any_open_is_reported() -> None:
    session = started(PASSIVE)
    conn = session.accepted(0.0)
    assert conn is not None
    assert isinstance(session.next_output(), Write)

    rejected = Notification.cease(CeaseSubcode.CONNECTION_REJECTED)
    session.receive_data(conn, encode_message(rejected, Codec()), 0.0)

    assert session.last_down == SessionDown(
        reason=DownReason.NOTIFICATION_RECEIVED,
        text="the peer ended it: Cease/Connection rejected",
        notification=rejected,
        sent=False,
        established=False,
        at=0.0,
    )
    assert session.next_output() == Close(conn)
    assert session.next_output() is None


def test_a_graceful_peer_that_closes_is_dialled_at_once_and_then_after_a_second() -> None:
    a, b = (replace(config, graceful_restart=GRACEFUL) for config in (A_CONFIG, B_CONFIG))
    pair = Pair(a, b).up()
    pair.advance(5.0)
    _refuse_all(pair)

    pair.break_links()

    assert len(pair.ends["a"].dials) == 1
    pair.settle()
    assert pair.a.next_deadline() == pair.now + 1.0


def test_a_graceful_peer_that_closes_is_dialled_after_a_second_however_often_others_failed() -> (
    None
):
    a, b = (replace(config, graceful_restart=GRACEFUL) for config in (A_CONFIG, B_CONFIG))
    pair = Pair(a, b)
    pair.a.start(0.0)
    pair.pump()
    pair.settle()
    pair.advance(5.0)  # dials at 0, 1, 3; the next one in 4
    pair.b.start(pair.now)
    pair.pump()
    pair.settle()
    pair.advance(5.0)
    _refuse_all(pair)

    pair.break_links()
    pair.settle()

    assert pair.a.next_deadline() == pair.now + 1.0


def test_a_session_that_falls_as_soon_as_it_is_up_is_not_dialled_at_once() -> None:
    a, b = (replace(config, graceful_restart=GRACEFUL) for config in (A_CONFIG, B_CONFIG))
    pair = Pair(a, b).up()

    pair.break_links()

    assert pair.ends["a"].dials == []
    assert pair.a.next_deadline() == 1.0


def test_who_breaks_the_protocol_is_refused_for_a_second() -> None:
    pair = Pair(A_CONFIG, replace(B_CONFIG, local_asn=65009))
    pair.a.start(0.0)
    pair.pump()
    pair.settle()
    pair.advance(1.0)
    pair.b.start(1.0)
    pair.pump()
    pair.settle()
    assert pair.a.last_down is not None
    assert pair.a.last_down.notification == Notification(
        ErrorCode.OPEN_MESSAGE, OpenSubcode.BAD_PEER_AS
    )

    assert pair.a.state.value == "Idle"
    assert pair.a.accepted(1.9) is None
    assert pair.a.next_deadline() == 2.0
    pair.a.handle_timeout(2.0)
    assert pair.a.state is State.ACTIVE
    assert pair.a.accepted(2.0) is not None


def test_who_sent_too_many_prefixes_is_refused_for_a_minute() -> None:
    pair = Pair().up()

    pair.a.stop(0.0, Stop.max_prefixes(IPV4_UNICAST, 1000))
    pair.pump()

    assert pair.ends["a"].written[-1][19:] == bytes.fromhex("06 01 0001 01 000003e8")
    assert pair.a.accepted(59.9) is None
    pair.a.handle_timeout(60.0)
    assert pair.a.next_output() == Dial(2)


def test_two_that_refuse_each_other_never_spin() -> None:
    pair = Pair(A_CONFIG, replace(B_CONFIG, local_asn=65009))
    pair.start()
    pair.settle()

    pair.advance(3600.0)

    opens = sum(data[18] == 1 for data in pair.ends["a"].written)
    assert 30 < opens < 300
