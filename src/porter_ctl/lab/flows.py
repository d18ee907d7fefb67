"""Which next hop a flow takes, and how many took which."""

from __future__ import annotations

from collections import Counter
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Flow(NamedTuple):
    """One connection of a client: what a router's hash looks at (RFC 2992)."""

    source: str
    source_port: int
    destination: str
    destination_port: int


def choose(flow: Flow, hops: Sequence[str]) -> str:
    """The next hop of a flow: always the same one while the hops are.

    Args:
        flow: The connection.
        hops: At least one; their order counts.
    """
    seed = repr(tuple(flow)).encode()
    return hops[int.from_bytes(blake2b(seed, digest_size=8).digest()) % len(hops)]


class FlowCounts:
    """How many flows took which next hop, and how many found none."""

    def __init__(self) -> None:
        self.by_hop: Counter[str] = Counter()
        self.refused = 0

    def took(self, hop: str) -> None:
        """Count a flow."""
        self.by_hop[hop] += 1

    def refuse(self) -> None:
        """Count a flow that there was no way for."""
        self.refused += 1
