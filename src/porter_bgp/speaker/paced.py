"""A call that is wanted often and made seldom."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable


class Paced:
    """Makes a call soon after it is asked for, but at most once in `seconds`."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, call: Callable[[], None], *, seconds: float
    ) -> None:
        self._loop = loop
        self._call = call
        self._seconds = seconds
        self._not_before = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def ask(self) -> None:
        """Have the call made, unless it is about to be."""
        if self._timer is None:
            at = max(self._loop.time(), self._not_before)
            self._timer = self._loop.call_at(at, self._make)

    def stop(self) -> None:
        """Make none that was asked for."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _make(self) -> None:
        self._timer = None
        self._not_before = self._loop.time() + self._seconds
        self._call()
