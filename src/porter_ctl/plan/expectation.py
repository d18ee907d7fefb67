"""What every node must have said by now, in digests, with the two minutes before.

Nodes of equal selection share one expectation: an event costs what one prefix costs, once for each
such group, however many nodes are in it. Only where the traffic policy is Local is a prefix planned
for each node that has endpoints of it. Every value a bucket had is remembered for 120 seconds, so a
report that was true a moment ago still proves what has not changed since.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from porter_ctl.plan.digest import BUCKETS, Digest, bucket, term, total
from porter_ctl.plan.inputs import NodeFacts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from porter_bgp.config import PeerConfig
    from porter_bgp.rib import Path
    from porter_bgp.wire import AddressFamily, Prefix
    from porter_ctl.api import Holder
    from porter_ctl.plan.context import Context
    from porter_ctl.plan.prefix import PrefixPlan
    from porter_ctl.plan.verdict import Verdict

HISTORY_SECONDS = 120.0
_PRUNE_ABOVE = 16  # remembered values of a bucket
_SOMEWHERE: dict[int, IPv4Address | IPv6Address] = {4: IPv4Address(1), 6: IPv6Address(1)}


class Channel(NamedTuple):
    """What carries paths: one family of one session.

    Attributes:
        peer: The name of the session.
        family: Which prefixes.
        every: All paths to a prefix go (RFC 7911), not the first alone.
    """

    peer: str
    family: AddressFamily
    every: bool


class Claim(NamedTuple):
    """Who has an address.

    Attributes:
        holders: What its VIP names.
        released_at: Since when it names nobody.
        generation: Of its spec, counted by the API server; 0 where nobody counts.
    """

    holders: tuple[Holder, ...]
    released_at: str | None
    generation: int = 0

    def may_follow_a_grant(self, before: Claim | None) -> bool:
        """Whether the address may have been given to somebody since `before`.

        All that a release by itself says is that the holder of then has given it back.
        """
        if before is None or (self.holders and self.holders != before.holders):
            return True
        if self.generation > before.generation + 1 > 1:
            return True
        return not before.holders and self.released_at != before.released_at


class Sums:
    """The values of all buckets, and until when they had others."""

    def __init__(self, now: Iterable[int] = (0,) * BUCKETS) -> None:
        """`now` are the values to begin with."""
        self._digest = Digest()
        self._digest.values = list(now)
        self._past: dict[int, dict[int, float]] = {}

    def add(self, place: int, value: int, now: float) -> None:
        """Add to the bucket at `place`."""
        if value == 0:
            return
        past = self._past.setdefault(place, {})
        past[self._digest.values[place]] = now
        self._digest.add(place, value)
        past.pop(self._digest.values[place], None)
        if len(past) > _PRUNE_ABOVE:
            self._past[place] = {v: at for v, at in past.items() if now - at < HISTORY_SECONDS}

    def until(self, place: int, value: int, now: float) -> float | None:
        """Until when the bucket had this value: infinity for now; None: not in living memory."""
        if value == self._digest.values[place]:
            return inf
        at = self._past.get(place, {}).get(value)
        return at if at is not None and now - at < HISTORY_SECONDS else None

    def values(self, place: int, now: float) -> list[int]:
        """The values of a bucket within living memory, that of now first."""
        past = self._past.get(place, {})
        recent = [value for value, at in reversed(past.items()) if now - at < HISTORY_SECONDS]
        return [self._digest.values[place], *recent]


@dataclass(slots=True)
class Planned:
    """What a prefix should be, for all nodes of a group or for one node.

    Attributes:
        place: Its bucket.
        paths: By peer.
        sums: What it adds to its bucket, by channel.
        verdicts: Why not, or why last.
        changed: Since when the paths are these; where there are none, for whom there are none.
        single: No peer should have several.
        claim: Who has the address, and since when nobody has.
    """

    place: int
    paths: Mapping[str, tuple[Path, ...]]
    sums: Mapping[Channel, int]
    verdicts: tuple[Verdict, ...]
    changed: float
    single: bool
    claim: Claim | None = None


class Plans:
    """The plans of many prefixes, and the sums of any choice of channels."""

    def __init__(self) -> None:
        self.by_prefix: dict[Prefix, Planned] = {}
        self._totals: dict[Channel, Digest] = {}
        self._views: dict[frozenset[Channel], Sums] = {}

    def put(self, plan: PrefixPlan, now: float, claim: Claim | None = None) -> bool:
        """Take a plan; whether anything about it is new.

        Args:
            plan: What a prefix should be.
            now: Since when.
            claim: Who has the address; None where no VIP says.
        """
        prefix = plan.prefix
        before = self.by_prefix.get(prefix)
        if before is not None and (before.paths is plan.paths or before.paths == plan.paths):
            moved = claim is not None and claim != before.claim
            if claim is not None and moved:
                if not plan.paths and claim.may_follow_a_grant(before.claim):
                    before.changed = now
                before.claim = claim
            if before.verdicts == plan.verdicts:
                return moved and not plan.paths
            before.verdicts = plan.verdicts
            return True
        place = before.place if before is not None else bucket(prefix)
        sums = _sums(prefix, plan.paths)
        self._change(place, before.sums if before is not None else {}, sums, now)
        single = all(len(several) == 1 for several in plan.paths.values())
        self.by_prefix[prefix] = Planned(place, plan.paths, sums, plan.verdicts, now, single, claim)
        return True

    def drop(self, prefix: Prefix, now: float) -> bool:
        """Forget a prefix; whether it was known."""
        before = self.by_prefix.pop(prefix, None)
        if before is None:
            return False
        self._change(before.place, before.sums, {}, now)
        return True

    def view(self, channels: frozenset[Channel]) -> Sums:
        """The sums of these channels together; kept up from the first time on."""
        view = self._views.get(channels)
        if view is None:
            totals = [self._totals[one].values for one in channels if one in self._totals]
            view = Sums(sum(column) % 2**64 for column in zip(*totals, strict=True))
            if not totals:
                view = Sums()
            self._views[channels] = view
        return view

    def keep_views(self, used: Iterable[frozenset[Channel]]) -> None:
        """Forget the sums of all other choices."""
        wanted = set(used)
        self._views = {channels: v for channels, v in self._views.items() if channels in wanted}

    def _change(
        self, place: int, before: Mapping[Channel, int], after: Mapping[Channel, int], now: float
    ) -> None:
        differences = {
            channel: difference
            for channel in before.keys() | after.keys()
            if (difference := after.get(channel, 0) - before.get(channel, 0))
        }
        for channel, difference in differences.items():
            self._totals.setdefault(channel, Digest()).add(place, difference)
        for channels, view in self._views.items():
            view.add(place, sum(d for c, d in differences.items() if c in channels), now)


class Group:
    """Nodes of equal selection.

    Attributes:
        context: That of any of them.
        reduced: What of it plans depend on.
        nodes: Their names.
        plans: What is so for all of them.
        stale: The context is another than that of the plans.
    """

    def __init__(self, context: Context, reduced: Context, nodes: set[str]) -> None:
        self.context = context
        self.reduced = reduced
        self.nodes = nodes
        self.plans = Plans()
        self.stale = True


def selection(context: Context) -> Context:
    """Return the context without what plans do not depend on: equal ones make equal plans."""
    versions = {address.version for address in context.speaker.node_addresses}
    somewhere = tuple(_SOMEWHERE[version] for version in sorted(versions))
    return replace(
        context,
        node=NodeFacts(name=""),
        speaker=replace(context.speaker, node_addresses=somewhere, listen=()),
        peers={name: _without_origin(peer) for name, peer in context.peers.items()},
        barred=_unnamed(context.barred),
        last=_unnamed(context.last),
        verdicts=tuple(one for v in context.verdicts if (one := _unnamed(v)) is not None),
    )


def regroup(
    before: Iterable[Group], contexts: Mapping[str, Context], reduced: dict[str, Context]
) -> list[Group]:
    """Sort nodes into groups; whoever stays together keeps its expectation and its history.

    Args:
        before: The groups as they were; those that go on are changed in place.
        contexts: Of every node, by name.
        reduced: The `selection` of each; equal ones become one object, quick to compare.

    Returns:
        All groups, those of `before` that still have nodes among them.
    """
    sorted_: list[tuple[Context, set[str]]] = []
    for name in contexts:
        mine = reduced[name]
        for other, names in sorted_:
            if other is mine or other == mine:
                reduced[name] = other
                names.add(name)
                break
        else:
            sorted_.append((mine, {name}))
    left = list(before)
    groups = []
    for mine, names in sorted(sorted_, key=lambda one: -len(one[1])):
        group = max(left, key=lambda one: len(one.nodes & names), default=None)
        if group is None or not group.nodes & names:
            group = Group(contexts[min(names)], mine, names)
        else:
            left.remove(group)
            group.nodes = names
            if group.reduced is not mine and group.reduced != mine:
                group.context, group.reduced = contexts[min(names)], mine
                group.stale = True
        groups.append(group)
    return groups


def _sums(prefix: Prefix, paths: Mapping[str, tuple[Path, ...]]) -> dict[Channel, int]:
    sums: dict[Channel, int] = {}
    for peer, several in paths.items():
        if not several:
            continue
        first = term(prefix, peer, several[0])
        every = first if len(several) == 1 else total(prefix, peer, several)
        sums[Channel(peer, prefix.family, every=False)] = first
        sums[Channel(peer, prefix.family, every=True)] = every
    return sums


def _without_origin(peer: PeerConfig) -> PeerConfig:
    return replace(
        peer,
        session=replace(peer.session, router_id=IPv4Address(1)),
        tcp=replace(peer.tcp, source=None, md5_password=None),
    )


def _unnamed(verdict: Verdict | None) -> Verdict | None:
    """A verdict without its sentences, which may name the node."""
    return None if verdict is None else replace(verdict, message="", remedy="")
