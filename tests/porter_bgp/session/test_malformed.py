"""Octets that no peer should send: each with the exact NOTIFICATION, or the silence, it earns."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from porter_bgp.fsm import RestartFacts, local_open
from porter_bgp.session import DownReason, Session, State, Write
from porter_bgp.wire import (
    KEEPALIVE,
    AddressFamily,
    Codec,
    Multiprotocol,
    Notification,
    encode_message,
    update_message,
)
from tests.support.pair import A_CONFIG, B_CONFIG

if TYPE_CHECKING:
    from porter_bgp.config import SessionConfig

MARKER = b"\xff" * 16
PLAIN = replace(A_CONFIG, extended_message=False)
OPEN = encode_message(local_open(B_CONFIG, RestartFacts()), Codec())
END_OF_RIB = update_message(b"", b"", b"")
STATES = (State.OPEN_SENT, State.OPEN_CONFIRM, State.ESTABLISHED)


def message(kind: int, body: str | bytes = b"", length: int | None = None) -> bytes:
    octets = bytes.fromhex(body) if isinstance(body, str) else body
    size = 19 + len(octets) if length is None else length
    return MARKER + struct.pack("!HB", size, kind) + octets


def session_in(state: State, config: SessionConfig = A_CONFIG) -> Session:
    session = Session(config, jitter=lambda: 1.0)
    session.start(0.0)
    session.dialed(1, 0.0)
    for data in [OPEN, KEEPALIVE][: state.rank - State.OPEN_SENT.rank]:
        session.receive_data(1, data, 0.0)
    assert session.state is state
    while session.next_output() is not None:
        pass
    return session


def notification(session: Session) -> str | None:
    """What was sent, as code, subcode and data in hex."""
    written = []
    while (output := session.next_output()) is not None:
        if isinstance(output, Write):
            written.append(output.data)
    notes = [data[19:].hex() for data in written if data[18] == 3]
    assert len(notes) <= 1
    return notes[0] if notes else None


HEADERS = {
    "marker with a zero": (b"\xff" * 15 + b"\xfe" + b"\x00\x13\x04", "0101"),
    "marker all zero": (bytes(16) + b"\x00\x13\x04", "0101"),
    "length 18": (message(4, length=18), "0102 0012"),
    "length 0": (message(4, length=0), "0102 0000"),
    "length 4097": (message(2, length=4097), "0102 1001"),
    "length 65535": (message(2, length=65535), "0102 ffff"),
    "OPEN of 28": (message(1, length=28), "0102 001c"),
    "UPDATE of 22": (message(2, length=22), "0102 0016"),
    "KEEPALIVE of 20": (message(4, length=20), "0102 0014"),
    "ROUTE-REFRESH of 22": (message(5, length=22), "0102 0016"),
    "type 0": (message(0), "0103 00"),
    "type 6": (message(6), "0103 06"),
    "type 255": (message(255), "0103 ff"),
}


@pytest.mark.parametrize("state", STATES, ids=[state.value for state in STATES])
@pytest.mark.parametrize(("octets", "answer"), HEADERS.values(), ids=HEADERS)
def test_a_wrong_header(state: State, octets: bytes, answer: str) -> None:
    session = session_in(state, PLAIN)

    session.receive_data(1, octets, 0.0)

    assert notification(session) == answer.replace(" ", "")
    assert session.last_down is not None
    assert session.last_down.reason is DownReason.PROTOCOL_ERROR
    assert session.last_down.established is (state is State.ESTABLISHED)


@pytest.mark.parametrize("kind", [1, 4])
def test_open_and_keepalive_are_never_long(kind: int) -> None:
    session = session_in(State.OPEN_SENT)

    session.receive_data(1, message(kind, length=5000), 0.0)

    assert notification(session) == "01021388"


def test_a_long_update_is_taken_where_we_said_so() -> None:
    session = session_in(State.ESTABLISHED)

    session.receive_data(1, message(2, struct.pack("!HH", 0, 0) + b"\x18\xc6\x33\x64" * 16000), 0.0)

    assert session.state is State.ESTABLISHED


OPENS = {
    "version 3": ("03 fdea 005a c0000202 00", "0201 0004"),
    "version 5": ("05 fdea 005a c0000202 00", "0201 0004"),
    "AS 0": ("04 0000 005a c0000202 00", "0202"),
    "another AS": ("04 fde9 005a c0000202 00", "0202"),
    "two AS numbers": ("04 fdea 005a c0000202 08 02 06 41 04 0000fdeb", "0202"),
    "identifier 0.0.0.0": ("04 fdea 005a 00000000 00", "0203"),
    "hold time 1": ("04 fdea 0001 c0000202 00", "0206"),
    "hold time 2": ("04 fdea 0002 c0000202 00", "0206"),
    "authentication": ("04 fdea 005a c0000202 02 01 00", "0204"),
    "parameters cut off": ("04 fdea 005a c0000202 04 02 06 41", "0200"),
    "capability beyond its parameter": ("04 fdea 005a c0000202 04 02 02 41 04", "0200"),
    "only EVPN": ("04 fdea 005a c0000202 08 02 06 01 04 0019 00 46", "0207 01 04 0001 00 01"),
    "four-octet AS in none": ("04 fdea 005a c0000202 04 02 02 41 00", "0200"),
}


@pytest.mark.parametrize(("body", "answer"), OPENS.values(), ids=OPENS)
def test_a_wrong_open(body: str, answer: str) -> None:
    session = session_in(State.OPEN_SENT)

    session.receive_data(1, message(1, body), 0.0)

    found = notification(session)
    assert found is not None
    assert found.startswith(answer.replace(" ", ""))
    if answer != "0204":  # there the parameter may stand as data
        assert found == answer.replace(" ", "")


REFRESH = message(5, "0001 00 01")
UNEXPECTED = {
    "OPEN": (OPEN, ["", "0502 01", "0503 01"]),
    "malformed OPEN": (message(1, OPENS["AS 0"][0]), ["0202", "0502 01", "0503 01"]),
    "KEEPALIVE": (KEEPALIVE, ["0501 04", "", ""]),
    "UPDATE": (END_OF_RIB, ["0501 02", "0502 02", ""]),
    "malformed UPDATE": (message(2, "ffff 0000"), ["0501 02", "0502 02", "0301"]),
    "ROUTE-REFRESH": (REFRESH, ["0501 05", "0502 05", ""]),
    "malformed ROUTE-REFRESH": (
        message(5, "0001 01 01 00"),
        ["0501 05", "0502 05", "0701" + message(5, "0001 01 01 00").hex()],
    ),
}


@pytest.mark.parametrize(
    ("state", "octets", "answer"),
    [
        (state, octets, answer)
        for octets, answers in UNEXPECTED.values()
        for state, answer in zip(STATES, answers, strict=True)
    ],
    ids=[f"{name} in {state.value}" for name in UNEXPECTED for state in STATES],
)
def test_a_message_where_it_does_not_belong(state: State, octets: bytes, answer: str) -> None:
    session = session_in(state)

    session.receive_data(1, octets, 0.0)

    assert notification(session) == (answer.replace(" ", "") or None)
    assert (session.last_down is None) == (not answer)


def test_a_demarcation_of_a_wrong_length_is_a_header_error_without_rfc_7313() -> None:
    session = session_in(State.ESTABLISHED, replace(A_CONFIG, route_refresh=False))

    session.receive_data(1, message(5, "0001 01 01 00"), 0.0)

    assert notification(session) == "01020018"


NOTIFICATIONS = {
    "none at all": b"",
    "code alone": b"\x06",
    "unknown code": b"\xfe\xfe",
    "unknown subcode": b"\x06\xff",
    "version": b"\x02\x01\x00\x04",
    "text longer than the data": b"\x06\x02\xffabc",
    "text of no octets": b"\x06\x02\x00",
    "text that is no UTF-8": b"\x06\x02\x03\xff\xfe\xfd",
    "text with control characters": b"\x06\x02\x0a\x1b[2J\n\r\x07\x00ab",
    "text that runs from right to left": b"\x06\x04\x06" + "\u202eab\x85".encode()[:6],
    "text of 255 octets": b"\x06\x02\xff" + b"x" * 255,
    "hard reset around nothing": b"\x06\x09",
    "hard reset around one octet": b"\x06\x09\x06",
    "hard reset around hard resets": b"\x06\x09" * 500,
    "4075 octets of data": b"\x03\x01" + bytes(4075),
}


@pytest.mark.parametrize("state", STATES, ids=[state.value for state in STATES])
@pytest.mark.parametrize("body", NOTIFICATIONS.values(), ids=NOTIFICATIONS)
def test_a_notification_is_never_answered(state: State, body: bytes) -> None:
    session = session_in(state)

    session.receive_data(1, message(3, body), 0.0)

    assert notification(session) is None
    assert session.last_down is not None
    assert session.last_down.reason is DownReason.NOTIFICATION_RECEIVED
    assert session.last_down.text.isprintable()
    assert session.last_down.text.isascii()
    assert len(session.last_down.text) <= 300
    assert not session.last_down.sent


@pytest.mark.parametrize("state", STATES, ids=[state.value for state in STATES])
@pytest.mark.parametrize("cut", [1, 18, 19, 22])
def test_half_a_message_and_then_the_end(state: State, cut: int) -> None:
    session = session_in(state)
    session.receive_data(1, END_OF_RIB[:cut], 0.0)

    session.connection_lost(1, 0.0)

    assert notification(session) is None
    assert session.last_down is not None
    assert session.last_down.reason is DownReason.CONNECTION_LOST
    assert session.state is State.ACTIVE


def test_many_capabilities_are_read_and_ignored() -> None:
    family = AddressFamily(1, 1)
    body = local_open(B_CONFIG, RestartFacts()).encode()[:9]
    unknown = b"".join(bytes((code, 10)) + bytes(10) for code in range(128, 255)) * 2
    value = bytes((1, 4)) + Multiprotocol(family).encode() + unknown
    session = session_in(State.OPEN_SENT)

    parameters = struct.pack("!BBHBH", 255, 255, len(value) + 3, 2, len(value)) + value
    session.receive_data(1, message(1, body + parameters), 0.0)

    assert session.state is State.OPEN_CONFIRM


def test_our_own_notification_stays_within_the_plain_length() -> None:
    session = session_in(State.ESTABLISHED)
    attribute = bytes((0x50, 99)) + struct.pack("!H", 60000) + bytes(60000)

    session.receive_data(1, message(2, struct.pack("!HH", 0, len(attribute)) + attribute), 0.0)

    found = notification(session)
    assert found is not None
    assert found.startswith("0302")
    assert len(found) // 2 <= 4096 - 19
    assert Notification.decode(bytes.fromhex(found)).code == 3
