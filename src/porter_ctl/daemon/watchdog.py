"""Ends the process when its event loop stands still for good: to the peers that is a crash.

The kernel then closes every connection without a word, and routers keep the routes for the
restart time, while a loop that stands still loses its sessions to their hold timers, and the
routes with them. So this comes well before a liveness probe would. It counts looks, not seconds: a
process that was stopped as a whole, and woken, has missed none.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

EXIT_STATUS = 70
LOOK_SECONDS = 1.0
PATIENCE = 20  # looks in a row that found nothing moved
_BEAT = 0.5  # seconds


class Watchdog:
    """A thread that looks whether the loop still turns.

    Args:
        bite: What to do if it does not; by default the process ends there and then.
        look_seconds: Between two looks.
        patience: How many looks in a row may find that nothing moved.
    """

    def __init__(
        self,
        *,
        bite: Callable[[], None] | None = None,
        look_seconds: float = LOOK_SECONDS,
        patience: int = PATIENCE,
    ) -> None:
        self._bite = bite or _end
        self._look_seconds = look_seconds
        self._patience = patience
        self._beats = 0
        self._over = threading.Event()

    async def run(self) -> None:
        """Watch the loop that this runs in, until cancelled."""
        thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        thread.start()
        try:
            while True:
                self._beats += 1
                await asyncio.sleep(min(_BEAT, self._look_seconds / 2))
        finally:
            self._over.set()

    def _watch(self) -> None:
        missed, seen = 0, -1
        while not self._over.wait(self._look_seconds):
            missed = missed + 1 if self._beats == seen else 0
            seen = self._beats
            if missed >= self._patience:
                self._bite()
                return


def _end() -> None:
    sys.stderr.write("porter: the event loop stands still; ending, so that it is started anew\n")
    sys.stderr.flush()
    os._exit(EXIT_STATUS)
