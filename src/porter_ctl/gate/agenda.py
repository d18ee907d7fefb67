"""What is due when."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T")


class Agenda(Generic[T]):
    """Earliest first, in the order of entry where the times are equal. Nothing is taken back."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, T]] = []
        self._entries = 0

    def add(self, at: float, item: T) -> None:
        """Enter an item for a time; it may be there already."""
        self._entries += 1
        heappush(self._heap, (at, self._entries, item))

    def due(self, now: float) -> Iterator[T]:
        """Take out what is due."""
        while self._heap and self._heap[0][0] <= now:
            yield heappop(self._heap)[2]

    def next(self) -> float | None:
        """Return the earliest time; None while there is nothing."""
        return self._heap[0][0] if self._heap else None
