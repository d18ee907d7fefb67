"""What advertisements add to a route, and what several of them come to.

Several advertisements of one prefix to one peer: the union of their communities, the highest local
preference, and of unequal MEDs or prepends that of the oldest.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from porter_bgp.rib import RouteAttributes
from porter_bgp.wire import LargeCommunity, WellKnownCommunity, parse_community
from porter_ctl.plan.verdict import Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from porter_ctl.api import BGPAdvertisementSpec, Endpoints
    from porter_ctl.plan.next_hops import Hop
    from porter_ctl.plan.selection import Labelled, Named

LAST_PREPENDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One BGPAdvertisement as this node reads it.

    Attributes:
        name: The BGPAdvertisement's name.
        pools: The pools whose VIPs it is about.
        services: The Services whose VIPs it is about.
        here: Whether this node speaks for it.
        peers: The peers of this node that it selects.
        endpoints: Which endpoints it takes to announce.
        attributes: What it adds to a route.
        hops: The nodes that are its next hops, by path identifier; None: whoever speaks.
    """

    name: str
    pools: Named
    services: Labelled
    here: bool
    peers: tuple[str, ...]
    endpoints: Endpoints
    attributes: RouteAttributes
    hops: tuple[Hop, ...] | None = None


def attributes_of(spec: BGPAdvertisementSpec) -> RouteAttributes:
    """Return what one advertisement adds to a route."""
    standard = {parse_community(text) for text in spec.communities.standard}
    standard |= {parse_community(name.value) for name in spec.communities.well_known}
    return RouteAttributes(
        communities=tuple(sorted(standard)),
        large_communities=tuple(sorted(map(LargeCommunity.parse, spec.communities.large))),
        med=spec.med,
        local_pref=spec.local_pref,
        prepend=spec.prepend,
    )


def merge(rules: Sequence[Rule]) -> tuple[RouteAttributes, tuple[Verdict, ...]]:
    """Merge the attributes of `rules`, the oldest first; with a verdict for each that yields."""
    every = [rule.attributes for rule in rules]
    med, about_med = _oldest(rules, "med", lambda one: one.med)
    prepend, about_prepend = _oldest(rules, "prepend", lambda one: one.prepend or None)
    preferences = [one.local_pref for one in every if one.local_pref is not None]
    attributes = RouteAttributes(
        communities=tuple(sorted({c for one in every for c in one.communities})),
        large_communities=tuple(sorted({c for one in every for c in one.large_communities})),
        med=med,
        local_pref=max(preferences, default=None),
        prepend=prepend or 0,
    )
    return attributes, (*about_med, *about_prepend)


def announced_last(attributes: RouteAttributes) -> RouteAttributes:
    """Return the same route as the last resort of whoever hears it.

    GRACEFUL_SHUTDOWN (RFC 8326) and prepends tell external peers, a local preference of 0 tells
    internal ones; each sees what is for it.
    """
    communities = {*attributes.communities, int(WellKnownCommunity.GRACEFUL_SHUTDOWN)}
    return replace(
        attributes,
        communities=tuple(sorted(communities)),
        local_pref=0,
        prepend=attributes.prepend + LAST_PREPENDS,
    )


def yields(younger: Rule, older: Rule, field: str, value: object, counts: object) -> Verdict:
    """Say that what a rule asks for does not count, because an older one asks for another."""
    return Verdict(
        reason=Reason.CONFLICTING,
        message=(
            f"spec.{field}: {value} is not the {counts} of the older "
            f"BGPAdvertisement/{older.name}, which counts where both apply"
        ),
        remedy="set one value in both, or let them select different VIPs or peers",
        subject=f"BGPAdvertisement/{younger.name}",
    )


def _oldest(
    rules: Sequence[Rule], field: str, value_of: Callable[[RouteAttributes], int | None]
) -> tuple[int | None, Iterator[Verdict]]:
    """Find the oldest value that is given, and who gives another."""
    given = [(rule, value) for rule in rules if (value := value_of(rule.attributes)) is not None]
    if not given:
        return None, iter(())
    older, counts = given[0]
    return counts, (
        yields(rule, older, field, value, counts) for rule, value in given if value != counts
    )
