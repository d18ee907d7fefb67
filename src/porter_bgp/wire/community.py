"""Communities as values and as text (RFC 1997, RFC 8092).

A standard community is the number on the wire; people write its halves, `65000:100`. A large one
has three parts of four octets. What a community asks for is a matter of policy, not of this room.
"""

from __future__ import annotations

from typing import NamedTuple

from porter_bgp.wire.iana import WellKnownCommunity

WELL_KNOWN_COMMUNITIES: dict[str, int] = {
    member.name.lower().replace("_", "-"): member.value for member in WellKnownCommunity
}


def parse_community(text: str) -> int:
    """The community that `65000:100` or a well-known name such as `no-export` stands for.

    Raises:
        ValueError: The text is neither, or a half exceeds 65535.
    """
    if text in WELL_KNOWN_COMMUNITIES:
        return WELL_KNOWN_COMMUNITIES[text]
    high, low = _parts(text, 2, 0xFFFF)
    return high << 16 | low


def format_community(community: int) -> str:
    """The community as its two halves: `65000:100`."""
    return f"{community >> 16}:{community & 0xFFFF}"


class LargeCommunity(NamedTuple):
    """A large community: three numbers of four octets (RFC 8092 §3)."""

    global_admin: int
    local1: int
    local2: int

    def __str__(self) -> str:
        return f"{self.global_admin}:{self.local1}:{self.local2}"

    @classmethod
    def parse(cls, text: str) -> LargeCommunity:
        """The inverse of `str`: `4200000001:1:2`.

        Raises:
            ValueError: The text is not that, or a part exceeds 4294967295.
        """
        return cls(*_parts(text, 3, 0xFFFFFFFF))


def _parts(text: str, count: int, limit: int) -> list[int]:
    parts = text.split(":")
    well_formed = len(parts) == count and all(p.isdecimal() and p.isascii() for p in parts)
    # Eleven digits are past every limit; more would cost int() more than the answer is worth.
    if not well_formed or any(len(p) > 11 or int(p) > limit for p in parts):
        shape = ":".join("N" * count)
        raise ValueError(f"{text!r} is no community; write {shape}, each N from 0 to {limit}")
    return [int(part) for part in parts]
