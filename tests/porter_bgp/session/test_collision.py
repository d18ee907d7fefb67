"""Two connections at once: RFC 4271 §6.8, RFC 6286 §2.3, RFC 4724 §5."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import pytest

from porter_bgp.config import GracefulRestartConfig
from porter_bgp.session import (
    Close,
    DownReason,
    Session,
    SessionDown,
    SessionEstablished,
    State,
    Stop,
)
from porter_bgp.wire import KEEPALIVE, CeaseSubcode, Codec, Notification, encode_message
from tests.support.pair import A_CONFIG, B_CONFIG, Choice, Pair

if TYPE_CHECKING:
    from porter_bgp.config import SessionConfig
    from porter_bgp.session import ConnId

LOW, HIGH = IPv4Address("10.0.0.1"), IPv4Address("192.0.2.1")
COLLISION = encode_message(Notification.cease(CeaseSubcode.COLLISION_RESOLUTION), Codec())
GRACEFUL = GracefulRestartConfig()

# Who keeps the connection it dialled.
DOMINANCE: dict[str, tuple[SessionConfig, SessionConfig, str]] = {
    "the higher identifier": (
        replace(A_CONFIG, router_id=LOW),
        replace(B_CONFIG, router_id=HIGH),
        "b",
    ),
    "the higher identifier, though the AS is lower": (
        replace(A_CONFIG, router_id=HIGH),
        replace(B_CONFIG, router_id=LOW),
        "a",
    ),
    "identifiers compare as numbers": (
        replace(A_CONFIG, router_id=IPv4Address("9.0.0.1")),
        replace(B_CONFIG, router_id=IPv4Address("10.0.0.1")),
        "b",
    ),
    "the higher AS where the identifiers are equal": (
        replace(A_CONFIG, router_id=HIGH),
        replace(B_CONFIG, router_id=HIGH),
        "b",
    ),
}


def opened_at_once(a: SessionConfig, b: SessionConfig) -> Pair:
    """Both have dialled, both dials have succeeded, no octet has arrived."""
    pair = Pair(a, b)
    pair.start()
    for choice in pair.choices():
        pair.take(choice)
    assert len(pair.live()) == 2
    return pair


def dialled_by(pair: Pair, end: str) -> dict[str, int]:
    """The connection that `end` dialled, the only or the first one."""
    return pair.links[0 if end == "a" else 1].conns


@pytest.mark.parametrize(("a", "b", "dominant"), DOMINANCE.values(), ids=DOMINANCE)
@pytest.mark.parametrize("late", ["a", "b"])
def test_the_dominant_side_keeps_what_it_dialled(
    a: SessionConfig, b: SessionConfig, dominant: str, late: str
) -> None:
    pair = opened_at_once(a, b)
    early = "b" if late == "a" else "a"

    # At one end all OPENs arrive before anything at the other: it decides alone.
    for choice in [c for c in pair.choices() if c.end == early]:
        pair.take(choice)
    pair.settle()

    assert pair.a.state is pair.b.state is State.ESTABLISHED
    assert [link.conns for link in pair.live()] == [dialled_by(pair, dominant)]
    assert sum(end.written.count(COLLISION) for end in pair.ends.values()) == 1
    assert pair.ends[early].told(SessionDown) == []


def _signature(pair: Pair) -> tuple[object, ...]:
    return (
        *(
            (
                end.session.state,
                tuple((c.conn, c.state, c.parked is None) for c in end.session._arbiter),
                tuple(end.dials),
            )
            for end in pair.ends.values()
        ),
        *(
            (tuple(link.conns.items()), tuple(map(tuple, link.ways.values())))
            for link in pair.links
        ),
    )


def _after(a: SessionConfig, b: SessionConfig, path: tuple[Choice, ...]) -> Pair:
    pair = Pair(a, b)
    pair.start()
    for choice in path:
        pair.take(choice)
    return pair


@pytest.mark.parametrize("graceful", [None, GRACEFUL], ids=["plain", "graceful restart"])
@pytest.mark.parametrize(("a", "b"), [row[:2] for row in DOMINANCE.values()], ids=DOMINANCE)
def test_every_interleaving_of_two_dials_ends_in_one_session(
    a: SessionConfig, b: SessionConfig, graceful: GracefulRestartConfig | None
) -> None:
    a, b = replace(a, graceful_restart=graceful), replace(b, graceful_restart=graceful)
    seen: set[tuple[object, ...]] = set()
    frontier: list[tuple[Choice, ...]] = [()]
    ends = 0
    while frontier:
        path = frontier.pop()
        pair = _after(a, b, path)
        if (signature := _signature(pair)) in seen:
            continue
        seen.add(signature)
        assert all(len(tuple(end.session._arbiter)) <= 2 for end in pair.ends.values())
        frontier += [(*path, choice) for choice in pair.choices()]
        if not pair.choices():
            ends += 1
            _check_end(pair)

    assert ends > 5
    assert len(seen) > 100


def _check_end(pair: Pair) -> None:
    """At rest there is one connection, or one that is up and one that is about to go."""
    assert pair.a.state is pair.b.state is State.ESTABLISHED
    if len(pair.live()) == 2:
        pair.advance(1.0)
    assert len(pair.live()) == 1
    assert pair.a.state is pair.b.state is State.ESTABLISHED
    for end in pair.ends.values():
        assert len(end.told(SessionEstablished)) - len(end.told(SessionDown)) == 1


def test_two_that_came_up_together_leave_the_last_word_to_the_peer() -> None:
    pair = opened_at_once(A_CONFIG, B_CONFIG)
    ours, theirs = dialled_by(pair, "a")["a"], dialled_by(pair, "b")["a"]
    pair.take(Choice("arrive", "a", ours))
    pair.a.receive_data(ours, KEEPALIVE, pair.now)
    assert pair.a.state is State.ESTABLISHED

    pair.take(Choice("arrive", "a", theirs))
    pair.a.receive_data(theirs, KEEPALIVE, pair.now)

    assert [c.state for c in pair.a._arbiter] == [State.ESTABLISHED, State.OPEN_SENT]
    assert pair.a.next_deadline() == 1.0
    pair.a.connection_lost(ours, pair.now)
    assert [c.conn for c in pair.a._arbiter] == [theirs]
    assert pair.a.state is State.ESTABLISHED


def _parked() -> tuple[Pair, int, int]:
    """At `a` the connection it dialled is up; on the other one the peer's OPEN waits."""
    pair = opened_at_once(A_CONFIG, B_CONFIG)
    ours, theirs = dialled_by(pair, "a")["a"], dialled_by(pair, "b")["a"]
    pair.take(Choice("arrive", "a", ours))
    pair.a.receive_data(ours, KEEPALIVE, pair.now)
    pair.take(Choice("arrive", "a", theirs))
    pair.a.receive_data(theirs, KEEPALIVE, pair.now)
    return pair, ours, theirs


def test_a_stop_wakes_nobody_who_waits_for_the_verdict() -> None:
    pair, ours, theirs = _parked()

    pair.a.stop(pair.now, Stop.leave())
    pair.pump()

    assert [close.conn for close in pair.ends["a"].closed] == [theirs, ours]
    assert len(pair.ends["a"].told(SessionEstablished)) == 1


def test_beside_an_established_one_our_own_silent_dial_makes_room() -> None:
    pair = opened_at_once(A_CONFIG, B_CONFIG)
    ours, theirs = dialled_by(pair, "a")["a"], dialled_by(pair, "b")["a"]
    pair.take(Choice("arrive", "a", theirs))
    pair.a.receive_data(theirs, KEEPALIVE, pair.now)
    assert pair.a.state is State.ESTABLISHED

    conn = pair.a.accepted(pair.now)

    assert conn is not None
    assert _closes(pair.a) == [ours]
    assert [c.conn for c in pair.a._arbiter] == [theirs, conn]


def test_one_that_floods_while_it_waits_for_the_verdict_goes() -> None:
    pair = opened_at_once(A_CONFIG, B_CONFIG)
    ours, theirs = dialled_by(pair, "a")["a"], dialled_by(pair, "b")["a"]
    pair.take(Choice("arrive", "a", ours))
    pair.a.receive_data(ours, KEEPALIVE, pair.now)
    pair.take(Choice("arrive", "a", theirs))

    for _ in range(5):
        pair.a.receive_data(theirs, KEEPALIVE * 1000, pair.now)

    assert [c.conn for c in pair.a._arbiter] == [ours]


def test_an_open_cancels_our_dial() -> None:
    pair = Pair()
    pair.start()
    (dial,) = pair.ends["a"].dials

    pair.take(Choice("dial", "b", pair.ends["b"].dials[0]))
    pair.take(next(c for c in pair.choices() if c == Choice("arrive", "a", 2)))

    assert [close.conn for close in pair.ends["a"].closed] == [dial]
    assert pair.a.state is State.OPEN_CONFIRM
    assert COLLISION not in pair.ends["a"].written


def test_a_dial_that_ends_after_it_was_cancelled_is_ignored() -> None:
    pair = Pair()
    pair.start()
    (dial,) = pair.ends["a"].dials
    pair.take(Choice("dial", "b", pair.ends["b"].dials[0]))
    pair.take(Choice("arrive", "a", 2))
    pair.settle()

    pair.a.dialed(dial, pair.now)
    pair.a.dial_failed(dial, pair.now)

    assert pair.a.state is State.ESTABLISHED
    assert pair.a.next_output() is None
    assert pair.a.next_event() is None


def test_an_inbound_connection_beside_an_established_one_is_dumped_at_its_open() -> None:
    pair = Pair().up()
    first = pair.live()
    _reborn(pair, B_CONFIG)

    pair.settle()

    assert pair.live() == []
    assert COLLISION in pair.ends["a"].written
    assert pair.a.state is State.ESTABLISHED
    assert first[0].conns == {"a": 1}
    assert pair.ends["a"].told(SessionDown) == []


def test_a_restarted_peer_takes_the_place_of_a_graceful_one_in_silence() -> None:
    a, b = (replace(config, graceful_restart=GRACEFUL) for config in (A_CONFIG, B_CONFIG))
    pair = Pair(a, b).up()
    written = len(pair.ends["a"].written)
    _reborn(pair, b)

    pair.settle()

    assert pair.a.state is pair.b.state is State.ESTABLISHED
    assert len(pair.live()) == 1
    (down,) = pair.ends["a"].told(SessionDown)
    assert isinstance(down, SessionDown)
    assert (down.reason, down.established, down.sent) == (DownReason.PEER_RESTARTED, True, False)
    kinds = [data[18] for data in pair.ends["a"].written[written:]]
    assert kinds == [1, 4]
    assert len(pair.ends["a"].told(SessionEstablished)) == 2


def test_a_restarted_peer_with_a_bad_open_takes_nobodys_place() -> None:
    a, b = (replace(config, graceful_restart=GRACEFUL) for config in (A_CONFIG, B_CONFIG))
    pair = Pair(a, b).up()
    _reborn(pair, replace(b, local_asn=65009))

    pair.settle()

    assert pair.a.state is State.ESTABLISHED
    assert pair.ends["a"].told(SessionDown) == []


def test_the_newest_of_those_that_never_spoke_stays_beside_the_first() -> None:
    pair = Pair().up()
    session = pair.a

    second = session.accepted(1.0)
    third = session.accepted(1.0)

    assert second is not None
    assert third is not None
    assert _closes(session) == [second]
    assert session.state is State.ESTABLISHED


def test_a_third_connection_is_refused_while_two_may_win() -> None:
    pair = opened_at_once(A_CONFIG, B_CONFIG)
    inbound = dialled_by(pair, "b")["a"]
    pair.take(Choice("arrive", "a", inbound))

    assert pair.a.accepted(pair.now) is None
    assert pair.a.state is State.OPEN_CONFIRM


def test_of_two_that_the_peer_dialled_the_later_one_stays() -> None:
    pair = Pair()
    pair.ends["b"].session.start(0.0)
    pair.pump()
    pair.settle()
    pair.a.start(0.0)
    pair.pump()
    pair.take(pair.choices()[0])
    pair.take(next(c for c in pair.choices() if c.end == "b"))
    assert pair.b.state is State.OPEN_CONFIRM
    opening = pair.ends["a"].written[0]

    conn = pair.b.accepted(0.0)
    assert conn is not None
    pair.b.receive_data(conn, opening, 0.0)

    assert pair.b.state is State.OPEN_CONFIRM
    assert [c.conn for c in pair.b._arbiter] == [conn]


def test_a_storm_of_connections_is_answered_with_two_at_most() -> None:
    pair = Pair().up()
    for _ in range(1000):
        pair.a.accepted(pair.now)

        assert len(tuple(pair.a._arbiter)) <= 2
        _closes(pair.a)

    assert pair.a.state is State.ESTABLISHED


def _reborn(pair: Pair, config: SessionConfig) -> Session:
    """A new session of the other end's, whose host forgot the old connection without a word."""
    pair.cut()
    for link in pair.links:
        link.conns.pop("b", None)
    session = Session(config, jitter=lambda: 1.0)
    pair.ends["b"].session = session
    pair.now += 10.0
    session.start(pair.now)
    pair.pump()
    return session


def _closes(session: Session) -> list[ConnId]:
    closed: list[ConnId] = []
    while (output := session.next_output()) is not None:
        if isinstance(output, Close):
            closed.append(output.conn)
    return closed
