"""What every prefix needs on this node, worked out once: only when configuration or node change."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from porter_ctl.api import (
    BGPConfigSpec,
    DataplaneGate,
    ExcludeLabel,
    Kind,
    NextHopType,
    SpeakerAdminState,
    Switch,
)
from porter_ctl.plan.attributes import Rule, attributes_of
from porter_ctl.plan.drain import draining
from porter_ctl.plan.inputs import NodeFacts
from porter_ctl.plan.next_hops import Candidate, candidates
from porter_ctl.plan.peers import resolve_peers
from porter_ctl.plan.routes import RouteTable
from porter_ctl.plan.selection import Labelled, Named
from porter_ctl.plan.verdict import Reason, Verdict
from porter_ctl.plan.withheld import withheld, withheld_nodes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from porter_bgp.config import PeerConfig, SpeakerConfig
    from porter_ctl.api import BGPAdvertisementSpec, DrainTrigger
    from porter_ctl.plan.inputs import ConfigSnapshot
    from porter_ctl.plan.peers import Speaking

EXCLUDE_LABEL = "node.kubernetes.io/exclude-from-external-load-balancers"

# A change of one of these makes a new context; of Nodes only of the own one, of others too where
# the context follows them.
CONTEXT_KINDS = frozenset(
    {Kind.BGP_CONFIG, Kind.BGP_PEER, Kind.BGP_ADVERTISEMENT, Kind.SECRET, Kind.NODE}
)
# What must have synced before the first plan of a node; a Secret gates its own session only.
NEEDED_KINDS = frozenset(
    {
        Kind.BGP_CONFIG,
        Kind.BGP_PEER,
        Kind.BGP_ADVERTISEMENT,
        Kind.NODE,
        Kind.VIP,
        Kind.SERVICE,
        Kind.ENDPOINT_SLICE,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What every prefix needs on this node. Equal contexts make equal plans.

    Attributes:
        node: The node.
        speaker: What its sessions share.
        peers: Its sessions: what `Speaker.configure` wants.
        rules: The advertisements, the oldest first.
        routes: What they come to.
        barred: Why this node announces nothing, whatever is advertised; None: it does.
        last: Why this node announces itself as the last resort only; None: it does not.
        follows_nodes: Its plans tell of other nodes: a change of any Node makes a new context.
        dataplane_gate: What a first announcement waits for.
        dataplane_delay: Seconds, where there is nobody to ask.
        max_paths: How many paths of a prefix a peer is told at most; absent: all.
        restart_seconds: How long routers are to keep our routes without a session; 0: not at all.
        drain_delay: Seconds for which a node that leaves is announced last.
        drain_triggers: What counts as a node about to leave.
        verdicts: About objects: peers left out here, with the object as subject.
    """

    node: NodeFacts
    speaker: SpeakerConfig
    peers: Mapping[str, PeerConfig]
    rules: tuple[Rule, ...]
    routes: RouteTable = field(compare=False)
    barred: Verdict | None
    dataplane_gate: DataplaneGate
    dataplane_delay: float
    max_paths: Mapping[str, int] = field(default_factory=dict)
    last: Verdict | None = None
    follows_nodes: bool = False
    restart_seconds: float = 0.0
    drain_delay: float = 0.0
    drain_triggers: frozenset[DrainTrigger] = frozenset()
    verdicts: tuple[Verdict, ...] = ()

    def bars(self, rule: Rule) -> bool:
        """Whether this node says nothing of what `rule` announces.

        A node that is excluded is no next hop itself, but may speak for others.
        """
        if self.barred is None:
            return False
        return rule.hops is None or self.barred.reason is not Reason.NODE_EXCLUDED

    def needs_add_path(self, peer: str) -> bool:
        """Whether a peer may have to be told several paths of one prefix."""
        return any(
            rule.here and rule.hops is not None and len(rule.hops) > 1 and peer in rule.peers
            for rule in self.rules
        )


def compile_context(config: ConfigSnapshot, node: NodeFacts) -> Context:
    """Compile the configuration for one node."""
    speaking = resolve_peers(config, node)
    spec = speaking.config or BGPConfigSpec()
    triggers = frozenset(spec.drain.triggers)
    standing = withheld_nodes(config.configs)

    def last(one: NodeFacts) -> Verdict | None:
        return withheld(one, standing) or draining(one, triggers)

    rules = _rules(config, node, speaking, last)
    restarts = speaking.config is not None and spec.graceful_restart.mode is Switch.ENABLED
    return Context(
        node=node,
        speaker=speaking.speaker,
        peers=speaking.peers,
        rules=rules,
        routes=RouteTable(rules, speaking.peers, speaking.speaker, speaking.max_paths),
        barred=_barred(speaking, node),
        dataplane_gate=spec.dataplane.gate,
        dataplane_delay=spec.dataplane.delay_milliseconds / 1000,
        max_paths=speaking.max_paths,
        last=last(node),
        follows_nodes=any(rule.here and rule.hops is not None for rule in rules),
        restart_seconds=float(spec.graceful_restart.restart_seconds) if restarts else 0.0,
        drain_delay=float(spec.drain.delay_seconds),
        drain_triggers=triggers,
        verdicts=speaking.verdicts,
    )


def tells_of_nodes(spec: BGPAdvertisementSpec, node: NodeFacts) -> bool:
    """Whether `node` speaks for an advertisement that has nodes as its next hops."""
    hop = spec.next_hop
    return hop.type is NextHopType.NODES and Labelled(hop.speaker_node_selectors).selects(
        node.labels
    )


def _rules(
    config: ConfigSnapshot,
    node: NodeFacts,
    speaking: Speaking,
    last: Callable[[NodeFacts], Verdict | None],
) -> tuple[Rule, ...]:
    ordered = sorted(
        config.advertisements, key=lambda a: (a.metadata.creation_timestamp, a.metadata.name)
    )
    accepted = [(one.metadata.name, one.spec) for one in ordered if one.spec is not None]
    hops: tuple[Candidate, ...] = ()
    if any(tells_of_nodes(spec, node) for _, spec in accepted):
        facts = [NodeFacts.of(one.metadata.name, one) for one in config.nodes]
        hops = tuple(
            Candidate(labels, hop)
            for labels, hop in candidates(facts, last)
            if not _excluded(labels, speaking.config)
        )
    return tuple(_rule(name, spec, node, speaking.peers, hops) for name, spec in accepted)


def _rule(
    name: str,
    spec: BGPAdvertisementSpec,
    node: NodeFacts,
    peers: Mapping[str, PeerConfig],
    hops: tuple[Candidate, ...],
) -> Rule:
    nodes, chosen = Labelled(spec.node_selectors), Named(frozenset(spec.peers))
    of_nodes = spec.next_hop.type is NextHopType.NODES
    here = tells_of_nodes(spec, node) if of_nodes else nodes.selects(node.labels)
    return Rule(
        name=name,
        pools=Named(frozenset(spec.pools)),
        services=Labelled(spec.service_selectors),
        here=here,
        peers=tuple(peer for peer in peers if chosen.selects(peer)),
        endpoints=spec.endpoints,
        attributes=attributes_of(spec),
        hops=tuple(one.hop for one in hops if here and nodes.selects(one.labels))
        if of_nodes
        else None,
    )


def _excluded(labels: Mapping[str, str], config: BGPConfigSpec | None) -> bool:
    respected = config is None or config.exclude_label is ExcludeLabel.RESPECT
    return respected and EXCLUDE_LABEL in labels


def _barred(speaking: Speaking, node: NodeFacts) -> Verdict | None:
    if speaking.config is None:
        return speaking.verdicts[0]
    if speaking.config.admin_state is SpeakerAdminState.DRAINED:
        return Verdict(
            reason=Reason.NODE_DRAINED,
            message=f"adminState of the BGPConfig of Node/{node.name} is Drained",
            remedy="set it to Up",
        )
    if _excluded(node.labels, speaking.config):
        return Verdict(
            reason=Reason.NODE_EXCLUDED,
            message=f"Node/{node.name} carries the label {EXCLUDE_LABEL}",
            remedy="remove the label, or set excludeLabel of the BGPConfig to Ignore",
        )
    return None
