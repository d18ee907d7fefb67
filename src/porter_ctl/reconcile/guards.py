"""The gates of one node, joined: what each of them has to know, and whom they share it with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from porter_ctl.api import Kind
from porter_ctl.gate import (
    CONFIRM_DELETE,
    Chain,
    Damping,
    EffectGuard,
    Facts,
    Kinds,
    SessionGuard,
    Vacancy,
)
from porter_ctl.plan import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from porter_bgp.config import PeerConfig
    from porter_bgp.rib import Path
    from porter_bgp.wire import Prefix
    from porter_ctl.api import Key, Resource
    from porter_ctl.gate import DataplaneGate, KindQuery, KindStands
    from porter_ctl.plan import Context, PrefixPlan, Verdict
    from porter_ctl.store.stores import Stores

CONFIRMED_SECONDS = 2.0  # for which what went with the consent of its owner takes more along
_CONFIGURATION = frozenset({Kind.BGP_CONFIG, Kind.BGP_PEER, Kind.BGP_ADVERTISEMENT})


class Guards:
    """All gates of a node: the dataplane's first, the guards last.

    Args:
        stores: Where the configuration is, for the consent that it gives.
        gate: The dataplane's.
    """

    def __init__(self, stores: Stores, gate: DataplaneGate) -> None:
        self._stores = stores
        self._kinds = Kinds()
        self._guard = EffectGuard(self._kinds)
        self._sessions = SessionGuard(self._kinds)
        told = self._guard.announced
        self._chain = Chain(gate, Damping(told), Vacancy(told), self._guard)
        self._facts = Facts()
        self._confirmed_until: float | None = None
        self._confirmed_by: tuple[Kind, Key] | None = None

    @property
    def alarm(self) -> Verdict | None:
        """What there is to say of all that is kept; None while nothing is."""
        return self._guard.alarm

    @property
    def kept(self) -> int:
        """How many prefixes are kept although they would go."""
        return self._guard.kept

    def baseline(
        self,
        paths: Mapping[Prefix, Mapping[str, tuple[Path, ...]]],
        peers: Mapping[str, PeerConfig],
    ) -> None:
        """Take it that this was announced to these before."""
        self._guard.baseline(paths)
        self._sessions.baseline(peers)

    def touch(self, kind: Kind, key: Key, now: float) -> None:
        """Note whether an object that goes went with the consent of its owner."""
        if kind not in _CONFIGURATION:
            return
        obj = self._stores.of(kind).get(key)
        departed = self._stores.departed.get((kind, key))
        if obj is None and departed is not None and _consents(departed):
            self._confirmed_until, self._confirmed_by = now + CONFIRMED_SECONDS, (kind, key)
        elif obj is not None and self._confirmed_by == (kind, key):
            self._confirmed_until = None  # it is back, and nothing is to go along with it any more

    def learn(self, context: Context, now: float, *, leaving: bool) -> frozenset[Prefix]:
        """Take what is so on this node now; return the prefixes to admit again."""
        if self._confirmed_until is not None and now >= self._confirmed_until:
            self._confirmed_until = None
        self._facts = Facts(
            node_ready=context.node.conditions.get("Ready", "True") == "True",
            confirmed=self._confirmed_until is not None
            or any(_consents(config) for _, config in self._stores.bgp_configs.items()),
            leaving=leaving,
        )
        return self._guard.learn(self._facts, now)

    def admit_peers(self, context: Context, now: float) -> Mapping[str, PeerConfig]:
        """Return the peers to have now: those wanted, and those to keep for a while."""
        drained = context.barred is not None and context.barred.reason is Reason.NODE_DRAINED
        return self._sessions.admit_peers(
            context.peers,
            self._guard.told,
            now,
            passing=drained or self._facts.confirmed or self._facts.leaving,
        )

    def peers_are_due(self, now: float) -> bool:
        """Whether `admit_peers` is to be asked again."""
        return self._sessions.handle_timeout(now)

    def foresee(self, wanted: Iterable[PrefixPlan]) -> None:
        """Take all losses that are about to be admitted together."""
        self._guard.foresee(wanted)

    def admit(self, wanted: PrefixPlan, now: float) -> PrefixPlan:
        """Return what of `wanted` may be announced now, with a verdict for what may not."""
        return self._chain.admit(wanted, now)

    def wanted(self, now: float) -> frozenset[KindQuery]:
        """Return the questions about kinds that are due."""
        return self._kinds.wanted(now)

    def evidence(self, item: KindStands, now: float) -> frozenset[Prefix]:
        """Take an answer; return the prefixes to admit again."""
        return self._guard.evidence(item, now)

    def next_deadline(self) -> float | None:
        """When something is due although nothing changes."""
        times = (
            self._chain.next_deadline(),
            self._sessions.next_deadline(),
            self._kinds.next_deadline(),
            self._confirmed_until,
        )
        return min((at for at in times if at is not None), default=None)

    def handle_timeout(self, now: float) -> frozenset[Prefix]:
        """Return the prefixes to admit again."""
        return self._chain.handle_timeout(now)


def _consents(obj: Resource) -> bool:
    return obj.metadata.annotations.get(CONFIRM_DELETE, "false") != "false"
