"""One file of records on the disk, opened for appending.

Nothing is forced to the disk: what the kernel has taken survives our death, and the death of the
machine voids the file by its boot id.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from porter_ctl.record.lines import frame

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW


class LogFile:
    """The file under one descriptor; whole lines, known to the octet.

    Args:
        descriptor: Opened for appending; it is ours now.
        octets: How long it is.
        checksum: Of its last line.
        lines: How many it has.
    """

    def __init__(
        self, descriptor: int, *, octets: int = 0, checksum: int = 0, lines: int = 0
    ) -> None:
        self._descriptor = descriptor
        self.octets = octets
        self.lines = lines
        self._checksum = checksum

    @classmethod
    def create(cls, path: Path) -> LogFile:
        """Begin an empty file that only we may read, whatever is there.

        Raises:
            OSError: It cannot be.
        """
        return cls(os.open(path, _FLAGS | os.O_CREAT | os.O_TRUNC, 0o600))

    @classmethod
    def reopen(cls, path: Path, *, octets: int, checksum: int, lines: int) -> LogFile:
        """Go on with a file of which the first `octets` count; the rest is cut off.

        Raises:
            OSError: It cannot be.
        """
        descriptor = os.open(path, _FLAGS)
        try:
            os.ftruncate(descriptor, octets)
        except OSError:
            os.close(descriptor)
            raise
        return cls(descriptor, octets=octets, checksum=checksum, lines=lines)

    def append(self, records: Iterable[bytes]) -> None:
        """Append encoded records with one write.

        Raises:
            OSError: Not all of them are there: call `cut` before anything else.
        """
        records = tuple(records)
        octets, checksum = frame(records, self._checksum)
        if os.write(self._descriptor, octets) < len(octets):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._checksum = checksum
        self.octets += len(octets)
        self.lines += len(records)

    def cut(self) -> None:
        """Cut off what a failed write may have left.

        Raises:
            OSError: It cannot be.
        """
        os.ftruncate(self._descriptor, self.octets)

    def empty(self) -> None:
        """Take everything out; the file is of no use to anyone after this.

        Raises:
            OSError: It cannot be.
        """
        os.ftruncate(self._descriptor, 0)

    def close(self) -> None:
        """Close it. Nothing hangs on the outcome: what was written was written."""
        try:
            os.close(self._descriptor)
        except OSError:
            return


def write_whole(path: Path, octets: bytes) -> None:
    """Replace a file that only we may read, so that a reader sees the old one or the new one.

    Raises:
        OSError: It is still the old one.
    """
    new = path.with_name(f"{path.name}.new")
    descriptor = os.open(new, _FLAGS | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        written = os.write(descriptor, octets)
    finally:
        os.close(descriptor)
    if written < len(octets):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    new.replace(path)


def read_bounded(path: Path, limit: int) -> bytes | None:
    """Return the content of a file; None if there is more than `limit` octets of it.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        octets = file.read(limit + 1)
    return octets if len(octets) <= limit else None
