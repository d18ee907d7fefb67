"""Which Services are not well, and why, as this process sees it: what metrics tell of them.

The codes are those of "why". A process that leads adds why Services have no address.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from porter_ctl.daemon.why_rows import left_out_of
from porter_ctl.plan import Reason, foremost

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from porter_bgp.wire import Prefix
    from porter_ctl.api import Key
    from porter_ctl.daemon.running import Running
    from porter_ctl.plan import Verdict

LIMIT = 1000  # Services that are named
_LOOKED_AT = 10_000  # prefixes, for sessions that are down
_NOT_OURS = frozenset({Reason.FOREIGN_CLASS, Reason.HELD_BY_OTHER})
# Rightly so, as far as one node can tell.
_ELSEWHERE = frozenset({Reason.NODE_NOT_SELECTED, Reason.NOT_ALLOCATED})


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceReasons:
    """What is not well.

    Attributes:
        counts: Services without an address, and addresses, by what was decided of them.
        named: The reason of each Service that is not well, as far as the limit goes.
        omitted: How many are beyond it.
    """

    counts: Mapping[Reason, int] = field(default_factory=dict)
    named: Mapping[Key, Reason] = field(default_factory=dict)
    omitted: int = 0


class Tally:
    """Counts by reason, and names as many as may be named."""

    def __init__(self) -> None:
        self.counts: Counter[Reason] = Counter()
        self.named: dict[Key, Reason] = {}
        self.omitted = 0

    def name(self, key: Key, reason: Reason) -> None:
        """Have a series for a Service; of several reasons the foremost."""
        if key in self.named or len(self.named) < LIMIT:
            before = self.named.get(key, reason)
            self.named[key] = min(before, reason, key=lambda one: one.precedence)
        else:
            self.omitted += 1


def service_reasons(running: Running) -> ServiceReasons:
    """Look at all that was decided: what is well costs nothing, unless a session is down."""
    tally = Tally()
    if running.leadership.leading:
        for key, verdict in running.allocator.verdicts.items():
            _count_allocation(tally, key, verdict)
    _count_prefixes(running, tally)
    _count_sessions(running, tally)
    judged = sum(tally.counts.values())
    well = len(running.stores.vips) + _without_address(tally) - judged
    tally.counts[Reason.ALL_PATHS] += max(0, well)
    return ServiceReasons(counts=tally.counts, named=tally.named, omitted=tally.omitted)


def _count_allocation(tally: Tally, key: Key, verdict: Verdict) -> None:
    if verdict.reason is Reason.ALLOCATED:
        return
    tally.counts[verdict.reason] += 1
    if verdict.reason not in _NOT_OURS:
        tally.name(key, verdict.reason)


def _without_address(tally: Tally) -> int:
    """How many of those counted so far are Services without an address."""
    return sum(
        count
        for reason, count in tally.counts.items()
        if reason.precedence < Reason.NOT_ALLOCATED.precedence
    )


def _count_prefixes(running: Running, tally: Tally) -> None:
    context = running.node.context
    left_out = left_out_of(context.verdicts) if context is not None else {}
    absent = _serving_nowhere(running)
    for prefix, verdicts in running.node.verdicts.items():
        worst = foremost(tuple(one for one in verdicts if "/" not in one.subject))
        if worst is None:
            continue
        reason = worst.reason
        if reason is Reason.NO_PEER and left_out:
            reason = min(left_out.values(), key=lambda one: one.reason.precedence).reason
        tally.counts[reason] += 1
        if reason in _ELSEWHERE:
            continue
        for key in running.node.services_of(prefix):
            if reason is not Reason.NO_LOCAL_ENDPOINT or key in absent:
                tally.name(key, reason)


def _serving_nowhere(running: Running) -> AbstractSet[Key]:
    """The Services without an endpoint on any node, of those that have none on this one."""
    suspects = {
        key
        for prefix, verdicts in running.node.verdicts.items()
        if any(one.reason is Reason.NO_LOCAL_ENDPOINT for one in verdicts)
        for key in running.node.services_of(prefix)
    }
    if not suspects:
        return suspects
    serving = {
        f"{one.metadata.namespace}/{one.service}"
        for _, one in running.stores.endpoint_slices.items()
        if any(found.ready or found.serving for found in one.nodes.values())
    }
    return suspects - serving


def _count_sessions(running: Running, tally: Tally) -> None:
    """Prefixes that should be announced, where sessions to announce them on are down."""
    peers = running.speaker.view().peers
    up = {name for name, peer in peers.items() if peer.established}
    if len(up) == len(peers):
        return
    judged = running.node.verdicts
    for prefix in islice(running.node.desired, _LOOKED_AT):
        if prefix not in judged and (reason := _missing(running, prefix, up)) is not None:
            tally.counts[reason] += 1
            for key in running.node.services_of(prefix):
                tally.name(key, reason)


def _missing(running: Running, prefix: Prefix, up: AbstractSet[str]) -> Reason | None:
    planned = running.speaker.planned(prefix).keys()
    if planned <= up:
        return None
    return Reason.SOME_PATHS if planned & up else Reason.SESSION_DOWN
