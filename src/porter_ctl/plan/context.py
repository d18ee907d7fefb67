"""What every prefix needs on this node, worked out once: only when configuration or node change."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from porter_ctl.api import DataplaneGate, ExcludeLabel, Kind, SpeakerAdminState
from porter_ctl.plan.attributes import RouteTable, Rule, attributes_of
from porter_ctl.plan.peers import resolve_peers
from porter_ctl.plan.selection import Labelled, Named
from porter_ctl.plan.verdict import Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from porter_bgp.config import PeerConfig, SpeakerConfig
    from porter_ctl.api import BGPAdvertisement
    from porter_ctl.plan.inputs import ConfigSnapshot, NodeFacts
    from porter_ctl.plan.peers import Speaking

EXCLUDE_LABEL = "node.kubernetes.io/exclude-from-external-load-balancers"

# A change of one of these makes a new context; of Nodes only of the own one.
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
        dataplane_gate: What a first announcement waits for.
        dataplane_delay: Seconds, where there is nobody to ask.
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
    verdicts: tuple[Verdict, ...] = ()


def compile_context(config: ConfigSnapshot, node: NodeFacts) -> Context:
    """Compile the configuration for one node."""
    speaking = resolve_peers(config, node)
    ordered = sorted(
        config.advertisements, key=lambda a: (a.metadata.creation_timestamp, a.metadata.name)
    )
    rules = tuple(
        rule for one in ordered if (rule := compile_rule(one, node, speaking.peers)) is not None
    )
    dataplane = speaking.config.dataplane if speaking.config is not None else None
    return Context(
        node=node,
        speaker=speaking.speaker,
        peers=speaking.peers,
        rules=rules,
        routes=RouteTable(rules, speaking.peers, speaking.speaker),
        barred=_barred(speaking, node),
        dataplane_gate=dataplane.gate if dataplane else DataplaneGate.KUBE_PROXY,
        dataplane_delay=dataplane.delay_milliseconds / 1000 if dataplane else 0.0,
        verdicts=speaking.verdicts,
    )


def compile_rule(
    advertisement: BGPAdvertisement, node: NodeFacts, peers: Mapping[str, PeerConfig]
) -> Rule | None:
    """Compile one advertisement for one node; None while it has no accepted spec."""
    spec = advertisement.spec
    if spec is None:
        return None
    chosen = Named(frozenset(spec.peers))
    return Rule(
        name=advertisement.metadata.name,
        pools=Named(frozenset(spec.pools)),
        services=Labelled(spec.service_selectors),
        here=Labelled(spec.node_selectors).selects(node.labels),
        peers=tuple(name for name in peers if chosen.selects(name)),
        endpoints=spec.endpoints,
        attributes=attributes_of(spec),
    )


def _barred(speaking: Speaking, node: NodeFacts) -> Verdict | None:
    if speaking.config is None:
        return speaking.verdicts[0]
    if EXCLUDE_LABEL in node.labels and speaking.config.exclude_label is ExcludeLabel.RESPECT:
        return Verdict(
            reason=Reason.NODE_EXCLUDED,
            message=f"Node/{node.name} carries the label {EXCLUDE_LABEL}",
            remedy="remove the label, or set excludeLabel of the BGPConfig to Ignore",
        )
    if speaking.config.admin_state is SpeakerAdminState.DRAINED:
        return Verdict(
            reason=Reason.NODE_DRAINED,
            message=f"adminState of the BGPConfig of Node/{node.name} is Drained",
            remedy="set it to Up",
        )
    return None
