"""The only place where the tables meet a socket.

A pump moves UPDATEs from one peer's tables to its connection: at most 64 KiB or 5 ms at a time,
then the loop has its turn; and only while the kernel takes them, so that what is not sent stays in
the tables, where the next change replaces it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterable

    from porter_bgp.rib import AdjRibOut

TURN_OCTETS = 64 * 1024
TURN_SECONDS = 0.005


class Stream(Protocol):
    """The session, as a pump sees it: octets in one direction."""

    @property
    def ready(self) -> bool:
        """Whether it takes octets now."""

    @property
    def offset(self) -> int:
        """Octets written on its connection so far."""

    def send(self, message: bytes) -> None:
        """Write one message."""


class Pump:
    """Moves UPDATEs from tables to one connection.

    Attributes:
        tables: The tables of the negotiated families; none while there is no session.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, stream: Stream, *, turned: Callable[[], None]
    ) -> None:
        """Make a pump; `turned` is called after each of its turns."""
        self.tables: Iterable[AdjRibOut] = ()
        self._loop = loop
        self._stream = stream
        self._turned = turned
        self._handle: asyncio.Handle | None = None

    def kick(self) -> None:
        """Look for something to send soon."""
        if self._handle is None:
            self._handle = self._loop.call_soon(self._turn)

    def stop(self) -> None:
        """Forget the tables and what was planned."""
        self.tables = ()
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _turn(self) -> None:
        self._handle = None
        self._move()
        self._turned()

    def _move(self) -> None:
        stream, room = self._stream, TURN_OCTETS
        until = self._loop.time() + TURN_SECONDS
        for table in self.tables:
            while stream.ready:
                if room <= 0 or self._loop.time() > until:
                    self.kick()
                    return
                message = table.next_message(TURN_OCTETS, stream.offset)
                if message is None:
                    break
                stream.send(message)
                room -= len(message)
