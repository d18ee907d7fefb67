"""`porter_bgp.wire.cursor`: nothing outside the slice can be read."""

from __future__ import annotations

import struct

import pytest

from porter_bgp.wire.cursor import Reader, ShortReadError


def test_reads_numbers_big_endian_in_turn() -> None:
    reader = Reader(bytes.fromhex("01 0203 04050607 0809"))

    assert (reader.u8(), reader.u16(), reader.u32()) == (1, 0x0203, 0x04050607)
    assert reader.unpack(struct.Struct("!BB")) == (8, 9)
    assert reader.remaining == 0


def test_peeking_consumes_nothing() -> None:
    reader = Reader(b"\x07")

    assert (reader.peek_u8(), reader.remaining, reader.u8()) == (7, 1, 7)


@pytest.mark.parametrize("count", [3, 4, 255, 65535])
def test_reading_past_the_end_consumes_nothing(count: int) -> None:
    reader = Reader(b"ab")

    with pytest.raises(ShortReadError):
        reader.take(count)

    assert reader.take(2) == b"ab"


@pytest.mark.parametrize("read", [Reader.u8, Reader.peek_u8, Reader.u16, Reader.u32])
def test_every_number_has_its_bound(read: type) -> None:
    with pytest.raises(ShortReadError):
        read(Reader(b""))


def test_a_part_ends_where_it_ends() -> None:
    reader = Reader(b"abc")
    part = reader.sub(2)

    with pytest.raises(ShortReadError):
        part.take(3)

    assert (part.take(2), reader.take(1)) == (b"ab", b"c")
