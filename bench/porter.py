"""S: `bench/speaker.py`, on the public API of `porter_bgp`."""

from __future__ import annotations

import socket
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bench.routes import host_route

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from bench.processes import Program

_SECONDS = 30.0


class Porter:
    """Our own."""

    name = "Porter"
    program = sys.executable
    # Bytecode is kept from the first run on, as it is of every installed package.
    environment: Mapping[str, str] = {"PYTHONDONTWRITEBYTECODE": ""}

    def prepare(self, directory: Path, port: int, count: int) -> list[str]:
        """It takes no files; changes come over a Unix socket."""
        return [self.program, "-m", "bench.speaker", str(port), str(count), _socket(directory)]

    def hold(self, running: Program, directory: Path, count: int) -> None:
        """Wait until it says so."""
        del directory, count
        running.wait_for("held\n", "to hold its routes", _SECONDS)

    def change(self, number: int, community: int) -> bytes:
        """A line."""
        return f"{host_route(number)} {community}\n".encode()

    @contextmanager
    def changes(self, directory: Path) -> Iterator[Callable[[bytes], None]]:
        """Its Unix socket."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(_socket(directory))
            yield sock.sendall


def _socket(directory: Path) -> str:
    return str(directory / "changes.sock")
