"""The leader's picture of what every node must have said, kept in step with the stores.

A key touches prefixes; each is planned once for each group of nodes of equal selection, and for the
nodes that have endpoints of it where its traffic policy is Local. What the nodes report is heard
here too; which addresses may stand otherwise now is in `dirty`.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from porter_ctl.api import Kind, TrafficPolicy
from porter_ctl.plan import (
    CONTEXT_KINDS,
    ConfigSnapshot,
    NodeFacts,
    PrefixIndex,
    compile_context,
    plan_prefix,
)
from porter_ctl.plan.addresses import ingress_addresses
from porter_ctl.plan.digest import BUCKETS
from porter_ctl.plan.expectation import HISTORY_SECONDS, Claim, regroup, selection
from porter_ctl.plan.index import Surroundings, gather
from porter_ctl.plan.truth import Report, Witness

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from porter_bgp.wire import Prefix
    from porter_ctl.api import VIP, BGPNodeStatus, Key
    from porter_ctl.plan import Context, PrefixInputs
    from porter_ctl.plan.expectation import Group, Plans
    from porter_ctl.store.stores import Stores

_NOWHERE = "/"  # no node's name
_PREFIX_KINDS = (Kind.VIP, Kind.SERVICE, Kind.ENDPOINT_SLICE)
_BETWEEN_LOOKS = 8  # at the clock
_SWEEP_SECONDS = 10.0


class Expected:
    """What all nodes must have said, and what they report.

    Args:
        stores: What is known; everything in them is taken in at first.
        namespace: Porter's own.
        needed: Whether a prefix is to be remembered although nothing is to be announced.

    Attributes:
        witnesses: The nodes, by name.
        dirty: Prefixes that may stand otherwise than when they were last judged.
    """

    def __init__(self, stores: Stores, *, namespace: str, needed: Callable[[Prefix], bool]) -> None:
        self.witnesses: dict[str, Witness] = {}
        self.dirty: set[Prefix] = set()
        self._stores = stores
        self._namespace = namespace
        self._needed = needed
        self._loop = asyncio.get_running_loop()
        self._index = PrefixIndex(stores, _NOWHERE)
        self._unread = deque(
            (kind, key) for kind in _PREFIX_KINDS for key, _ in stores.of(kind).items()
        )
        self._beginning = True
        self._contexts: dict[str, Context] = {}
        self._reduced: dict[str, Context] = {}
        self._groups: list[Group] = []
        self._stale_nodes: set[Key] = set()
        self._stale = True
        self._midway = False  # some contexts are compiled, others not yet
        self._todo: dict[Prefix, None] = {}
        self._here: defaultdict[Prefix, set[str]] = defaultdict(set)
        self._places: list[set[Prefix]] = [set() for _ in range(BUCKETS)]
        self._seen: dict[Prefix, VIP] = {}
        self._said: dict[str, BGPNodeStatus | None] = {}
        self._holding: set[str] = set()  # nodes that hold something back
        self._sweep_at = self._loop.time() + _SWEEP_SECONDS

    @property
    def complete(self) -> bool:
        """Whether everything has been planned once."""
        return not self._beginning

    @property
    def restart_seconds(self) -> float:
        """For how long routers keep the routes of a speaker that is away; the longest of all."""
        return max((context.restart_seconds for context in self._contexts.values()), default=0.0)

    def prefixes(self) -> Iterable[Prefix]:
        """All that were planned and are worth remembering."""
        return chain.from_iterable(self._places)

    def knows(self, prefix: Prefix) -> bool:
        """Whether it is one of `prefixes`."""
        return any(prefix in group.plans.by_prefix for group in self._groups)

    def has_planned(self, prefix: Prefix, vip: VIP) -> bool:
        """Whether the plans rest on a VIP as it is given here."""
        seen = self._seen.get(prefix)
        if seen is None or prefix in self._todo or seen.spec != vip.spec:
            return False
        stored = self._stores.vips.get(vip.metadata.name) or seen  # may differ in its version only
        return vip.metadata.resource_version in {
            seen.metadata.resource_version,
            stored.metadata.resource_version,
        }

    def plan_soon(self, prefix: Prefix) -> None:
        """Plan a prefix that is remembered for some nodes, and not known for others."""
        self._todo[prefix] = None

    def services_of(self, prefix: Prefix) -> tuple[Key, ...]:
        """The Services that hold a prefix, as namespace/name."""
        holders = self._index.inputs(prefix).holders
        return tuple(f"{one.holder.namespace}/{one.holder.name}" for one in holders)

    def touch(self, kind: Kind, key: Key) -> None:
        """Note that what this key stands for has changed."""
        if kind in _PREFIX_KINDS:
            self._todo.update(dict.fromkeys(self._index.touched(kind, key)))
        elif kind is Kind.NODE:
            if self._is_another(key):
                self._stale_nodes.add(key)
                self._stale |= self._midway  # other nodes' plans may tell of it
        elif kind is Kind.BGP_NODE:
            self._hear(key)
        elif kind in CONTEXT_KINDS:
            self._stale = True

    def doubt(self, witness: Witness) -> None:
        """Have everything judged anew to which a node testifies."""
        for prefix in self.prefixes():
            planned = witness.planned(prefix)
            if planned is not None and planned.paths:
                self.dirty.add(prefix)

    def work(self, until: float) -> bool:
        """Plan what is to be planned; whether there is more."""
        while self._unread:
            for _ in range(min(_BETWEEN_LOOKS, len(self._unread))):
                self.touch(*self._unread.popleft())
            if self._loop.time() > until:
                return True
        if self._stale or self._stale_nodes:
            if self._compile(until):
                return True
            self._regroup()
        now = self._loop.time()
        while self._todo:
            for _ in range(min(_BETWEEN_LOOKS, len(self._todo))):
                self._plan(self._todo.popitem()[0], now)
            if self._todo and self._loop.time() > until:
                return True
        self._beginning = False
        if now >= self._sweep_at:
            self._sweep(now)
        return False

    def next_deadline(self) -> float | None:
        """When living memory is looked through again."""
        return self._sweep_at

    # Nodes

    def _is_another(self, name: Key) -> bool:
        """Whether a Node differs in anything that plans may depend on."""
        node, context = self._stores.nodes.get(name), self._contexts.get(name)
        if node is None or context is None:
            return True
        facts, before = NodeFacts.of(name, node), context.node
        if facts != before or facts.annotations != before.annotations:
            return True
        return self._midway or any(one.follows_nodes for one in self._contexts.values())

    def _compile(self, until: float) -> bool:
        """Compile the contexts that may be others; whether there are more."""
        follows = any(context.follows_nodes for context in self._contexts.values())
        if self._stale or (follows and not self._midway):
            self._stale_nodes.update(self._stores.nodes)
        self._stale = self._midway = False
        snapshot = ConfigSnapshot.of(self._stores, self._namespace)
        while self._stale_nodes:
            name = self._stale_nodes.pop()
            node = self._stores.nodes.get(name)
            if node is not None:
                self._contexts[name] = compile_context(snapshot, NodeFacts.of(name, node))
                self._reduced[name] = selection(self._contexts[name])
            if self._stale_nodes and self._loop.time() > until:
                self._midway = True
                return True
        return False

    def _regroup(self) -> None:
        nodes = self._stores.nodes
        for name in self._contexts.keys() - set(nodes):
            del self._contexts[name], self._reduced[name]
        self._groups = regroup(self._groups, self._contexts, self._reduced)
        for name in self.witnesses.keys() - self._contexts.keys():
            self.doubt(self.witnesses.pop(name))
            self._holding.discard(name)
            self._said.pop(name, None)
        for group in self._groups:
            for name in group.nodes:
                self._join(name, group)
            if group.stale:
                group.stale = False
                self._todo.update(dict.fromkeys(self._index.prefixes()))
                self._todo.update(dict.fromkeys(group.plans.by_prefix))

    def _join(self, name: str, group: Group) -> None:
        witness = self.witnesses.get(name)
        if witness is None:
            self.witnesses[name] = Witness(name, group)
            self._hear(name)
            self._todo.update(dict.fromkeys(self._index.prefixes()))
        elif witness.group is not group:
            witness.group = group
            self._todo.update(dict.fromkeys(witness.local.by_prefix))
            self._hear(name)
            self.doubt(witness)

    def _hear(self, name: str) -> None:
        witness = self.witnesses.get(name)
        if witness is None:
            return
        obj, now = self._stores.bgp_nodes.get(name), self._loop.time()
        status = obj.status if obj is not None else None
        if self._said.get(name, status) != status:  # what else changes of it is no word of the node
            witness.heard = now
        self._said[name] = status
        said = obj is not None and bool(obj.status.pod_uid or obj.status.incarnation)
        report = Report.of(obj.status) if obj is not None and said else None
        holding = report is not None and bool(report.held_back)
        (self._holding.add if holding else self._holding.discard)(name)
        before = witness.report
        if before is None or report is None or not before.differs_in_values_only(report):
            witness.hear(report)
            self.doubt(witness)
            return
        proofs = [witness.proof(place, now) for place in range(BUCKETS)]
        witness.hear(report)
        for place, proof in enumerate(proofs):
            if before.values != report.values and proof != witness.proof(place, now):
                self._doubt_since(witness, place, proof, now)

    def _doubt_since(
        self, witness: Witness, place: int, before: tuple[float, float] | None, now: float
    ) -> None:
        """Have judged anew what the one proof tells of, and the other does not."""
        after = witness.proof(place, now)
        for prefix in self._places[place]:
            planned = witness.planned(prefix)
            if planned is None:
                continue
            part = 1 if prefix in witness.local.by_prefix else 0
            was, is_ = (
                proof is not None and proof[part] > planned.changed for proof in (before, after)
            )
            if was != is_:
                self.dirty.add(prefix)

    def _sweep(self, now: float) -> None:
        """Doubt what only values beyond living memory would prove; forget unused sums."""
        self._sweep_at = now + _SWEEP_SECONDS
        self._forget_old(now)
        for group in self._groups:
            group.plans.keep_views(
                witness.report.channels
                for witness in map(self.witnesses.__getitem__, group.nodes)
                if witness.report is not None
            )
        for witness in self.witnesses.values():
            for prefix, planned in list(witness.local.by_prefix.items()):
                if not planned.paths and now - planned.changed > HISTORY_SECONDS:
                    self._leave(witness, prefix, now)
            if witness.report is None or witness.report.values is None:
                continue
            for place, prefixes in enumerate(self._places):
                if prefixes and witness.proof(place, now) is None:
                    self.dirty |= prefixes

    def _forget_old(self, now: float) -> None:
        """Forget prefixes that nobody has, and nobody may announce still."""
        known = self._index.prefixes()
        for prefix in [one for one in self.prefixes() if one not in known]:
            planned = [
                one
                for plans in chain(
                    (group.plans for group in self._groups),
                    (witness.local for witness in self.witnesses.values()),
                )
                if (one := plans.by_prefix.get(prefix)) is not None
            ]
            if self._needed(prefix) or any(
                one.paths or now - one.changed <= HISTORY_SECONDS for one in planned
            ):
                continue
            for group in self._groups:
                group.plans.drop(prefix, now)
            for name in list(self._here.get(prefix, ())):
                self._leave(self.witnesses[name], prefix, now)
            for places in self._places:
                places.discard(prefix)
            self._seen.pop(prefix, None)
            self.dirty.add(prefix)

    # Prefixes

    def _plan(self, prefix: Prefix, now: float) -> None:
        inputs = self._index.inputs(prefix)
        uids = frozenset(one.holder.uid for one in inputs.holders)
        started = self._beginning and _is_in_status(inputs)
        if inputs.vip is not None:
            self._seen[prefix] = inputs.vip
        for group in self._groups:
            given = _given(inputs, uids, group.plans, started=started)
            if group.plans.put(plan_prefix(group.context, given), now, _claim(inputs)):
                self.dirty.add(prefix)
        self._plan_here(inputs, uids, now, started=started)
        if prefix in self.dirty:
            self._correct(prefix)
        for group in self._groups[:1]:
            self._places[group.plans.by_prefix[prefix].place].add(prefix)

    def _correct(self, prefix: Prefix) -> None:
        """Have nodes that hold a prefix back be understood by what is planned of it now."""
        for name in self._holding:
            report = self.witnesses[name].report
            if report is not None and prefix in report.held_back:
                self.witnesses[name].hear(report)

    def _plan_here(
        self, inputs: PrefixInputs, uids: frozenset[str], now: float, *, started: bool
    ) -> None:
        """Plan for the nodes with endpoints, where these count by the node."""
        prefix = inputs.prefix
        for name in sorted(_names_with_endpoints(inputs) | self._here.get(prefix, set())):
            witness = self.witnesses.get(name)
            if witness is None:
                continue
            around = Surroundings(self._stores.services, self._index.slices, name)
            found = gather(prefix, inputs.vip, frozenset(), around)
            given = _given(found, uids, witness.local, started=started)
            plan = plan_prefix(witness.group.context, given)
            shared = witness.group.plans.by_prefix[prefix]
            if plan.paths and plan.paths == shared.paths:
                changed = self._leave(witness, prefix, now)
            else:
                changed = witness.local.put(plan, now, _claim(inputs))
                self._here[prefix].add(name)
            if changed:
                self.dirty.add(prefix)

    def _leave(self, witness: Witness, prefix: Prefix, now: float) -> bool:
        self._here[prefix].discard(witness.name)
        if not self._here[prefix]:
            del self._here[prefix]
        return witness.local.drop(prefix, now)


def _given(
    inputs: PrefixInputs, uids: frozenset[str], plans: Plans, *, started: bool
) -> PrefixInputs:
    """Say that the node has announced it before, where it should have."""
    before = plans.by_prefix.get(inputs.prefix)
    announced = started if before is None else bool(before.paths)
    return replace(inputs, announced=uids) if announced else inputs


def _claim(inputs: PrefixInputs) -> Claim | None:
    vip = inputs.vip
    if vip is None or vip.spec is None:
        return None
    return Claim(vip.spec.holders, vip.spec.released_at, vip.metadata.generation)


def _is_in_status(inputs: PrefixInputs) -> bool:
    address = inputs.prefix.address
    return any(
        one.service is not None and address in ingress_addresses(one.service)
        for one in inputs.holders
    )


def _names_with_endpoints(inputs: PrefixInputs) -> set[str]:
    return {
        name
        for one in inputs.holders
        if one.service is not None
        and one.service.spec.external_traffic_policy is TrafficPolicy.LOCAL
        for slice_ in one.slices
        for name in slice_.nodes
    }
