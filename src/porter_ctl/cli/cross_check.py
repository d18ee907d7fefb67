"""What is wrong between documents: planned as the daemon plans, for each node among them.

Where no Node is among the documents a nameless one stands in, so that what every node would find
is found; what only its labels would select is not judged then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from porter_ctl.api import (
    VIP,
    BGPAdvertisement,
    BGPConfig,
    BGPPeer,
    EndpointSlice,
    Kind,
    Node,
    ObjectRef,
    Secret,
    Service,
    VIPPool,
    key_of,
    ref_of,
)
from porter_ctl.cli.documents import about
from porter_ctl.plan import (
    SERVICE_CLASSES,
    ClusterSnapshot,
    Reason,
    compile_pools,
    conflicts,
    ledger_of,
    plan_node,
    plan_service,
)
from porter_ctl.plan.addresses import addresses_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import TypeVar

    from porter_ctl.cli.documents import Documents, Finding
    from porter_ctl.plan import Pool, Verdict

    T = TypeVar("T")

_NO_NODE = "of these documents"
_REFUSALS = frozenset(
    {
        Reason.NO_POOL,
        Reason.NAMESPACE_NOT_ALLOWED,
        Reason.REQUEST_CONFLICT,
        Reason.ADDRESS_IN_USE,
        Reason.POOL_EXHAUSTED,
        Reason.INVALID,
    }
)


def cross_check(documents: Documents, namespace: str) -> list[Finding]:
    """Find what is wrong between the documents; `namespace` is Porter's own."""
    snapshot = _snapshot(documents)
    node_addresses = {
        address: name
        for name, node in snapshot.nodes.items()
        for address in addresses_in(node.internal_ips)
    }
    pools = compile_pools(snapshot.vip_pools.values(), node_addresses)
    verdicts: dict[tuple[ObjectRef, Verdict], None] = {}
    for pool in pools.values():
        for verdict in (*pool.overlaps, *pool.taboos):
            verdicts[ObjectRef(Kind.VIP_POOL, "", pool.name), verdict] = None
    for ref, verdict in (*_on_nodes(snapshot, namespace), *_services(snapshot, pools)):
        verdicts[ref, verdict] = None
    return [_finding(documents, ref, verdict) for ref, verdict in verdicts]


def _snapshot(documents: Documents) -> ClusterSnapshot:
    def of(struct: type[T]) -> dict[str, T]:
        return {key_of(one): one for one in documents.resources if isinstance(one, struct)}

    return ClusterSnapshot(
        services=of(Service),
        endpoint_slices=of(EndpointSlice),
        nodes=of(Node),
        secrets=of(Secret),
        vip_pools=of(VIPPool),
        vips=of(VIP),
        bgp_configs=of(BGPConfig),
        bgp_peers=of(BGPPeer),
        bgp_advertisements=of(BGPAdvertisement),
    )


def _on_nodes(snapshot: ClusterSnapshot, namespace: str) -> Iterator[tuple[ObjectRef, Verdict]]:
    for node in snapshot.nodes or (_NO_NODE,):
        plan = plan_node(snapshot, node, namespace=namespace)
        for verdict in (*plan.context.verdicts, *conflicts(plan.prefixes.values())):
            kind, _, name = verdict.subject.partition("/")
            if name:
                yield ObjectRef(Kind(kind), "", name), verdict
            elif snapshot.bgp_peers and not snapshot.bgp_configs:  # the peers miss it
                yield ref_of(next(iter(snapshot.bgp_peers.values()))), verdict


def _services(
    snapshot: ClusterSnapshot, pools: Mapping[str, Pool]
) -> Iterator[tuple[ObjectRef, Verdict]]:
    """The Services that would get no address, each asked as if it were alone."""
    vips, services = snapshot.vips.values(), snapshot.services.values()
    ledger = ledger_of(pools, vips, services, now=0.0)
    for key, service in snapshot.services.items():
        verdict = plan_service(key, service, ledger, "", SERVICE_CLASSES).verdict
        if verdict is not None and verdict.reason in _REFUSALS:
            yield ref_of(service), verdict


def _finding(documents: Documents, ref: ObjectRef, verdict: Verdict) -> Finding:
    path, colon, message = verdict.message.partition(": ")
    if not colon or not path.startswith(("spec.", "metadata.")):
        path, message = "", verdict.message
    return about(
        documents.places[ref],
        path=path,
        message=message,
        remedy=verdict.remedy,
        reason=str(verdict.reason),
    )
