"""What was said to all peers, in 64 numbers: so that a report proves instead of asserting.

Each path that a peer has acknowledged is a term, a keyed hash of the prefix, the peer, the path
identifier and the attributes as planned. A bucket's value is the sum of the terms of its prefixes
modulo 2^64, so it is kept by adding and subtracting, and does not depend on any order. Who knows
what should have been said comes to the same numbers, or something is missing or too much.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING

import msgspec

from porter_bgp.rib import SELF

if TYPE_CHECKING:
    from collections.abc import Iterable

    from porter_bgp.rib import Path, RouteAttributes
    from porter_bgp.wire import Prefix

ALGORITHM = 1  # another number for every change of what goes into a term, or into which bucket
BUCKETS = 64
_KEY = f"porter.network/digest/{ALGORITHM}".encode()
_MASK = 2**64 - 1


def bucket(prefix: Prefix) -> int:
    """Return the bucket of a prefix: 0 to 63."""
    return blake2b(_spelled(prefix), digest_size=1, key=_KEY).digest()[0] % BUCKETS


def term(prefix: Prefix, peer: str, path: Path) -> int:
    """Return what one path adds to the value of the prefix's bucket.

    Args:
        prefix: The prefix.
        peer: The name of the session.
        path: As planned.
    """
    said = b"\0".join(
        (
            _spelled(prefix).hex().encode(),
            peer.encode(),
            str(path.path_id).encode(),
            canonical(path.attributes),
        )
    )
    return int.from_bytes(blake2b(said, digest_size=8, key=_KEY).digest(), "big")


def total(prefix: Prefix, peer: str, paths: Iterable[Path]) -> int:
    """Return the sum of the terms of several paths."""
    return sum(term(prefix, peer, path) for path in paths) & _MASK


@lru_cache(maxsize=4096)
def canonical(attributes: RouteAttributes) -> bytes:
    """Return the one JSON spelling of attributes; few differ in a cluster."""
    hop = attributes.next_hop
    return msgspec.json.encode(
        {
            "communities": sorted(attributes.communities),
            "extendedCommunities": sorted(one.hex() for one in attributes.extended_communities),
            "largeCommunities": sorted(map(str, attributes.large_communities)),
            "localPref": attributes.local_pref,
            "med": attributes.med,
            "nextHop": "self" if hop is SELF else str(hop),
            "prepend": attributes.prepend,
        },
        order="deterministic",
    )


class Digest:
    """The values of all buckets, of any set of terms.

    Attributes:
        values: 64 numbers below 2^64.
    """

    def __init__(self) -> None:
        self.values = [0] * BUCKETS

    def add(self, place: int, value: int) -> None:
        """Add a term, or the difference of sums of terms, to the bucket at `place`."""
        self.values[place] = (self.values[place] + value) & _MASK


def texts(digests: Iterable[Digest]) -> tuple[str, ...]:
    """Return the sum of digests as a status has it: 16 hexadecimal digits a bucket."""
    columns = zip(*(one.values for one in digests), strict=True)
    sums = [sum(column) & _MASK for column in columns] or [0] * BUCKETS
    return tuple(f"{value:016x}" for value in sums)


def numbers(digests: Iterable[str]) -> tuple[int, ...] | None:
    """Return the values that a status has; None where they are not 64 such numbers."""
    try:
        found = tuple(int(text, 16) for text in digests)
    except ValueError:
        return None
    return found if len(found) == BUCKETS and all(0 <= one <= _MASK for one in found) else None


def _spelled(prefix: Prefix) -> bytes:
    family = prefix.family
    return family.afi.to_bytes(2, "big") + family.safi.to_bytes(1, "big") + prefix.nlri
