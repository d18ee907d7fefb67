"""`porter_bgp.session.session`: two sessions back to back; time, octets, refreshes, counters."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from porter_bgp.fsm import Timer
from porter_bgp.session import (
    Close,
    DownReason,
    RefreshReceived,
    Session,
    SessionDown,
    SessionEstablished,
    State,
    UpdateReceived,
    Write,
)
from porter_bgp.wire import (
    IPV4_UNICAST,
    IPV6_UNICAST,
    KEEPALIVE,
    AddressFamily,
    Codec,
    ErrorCode,
    MessageType,
    Notification,
    RouteRefreshMessage,
    Verdict,
    encode_message,
    update_message,
)
from tests.support.pair import A_CONFIG, B_CONFIG, Choice, Pair

if TYPE_CHECKING:
    from porter_bgp.config import SessionConfig

END_OF_RIB = update_message(b"", b"", b"")


def refresh(family: AddressFamily = IPV4_UNICAST, subtype: int = 0) -> bytes:
    return encode_message(RouteRefreshMessage(family, subtype), Codec())


def last_down(session: Session) -> SessionDown:
    assert session.last_down is not None
    return session.last_down


def test_two_sessions_come_up() -> None:
    pair = Pair().up()

    assert pair.a.state is pair.b.state is State.ESTABLISHED
    for end, asn in (("a", 65002), ("b", 65001)):
        (up,) = pair.ends[end].told(SessionEstablished)
        assert isinstance(up, SessionEstablished)
        assert up.negotiated.peer_asn == asn
        assert up.negotiated is pair.ends[end].session.negotiated
        assert pair.ends[end].session.established_at == up.at == 0.0
    assert pair.a.counters.sent == {MessageType.OPEN: 1, MessageType.KEEPALIVE: 1}
    assert pair.a.counters.received == {MessageType.OPEN: 1, MessageType.KEEPALIVE: 1}


def test_octets_may_come_one_by_one() -> None:
    whole, single = Pair(), Pair()
    whole.up()
    single.b.start(0.0)
    single.pump()
    single.settle()
    single.a.start(0.0)
    single.pump()
    single.take(single.choices()[0])
    for data in (whole.ends["b"].written[0], KEEPALIVE, END_OF_RIB * 3):
        for octet in data:
            single.a.receive_data(1, bytes([octet]), 0.0)
    single.pump()

    assert single.a.state is State.ESTABLISHED
    assert len(single.ends["a"].told(UpdateReceived)) == 3


def test_keepalives_keep_an_idle_session_up_for_a_day() -> None:
    pair = Pair(jitter=0.75).up()

    pair.advance(86400.0)

    assert pair.a.state is State.ESTABLISHED
    assert 86400 / 30 < pair.a.counters.sent[MessageType.KEEPALIVE] < 86400 / 22


def test_hold_time_zero_needs_no_keepalives() -> None:
    pair = Pair(replace(A_CONFIG, hold_time=0)).up()

    pair.a.progress(1, 0, 100, pair.now)

    assert pair.a.next_deadline() is pair.b.next_deadline() is None
    pair.deliver("a", KEEPALIVE)
    assert pair.a.state is State.ESTABLISHED
    assert pair.a.next_deadline() is None


def test_silence_for_the_hold_time_ends_the_session() -> None:
    pair = Pair().up()
    pair.cut()

    pair.advance(89.9)
    assert pair.a.state is State.ESTABLISHED
    pair.advance(0.1, settle=False)

    assert last_down(pair.a).reason is DownReason.HOLD_TIMER_EXPIRED
    assert last_down(pair.a).notification == Notification(ErrorCode.HOLD_TIMER_EXPIRED)
    assert last_down(pair.a).sent
    assert pair.a.negotiated is None
    assert pair.a.established_at is None
    assert pair.a.counters.flaps == 1


def test_after_a_stall_what_was_read_counts_before_the_clock() -> None:
    pair = Pair().up()

    pair.a.receive_data(1, KEEPALIVE, 95.0)
    pair.a.handle_timeout(95.0)

    assert pair.a.state is State.ESTABLISHED


def test_a_peer_that_never_opens_is_given_up() -> None:
    pair = Pair()
    pair.b.start(0.0)
    conn = pair.b.accepted(0.0)
    assert conn == 2

    pair.b.handle_timeout(239.9)
    assert pair.b.state.value == "OpenSent"
    pair.b.handle_timeout(240.0)

    assert pair.b.state is State.CONNECT  # the dial of the beginning, begun anew


def test_an_update_sent_is_as_good_as_a_keepalive() -> None:
    pair = Pair().up()
    pair.now = 20.0

    pair.a.send(END_OF_RIB, pair.now)
    pair.pump()
    pair.settle()

    assert pair.a.next_deadline() == 50.0
    assert [
        e.update.end_of_rib for e in pair.ends["b"].events if isinstance(e, UpdateReceived)
    ] == [IPV4_UNICAST]
    assert pair.a.counters.sent[MessageType.UPDATE] == 1


def test_nothing_is_sent_unless_established() -> None:
    session = Session(A_CONFIG, jitter=lambda: 1.0)

    session.send(END_OF_RIB, 0.0)

    assert session.next_output() is None


def test_a_peer_that_takes_nothing_is_given_up_at_once() -> None:
    pair = Pair().up()
    for at in range(0, 480, 20):
        pair.a.receive_data(1, KEEPALIVE, float(at))
        pair.a.progress(1, 100, 5000, float(at))
        pair.a.handle_timeout(float(at))
    assert pair.a.state is State.ESTABLISHED

    pair.a.receive_data(1, KEEPALIVE, 480.0)
    pair.a.handle_timeout(480.0)

    assert last_down(pair.a).reason is DownReason.SEND_HOLD_TIMER_EXPIRED
    outputs = []
    while (output := pair.a.next_output()) is not None:
        outputs.append(output)
    note = encode_message(Notification(ErrorCode.SEND_HOLD_TIMER_EXPIRED), Codec())
    assert outputs[-2:] == [Write(1, note), Close(1, reset=True)]


@pytest.mark.parametrize(
    ("reports", "deadline"),
    [
        ([(0, 0.0, 10), (5, 7.0, 10)], 487.0),
        ([(5, 0.0, 10), (5, 7.0, 10)], 480.0),
        ([(5, 0.0, 10), (5, 7.0, 0)], None),
        ([(5, 0.0, 10), (5, 7.0, 0), (5, 9.0, 1)], 489.0),
    ],
)
def test_progress_restarts_the_send_hold_timer(
    reports: list[tuple[int, float, int]], deadline: float | None
) -> None:
    pair = Pair(replace(A_CONFIG, send_hold_time=480)).up()
    for acked, at, queued in reports:
        pair.a.progress(1, acked, queued, at)
        pair.a.progress(9, 10**6, 0, at)  # of a connection long gone

    (connection,) = pair.a._arbiter

    assert connection.fsm.timers.deadline(Timer.SEND_HOLD) == deadline


def test_progress_before_the_session_is_up_means_nothing() -> None:
    pair = Pair()
    pair.b.start(0.0)
    conn = pair.b.accepted(0.0)
    assert conn is not None

    pair.b.progress(conn, 0, 100, 0.0)

    assert pair.b.next_deadline() == 120.0


FAMILIES = (IPV4_UNICAST, IPV6_UNICAST)
NO_REFRESH = replace(A_CONFIG, route_refresh=False)


@pytest.mark.parametrize(
    ("a", "family", "subtype", "told"),
    [
        (A_CONFIG, IPV4_UNICAST, 0, True),
        (A_CONFIG, IPV4_UNICAST, 1, True),
        (A_CONFIG, IPV4_UNICAST, 2, True),
        (A_CONFIG, IPV4_UNICAST, 3, False),
        (A_CONFIG, IPV4_UNICAST, 255, False),
        (A_CONFIG, IPV6_UNICAST, 0, False),
        (A_CONFIG, AddressFamily(25, 70), 0, False),
        (NO_REFRESH, IPV4_UNICAST, 0, True),
        (NO_REFRESH, IPV4_UNICAST, 1, False),
    ],
)
def test_a_refresh_is_told_where_it_means_something(
    a: SessionConfig, family: AddressFamily, subtype: int, *, told: bool
) -> None:
    pair = Pair(a).up()

    pair.deliver("a", refresh(family, subtype))

    expected = [RefreshReceived(family, subtype)] if told else []
    assert pair.ends["a"].told(RefreshReceived) == expected
    assert pair.a.counters.ignored == (not told)
    assert pair.a.state is State.ESTABLISHED


def test_a_forgiven_update_is_told_and_counted() -> None:
    pair = Pair().up()
    bad_origin = bytes.fromhex("400101 09 400200 400304 c0000202")

    pair.deliver("a", update_message(b"", bad_origin, bytes.fromhex("18c63364")))

    assert len(pair.ends["a"].told(UpdateReceived)) == 1
    assert pair.a.counters.faults[Verdict.TREAT_AS_WITHDRAW] >= 1
    assert pair.a.state is State.ESTABLISHED


def test_a_family_that_was_not_negotiated_is_ignored_and_counted() -> None:
    pair = Pair().up()
    ipv6 = bytes.fromhex("800f 08 0002 01 20 20010db8")

    pair.deliver("a", update_message(b"", ipv6, b""))

    assert pair.a.counters.ignored == 1
    assert pair.a.state is State.ESTABLISHED


def test_what_comes_after_the_end_is_not_read() -> None:
    pair = Pair().up()
    refusal = encode_message(Notification(ErrorCode.CEASE, 2), Codec())

    pair.deliver("a", refusal + END_OF_RIB * 100)

    assert pair.ends["a"].told(UpdateReceived) == []
    pair.a.receive_data(1, END_OF_RIB, pair.now)
    pair.a.connection_lost(1, pair.now)
    pair.a.progress(1, 0, 0, pair.now)
    assert pair.a.counters.received[MessageType.UPDATE] == 0


def test_delay_open_lets_the_peer_speak_first() -> None:
    pair = Pair(replace(A_CONFIG, delay_open_time=5.0), B_CONFIG)
    pair.b.start(0.0)
    pair.pump()
    pair.settle()
    pair.a.start(0.0)
    pair.pump()
    pair.take(Choice("dial", "a", 1))
    assert pair.ends["a"].written == []

    pair.settle()

    assert pair.a.state is pair.b.state is State.ESTABLISHED
    assert [data[18] for data in pair.ends["a"].written] == [1, 4]


def test_a_delayed_open_goes_when_its_time_has_come() -> None:
    a, b = (replace(config, delay_open_time=5.0) for config in (A_CONFIG, B_CONFIG))
    pair = Pair(a, b).up()
    assert pair.a.state is State.CONNECT

    pair.advance(5.0)

    assert pair.a.state is pair.b.state is State.ESTABLISHED
