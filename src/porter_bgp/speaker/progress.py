"""How much of what was written to a peer has its kernel acknowledged?

Nothing tells us when an acknowledgement arrives, so the kernel is asked: a moment after something
was written, then ever less often, and not at all once nothing is left to be acknowledged.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from porter_bgp.transport.tcp import TcpConnection

FIRST_LOOK = 0.02  # seconds after a write: most networks answer sooner
LAST_LOOK = 1.0  # seconds between two looks at a peer that has long said nothing


class Progress:
    """The acknowledgements of one connection.

    Args:
        connection: Written to by others, who call `wrote`.
        looked: Called with the octets acknowledged since the connection opened, whenever the
            kernel was asked. It may call `stop`.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        connection: TcpConnection,
        looked: Callable[[int], None],
    ) -> None:
        self._loop = loop
        self._connection = connection
        self._looked = looked
        self._waiting: deque[tuple[int, float]] = deque()  # where each write ended, and when
        self._timer: asyncio.TimerHandle | None = None
        self._wait = FIRST_LOOK
        self._blind = connection.acknowledged is None

    @property
    def since(self) -> float | None:
        """When the oldest octets were written that are not acknowledged; None without any."""
        return self._waiting[0][1] if self._waiting else None

    def wrote(self) -> None:
        """Something was written."""
        if self._blind:
            return
        self._waiting.append((self._connection.written, self._loop.time()))
        if self._timer is None or self._wait > FIRST_LOOK:
            self._arm(FIRST_LOOK)

    def stop(self) -> None:
        """The connection is no longer of interest."""
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._wait = seconds
        self._timer = self._loop.call_later(seconds, self._look)

    def _look(self) -> None:
        self._timer = None
        acknowledged = self._connection.acknowledged or 0
        waiting, before = self._waiting, len(self._waiting)
        while waiting and waiting[0][0] <= acknowledged:
            waiting.popleft()
        if waiting:
            moved = len(waiting) < before
            self._arm(FIRST_LOOK if moved else min(2 * self._wait, LAST_LOOK))
        self._looked(acknowledged)
