"""What belongs to this node and outlives a process: the lock, and which boot was seen last.

Two processes on one node would announce against each other, so the second waits: the lock is the
kernel's and is free the moment its holder dies, however it dies.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from porter_ctl.host.boot import Boot

_LOOK_AGAIN = 0.5  # seconds
_BOOT = "boot-id"


class NodeLock:
    """The right to be the speaker of this node.

    Attributes:
        path: The file that carries it; it stays.
        held: Whether we have it.
    """

    def __init__(self, state_dir: Path) -> None:
        self.path = state_dir / "lock"
        self.held = False

    @contextmanager
    def opened(self) -> Iterator[int]:
        """The file, open; closing it gives the lock back.

        Raises:
            OSError: The directory cannot be made, or not be written to.
        """
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            yield descriptor
        finally:
            self.held = False
            os.close(descriptor)

    def try_take(self, descriptor: int) -> bool:
        """Take it if nobody has it."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        self.held = True
        return True

    async def take(self, descriptor: int) -> None:
        """Wait until we have it."""
        while not self.try_take(descriptor):  # noqa: ASYNC110 - the kernel tells nobody when it is free
            await asyncio.sleep(_LOOK_AGAIN)


def last_boot(state_dir: Path) -> str | None:
    """The boot that was noted last; None for none.

    Raises:
        OSError: It cannot be read.
    """
    try:
        return (state_dir / _BOOT).read_text(encoding="ascii").strip() or None
    except (FileNotFoundError, UnicodeDecodeError):
        return None


def note_boot(state_dir: Path, boot: Boot) -> None:
    """Note that what was announced in this boot is served in it.

    Raises:
        OSError: It cannot be noted; what was noted before stands.
    """
    fresh = state_dir / f".{_BOOT}.new"
    fresh.write_text(f"{boot.id}\n", encoding="ascii")
    fresh.replace(state_dir / _BOOT)
