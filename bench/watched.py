"""A witness that runs (`bench/witness.py`), and what it saw."""

from __future__ import annotations

import random
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bench.processes import running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from ipaddress import IPv4Address
    from pathlib import Path

    from bench.processes import Program

ANNOUNCED, WITHDRAWN = "+", "-"
_START_SECONDS = 10.0
_SEEN_SECONDS = 10.0


class Witness:
    """One of them.

    Attributes:
        port: Where it listens.
        program: The process.
    """

    def __init__(self, program: Program, port: int, count: int) -> None:
        self.program = program
        self.port = port
        self._count = count

    def wait_full(self, seconds: float) -> None:
        """Wait until it holds all routes.

        Raises:
            CannotMeasureError: Not within `seconds`.
        """
        self.program.wait_for(r"holds \d+\n", f"to be told {self._count} routes", seconds)

    def wait(self, what: str, address: IPv4Address) -> float:
        """When it read that a route was announced or withdrawn, on the monotonic clock.

        Raises:
            CannotMeasureError: It did not.
        """
        pattern = rf"\{what}{address.packed.hex()} (\S+)\n"
        return float(self.program.wait_for(pattern, f"to hear of {address}", _SEEN_SECONDS)[1])


def pause(shortest: float, longest: float) -> None:
    """Sleep for some seconds in between, so that nothing keeps time with what is measured."""
    time.sleep(random.uniform(shortest, longest))  # noqa: S311 - a spread, no secret


@contextmanager
def witness(directory: Path, count: int, address: str = "127.0.0.1") -> Iterator[Witness]:
    """Run one that holds `count` routes; it ends with the block."""
    options = ["--address", address, "--count", str(count)]
    command = [sys.executable, "-m", "bench.witness", *options]
    with running("the raw peer", command, directory / f"witness-{address}.log") as program:
        port = program.wait_for(r"port (\d+)\n", "to listen", _START_SECONDS)
        yield Witness(program, int(port[1]), count)
