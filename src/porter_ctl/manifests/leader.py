"""Who may allocate: the process that has a lock on a file.

The kernel gives the lock to one process and frees it when that process dies, however it dies. Who
deletes or replaces the file takes the lead away: so the one who leads looks, at every poll and
before every write, whether its file still is the one that the path leads to.
"""

from __future__ import annotations

import asyncio
import logging
import os
from typing import TYPE_CHECKING

from porter_ctl.manifests.own_files import is_at, try_lock
from porter_ctl.store.port import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_log = logging.getLogger(__name__)


class LockElection:
    """Implements `porter_ctl.store.port.Leadership`.

    Every call is a few system calls on one file and waits for nobody.
    """

    def __init__(self, path: Path, *, identity: str, poll: float) -> None:
        """Args say who seeks which lead.

        Args:
            path: The file; it is made where there is none, and stays.
            identity: What we call ourselves; written into the file for people.
            poll: Seconds between two looks at it.
        """
        self.on_change: Callable[[bool], None] = _nobody
        self.on_trouble: Callable[[], None] = _nowhere
        self._path = path
        self._identity = identity
        self._poll = poll
        self._lock: int | None = None
        self._trouble = ""

    @property
    def leading(self) -> bool:
        """Whether we have the lock."""
        return self._lock is not None

    @property
    def identity(self) -> str:
        """What we call ourselves."""
        return self._identity

    @property
    def trouble(self) -> str:
        """Why nobody may lead; empty where all is well."""
        return self._trouble

    async def run(self) -> None:
        """Seek and keep the lead until cancelled, then give it back."""
        try:
            while True:
                self._look()
                await asyncio.sleep(self._poll)
        finally:
            self._let_go()

    def fence(self) -> None:
        """Refuse if we lead by a lock that is no longer the one that counts.

        Whoever does not lead passes: what it writes does not depend on the lead.

        Raises:
            Unavailable: Another process may lead already.
        """
        lock = self._lock
        if lock is not None and not is_at(lock, self._path):
            raise Unavailable(f"{self._path} was replaced: another process may lead by now")

    def _look(self) -> None:
        try:
            if self._lock is not None and not is_at(self._lock, self._path):
                _log.warning("%s was replaced", self._path)
                self._let_go()
            if self._lock is None:
                self._lock = try_lock(self._path)
                if self._lock is not None:
                    os.truncate(self._lock, 0)
                    os.pwrite(self._lock, f"{self._identity}\n".encode(), 0)
                    _log.info("leading as %s", self._identity)
                    self.on_change(True)  # noqa: FBT003 - the shape of Leadership.on_change
            self._hear("")
        except FileNotFoundError:
            return  # the first look at the directory makes the folder, or says why not
        except OSError as error:
            self._hear(str(error))

    def _hear(self, trouble: str) -> None:
        """Say it once."""
        if trouble != self._trouble:
            if trouble:
                _log.warning("election: %s", trouble)
            self._trouble = trouble
            self.on_trouble()

    def _let_go(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
            _log.info("no longer leading (%s)", self._identity)
            self.on_change(False)  # noqa: FBT003 - the shape of Leadership.on_change


def _nowhere() -> None:
    """Nobody asks yet."""


def _nobody(leading: bool) -> None:  # noqa: FBT001 - the shape of Leadership.on_change
    """Nobody wants to know yet."""
