"""The plan of a whole node: the fold of `plan_prefix` over everything there is.

`porter plan` and the scenarios show it, and it is the oracle of the incremental path: whatever the
events were, planning what they touched must come to the same. So it looks everything up afresh
and shares no memory with `porter_ctl.plan.index`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING

from porter_bgp.wire import Prefix
from porter_ctl.plan.context import compile_context
from porter_ctl.plan.index import Surroundings, gather
from porter_ctl.plan.inputs import ConfigSnapshot, NodeFacts
from porter_ctl.plan.prefix import plan_prefix

if TYPE_CHECKING:
    from collections.abc import Mapping

    from porter_ctl.api import (
        VIP,
        BGPAdvertisement,
        BGPConfig,
        BGPPeer,
        EndpointSlice,
        Node,
        Secret,
        Service,
        VIPPool,
    )
    from porter_ctl.plan.context import Context
    from porter_ctl.plan.inputs import Objects
    from porter_ctl.plan.prefix import PrefixPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSnapshot:
    """All objects at one moment: an `Objects` of mappings."""

    services: Mapping[str, Service] = field(default_factory=dict)
    endpoint_slices: Mapping[str, EndpointSlice] = field(default_factory=dict)
    nodes: Mapping[str, Node] = field(default_factory=dict)
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    vip_pools: Mapping[str, VIPPool] = field(default_factory=dict)
    vips: Mapping[str, VIP] = field(default_factory=dict)
    bgp_configs: Mapping[str, BGPConfig] = field(default_factory=dict)
    bgp_peers: Mapping[str, BGPPeer] = field(default_factory=dict)
    bgp_advertisements: Mapping[str, BGPAdvertisement] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What a running node remembers and no object says.

    Attributes:
        announced: By prefix, the UIDs of the Services for which it was announced.
        vanished: VIPs that went while they had holders.
    """

    announced: Mapping[Prefix, frozenset[str]] = field(default_factory=dict)
    vanished: Mapping[Prefix, VIP] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePlan:
    """Everything a node should say.

    Attributes:
        context: What it rests on, with the peers.
        prefixes: The plan of each prefix that has a VIP.
    """

    context: Context
    prefixes: Mapping[Prefix, PrefixPlan]


def plan_node(
    objects: Objects, node: str, *, namespace: str = "kube-system", memory: Memory | None = None
) -> NodePlan:
    """Plan everything for one node.

    Args:
        objects: All there is.
        node: The node's name.
        namespace: Porter's own, where the passwords are.
        memory: What a running node remembers; None: it has just begun.
    """
    memory = memory or Memory()
    facts = NodeFacts.of(node, objects.nodes.get(node))
    context = compile_context(ConfigSnapshot.of(objects, namespace), facts)
    vips = dict(memory.vanished) | {
        Prefix.of(ip_address(vip.spec.address)): vip
        for _, vip in objects.vips.items()
        if vip.spec is not None
    }
    slices: dict[str, list[EndpointSlice]] = defaultdict(list)
    for key, one in objects.endpoint_slices.items():
        namespace, _, _ = key.partition("/")
        slices[f"{namespace}/{one.service}"].append(one)
    around = Surroundings(objects.services, lambda owner: slices.get(owner, []), node)
    plans = {}
    for prefix, vip in vips.items():
        announced = memory.announced.get(prefix, frozenset())
        plans[prefix] = plan_prefix(context, gather(prefix, vip, announced, around))
    return NodePlan(context=context, prefixes=plans)
