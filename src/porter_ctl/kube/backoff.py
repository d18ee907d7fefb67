"""How long to wait after a failure: anything up to a bound that doubles."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Backoff:
    """Full jitter: a pause is uniform between nothing and the bound.

    So clients that failed together do not come back together.
    """

    def __init__(self, first: float, longest: float, jitter: Callable[[], float]) -> None:
        """Args give seconds; `jitter` is uniform in [0, 1)."""
        self._first = first
        self._longest = longest
        self._jitter = jitter
        self._bound = first

    def pause(self, at_least: float | None = None) -> float:
        """Seconds to wait now; never less than what the other side asked for."""
        seconds = self._bound * self._jitter()
        self._bound = min(2 * self._bound, self._longest)
        if at_least is None:
            return seconds
        return max(seconds, at_least * (1 + 0.2 * self._jitter()))

    def reset(self) -> None:
        """All is well again."""
        self._bound = self._first
