"""A hundred thousand random and mutated messages: whatever comes, `Session` stays whole.

Real messages are damaged, cut, doubled and glued together, and sent in every state in which a
connection can be. Each seed is one test, and always the same one.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

import pytest

from porter_bgp.session import Close, Session, SessionDown, State, UpdateReceived, Write
from porter_bgp.wire import KEEPALIVE, Framer, MessageType, Notification
from tests.support.damage import BOTH, OPENS, damaged, rich
from tests.support.pair import A_CONFIG

if TYPE_CHECKING:
    from porter_bgp.config import SessionConfig

MESSAGES_A_SEED = 10_000
SEEDS = range(10)
MARKER = b"\xff" * 16
OURS = (A_CONFIG, rich(A_CONFIG), replace(A_CONFIG, delay_open_time=5.0))


def session_in(stage: int, config: SessionConfig, opening: bytes) -> Session:
    """Dialled; then OPEN and KEEPALIVE received as `stage` says."""
    session = Session(config, jitter=lambda: 1.0)
    session.start(0.0)
    session.next_output()
    session.dialed(1, 0.0)
    for data in (opening, KEEPALIVE)[:stage]:
        session.receive_data(1, data, 0.0)
    return session


def check_outputs(session: Session, sent: list[Notification]) -> bool:
    """Every message written is a message; whether the connection is closed."""
    closed = False
    while (output := session.next_output()) is not None:
        if isinstance(output, Write) and output.conn == 1:
            assert not closed
            framer = Framer()
            framer.feed(output.data)
            frame = framer.next_frame(4096)
            assert frame is not None
            if frame[0] is MessageType.NOTIFICATION:
                sent.append(Notification.decode(frame[1]))
        closed = closed or output == Close(1)
    return closed


def check_events(session: Session) -> None:
    """What is told can be read to the end."""
    while (event := session.next_event()) is not None:
        if isinstance(event, UpdateReceived):
            for family, keys, _ in event.update.announced():
                assert family in BOTH
                assert all(len(key) >= 5 for key in keys)
            for family, keys in event.update.withdrawn_keys():
                assert family in BOTH
                assert keys
        elif isinstance(event, SessionDown):
            assert event.text.isascii()
            assert event.text.isprintable()
            assert len(event.text) <= 300


def _timeless(session: Session) -> bool:
    """Whether the peer asked for hold time 0, and got it: then nothing ever expires."""
    found = [connection.fsm.negotiated for connection in session._arbiter]
    return any(negotiated is not None and negotiated.hold_time == 0 for negotiated in found)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_message_breaks_a_session(seed: int) -> None:
    random = Random(seed)  # noqa: S311 - a seed makes the test repeatable
    received, closed, notified = 0, True, 0
    ends = dict.fromkeys(State, 0)
    session = session_in(0, A_CONFIG, OPENS[0])
    sent: list[Notification] = []
    while received < MESSAGES_A_SEED:
        if closed:
            config = random.choice(OURS)
            session = session_in(random.choice((0, 1, 2, 2, 2)), config, random.choice(OPENS[:2]))
            check_outputs(session, [])
            sent = []
        before = session.state
        message = damaged(random)
        cut = random.randrange(len(message) + 1) if random.random() < 0.1 else 0
        for piece in (message[:cut], message[cut:]):
            session.receive_data(1, piece, 0.0)
        received += 1
        closed = check_outputs(session, sent)
        check_events(session)

        assert len(sent) <= closed
        assert session.next_deadline() is not None or _timeless(session)
        notified += len(sent)
        ends[before] += closed

    assert notified > MESSAGES_A_SEED / 100
    for state in (State.CONNECT, State.OPEN_SENT, State.OPEN_CONFIRM, State.ESTABLISHED):
        assert ends[state] > 10


@pytest.mark.parametrize("seed", SEEDS)
def test_noise_without_any_frame_costs_one_notification(seed: int) -> None:
    random = Random(seed)  # noqa: S311 - a seed makes the test repeatable
    for _ in range(100):
        session = session_in(random.randrange(3), A_CONFIG, OPENS[0])
        check_outputs(session, [])
        sent: list[Notification] = []

        session.receive_data(1, random.randbytes(random.choice((19, 100, 65536))), 0.0)

        assert check_outputs(session, sent)
        assert [(note.code, note.subcode) for note in sent] == [(1, 1)]


def test_a_long_message_may_come_octet_by_octet() -> None:
    session = session_in(2, A_CONFIG, OPENS[0])
    check_outputs(session, [])
    body = struct.pack("!HH", 0, 0) + b"\x20\xc6\x33\x64\x01" * 13000

    for octet in MARKER + struct.pack("!HB", 19 + len(body), 2) + body:
        session.receive_data(1, bytes((octet,)), 0.0)

    # Routes without attributes: withdrawn, by RFC 7606.
    assert session.state is State.ESTABLISHED
