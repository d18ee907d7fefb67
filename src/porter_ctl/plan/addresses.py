"""The arithmetic of pools: which addresses a pool has, how many are free, which comes next.

Addresses are integers of one family here, sets of them sorted disjoint ranges, so that a pool of
2^64 costs what a pool of two costs: nothing in this module walks through addresses one by one.
Whether an address may be given to somebody is asked in `porter_ctl.plan.allocate`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass
from hashlib import blake2b
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from porter_ctl.api import AddressRange, Service

Address = IPv4Address | IPv6Address
Range = tuple[int, int]  # first and last, both inside
VERSIONS = (4, 6)


def by_version(ranges: Iterable[AddressRange]) -> dict[int, AddressSet]:
    """Return the union of `ranges` for each IP version, empty ones included."""
    numbers: dict[int, list[Range]] = {version: [] for version in VERSIONS}
    for block in ranges:
        numbers[block.first.version].append((int(block.first), int(block.last)))
    return {version: AddressSet.of(found) for version, found in numbers.items()}


def to_address(version: int, value: int) -> Address:
    """Return the address of that IP version with that value."""
    return IPv4Address(value) if version == 4 else IPv6Address(value)


def addresses_in(texts: Iterable[str]) -> tuple[Address, ...]:
    """Return the addresses among `texts`: others write there what they like ("None", a name)."""
    found = []
    for text in texts:
        try:
            found.append(ip_address(text))
        except ValueError:
            continue
    return tuple(found)


def ingress_addresses(service: Service) -> tuple[Address, ...]:
    """Return the addresses that stand in `status.loadBalancer`."""
    return addresses_in(ingress.ip for ingress in service.status.load_balancer.ingress)


@dataclass(frozen=True, slots=True)
class AddressSet:
    """Addresses of one family: sorted ranges that neither overlap nor touch."""

    ranges: tuple[Range, ...] = ()

    @classmethod
    def of(cls, ranges: Iterable[Range]) -> AddressSet:
        """Build the union of `ranges`, in whatever order they come."""
        merged: list[Range] = []
        for first, last in sorted(ranges):
            if merged and first <= merged[-1][1] + 1:
                merged[-1] = (merged[-1][0], max(merged[-1][1], last))
            else:
                merged.append((first, last))
        return cls(tuple(merged))

    def __len__(self) -> int:
        raise TypeError("a set of 2^64 addresses has no len(): use .size")

    def __bool__(self) -> bool:
        return bool(self.ranges)

    def __contains__(self, value: int) -> bool:
        place = bisect_right(self.ranges, (value, _BEYOND)) - 1
        return place >= 0 and value <= self.ranges[place][1]

    @property
    def size(self) -> int:
        """How many addresses there are."""
        return sum(last - first + 1 for first, last in self.ranges)

    def minus(self, other: AddressSet) -> AddressSet:
        """Return what is here and not in `other`."""
        left: list[Range] = []
        for first, last in self.ranges:
            start = first
            for hole_first, hole_last in other.overlapping(first, last):
                if hole_first > start:
                    left.append((start, hole_first - 1))
                start = max(start, hole_last + 1)
            if start <= last:
                left.append((start, last))
        return AddressSet(tuple(left))

    def common(self, other: AddressSet) -> AddressSet:
        """Return what is both here and in `other`."""
        return AddressSet.of(
            (max(first, their_first), min(last, their_last))
            for first, last in self.ranges
            for their_first, their_last in other.overlapping(first, last)
        )

    def overlapping(self, first: int, last: int) -> Iterator[Range]:
        """Yield the ranges here that share an address with `first` to `last`."""
        place = max(0, bisect_right(self.ranges, (first, _BEYOND)) - 1)
        while place < len(self.ranges) and self.ranges[place][0] <= last:
            if self.ranges[place][1] >= first:
                yield self.ranges[place]
            place += 1

    def at(self, rank: int) -> int:
        """Return the address of that rank, 0 being the lowest."""
        for first, last in self.ranges:
            if rank <= last - first:
                return first + rank
            rank -= last - first + 1
        raise IndexError("no address of that rank")

    def from_on(self, value: int) -> Iterator[Range]:
        """Yield all ranges once, beginning at `value` and wrapping round at the end."""
        for first, last in self.ranges:
            if last >= value:
                yield max(first, value), last
        for first, last in self.ranges:
            if first < value:
                yield first, min(last, value - 1)


_BEYOND = 1 << 129


class Occupied:
    """Addresses of one family that are not free, one by one, with the gaps between them at hand."""

    def __init__(self) -> None:
        self._sorted: list[int] = []

    def __contains__(self, value: int) -> bool:
        place = bisect_left(self._sorted, value)
        return place < len(self._sorted) and self._sorted[place] == value

    def add(self, value: int) -> None:
        """Add an address; twice is once."""
        if value not in self:
            insort(self._sorted, value)

    def discard(self, value: int) -> None:
        """Remove an address if it is here."""
        place = bisect_left(self._sorted, value)
        if place < len(self._sorted) and self._sorted[place] == value:
            del self._sorted[place]

    def count(self, within: AddressSet) -> int:
        """Return how many of `within` are occupied."""
        return sum(
            bisect_right(self._sorted, last) - bisect_left(self._sorted, first)
            for first, last in within.ranges
        )

    def first_gap(self, first: int, last: int) -> int | None:
        """Return the lowest free address of `first` to `last`, in logarithmic time.

        Occupied addresses without a gap are consecutive in the sorted list *and* as numbers, so
        the end of a run is found by bisection, however long it is.
        """
        start = bisect_left(self._sorted, first)
        low, high = 0, min(len(self._sorted) - start, last - first + 1)
        while low < high:
            middle = (low + high) // 2
            if self._sorted[start + middle] == first + middle:
                low = middle + 1
            else:
                high = middle
        return first + low if first + low <= last else None


def first_candidate(owner: str, addresses: AddressSet) -> int:
    """Return where the search for `owner` ("namespace/name") begins: the same in every cluster."""
    digest = blake2b(owner.encode(), digest_size=16).digest()
    return addresses.at(int.from_bytes(digest, "big") % addresses.size)


def next_free(start: int, addresses: AddressSet, occupied: Occupied) -> int | None:
    """Return the first free address at or after `start`, wrapping round; None if all are taken."""
    for first, last in addresses.from_on(start):
        gap = occupied.first_gap(first, last)
        if gap is not None:
            return gap
    return None


def count_text(count: int) -> str:
    """Write a count for people: powers of two from 2^16 on as such."""
    if count >= 1 << 16 and count & (count - 1) == 0:
        return f"2^{count.bit_length() - 1}"
    if count >= 1 << 32:
        return f"~2^{count.bit_length() - 1}"
    return str(count)
