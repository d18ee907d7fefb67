"""One process the rig started: its log, its signals, its end."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.rig.errors import RigError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_POLL = 0.02


def wait_until(condition: Callable[[], bool], *, timeout: float, what: str) -> float:
    """Ask `condition` every 20 ms until it holds; returns the seconds that took.

    Raises:
        RigError: `what` did not come true within `timeout` seconds.
    """
    started = time.monotonic()
    while not condition():
        if time.monotonic() - started > timeout:
            raise RigError(f"waited {timeout:g} s in vain: {what}")
        time.sleep(_POLL)
    return time.monotonic() - started


@dataclass(slots=True, kw_only=True)
class Process:
    """A child of ours, usually inside a namespace; `log` has its standard output and error."""

    name: str
    popen: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        return self.popen.pid

    @property
    def running(self) -> bool:
        return self.popen.poll() is None

    @property
    def returncode(self) -> int | None:
        """The exit status, minus the signal's number when one ended it; None while it runs."""
        return self.popen.poll()

    def send(self, number: signal.Signals) -> None:
        if self.running:
            self.popen.send_signal(number)

    def wait(self, timeout: float) -> int:
        """Wait for the end, at most `timeout` seconds; returns the exit status."""
        try:
            return self.popen.wait(timeout)
        except subprocess.TimeoutExpired as error:
            raise RigError(f"{self.name} still runs after {timeout:g} s\n{self.tail()}") from error

    def stop(self, grace: float = 5.0) -> int:
        """SIGTERM, and SIGKILL after `grace` seconds; returns the exit status."""
        self.send(signal.SIGCONT)
        self.send(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.popen.wait(grace)
        return self.kill()

    def kill(self) -> int:
        """SIGKILL; returns the exit status."""
        self.send(signal.SIGKILL)
        return self.popen.wait()

    def tail(self, lines: int = 15) -> str:
        """The last lines of its log."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def require(self, condition: Callable[[], bool], *, timeout: float, what: str) -> float:
        """`wait_until`, giving up early with the log's end if the process ends meanwhile."""

        def ready() -> bool:
            if condition():
                return True
            if not self.running and not condition():  # it may have come true just before the end
                raise RigError(f"{self.name} ended with {self.returncode}: {what}")
            return False

        try:
            return wait_until(ready, timeout=timeout, what=what)
        except RigError as error:
            raise RigError(f"{error}\n{self.tail()}") from error
