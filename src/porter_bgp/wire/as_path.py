"""AS paths (RFC 4271 §4.3 and §5.1.2), in two or four octets an AS number (RFC 6793).

octets  field, repeated
1       Segment type
1       Number of AS numbers, not 0
2|4 n   AS numbers
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import NamedTuple

from porter_bgp.wire.errors import MalformedAttributeError
from porter_bgp.wire.iana import AsPathSegmentType, UpdateSubcode
from porter_bgp.wire.open import AS_TRANS

_SEGMENT_MAX = 255
_TYPES = {kind.value: kind for kind in AsPathSegmentType}
_CONFEDERATION = {AsPathSegmentType.AS_CONFED_SEQUENCE, AsPathSegmentType.AS_CONFED_SET}


class AsPathSegment(NamedTuple):
    """A run of AS numbers; an `AsPath` checks it."""

    type: AsPathSegmentType
    asns: tuple[int, ...]

    @property
    def confederation(self) -> bool:
        """Whether it is of RFC 5065 and must not leave a confederation."""
        return self.type in _CONFEDERATION

    @property
    def length(self) -> int:
        """What it adds to a path's length: a set one, a confederation nothing (RFC 5065 §5.3)."""
        if self.type is AsPathSegmentType.AS_SEQUENCE:
            return len(self.asns)
        return int(self.type is AsPathSegmentType.AS_SET)


@dataclass(frozen=True, slots=True)
class AsPath:
    """The ASes a route has crossed, the latest first.

    Raises:
        MalformedAttributeError: A segment has not 1 to 255 AS numbers, or AS 0 (RFC 7607 §2).
    """

    segments: tuple[AsPathSegment, ...] = ()

    def __post_init__(self) -> None:
        for _, asns in self.segments:
            if not 0 < len(asns) <= _SEGMENT_MAX or min(asns) <= 0 or max(asns) > 0xFFFFFFFF:
                raise _malformed(f"a segment of the {len(asns)} AS numbers {asns[:4]}...")

    def __str__(self) -> str:
        return " ".join(_FORMATS[kind].format(_join(kind, asns)) for kind, asns in self.segments)

    @property
    def length(self) -> int:
        """The number of ASes that route selection counts (RFC 4271 §9.1.2.2 a)."""
        return sum(segment.length for segment in self.segments)

    @property
    def first_as(self) -> int | None:
        """The AS the route came from, if the path begins with a sequence."""
        if self.segments and self.segments[0].type is AsPathSegmentType.AS_SEQUENCE:
            return self.segments[0].asns[0]
        return None

    @property
    def has_confederation(self) -> bool:
        """Whether any segment is of a confederation (RFC 5065 §4)."""
        return any(segment.confederation for segment in self.segments)

    @property
    def fits_two_octets(self) -> bool:
        """Whether no AS number needs four octets."""
        return all(max(asns) <= 0xFFFF for _, asns in self.segments)

    def prepend(self, asn: int, count: int = 1) -> AsPath:
        """The path with `asn` put before it `count` times (RFC 4271 §5.1.2)."""
        segments, asns = self.segments, (asn,) * count
        if segments and segments[0].type is AsPathSegmentType.AS_SEQUENCE:
            asns, segments = asns + segments[0].asns, segments[1:]
        head = tuple(
            AsPathSegment(AsPathSegmentType.AS_SEQUENCE, asns[max(stop - _SEGMENT_MAX, 0) : stop])
            for stop in range(len(asns), 0, -_SEGMENT_MAX)
        )
        return AsPath(head[::-1] + segments)

    def without_confederation(self) -> AsPath:
        """The path as it may appear in AS4_PATH (RFC 6793 §3)."""
        return AsPath(tuple(s for s in self.segments if not s.confederation))

    def merge(self, as4_path: AsPath) -> AsPath:
        """The true path, from a two-octet AS_PATH and its AS4_PATH (RFC 6793 §4.2.3)."""
        surplus = self.length - as4_path.length
        if surplus < 0:
            return self
        head: list[AsPathSegment] = []
        for segment in self.segments:
            if surplus < segment.length:
                if surplus:
                    head.append(AsPathSegment(segment.type, segment.asns[:surplus]))
                break
            surplus -= segment.length
            head.append(segment)
        tail = as4_path.segments
        if head and tail and _joins(head[-1], tail[0]):
            head[-1:], tail = [AsPathSegment(tail[0].type, head[-1].asns + tail[0].asns)], tail[1:]
        return AsPath((*head, *tail))

    @classmethod
    def decode(cls, octets: bytes, *, four_octet: bool) -> AsPath:
        """Decode the value of AS_PATH or AS4_PATH.

        Raises:
            MalformedAttributeError: See RFC 7606 §7.2.
        """
        width, letter = (4, "I") if four_octet else (2, "H")
        segments: list[AsPathSegment] = []
        position, end = 0, len(octets)
        while position < end:
            kind = _TYPES.get(octets[position])
            count = octets[position + 1] if position + 1 < end else 0
            stop = position + 2 + count * width
            if kind is None or not count or stop > end:
                raise _malformed(f"segment type {octets[position]}, {count} AS numbers")
            asns = struct.unpack_from(f"!{count}{letter}", octets, position + 2)
            segments.append(AsPathSegment(kind, asns))
            position = stop
        return cls(tuple(segments))

    def encode(self, *, four_octet: bool) -> bytes:
        """Encode the value; in two octets a longer AS number is AS_TRANS (RFC 6793 §4.2.2)."""
        parts: list[bytes] = []
        for kind, asns in self.segments:
            if four_octet:
                parts.append(struct.pack(f"!BB{len(asns)}I", kind, len(asns), *asns))
            else:
                short = (asn if asn <= 0xFFFF else AS_TRANS for asn in asns)
                parts.append(struct.pack(f"!BB{len(asns)}H", kind, len(asns), *short))
        return b"".join(parts)


EMPTY_AS_PATH = AsPath()
_FORMATS = {
    AsPathSegmentType.AS_SET: "{{{}}}",
    AsPathSegmentType.AS_SEQUENCE: "{}",
    AsPathSegmentType.AS_CONFED_SEQUENCE: "({})",
    AsPathSegmentType.AS_CONFED_SET: "[{}]",
}


def _join(kind: AsPathSegmentType, asns: tuple[int, ...]) -> str:
    ordered = kind in {AsPathSegmentType.AS_SEQUENCE, AsPathSegmentType.AS_CONFED_SEQUENCE}
    return (" " if ordered else ",").join(map(str, asns))


def _joins(last: AsPathSegment, first: AsPathSegment) -> bool:
    sequences = last.type is first.type is AsPathSegmentType.AS_SEQUENCE
    return sequences and len(last.asns) + len(first.asns) <= _SEGMENT_MAX


def _malformed(reason: str) -> MalformedAttributeError:
    return MalformedAttributeError(UpdateSubcode.MALFORMED_AS_PATH, f"AS_PATH: {reason}")
