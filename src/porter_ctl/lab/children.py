"""Processes that live no longer than this one."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from porter_ctl.lab import janitor, tether

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_BARE = (sys.executable, "-I", "-S")  # for a program of the standard library alone


class Child:
    """A process that the kernel kills when this one ends.

    It is in a session of its own: Ctrl-C reaches the lab, and the lab ends it.

    Attributes:
        argument: The first of its arguments; empty without any.
    """

    def __init__(
        self, module: str, *arguments: str, log: Path, inherit: Sequence[int] = ()
    ) -> None:
        """Start `python -m module arguments`; from the main thread, whose end is what counts.

        Args:
            module: What runs.
            arguments: What it is told.
            log: What it prints is added here.
            inherit: The descriptors it keeps.
        """
        self.argument = next(iter(arguments), "")
        program = (sys.executable, "-m", module, *arguments)
        with log.open("ab") as out:
            self._process = subprocess.Popen(  # noqa: S603 - Porter's own programs
                (*_BARE, tether.__file__, str(os.getpid()), *program),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                pass_fds=inherit,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    @property
    def status(self) -> int | None:
        """Its exit status; None while it runs."""
        return self._process.poll()

    def kill(self) -> None:
        """End it as a crash would, and wait for that."""
        self._process.kill()
        self._process.wait()


class Janitor:
    """The one process that outlives this one: for as long as it takes to remove a directory."""

    def __init__(self, directory: Path) -> None:
        """Start it. A pipe tells it of our end, however that comes."""
        self._process = subprocess.Popen(  # noqa: S603 - Porter's own program
            (*_BARE, janitor.__file__, str(directory)),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def dismiss(self) -> None:
        """Let it do its work now, and wait for it."""
        self._process.communicate()
