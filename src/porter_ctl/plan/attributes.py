"""With which attributes each peer is told a prefix, given the advertisements that apply.

Several advertisements of one prefix to one peer: the union of their communities, the highest local
preference, and of unequal MEDs that of the oldest. The answer depends on nothing but the
advertisements that said yes and on the family, so it is worked out once for each combination and
shared by all prefixes: equal attributes are identical objects all the way to the wire.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from porter_bgp.rib import Path, RouteAttributes
from porter_bgp.wire import LargeCommunity, WellKnownCommunity, parse_community
from porter_ctl.plan.verdict import Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from porter_bgp.config import PeerConfig, SpeakerConfig
    from porter_bgp.wire import AddressFamily
    from porter_ctl.api import BGPAdvertisementSpec, Endpoints
    from porter_ctl.plan.selection import Labelled, Named

LAST_PREPENDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One BGPAdvertisement as this node reads it.

    Attributes:
        name: The BGPAdvertisement's name.
        pools: The pools whose VIPs it is about.
        services: The Services whose VIPs it is about.
        here: Whether it selects this node.
        peers: The peers of this node that it selects.
        endpoints: Which endpoints it takes to announce.
        attributes: What it adds to a route.
    """

    name: str
    pools: Named
    services: Labelled
    here: bool
    peers: tuple[str, ...]
    endpoints: Endpoints
    attributes: RouteAttributes


class Said(NamedTuple):
    """A rule that says yes to a prefix.

    Attributes:
        rule: Its place among the rules of the context, the oldest being 0.
        last: It may be announced, but as the last resort only.
    """

    rule: int
    last: bool


class Routes(NamedTuple):
    """What a combination of rules comes to.

    Attributes:
        paths: By peer.
        verdicts: Why a peer has none, or what disagrees; empty when all is well.
    """

    paths: Mapping[str, tuple[Path, ...]]
    verdicts: tuple[Verdict, ...]


class RouteTable:
    """The routes for every combination of rules that came up so far."""

    def __init__(
        self, rules: tuple[Rule, ...], peers: Mapping[str, PeerConfig], speaker: SpeakerConfig
    ) -> None:
        self._rules = rules
        self._peers = peers
        self._versions = frozenset(address.version for address in speaker.node_addresses)
        self._known: dict[tuple[frozenset[Said], AddressFamily], Routes] = {}

    def routes(self, said: frozenset[Said], family: AddressFamily) -> Routes:
        """Return the routes of a prefix of `family` to which the rules in `said` say yes."""
        known = self._known.get((said, family))
        if known is None:
            known = self._known[said, family] = self._work_out(sorted(said), family)
        return known

    def _work_out(self, said: list[Said], family: AddressFamily) -> Routes:
        paths: dict[str, tuple[Path, ...]] = {}
        verdicts: dict[Verdict, None] = {}
        for peer, config in self._peers.items():
            selecting = [one for one in said if peer in self._rules[one.rule].peers]
            if not selecting or family not in config.session.families:
                continue
            if not self._has_next_hop(config, family):
                verdicts[_no_next_hop(peer, family)] = None
                continue
            rules = [self._rules[one.rule] for one in selecting]
            attributes, disagreements = merge(rules)
            if all(one.last for one in selecting):
                attributes = announced_last(attributes)
            paths[peer] = (Path(0, attributes),)
            verdicts.update(dict.fromkeys(disagreements))
        if not paths and not verdicts:
            verdicts[self._no_peer(said, family)] = None
        return Routes(paths, tuple(verdicts))

    def _has_next_hop(self, config: PeerConfig, family: AddressFamily) -> bool:
        version = 4 if family.bits == 32 else 6
        override = config.next_hop_ipv4 if version == 4 else config.next_hop_ipv6
        return (
            override is not None
            or config.tcp.remote.version == version
            or version in self._versions
        )

    def _no_peer(self, said: list[Said], family: AddressFamily) -> Verdict:
        names = ", ".join(self._rules[one.rule].name for one in said)
        if any(self._rules[one.rule].peers for one in said):
            return Verdict(
                reason=Reason.NO_PEER,
                message=f"no peer of this node that {names} selects carries {family}",
                remedy=f"add {family} to spec.families of a BGPPeer",
            )
        return Verdict(
            reason=Reason.NO_PEER,
            message=f"BGPAdvertisement {names} selects no peer that this node can have",
            remedy="look at the conditions of the BGPPeers, and at spec.peers",
        )


def attributes_of(spec: BGPAdvertisementSpec) -> RouteAttributes:
    """Return what one advertisement adds to a route."""
    standard = {parse_community(text) for text in spec.communities.standard}
    standard |= {parse_community(name.value) for name in spec.communities.well_known}
    return RouteAttributes(
        communities=tuple(sorted(standard)),
        large_communities=tuple(sorted(map(LargeCommunity.parse, spec.communities.large))),
        med=spec.med,
        local_pref=spec.local_pref,
    )


def merge(rules: list[Rule]) -> tuple[RouteAttributes, tuple[Verdict, ...]]:
    """Merge the attributes of `rules`, the oldest first; with a verdict for each that yields."""
    every = [rule.attributes for rule in rules]
    judge = next((rule for rule in rules if rule.attributes.med is not None), None)
    med = judge.attributes.med if judge is not None else None
    disagreements = tuple(
        Verdict(
            reason=Reason.CONFLICTING,
            message=(
                f"spec.med: {rule.attributes.med} is not the {med} of the older "
                f"BGPAdvertisement/{judge.name}, which counts where both apply"
            ),
            remedy="set one value in both, or let them select different VIPs or peers",
            subject=f"BGPAdvertisement/{rule.name}",
        )
        for rule in rules
        if judge is not None and rule.attributes.med not in {None, med}
    )
    preferences = [one.local_pref for one in every if one.local_pref is not None]
    attributes = RouteAttributes(
        communities=tuple(sorted({c for one in every for c in one.communities})),
        large_communities=tuple(sorted({c for one in every for c in one.large_communities})),
        med=med,
        local_pref=max(preferences, default=None),
    )
    return attributes, disagreements


def announced_last(attributes: RouteAttributes) -> RouteAttributes:
    """Return the same route as the last resort of whoever hears it.

    GRACEFUL_SHUTDOWN (RFC 8326) and prepends tell external peers, a local preference of 0 tells
    internal ones; each sees what is for it.
    """
    communities = {*attributes.communities, int(WellKnownCommunity.GRACEFUL_SHUTDOWN)}
    return RouteAttributes(
        next_hop=attributes.next_hop,
        communities=tuple(sorted(communities)),
        large_communities=attributes.large_communities,
        extended_communities=attributes.extended_communities,
        med=attributes.med,
        local_pref=0,
        prepend=attributes.prepend + LAST_PREPENDS,
    )


def _no_next_hop(peer: str, family: AddressFamily) -> Verdict:
    key = "ipv4" if family.bits == 32 else "ipv6"
    return Verdict(
        reason=Reason.NO_NEXT_HOP,
        message=f"this node has no {key} address to be the next hop towards {peer}",
        remedy=f"set spec.nextHop.{key} of BGPPeer/{peer}, or give the node an InternalIP",
        subject=peer,
    )
