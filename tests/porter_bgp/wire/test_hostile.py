"""Octets from someone who means harm: a value or a declared error, soon, and in bounds."""

from __future__ import annotations

import sys
import time
import tracemalloc
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porter_bgp.wire import (
    IPV4_UNICAST,
    IPV6_UNICAST,
    Codec,
    MessageType,
    ProtocolError,
    Update,
    decode_message,
    encode_message,
)
from porter_bgp.wire.framing import HEADER_LENGTH, Framer
from porter_bgp.wire.update import update_body
from tests.strategies import codecs, messages, mutated

if TYPE_CHECKING:
    from collections.abc import Iterator

BOTH = frozenset({IPV4_UNICAST, IPV6_UNICAST})
CODECS = (
    Codec(families=BOTH),
    Codec(families=BOTH, external=False, four_octet_as=False),
    Codec(families=BOTH, add_path_receive=BOTH),
)
GOOD = bytes.fromhex("40 01 01 00  40 02 06 02 01 0000fde9  40 03 04 0a00000b")
NLRI = bytes.fromhex("20 cb00710a")
ROOM = 65535 - HEADER_LENGTH - 4


def read(body: bytes, codec: Codec) -> None:
    """All that a session asks of an UPDATE."""
    try:
        update = Update.decode(body, codec)
    except ProtocolError:
        return
    assert all(keys for _, keys, _ in update.announced())
    assert all(keys for _, keys in update.withdrawn_keys())
    assert update.end_of_rib in {None, *BOTH}


@contextmanager
def untraced() -> Iterator[None]:
    """Without the coverage tool, whose time and memory are not ours."""
    trace = sys.gettrace()
    sys.settrace(None)
    try:
        yield
    finally:
        sys.settrace(trace)


def cpu_seconds(body: bytes, codec: Codec) -> float:
    start = time.thread_time()
    read(body, codec)
    return time.thread_time() - start


def peak_octets(body: bytes, codec: Codec) -> int:
    tracemalloc.start()
    try:
        read(body, codec)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def attribute(flags: int, kind: int, value: bytes) -> bytes:
    return bytes((flags | 0x10, kind)) + len(value).to_bytes(2) + value


@pytest.mark.parametrize("kind", [*range(1, 41), 128])
def test_every_attribute_of_every_short_length(kind: int) -> None:
    for flags in (0x00, 0x40, 0x80, 0xC0, 0x50, 0x90, 0xD0):
        for length in range(25):
            for filler in (b"\x00", b"\x01", b"\xff"):
                head = bytes((flags, kind)) + length.to_bytes(2 if flags & 0x10 else 1)
                block = GOOD + head + filler * length
                for codec in CODECS[:2]:
                    read(update_body(b"", block, NLRI), codec)
                read(update_body(b"", block, b""), CODECS[2])


@pytest.mark.parametrize("off", [-4, -3, -2, -1, 1, 2, 3, 4, 0xFFFF - 20])
def test_lengths_that_are_off(off: int) -> None:
    withdrawn = bytes.fromhex("20 cb00710b")
    for wrong, right in ((len(withdrawn) + off, len(GOOD)), (len(withdrawn), len(GOOD) + off)):
        lengths = (max(wrong, 0).to_bytes(2), max(right, 0).to_bytes(2))
        for codec in CODECS:
            read(lengths[0] + withdrawn + lengths[1] + GOOD + NLRI, codec)


def test_every_attribute_twice_with_other_values_and_flags() -> None:
    for kind in range(256):
        for first in (0x40, 0x80, 0xC0):
            for second in (0x40, 0x80, 0xC0):
                twice = bytes((first, kind, 4)) + bytes(4) + bytes((second, kind, 3)) + b"\xff" * 3
                for codec in CODECS:
                    read(update_body(b"", GOOD + twice, NLRI), codec)


def test_bodies_of_every_type_filled_with_one_octet() -> None:
    for kind in MessageType:
        for filler in (b"\x00", b"\x01", b"\x02", b"\x40", b"\x80", b"\xff"):
            for length in range(70):
                for codec in CODECS:
                    try:
                        encode_message(decode_message(kind, filler * length, codec), codec)
                    except ProtocolError:
                        continue


@given(st.data(), codecs())
def test_mutated_messages_are_values_or_declared_errors(data: st.DataObject, codec: Codec) -> None:
    octets = data.draw(mutated(encode_message(data.draw(messages(codec)), codec)))
    framer = Framer()
    framer.feed(octets)
    said: ProtocolError | None = None
    try:
        while (one := framer.next_frame(codec.max_receive)) is not None:
            message = decode_message(*one, codec)
            if isinstance(message, Update):
                read(one[1], codec)
    except ProtocolError as error:
        said = error

    assert len(str(said)) < 1024


@given(st.binary(max_size=120), codecs(), st.sampled_from(MessageType))
def test_any_body_is_a_value_or_a_declared_error(
    body: bytes, codec: Codec, kind: MessageType
) -> None:
    try:
        message = decode_message(kind, body, codec)
    except ProtocolError:
        return

    assert type(message).__module__.startswith("porter_bgp.wire.")


def _worst() -> Iterator[tuple[str, bytes]]:
    def body(block: bytes, nlri: bytes = NLRI, withdrawn: bytes = b"") -> bytes:
        return update_body(withdrawn, block, nlri)

    room = ROOM - len(GOOD) - len(NLRI) - 4
    half = (ROOM - len(GOOD)) // 2
    yield "default routes", body(GOOD, bytes(ROOM - len(GOOD)))
    yield "short routes with loose bits", body(GOOD, b"\x01\xff" * half)
    yield "as many withdrawn as announced", body(GOOD, bytes(half), bytes(half))
    yield "one attribute over and over", body(b"\xc0\xfe\x00" * ((ROOM - 8) // 3))
    yield (
        "all attributes over and over",
        body(b"".join(bytes((0xC0, n % 256, 0)) for n in range((ROOM - 8) // 3))),
    )
    yield (
        "well-known ones nobody knows",
        body(b"".join(bytes((0x40, n % 256, 0)) for n in range((ROOM - 8) // 3))),
    )
    yield "communities", body(GOOD + attribute(0xC0, 8, bytes(room // 4 * 4)))
    yield "large communities", body(GOOD + attribute(0xC0, 32, bytes(room // 12 * 12)))
    yield "clusters", body(GOOD + attribute(0x80, 10, bytes(room // 4 * 4)))
    segments = attribute(0x40, 2, b"\x02\x01\x00\x00\x00\x01" * ((ROOM - 9) // 6))
    yield "segments of one AS", body(segments)
    merged = attribute(0x40, 2, b"\x02\x01\x00\x01" * 6550)
    merged += attribute(0xC0, 17, b"\x02\x01\x00\x00\x00\x01" * 6530)
    yield "AS4_PATH to be merged", body(merged)
    yield "a long AS_PATH", body(attribute(0x40, 2, (b"\x02\xff" + b"\x00\x00\x00\x01" * 255) * 64))


WORST = dict(_worst())


@pytest.mark.parametrize("body", WORST.values(), ids=WORST)
def test_the_worst_message_of_65535_octets_costs_little(body: bytes) -> None:
    assert 65_000 < len(body) + HEADER_LENGTH <= 65535
    for codec in CODECS:
        with untraced():
            seconds = min(cpu_seconds(body, codec) for _ in range(5))
            peak = peak_octets(body, codec)

        assert seconds <= 0.050
        assert peak <= 64 * len(body) + 65536
