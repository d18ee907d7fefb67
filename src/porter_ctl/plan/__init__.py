"""What should be true: pure functions of frozen values; no clock, no client, no await.

The allocator's half: `compile_pools`, `Ledger`, `allocate`, `plan_service`. The node's half:
`compile_context`, `PrefixIndex`, `plan_prefix` and their fold `plan_node`. What objects should
say of it all: the functions named `..._status`. Every no has a `Verdict` with its `Reason`.
"""

from __future__ import annotations

from porter_ctl.plan.absence import Absence
from porter_ctl.plan.addresses import Address, AddressSet, Occupied
from porter_ctl.plan.allocate import Allocation, Grant, Refusal, Request, allocate
from porter_ctl.plan.announced import ANNOUNCED, Budget, Word
from porter_ctl.plan.attributes import Rule
from porter_ctl.plan.conditions import ALLOCATED, merged
from porter_ctl.plan.context import (
    CONTEXT_KINDS,
    NEEDED_KINDS,
    Context,
    compile_context,
    tells_of_nodes,
)
from porter_ctl.plan.drain import DRAIN_ANNOTATION, draining
from porter_ctl.plan.entry import LAST_HOLDER, MADE_HERE
from porter_ctl.plan.index import PrefixIndex
from porter_ctl.plan.inputs import ConfigSnapshot, NodeFacts, Objects, PrefixInputs
from porter_ctl.plan.ledger import Ledger, ledger_of
from porter_ctl.plan.node import ClusterSnapshot, Memory, NodePlan, plan_node
from porter_ctl.plan.node_status import (
    NodeReport,
    bgp_node_status,
    conflicts,
    exception_of,
    node_sessions,
)
from porter_ctl.plan.peers import Speaking, resolve_peers
from porter_ctl.plan.pools import Pool, addresses_of_nodes, compile_pools
from porter_ctl.plan.prefix import PrefixPlan, Serving, plan_prefix
from porter_ctl.plan.routes import Routes
from porter_ctl.plan.service import (
    SERVICE_CLASSES,
    CreateVIP,
    DeleteVIP,
    PatchServiceStatus,
    ReleaseVIP,
    ReplaceVIP,
    ServicePlan,
    Step,
    plan_service,
    plan_vip,
    refuse_service,
)
from porter_ctl.plan.status import (
    bgp_advertisement_status,
    bgp_config_status,
    bgp_peer_status,
    vip_pool_status,
    vip_status,
)
from porter_ctl.plan.truth import Report, Standing, Witness, headline, judge
from porter_ctl.plan.verdict import Reason, Verdict, foremost
from porter_ctl.plan.withheld import DEFAULT_CONFIG, plan_withheld

__all__ = [
    "ALLOCATED",
    "ANNOUNCED",
    "CONTEXT_KINDS",
    "DEFAULT_CONFIG",
    "DRAIN_ANNOTATION",
    "LAST_HOLDER",
    "MADE_HERE",
    "NEEDED_KINDS",
    "SERVICE_CLASSES",
    "Absence",
    "Address",
    "AddressSet",
    "Allocation",
    "Budget",
    "ClusterSnapshot",
    "ConfigSnapshot",
    "Context",
    "CreateVIP",
    "DeleteVIP",
    "Grant",
    "Ledger",
    "Memory",
    "NodeFacts",
    "NodePlan",
    "NodeReport",
    "Objects",
    "Occupied",
    "PatchServiceStatus",
    "Pool",
    "PrefixIndex",
    "PrefixInputs",
    "PrefixPlan",
    "Reason",
    "Refusal",
    "ReleaseVIP",
    "ReplaceVIP",
    "Report",
    "Request",
    "Routes",
    "Rule",
    "ServicePlan",
    "Serving",
    "Speaking",
    "Standing",
    "Step",
    "Verdict",
    "Witness",
    "Word",
    "addresses_of_nodes",
    "allocate",
    "bgp_advertisement_status",
    "bgp_config_status",
    "bgp_node_status",
    "bgp_peer_status",
    "compile_context",
    "compile_pools",
    "conflicts",
    "draining",
    "exception_of",
    "foremost",
    "headline",
    "judge",
    "ledger_of",
    "merged",
    "node_sessions",
    "plan_node",
    "plan_prefix",
    "plan_service",
    "plan_vip",
    "plan_withheld",
    "refuse_service",
    "resolve_peers",
    "tells_of_nodes",
    "vip_pool_status",
    "vip_status",
]
