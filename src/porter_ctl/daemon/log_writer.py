"""Log lines leave through a thread, so that a reader who stalls never stalls the process.

With nobody reading, a pipe is full after some hundred lines, and a `write` in the event loop would
hold keepalives back until sessions are lost. Here it is lines that are lost, the oldest first, and
they are counted.
"""

from __future__ import annotations

import os
import select
from collections import deque
from threading import Condition, Thread

_BATCH = 64  # lines a system call


class LineWriter:
    """Writes lines to a file descriptor, in order, from a thread of its own.

    Attributes:
        dropped: How many lines were not written.
    """

    def __init__(self, descriptor: int, *, limit: int = 8192) -> None:
        """Begin.

        Args:
            descriptor: Where to; it may be a pipe that nobody reads.
            limit: How many lines may wait; beyond it the oldest is dropped.
        """
        self.dropped = 0
        self._descriptor = descriptor
        self._limit = limit
        self._lines: deque[bytes] = deque()
        self._changed = Condition()
        self._closing = False
        self._thread = Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def write(self, line: bytes) -> None:
        """Have one line written, its end included. Never waits for the reader."""
        with self._changed:
            if len(self._lines) >= self._limit:
                self._lines.popleft()
                self.dropped += 1
            self._lines.append(line)
            self._changed.notify()

    def close(self, *, seconds: float = 1.0) -> None:
        """Write what still waits, but no longer than this, and end the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(seconds)

    def _run(self) -> None:
        while batch := self._take():
            self._put(batch)

    def _take(self) -> list[bytes]:
        with self._changed:
            self._changed.wait_for(lambda: self._lines or self._closing)
            return [self._lines.popleft() for _ in range(min(_BATCH, len(self._lines)))]

    def _put(self, batch: list[bytes]) -> None:
        octets = memoryview(b"".join(batch))
        try:
            while octets:
                octets = octets[self._write(octets) :]
        except OSError:  # the reader has gone: there is nobody to tell
            with self._changed:
                self.dropped += len(batch)

    def _write(self, octets: memoryview) -> int:
        try:
            return os.write(self._descriptor, octets)
        except BlockingIOError:  # somebody who shares the file has made it non-blocking
            select.select((), (self._descriptor,), ())
            return 0
