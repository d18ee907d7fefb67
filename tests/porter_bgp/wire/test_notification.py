"""`porter_bgp.wire.notification`: RFC 4271 §4.5, RFC 8538 §3, RFC 9003 §2."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porter_bgp.wire.errors import (
    FsmError,
    MessageHeaderError,
    OpenMessageError,
    ProtocolError,
    RouteRefreshError,
    UpdateMessageError,
)
from porter_bgp.wire.iana import CeaseSubcode, ErrorCode
from porter_bgp.wire.notification import Notification, hard_reset
from tests.strategies import notifications

DRAIN = Notification.cease(CeaseSubcode.ADMINISTRATIVE_SHUTDOWN, "node drain")

# Read both ways, and said in words.
VECTORS = {
    "shutdown with a text": (
        DRAIN,
        "06 02 0a 6e6f646520647261696e",
        "Cease/Administrative shutdown: node drain",
    ),
    "shutdown without": (
        Notification.cease(CeaseSubcode.ADMINISTRATIVE_SHUTDOWN),
        "06 02",
        "Cease/Administrative shutdown",
    ),
    "hard reset": (
        hard_reset(DRAIN),
        "06 09 06 02 0a 6e6f646520647261696e",
        "Cease/Hard reset: Cease/Administrative shutdown: node drain",
    ),
    "BFD down": (Notification.cease(CeaseSubcode.BFD_DOWN), "06 0a", "Cease/Bfd down"),
    "unexpected UPDATE in OpenConfirm": (
        Notification(ErrorCode.FSM, 2, b"\x02"),
        "05 02 02",
        "Fsm/Unexpected in open confirm",
    ),
    "hold timer": (Notification(ErrorCode.HOLD_TIMER_EXPIRED), "04 00", "Hold timer expired/0"),
    "send hold timer": (
        Notification(ErrorCode.SEND_HOLD_TIMER_EXPIRED),
        "08 00",
        "Send hold timer expired/0",
    ),
    "unknown code": (Notification(99, 7, b"x"), "63 07 78", "99/7"),
    "unknown subcode": (Notification(ErrorCode.CEASE, 200), "06 c8", "Cease/200"),
}

TEXTS = {
    "no length octet": ("06 02", ""),
    "length 0": ("06 02 00", ""),
    "length beyond the data": ("06 02 ff 616263", "abc"),
    "length short of the data": ("06 02 02 616263", "ab"),
    "reset": ("06 04 02 6f6b", "ok"),
    "newline, bell, escape, DEL": ("06 02 04 0a071b7f", r"\n\x07\x1b\x7f"),
    "backslash": ("06 02 01 5c", r"\\"),
    "umlaut": ("06 02 02 c3bc", r"\xfc"),
    "right-to-left override": ("06 02 03 e280ae", r"\u202e"),
    "invalid UTF-8": ("06 02 03 61ff62", r"a\ufffdb"),
    "cut character": ("06 02 01 c3", r"\ufffd"),
    "no shutdown": ("06 05 02 6f6b", ""),
    "no Cease": ("01 02 02 6f6b", ""),
}

NESTED = {
    "nothing inside": "06 09",
    "half a code inside": "06 09 06",
    "a hard reset inside": "06 09 06 09 06 02",
    "no hard reset": "06 02 06 02",
}


@pytest.mark.parametrize(("value", "octets", "words"), VECTORS.values(), ids=VECTORS)
def test_vector_reads_both_ways(value: Notification, octets: str, words: str) -> None:
    assert value.encode() == bytes.fromhex(octets)
    assert Notification.decode(bytes.fromhex(octets)) == value
    assert str(value) == words


@pytest.mark.parametrize(("octets", "text"), TEXTS.values(), ids=TEXTS)
def test_text_is_escaped_and_stays_in_its_slice(octets: str, text: str) -> None:
    assert Notification.decode(bytes.fromhex(octets)).text == text


@pytest.mark.parametrize("octets", NESTED.values(), ids=NESTED)
def test_nothing_is_found_inside(octets: str) -> None:
    assert Notification.decode(bytes.fromhex(octets)).inner is None


def test_a_hard_reset_gives_back_what_it_carries() -> None:
    assert hard_reset(DRAIN).inner == DRAIN


@pytest.mark.parametrize(
    ("body", "code", "subcode"), [(b"", 0, 0), (b"\x06", 6, 0), (b"\x06\x02", 6, 2)]
)
def test_what_is_missing_counts_as_zero(body: bytes, code: int, subcode: int) -> None:
    assert Notification.decode(body) == Notification(code, subcode)


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        ("x" * 300, b"x" * 255),
        ("ü" * 128, "ü".encode() * 127),
        ("\U0001f600" * 64, "\U0001f600".encode() * 63),
        ("\ud800", b"?"),
    ],
    ids=["one octet each", "two", "four", "no character"],
)
def test_a_text_too_long_is_cut_between_characters(text: str, octets: bytes) -> None:
    value = Notification.cease(CeaseSubcode.ADMINISTRATIVE_RESET, text)

    assert value.data == bytes((len(octets),)) + octets


def test_a_text_goes_only_where_it_has_room() -> None:
    value = Notification.cease(CeaseSubcode.PEER_DECONFIGURED, "gone")

    assert value == Notification(ErrorCode.CEASE, CeaseSubcode.PEER_DECONFIGURED)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (MessageHeaderError, 1),
        (OpenMessageError, 2),
        (UpdateMessageError, 3),
        (FsmError, 5),
        (RouteRefreshError, 7),
    ],
)
def test_an_error_is_its_notification(kind: type[ProtocolError], code: int) -> None:
    error = kind(3, "words for people", data=b"data")

    assert Notification.of(error) == Notification(code, 3, b"data")


def test_data_that_no_message_holds_is_cut() -> None:
    value = Notification.of(UpdateMessageError(5, "long", data=bytes(70_000)))

    assert len(value.encode()) + 19 == 4096


@given(notifications)
def test_encoding_loses_nothing(value: Notification) -> None:
    assert Notification.decode(value.encode()) == value


@given(st.binary(max_size=600))
def test_any_octets_decode_and_print_in_one_bounded_line(body: bytes) -> None:
    for octets in (body, b"\x06\x02" + body, b"\x06\x09\x06\x04" + body):
        words = str(Notification.decode(octets))
        assert words.isascii()
        assert words.isprintable()
        assert len(words) < 2048
