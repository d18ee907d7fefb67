"""A cursor over received octets that cannot read outside its own slice.

Which numbers the octets hold is the question here; what they mean is asked in the other modules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from struct import Struct


class ShortReadError(ValueError):
    """More octets were asked for than the slice still holds."""


class Reader:
    """Reads a slice of octets from its start to its end, big-endian throughout."""

    __slots__ = ("_end", "_octets", "_position")

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._position = 0
        self._end = len(octets)

    @property
    def remaining(self) -> int:
        """How many octets are left."""
        return self._end - self._position

    def take(self, count: int) -> bytes:
        """The next `count` octets.

        Raises:
            ShortReadError: Fewer are left; nothing is consumed.
        """
        start, stop = self._position, self._position + count
        if stop > self._end:
            raise ShortReadError(f"{count} octets wanted, {self.remaining} left")
        self._position = stop
        return self._octets[start:stop]

    def u8(self) -> int:
        """The next octet as a number."""
        return self.take(1)[0]

    def peek_u8(self) -> int:
        """The next octet, which stays unread."""
        value = self.u8()
        self._position -= 1
        return value

    def u16(self) -> int:
        """The next two octets as a number."""
        return int.from_bytes(self.take(2))

    def u32(self) -> int:
        """The next four octets as a number."""
        return int.from_bytes(self.take(4))

    def unpack(self, layout: Struct) -> tuple[Any, ...]:
        """The next octets as `layout` divides them; its format says the types."""
        return layout.unpack(self.take(layout.size))

    def sub(self, count: int) -> Reader:
        """A reader of the next `count` octets alone."""
        return Reader(self.take(count))
