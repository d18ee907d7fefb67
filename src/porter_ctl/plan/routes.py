"""The paths that each peer is told of a prefix, given the advertisements that say yes to it.

The answer depends on nothing but what they say and on the family, so it is worked out once for
each combination and shared by all prefixes: equal attributes are identical objects all the way to
the wire.

Where an advertisement of next hop Self and one of next hop Nodes both say yes on this node, to one
peer, the older counts and the younger adds nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from porter_bgp.rib import Path
from porter_ctl.plan.attributes import announced_last, merge, yields
from porter_ctl.plan.verdict import Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from porter_bgp.config import PeerConfig, SpeakerConfig
    from porter_bgp.rib import RouteAttributes
    from porter_bgp.wire import AddressFamily
    from porter_ctl.plan.attributes import Rule
    from porter_ctl.plan.next_hops import Hop

_REMEMBERED = 4096
"""Combinations that are kept; of next hops that come and go with endpoints there is no end."""


class Said(NamedTuple):
    """A rule that says yes to a prefix.

    Attributes:
        rule: Its place among the rules of the context, the oldest being 0.
        last: It may be announced, but as the last resort only.
        hops: Of a rule with nodes as next hops: which of them, by their place, and whether as the
            last resort only; None: all of them, as `last` says.
    """

    rule: int
    last: bool
    hops: tuple[tuple[int, bool], ...] | None = None


class Routes(NamedTuple):
    """What a combination of rules comes to.

    Attributes:
        paths: By peer; the first is the one to tell where only one can be told.
        verdicts: Why a peer has none, or what disagrees; empty when all is well.
    """

    paths: Mapping[str, tuple[Path, ...]]
    verdicts: tuple[Verdict, ...]


class RouteTable:
    """The routes for every combination of rules that came up lately."""

    def __init__(
        self,
        rules: tuple[Rule, ...],
        peers: Mapping[str, PeerConfig],
        speaker: SpeakerConfig,
        max_paths: Mapping[str, int],
    ) -> None:
        """Begin with none.

        Args:
            rules: The advertisements, the oldest first.
            peers: The sessions of this node.
            speaker: What they share.
            max_paths: How many paths of a prefix a peer is told at most; absent: all.
        """
        self._rules = rules
        self._peers = peers
        self._max_paths = max_paths
        self._versions = frozenset(address.version for address in speaker.node_addresses)
        self._known: dict[tuple[frozenset[Said], AddressFamily], Routes] = {}
        self._interned: dict[RouteAttributes, RouteAttributes] = {}

    def routes(self, said: frozenset[Said], family: AddressFamily) -> Routes:
        """Return the routes of a prefix of `family` to which the rules in `said` say yes."""
        known = self._known.get((said, family))
        if known is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
                self._interned.clear()
            known = self._known[said, family] = self._work_out(sorted(said), family)
        return known

    def _work_out(self, said: list[Said], family: AddressFamily) -> Routes:
        paths: dict[str, tuple[Path, ...]] = {}
        verdicts: dict[Verdict, None] = {}
        for peer, config in self._peers.items():
            selecting = [one for one in said if peer in self._rules[one.rule].peers]
            if not selecting or family not in config.session.families:
                continue
            agreeing, disagreements = self._of_one_kind(selecting)
            if self._rules[agreeing[0].rule].hops is None:
                told, more = self._own(peer, agreeing, family)
            else:
                told, more = self._of_nodes(peer, agreeing, family)
            if told:
                paths[peer] = told
            verdicts.update(dict.fromkeys((*disagreements, *more)))
        if not paths and not verdicts:
            verdicts[self._no_peer(said, family)] = None
        return Routes(paths, tuple(verdicts))

    def _of_one_kind(self, said: list[Said]) -> tuple[list[Said], list[Verdict]]:
        """Keep those with the kind of next hop that the oldest has."""
        older = self._rules[said[0].rule]
        kind = _kind(older)
        agreeing = [one for one in said if _kind(self._rules[one.rule]) == kind]
        others = [self._rules[one.rule] for one in said if one not in agreeing]
        return agreeing, [yields(rule, older, "nextHop.type", _kind(rule), kind) for rule in others]

    def _own(
        self, peer: str, said: list[Said], family: AddressFamily
    ) -> tuple[tuple[Path, ...], Iterable[Verdict]]:
        """Return the one path by this node itself."""
        if not self._has_next_hop(self._peers[peer], family):
            return (), (_no_next_hop(peer, family),)
        attributes, disagreements = merge([self._rules[one.rule] for one in said])
        if all(one.last for one in said):
            attributes = announced_last(attributes)
        return (Path(0, self._one(attributes)),), disagreements

    def _of_nodes(
        self, peer: str, said: list[Said], family: AddressFamily
    ) -> tuple[tuple[Path, ...], Iterable[Verdict]]:
        """Return a path by each node; the last resorts come after all others."""
        version = _version(family)
        verdicts: dict[Verdict, None] = {}
        merged: dict[tuple[int, ...], RouteAttributes] = {}
        found: list[tuple[bool, Path, Verdict | None]] = []
        lacking: list[str] = []
        for hop, rules, last in self._hops(said):
            address = hop.addresses.get(version)
            if address is None:
                lacking.append(hop.node)
                continue
            if rules not in merged:
                merged[rules], disagreements = merge([self._rules[place] for place in rules])
                verdicts.update(dict.fromkeys(disagreements))
            attributes = replace(merged[rules], next_hop=address)
            if last or hop.last is not None:
                attributes = announced_last(attributes)
            path = Path(hop.path_id, self._one(attributes))
            found.append((last or hop.last is not None, path, hop.last))
        found.sort(key=lambda one: (one[0], one[1].path_id))
        if found and found[0][0] and found[0][2] is not None:
            verdicts[found[0][2]] = None
        if lacking or not found:
            verdicts[self._no_hop(said, lacking, version)] = None
        limit = self._max_paths.get(peer, len(found))
        if 1 < limit < len(found):
            verdicts[_limited(peer, limit, len(found))] = None
        return tuple(path for _, path, _ in found[:limit]), verdicts

    def _hops(self, said: list[Said]) -> Iterator[tuple[Hop, tuple[int, ...], bool]]:
        """Give each next hop with the rules that mean it, and whether all as the last resort."""
        meant: dict[str, tuple[Hop, dict[int, None], list[bool]]] = {}
        for one in said:
            hops = self._rules[one.rule].hops or ()
            places = ((n, one.last) for n in range(len(hops))) if one.hops is None else one.hops
            for place, last in places:
                hop = hops[place]
                _, rules, lasts = meant.setdefault(hop.node, (hop, {}, []))
                rules[one.rule] = None
                lasts.append(last)
        for hop, rules, lasts in meant.values():
            yield hop, tuple(rules), all(lasts)

    def _one(self, attributes: RouteAttributes) -> RouteAttributes:
        return self._interned.setdefault(attributes, attributes)

    def _has_next_hop(self, config: PeerConfig, family: AddressFamily) -> bool:
        version = _version(family)
        override = config.next_hop_ipv4 if version == 4 else config.next_hop_ipv6
        return (
            override is not None
            or config.tcp.remote.version == version
            or version in self._versions
        )

    def _no_hop(self, said: list[Said], lacking: list[str], version: int) -> Verdict:
        if lacking:
            return Verdict(
                reason=Reason.NO_NEXT_HOP,
                message=(
                    f"{len(lacking)} nodes, such as Node/{lacking[0]}, have no IPv{version} "
                    "InternalIP to be the next hop"
                ),
                remedy="give them one, or do not select them with spec.nodeSelectors",
                subject=f"Node/{lacking[0]}",
            )
        names = ", ".join(self._rules[one.rule].name for one in said)
        return Verdict(
            reason=Reason.NO_NEXT_HOP,
            message=f"no node that BGPAdvertisement {names} selects can be the next hop",
            remedy="look at spec.nodeSelectors, and at the labels of the Nodes",
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


def _kind(rule: Rule) -> str:
    return "Self" if rule.hops is None else "Nodes"


def _version(family: AddressFamily) -> int:
    return 4 if family.bits == 32 else 6


def _no_next_hop(peer: str, family: AddressFamily) -> Verdict:
    key = f"ipv{_version(family)}"
    return Verdict(
        reason=Reason.NO_NEXT_HOP,
        message=f"this node has no {key} address to be the next hop towards {peer}",
        remedy=f"set spec.nextHop.{key} of BGPPeer/{peer}, or give the node an InternalIP",
        subject=peer,
    )


def _limited(peer: str, limit: int, there_are: int) -> Verdict:
    return Verdict(
        reason=Reason.PATH_LIMIT,
        message=f"{peer} is told {limit} of {there_are} next hops",
        remedy=f"raise spec.addPath.maxPaths of BGPPeer/{peer} if the router takes more",
        subject=peer,
    )
