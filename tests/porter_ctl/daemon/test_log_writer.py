"""`porter_ctl.daemon.log_writer`: lines get lost before time does."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from porter_ctl.daemon.log_writer import LineWriter

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def pipe() -> Iterator[tuple[int, int]]:
    """The two ends of a pipe, reader first."""
    ends = os.pipe()
    try:
        yield ends
    finally:
        for end in ends:
            os.close(end)


def line(number: int) -> bytes:
    return f"{number:07}".encode() + b"." * 200 + b"\n"


def read_lines(descriptor: int, count: int) -> list[bytes]:
    octets = b""
    while octets.count(b"\n") < count:
        octets += os.read(descriptor, 65536)
    return octets.splitlines(keepends=True)


def test_lines_arrive_in_their_order_and_close_waits_for_the_last() -> None:
    with pipe() as (reader, end):
        writer = LineWriter(end)
        for number in range(200):
            writer.write(line(number))
        writer.close(seconds=10)

        assert read_lines(reader, 200) == [line(number) for number in range(200)]
        assert writer.dropped == 0


def test_a_reader_who_stalls_costs_the_oldest_lines_and_no_time() -> None:
    with pipe() as (reader, end):
        writer = LineWriter(end, limit=100)
        begun = time.monotonic()
        for number in range(5000):
            writer.write(line(number))
        took = time.monotonic() - begun

        assert took < 2.0
        assert writer.dropped > 0
        lines = read_lines(reader, 5000 - writer.dropped)
        assert lines[-100:] == [line(number) for number in range(4900, 5000)]
        assert lines == sorted(lines)
        writer.close(seconds=10)


def test_close_gives_up_on_a_reader_who_stalls() -> None:
    with pipe() as (reader, end):
        writer = LineWriter(end)
        for number in range(5000):
            writer.write(line(number))
        begun = time.monotonic()
        writer.close(seconds=0.05)

        assert time.monotonic() - begun < 2.0
        read_lines(reader, 5000)  # the thread ends before its pipe does
        writer.close(seconds=10)


def test_lines_for_a_reader_who_has_gone_are_counted() -> None:
    reader, end = os.pipe()
    os.close(reader)
    writer = LineWriter(end)
    writer.write(line(1))
    writer.close(seconds=10)
    os.close(end)

    assert writer.dropped == 1


def test_a_pipe_that_somebody_made_non_blocking_is_waited_for() -> None:
    with pipe() as (reader, end):
        os.set_blocking(end, False)
        writer = LineWriter(end)
        for number in range(1000):
            writer.write(line(number))

        assert read_lines(reader, 1000) == [line(number) for number in range(1000)]
        writer.close(seconds=10)
