"""The last-good file written anew, a slice at a time, beside the one in use.

What is recorded meanwhile is kept and follows at the end; then the new file takes the name.
"""

from __future__ import annotations

import errno
import os
from itertools import islice
from typing import TYPE_CHECKING

from porter_ctl.record.lines import encode_record
from porter_ctl.record.log_file import LogFile
from porter_ctl.record.state import put_records

if TYPE_CHECKING:
    from pathlib import Path

    from porter_ctl.record.lines import Header
    from porter_ctl.record.state import State

SLICE = 2000  # prefixes


class Rewrite:
    """One rewriting.

    Args:
        path: Whose place the new file takes.
        header: Its first record.
        state: What it says.

    Raises:
        OSError: It cannot be begun.
    """

    def __init__(self, path: Path, header: Header, state: State) -> None:
        self._path = path
        self._new = path.with_name(f"{path.name}.new")
        self._before = [encode_record(header), *map(encode_record, state.preamble())]
        self._entries = iter(tuple(state.entries.items()))
        self._after: list[bytes] = []
        self._file = LogFile.create(self._new)

    def also(self, record: bytes) -> None:
        """Have this follow what the state was when the rewriting began."""
        self._after.append(record)

    def step(self, limit: int) -> LogFile | None:
        """Write one slice; return the file once it is whole and has its name.

        Raises:
            OSError: It cannot be written, or would exceed `limit` octets: call `abandon`.
        """
        entries = tuple(islice(self._entries, SLICE))
        records, self._before = self._before, []
        records += map(encode_record, put_records(entries))
        done = len(entries) < SLICE
        self._file.append(records + self._after if done else records)
        if self._file.octets > limit:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
        if not done:
            return None
        self._new.replace(self._path)
        return self._file

    def abandon(self) -> None:
        """Leave nothing of it behind."""
        self._file.close()
        try:
            self._new.unlink(missing_ok=True)
        except OSError:
            return  # it has not the name, so nobody reads it
