"""Which peers have heard everything there is to say, so that End-of-RIB may go (RFC 4724 §2).

A peer that is new, or whose session is configured anew, is incomplete until every prefix has been
planned under a context that holds it and the gates have decided. What a gate still holds back
then delays it by 5 s at most: a router that waits for us must not wait for kube-proxy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from porter_bgp.config import PeerConfig

LONGEST_WAIT = 5.0  # seconds


class Completeness:
    """Follows the contexts and the sweeps under them. It never takes a completed peer back."""

    def __init__(self) -> None:
        self._peers: dict[str, PeerConfig] = {}
        self._complete: set[str] = set()
        self._swept: dict[str, float] = {}  # peer -> when the sweep that held it ended

    @property
    def complete(self) -> frozenset[str]:
        """The peers that may be told so: what `Speaker.tables_complete` wants."""
        return frozenset(self._complete)

    def configure(self, peers: Mapping[str, PeerConfig]) -> None:
        """Begin a context: every prefix is about to be planned anew for these peers."""
        same = {name for name, config in peers.items() if self._peers.get(name) == config}
        self._peers = dict(peers)
        self._complete &= same
        self._swept = {name: at for name, at in self._swept.items() if name in same}

    def swept(self, now: float) -> None:
        """Every prefix has been planned and admitted under the present context."""
        for name in self._peers.keys() - self._complete - self._swept.keys():
            self._swept[name] = now

    def decide(self, now: float, *, held: bool) -> bool:
        """Complete the peers that wait for nothing any more.

        Args:
            now: The time.
            held: Whether a gate holds anything back now.

        Returns:
            Whether `complete` has grown.
        """
        done = {name for name, at in self._swept.items() if not held or now >= at + LONGEST_WAIT}
        self._complete |= done
        for name in done:
            del self._swept[name]
        return bool(done)

    def next_deadline(self) -> float | None:
        """Return when `decide` is due although a gate still holds something back."""
        return min((at + LONGEST_WAIT for at in self._swept.values()), default=None)
