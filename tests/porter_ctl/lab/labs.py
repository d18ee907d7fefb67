"""Labs as processes of their own, and what may be left of them afterwards: nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LAB = (sys.executable, "-m", "porter_ctl", "lab")


def environment(scratch: Path) -> dict[str, str]:
    """An environment in which a lab makes its directory in `scratch`."""
    return {**os.environ, "TMPDIR": str(scratch), "TERM": "xterm"}


def started(scratch: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        (*LAB, *arguments),
        env=environment(scratch),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def played(scratch: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (*LAB, *arguments),
        env=environment(scratch),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def offspring(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


def running(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that are still there; a zombie of a lab that was killed is not."""
    return [one for one in processes if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


def wait_until(true: Callable[[], bool], *, seconds: float = 15.0) -> None:
    """Look at the world outside of this process until `true()`.

    Raises:
        TimeoutError: It was not within `seconds`.
    """
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.02)
