"""What the routers were told and have acknowledged, peer by peer, as digests.

A term leaves its sum only when the octets that took the path back are acknowledged: until then the
router may have it still.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from porter_ctl.plan.digest import Digest, bucket, texts, total

if TYPE_CHECKING:
    from collections.abc import Iterable, KeysView, Mapping
    from collections.abc import Set as AbstractSet

    from porter_bgp.rib import Path
    from porter_bgp.view import PeerView, SpeakerView
    from porter_bgp.wire import Prefix


class Acknowledging(Protocol):
    """What is asked of a speaker."""

    def view(self) -> SpeakerView:
        """How its peers are."""

    def take_changes(self) -> Mapping[str, AbstractSet[Prefix]]:
        """The prefixes of which `acknowledged` may say something else since this was last asked."""

    def acknowledged(self, name: str, prefix: Prefix) -> tuple[Path, ...]:
        """The planned paths of a prefix that a peer has acknowledged on this session."""


@dataclass(slots=True)
class _Peer:
    digest: Digest = field(default_factory=Digest)
    sums: dict[Prefix, int] = field(default_factory=dict)
    leaving: dict[Prefix, float] = field(default_factory=dict)  # since when it is taken back


class Told:
    """Kept in step with one speaker.

    Args:
        speaker: Whose peers.
    """

    def __init__(self, speaker: Acknowledging) -> None:
        self._speaker = speaker
        self._peers: dict[str, _Peer] = {}
        self._carriers: dict[Prefix, int] = {}

    @property
    def prefixes(self) -> KeysView[Prefix]:
        """Those of which at least one peer has acknowledged a path."""
        return self._carriers.keys()

    @property
    def leaving(self) -> bool:
        """Whether something was taken back that is not acknowledged yet."""
        return any(peer.leaving for peer in self._peers.values())

    def look(self) -> SpeakerView:
        """Take in what has changed; returns what was seen of the peers then."""
        view = self._speaker.view()
        for name, prefixes in self._speaker.take_changes().items():
            peer = self._peers.setdefault(name, _Peer())
            for prefix in prefixes:
                paths = self._speaker.acknowledged(name, prefix)
                if paths or not _established(view.peers.get(name)):
                    peer.leaving.pop(prefix, None)
                    self._put(peer, prefix, total(prefix, name, paths))
                elif prefix in peer.sums:
                    peer.leaving[prefix] = view.now
        for name, peer in list(self._peers.items()):
            self._let_go(peer, view.peers.get(name), view.now)
            if name not in view.peers and not peer.sums:
                del self._peers[name]
        return view

    def digests(self, peers: Iterable[str]) -> tuple[str, ...]:
        """The digests of these peers together."""
        return texts(self._peers[name].digest for name in peers if name in self._peers)

    def _let_go(self, peer: _Peer, seen: PeerView | None, now: float) -> None:
        """Forget what was taken back, as far as the peer is known to have heard it."""
        if not peer.leaving or (
            seen is not None and any(family.pending for family in seen.families.values())
        ):
            return
        oldest = seen.unacknowledged_since if seen is not None and seen.established else None
        heard_of = now if oldest is None else oldest
        for prefix in [one for one, since in peer.leaving.items() if since < heard_of]:
            del peer.leaving[prefix]
            self._put(peer, prefix, 0)

    def _put(self, peer: _Peer, prefix: Prefix, value: int) -> None:
        before = peer.sums.pop(prefix, 0)
        if value:
            peer.sums[prefix] = value
        peer.digest.add(bucket(prefix), value - before)
        carriers = self._carriers.get(prefix, 0) + bool(value) - bool(before)
        if carriers:
            self._carriers[prefix] = carriers
        else:
            self._carriers.pop(prefix, None)


def _established(peer: PeerView | None) -> bool:
    return peer is not None and peer.established
