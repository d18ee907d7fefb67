"""Guard by effect for sessions: peers that go do not take the last path of many prefixes along.

A BGPPeer that is deleted, or a BGPConfig, ends sessions before a single prefix is planned again.
If that would take the last path of more than a fifth of what the node announces, and at least of
five prefixes or of all, the sessions are kept as they were: for 60 s, and while one of these kinds
cannot be listed until 60 s after it can. A peer that has come back under another name, at the same
address, is not kept beside itself.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from porter_ctl.api import Kind
from porter_ctl.gate.guard import MANY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from porter_bgp.config import PeerConfig
    from porter_bgp.rib import Path
    from porter_bgp.wire import Prefix
    from porter_ctl.gate.kinds import Kinds

_KINDS = (Kind.BGP_PEER, Kind.BGP_CONFIG)


class SessionGuard:
    """Keeps peers that are not wanted any more.

    Args:
        kinds: What is known of the kinds behind them.
    """

    def __init__(self, kinds: Kinds) -> None:
        self._kinds = kinds
        self._present: dict[str, PeerConfig] = {}
        self._kept: dict[str, float] = {}  # since when

    @property
    def kept(self) -> frozenset[str]:
        """The peers that are not wanted any more."""
        return frozenset(self._kept)

    def baseline(self, peers: Mapping[str, PeerConfig]) -> None:
        """Take it that these were there before."""
        self._present = dict(peers)

    def admit_peers(
        self,
        wanted: Mapping[str, PeerConfig],
        announced: Mapping[Prefix, Mapping[str, tuple[Path, ...]]],
        now: float,
        *,
        passing: bool,
    ) -> Mapping[str, PeerConfig]:
        """Return the peers to have now: those wanted, and those to keep.

        Args:
            wanted: All that are wanted.
            announced: What each peer was told of each prefix before: `EffectGuard.told`.
            now: The time.
            passing: What goes may go: it is confirmed, this node leaves or is drained.
        """
        remotes = {config.tcp.remote for config in wanted.values()}
        gone = {
            name
            for name, config in self._present.items()
            if name not in wanted
            and config.tcp.remote not in remotes
            and not self._is_over(name, now)
        }
        new = gone - self._kept.keys()
        if passing:
            gone, new = set(), set()
        elif new:
            lost = _losing(gone, announced)
            if lost is None:
                gone -= new
            else:
                gone -= new - lost
        self._keep(gone, now)
        self._present = dict(wanted) | {name: self._present[name] for name in gone}
        return dict(self._present)

    def next_deadline(self) -> float | None:
        """Return when peers have been kept for long enough."""
        at = min(map(self._over, self._kept), default=inf)
        return at if at < inf else None

    def handle_timeout(self, now: float) -> bool:
        """Whether `admit_peers` is to be asked again."""
        return any(self._is_over(name, now) for name in self._kept)

    def _over(self, name: str) -> float:
        since = self._kept[name]
        return max(self._kinds.over(kind, since) for kind in _KINDS)

    def _is_over(self, name: str, now: float) -> bool:
        return name in self._kept and now >= self._over(name)

    def _keep(self, names: Iterable[str], now: float) -> None:
        before = self._kept
        self._kept = {name: before.get(name, now) for name in names}
        if self._kept and not before:
            for kind in _KINDS:
                self._kinds.hold(kind, now)
        elif before and not self._kept:
            for kind in _KINDS:
                self._kinds.release(kind)


def _losing(
    gone: set[str], announced: Mapping[Prefix, Mapping[str, tuple[Path, ...]]]
) -> set[str] | None:
    """Return those of the peers that had the last paths; None if it is not so many prefixes."""
    losses, total, peers = 0, 0, set[str]()
    for paths in announced.values():
        total += 1
        if paths.keys() <= gone:
            losses += 1
            peers |= paths.keys()
    if losses * 5 > total and (losses >= MANY or losses == total):
        return peers
    return None
