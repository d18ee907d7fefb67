"""S: `bench/speaker.py`, on the public API of `porter_bgp`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
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
        """It takes no files."""
        del directory
        options = ["--port", str(port), "--count", str(count)]
        return [self.program, "-m", "bench.speaker", *options]

    def hold(self, running: Program, directory: Path, count: int) -> None:
        """Wait until it says so."""
        del directory, count
        running.wait_for("held\n", "to hold its routes", _SECONDS)
