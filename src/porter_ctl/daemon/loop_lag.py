"""How late the event loop is: the early warning, for a stalled loop loses sessions."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from math import inf

_PERIOD = 0.5  # seconds
BOUNDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0, 3.0, inf)


class LoopLag:
    """Wakes at fixed times, and counts how much later than that it was.

    Attributes:
        counts: How often the lag was in each bucket: at most its bound in `BOUNDS`, and more than
            the bound before.
        total: The sum of all lags, in seconds.
    """

    def __init__(self) -> None:
        self.counts = [0] * len(BOUNDS)
        self.total = 0.0

    def observe(self, lag: float) -> None:
        """Count one."""
        self.counts[bisect_left(BOUNDS, lag)] += 1
        self.total += lag

    async def run(self) -> None:
        """Measure until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + _PERIOD
            await asyncio.sleep(_PERIOD)
            self.observe(max(0.0, loop.time() - due))
