"""Whether Porter runs for a node, where no Pod tells: a lock that its process holds.

The kernel gives the lock back when the process dies, however it dies.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from typing import TYPE_CHECKING

from porter_ctl.manifests.own_files import try_lock

if TYPE_CHECKING:
    from pathlib import Path


_AGAIN_SECONDS = 0.5


class Alive:
    """The locks of all processes that share a directory.

    Args:
        folder: Where they are; it is made when this process takes its own.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock: int | None = None

    def hold(self, node: str) -> bool:
        """Be known to run for `node` until `release`; another process there keeps its lock.

        Returns:
            Whether the lock is ours.

        Raises:
            OSError: The file cannot be made.
        """
        if self._lock is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock = try_lock(self._folder / node)
        return self._lock is not None

    async def hold_on(self, node: str) -> None:
        """Try to `hold` until that is done: another process may be ending, or only looking.

        Raises:
            OSError: The file cannot be made.
        """
        while True:
            if self.hold(node):
                return
            await asyncio.sleep(_AGAIN_SECONDS)

    def release(self) -> None:
        """Be known to run no more."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __call__(self, node: str) -> bool:
        """Whether a process runs for `node`."""
        try:
            descriptor = os.open(self._folder / node, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False
