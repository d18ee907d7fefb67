"""A hundred thousand random and mutated messages: whatever comes, `Session` stays whole.

Real messages are damaged, cut, doubled and glued together, and sent in every state in which a
connection can be. Each seed is one test, and always the same one.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address
from random import Random
from typing import TYPE_CHECKING

import pytest

from porter_bgp.config import AddPathConfig, GracefulRestartConfig
from porter_bgp.fsm import RestartFacts, local_open
from porter_bgp.session import Close, Session, SessionDown, State, UpdateReceived, Write
from porter_bgp.wire import (
    IPV4_UNICAST,
    IPV6_UNICAST,
    KEEPALIVE,
    CeaseSubcode,
    Codec,
    Framer,
    MessageType,
    Notification,
    Prefix,
    RouteRefreshMessage,
    encode_message,
    hard_reset,
    update_message,
)
from tests.support.pair import A_CONFIG, B_CONFIG

if TYPE_CHECKING:
    from collections.abc import Callable

    from porter_bgp.config import SessionConfig

MESSAGES_A_SEED = 10_000
SEEDS = range(10)
MARKER = b"\xff" * 16
BOTH = (IPV4_UNICAST, IPV6_UNICAST)


def rich(config: SessionConfig) -> SessionConfig:
    return replace(
        config,
        families=BOTH,
        graceful_restart=GracefulRestartConfig(),
        add_path=AddPathConfig(send=frozenset(BOTH), receive=frozenset({IPV6_UNICAST})),
        extended_next_hop=True,
    )


OURS = (A_CONFIG, rich(A_CONFIG), replace(A_CONFIG, delay_open_time=5.0))
OPENS = [
    encode_message(local_open(config, RestartFacts()), Codec())
    for config in (B_CONFIG, rich(B_CONFIG), replace(B_CONFIG, local_asn=4200000001))
]
NLRI = b"".join(Prefix.of(IPv4Address("198.51.100.0") + i).nlri for i in range(50))
NLRI6 = b"".join(Prefix.of(IPv6Address("2001:db8::") + i).nlri for i in range(20))
BASE = bytes.fromhex("40010100 4002060201 0000fdea 400304 c0000202")
ATTRIBUTES = [
    BASE,
    BASE
    + bytes.fromhex("800404 00000064  c00808 fdea0001 ffff0000  c0200c 0000fdea0000000100000002"),
    BASE
    + bytes.fromhex(
        "c01008 0002fdea00000001  c01a00  e0ff03 010203  400600 c0070800 00fdea c0000201"
    ),
    bytes.fromhex(
        "40010100 40020402 01 fdea 400304 c0000202  c01106 0201 0000fdea  c01208 0000fdea c0000201"
    ),
    bytes.fromhex("40010102 400200 400304 c0000202 400504 00000064 c02304 0000fdea"),
]
REACH6 = bytes.fromhex("000201 10 20010db8000000000000000000000002 00") + NLRI6
UPDATES = [
    *(update_message(b"", attributes, NLRI) for attributes in ATTRIBUTES),
    update_message(NLRI, b"", b""),
    update_message(NLRI, BASE, NLRI),
    update_message(b"", b"", b""),
    update_message(b"", b"\x90\x0e" + struct.pack("!H", len(REACH6)) + REACH6 + BASE, b""),
    update_message(b"", b"\x90\x0f" + struct.pack("!H", 3 + len(NLRI6)) + b"\0\2\1" + NLRI6, b""),
    update_message(b"", b"\x80\x0f\x03\0\2\1", b""),
]
NOTES = [
    encode_message(note, Codec())
    for note in (
        Notification.cease(CeaseSubcode.ADMINISTRATIVE_SHUTDOWN, "räumen"),
        Notification.cease(CeaseSubcode.COLLISION_RESOLUTION),
        hard_reset(Notification.cease(CeaseSubcode.MAXIMUM_PREFIXES)),
        Notification(2, 1, b"\x00\x04"),
    )
]
REFRESHES = [
    encode_message(RouteRefreshMessage(family, subtype), Codec())
    for family in BOTH
    for subtype in (0, 1, 2, 9)
]
REAL = [*OPENS, *UPDATES, *UPDATES, *NOTES, *REFRESHES, KEEPALIVE]


def _flip(random: Random, data: bytearray) -> None:
    for _ in range(random.choice((1, 1, 1, 2, 3, 8))):
        data[random.randrange(19, len(data) + 1) % len(data)] = random.randrange(256)


def _insert(random: Random, data: bytearray) -> None:
    at = random.randrange(19, len(data) + 1)
    data[at:at] = random.randbytes(random.choice((1, 2, 4, 30)))


def _delete(random: Random, data: bytearray) -> None:
    at = random.randrange(19, len(data) + 1)
    del data[at : at + random.choice((1, 2, 4, 30))]


def _repeat(random: Random, data: bytearray) -> None:
    at = random.randrange(19, len(data) + 1)
    data += data[at:] * random.choice((1, 2, 20))


def _extreme(random: Random, data: bytearray) -> None:
    at = random.randrange(19, len(data) + 1) % len(data)
    data[at : at + 2] = random.choice((b"\x00\x00", b"\xff\xff", b"\x00\xff", b"\x80\x00"))


def _splice(random: Random, data: bytearray) -> None:
    other = random.choice(REAL)
    data[random.randrange(19, len(data) + 1) :] = other[random.randrange(19, len(other) + 1) :]


def _noise(random: Random, data: bytearray) -> None:
    data[19:] = random.randbytes(random.choice((0, 1, 4, 10, 23, 100, 1000)))


def _header(random: Random, data: bytearray) -> None:
    data[random.randrange(19)] = random.randrange(256)


def _nothing(random: Random, data: bytearray) -> None:
    del random, data


DAMAGES: list[Callable[[Random, bytearray], None]] = [
    _flip,
    _flip,
    _flip,
    _insert,
    _delete,
    _repeat,
    _extreme,
    _extreme,
    _splice,
    _noise,
    _nothing,
]


def damaged(random: Random) -> bytes:
    """A message whose header fits its body, mostly; the type may be another's."""
    data = bytearray(random.choice(REAL))
    random.choice(DAMAGES)(random, data)
    if random.random() < 0.05:
        data[18:19] = bytes((random.randrange(7),))
    data[16:18] = struct.pack("!H", min(len(data), 0xFFFF))
    if random.random() < 0.03:
        _header(random, data)
    return bytes(data)


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
