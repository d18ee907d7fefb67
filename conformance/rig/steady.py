"""A scene to change one thing in: Porter on every node, a Service, IPv6 sessions that stay.

Tests add IPv4 sessions of their own, or edit the configuration; the IPv6 sessions of all three
nodes with both routers are there before and after, and tell whether anybody was disturbed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.rig import porter as rig_porter
from conformance.rig import samples, workloads
from conformance.rig.api import path_of
from conformance.rig.fib import wait_next_hops
from conformance.rig.layout import HOSTS, NODE_ASN, NODES
from conformance.rig.objects import at, objects, text
from conformance.rig.process import wait_until
from conformance.rig.router import RouterPeer, family_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.rig.api import Api
    from conformance.rig.kubelet import Pod
    from conformance.rig.layout import Layout
    from conformance.rig.objects import Json, Object
    from conformance.rig.porter import Porter
    from conformance.rig.router import Session

ROUTERS = ("frr", "bird")


def start(layout: Layout, *, secrets: Sequence[str] = ()) -> dict[str, Porter]:
    """Start Porter on every node and wait for the six sessions that stay.

    Whatever a test takes away it means to: no guard keeps it.

    Args:
        layout: Where.
        secrets: Names in Porter's namespace that it may read.
    """
    for router in layout.routers.values():
        router.configure(*steady_peers())
    rig_porter.install(layout.control_plane, secrets=secrets)
    stays = [item for item in samples.configuration() if not _is_ipv4_peer(item)]
    api = layout.control_plane.api
    api.apply(*stays)
    config = next(path_of(item) for item in stays if text(item, "kind") == "BGPConfig")
    consent: Object = {"annotations": {"porter.network/confirm-delete": "true"}}
    api.patch(f"{config}/default", {"metadata": consent})
    porters = rig_porter.start_porters(layout)
    wait_until(lambda: len(established(layout)) == 6, timeout=20, what="six sessions are up")
    return porters


def steady_peers() -> list[RouterPeer]:
    """The peers that a router keeps throughout."""
    return [RouterPeer(address=HOSTS[node][1], asn=NODE_ASN) for node in NODES]


def established(layout: Layout, family: str = "") -> dict[tuple[str, str], Session]:
    """The sessions that a router sees as Established, by router and peer address."""
    return {
        (name, address): session
        for name, router in layout.routers.items()
        for address, session in router.sessions().items()
        if session.established and family in {"", family_of(address)}
    }


def offer(
    layout: Layout,
    name: str,
    addresses: Sequence[str],
    *,
    port: int,
    policy: str = "Cluster",
    labels: Object | None = None,
) -> list[Pod]:
    """Make a Service that asks for these addresses, with a backend on each node.

    Returns:
        Its pods, in the order of the nodes, when it has its addresses.
    """
    api = layout.control_plane.api
    pods = workloads.start_backends(layout.kubelet, layout.nodes.values(), name, port=port)
    made = workloads.service(
        name, target_port=port, policy=policy, dual_stack=len({*map(family_of, addresses)}) == 2
    )
    metadata = at(made, "metadata")
    assert isinstance(metadata, dict)
    metadata["annotations"] = {"porter.network/addresses": ",".join(addresses)}
    metadata["labels"] = labels or {}
    if {*map(family_of, addresses)} == {"ipv6"}:
        spec = at(made, "spec")
        assert isinstance(spec, dict)
        spec["ipFamilies"] = ["IPv6"]
    api.create(made)
    wait_until(
        lambda: sorted(workloads.ingress_of(api, name)) == sorted(addresses),
        timeout=10,
        what=f"{name} has {addresses}",
    )
    return pods


def prefix_of(address: str) -> str:
    return f"{address}/{'128' if family_of(address) == 'ipv6' else '32'}"


def gateways(address: str, nodes: Iterable[str] = NODES) -> frozenset[str]:
    """The next hops of an address that these nodes announce."""
    return frozenset(HOSTS[node][":" in address] for node in nodes)


def wait_routed(
    layout: Layout,
    address: str,
    nodes: Iterable[str] = NODES,
    *,
    routers: Iterable[str] = ROUTERS,
    timeout: float = 10,
) -> None:
    """Wait until the kernels of these routers have exactly these nodes for an address."""
    hops = gateways(address, nodes)
    for router in routers:
        wait_next_hops(layout.routers[router].host, prefix_of(address), hops, timeout=timeout)


def advertise(api: Api, **spec: Json) -> None:
    """Have exactly this spec in the BGPAdvertisement; none announces all to everybody."""
    api.apply(samples.ours("BGPAdvertisement", "default", **spec))


def configure(api: Api, **spec: Json) -> None:
    """Have exactly this spec in the BGPConfig, besides the AS number of the nodes."""
    api.apply(samples.ours("BGPConfig", "default", **{"asn": NODE_ASN, **spec}))


def condition(item: Object, kind: str) -> Object:
    """The condition of that type in an object's status; empty if there is none."""
    found = objects(item, "status", "conditions")
    return next((one for one in found if text(one, "type") == kind), {})


def on_nodes(*nodes: str) -> list[Json]:
    """A selector of these nodes."""
    key = "kubernetes.io/hostname"
    return [{"matchExpressions": [{"key": key, "operator": "In", "values": list(nodes)}]}]


def _is_ipv4_peer(item: Object) -> bool:
    return text(item, "kind") == "BGPPeer" and ":" not in text(item, "spec", "address")
