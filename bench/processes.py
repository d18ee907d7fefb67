"""Programs that end with the block that runs them, however that ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

_LOOK_AGAIN = 0.01  # seconds
_LOG_TAIL = 300  # characters


class CannotMeasureError(RuntimeError):
    """A figure could not be had; the text is one sentence with the remedy."""


class Program:
    """A running program.

    Attributes:
        name: For messages.
        began: When it was started, on the monotonic clock.
    """

    def __init__(
        self, name: str, process: subprocess.Popen[bytes], log: Path, began: float
    ) -> None:
        self.name = name
        self.began = began
        self._log = log
        self._process = process

    def wait_for(self, pattern: str, what: str, seconds: float) -> re.Match[str]:
        """Look again and again at what it has said.

        Raises:
            CannotMeasureError: It has not said this within `seconds`, or it has ended before.
        """
        self.wait_until(lambda: re.search(pattern, self.said()) is not None, what, seconds)
        said = re.search(pattern, self.said())
        assert said is not None
        return said

    def said(self) -> str:
        """All that it has said."""
        return self._log.read_text(errors="replace")

    def tell(self, line: str) -> None:
        """Write a line to its standard input."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())

    def wait_until(self, done: Callable[[], bool], what: str, seconds: float) -> None:
        """Look again and again.

        Raises:
            CannotMeasureError: It has ended, or it is not so within `seconds`.
        """
        until = time.monotonic() + seconds
        while not done():
            if self._process.poll() is not None:
                raise self.failure("ended too early")
            if time.monotonic() > until:
                raise self.failure(f"{what}: not within {seconds:.0f} s")
            time.sleep(_LOOK_AGAIN)

    def failure(self, what: str) -> CannotMeasureError:
        """The sentence for something that it failed to do, with what it last said."""
        said = " ".join(self.said().split())[-_LOG_TAIL:]
        return CannotMeasureError(
            f"{self.name} {what}; run `make setup` and, on a quiet machine, `make bench` again"
            + (f" (it said: {said})" if said else "")
        )


@contextmanager
def running(
    name: str, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[Program]:
    """A program in a process group of its own, which is ended with the block.

    What it says, on standard output or error, goes into `log`.
    """
    with log.open("wb") as output:
        began = time.monotonic()
        process = subprocess.Popen(
            command,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
    with process:
        try:
            yield Program(name, process, log, began)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
