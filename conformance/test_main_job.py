"""The main job: from a Service in a real API server to the kernels of two routers and a client.

Whatever is asserted here was seen by a router's kernel, a router's own tables, the client or the
API server; nothing by Porter.
"""

from __future__ import annotations

import time
from ipaddress import IPv6Address
from typing import TYPE_CHECKING

import pytest

from conformance.rig import porter as rig_porter
from conformance.rig import probes, samples, workloads
from conformance.rig.api import PORTER
from conformance.rig.fib import FibWatch, next_hop_count, wait_next_hops
from conformance.rig.layout import HOSTS, NODES
from conformance.rig.objects import at, number, objects, text
from conformance.rig.observer import Observer
from conformance.rig.process import wait_until
from conformance.rig.router import family_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.rig.api import Api
    from conformance.rig.fib import Change
    from conformance.rig.layout import Layout
    from conformance.rig.objects import Object
    from conformance.rig.observer import Seen
    from conformance.rig.porter import Porter
    from conformance.rig.router import Session

ROUTERS = ("frr", "bird")
CRASHED = 9
CALM = 50  # probes that no change of the router's next hops could disturb
LEASE = 15.0  # seconds
ALLOCATOR = "n1"  # the one node that is labelled as control plane


@pytest.fixture(scope="module")
def porters(rig: Layout) -> Iterator[dict[str, Porter]]:
    """Porter on every node, configured, with all its sessions up."""
    rig_porter.install(rig.control_plane)
    rig.control_plane.api.apply(*samples.configuration())
    started = rig_porter.start_porters(rig)
    wait_until(lambda: len(established(rig)) == 12, timeout=20, what="all twelve sessions are up")
    yield started
    for porter in started.values():
        porter.crash()


def established(rig: Layout) -> dict[tuple[str, str], Session]:
    """All sessions that a router sees as Established, by router and peer address."""
    return {
        (name, address): session
        for name, router in rig.routers.items()
        for address, session in router.sessions().items()
        if session.established
    }


def prefix_of(address: str) -> str:
    return f"{address}/{'128' if family_of(address) == 'ipv6' else '32'}"


def gateways(address: str, nodes: tuple[str, ...] = NODES) -> frozenset[str]:
    return frozenset(HOSTS[node][":" in address] for node in nodes)


def service_path(name: str) -> str:
    return f"/api/v1/namespaces/default/services/{name}"


def wait_addresses(api: Api, name: str, *, timeout: float = 10) -> list[str]:
    wait_until(
        lambda: len(workloads.ingress_of(api, name)) == 2,
        timeout=timeout,
        what=f"{name} has an address of each family",
    )
    return workloads.ingress_of(api, name)


def wait_routed(rig: Layout, addresses: list[str], nodes: tuple[str, ...] = NODES) -> None:
    for router in ROUTERS:
        for address in addresses:
            host = rig.routers[router].host
            wait_next_hops(host, prefix_of(address), gateways(address, nodes), timeout=15)


def watch_both(rig: Layout, request: pytest.FixtureRequest, addresses: list[str]) -> list[FibWatch]:
    """Watch these addresses in the kernel of each router until the test ends."""
    watches = []
    for router in ROUTERS:
        watch = FibWatch(rig.routers[router].host, [prefix_of(one) for one in addresses])
        watches.append(watch.start())
        request.addfinalizer(watch.stop)
    return watches


def holders(api: Api, address: str) -> list[Object]:
    name = address if ":" not in address else exploded(address)
    return objects(api.get(f"{PORTER}/vips/{name}"), "spec", "holders")


def exploded(address: str) -> str:
    return IPv6Address(address).exploded.replace(":", "-")


@pytest.mark.usefixtures("porters")
def test_a_service_gets_its_addresses_and_every_node_answers_behind_both_routers(
    rig: Layout, request: pytest.FixtureRequest
) -> None:
    api = rig.control_plane.api
    asked = ["198.51.100.7", "2001:db8:51::7"]  # nothing that a name here hashes to
    workloads.start_backends(rig.kubelet, rig.nodes.values(), "first", port=8101)
    running = [
        probes.Probes(rig.clients[client], address)
        for client, address in zip(("c1", "c2"), asked, strict=True)
    ]
    watches = watch_both(rig, request, asked)

    made = workloads.service("first", target_port=8101)
    metadata = at(made, "metadata")
    assert isinstance(metadata, dict)
    metadata["annotations"] = {"porter.network/addresses": ",".join(asked)}
    api.create(made)
    given = wait_addresses(api, "first")
    wait_routed(rig, given)
    settled = time.monotonic()
    for one in running:
        one.wait(lambda ended: sum(probe.at > settled for probe in ended) > 2 * CALM)

    assert sorted(given) == sorted(asked)
    for router in ROUTERS:
        for address in given:
            assert next_hop_count(rig.routers[router].host, prefix_of(address)) == 3
    for watch, address, one in zip(watches, asked, running, strict=True):
        changes = [change for change in watch.changes if change.prefix == prefix_of(address)]
        first_route = next(change.told_at for change in changes if change.next_hops)
        after = [probe for probe in one.stop() if probe.at > first_route]
        calm = probes.undisturbed(after, [change.told_at for change in changes])
        assert len(calm) >= CALM
        assert [probe for probe in calm if not probe.clean] == []
        assert {probe.node for probe in calm if probe.outcome == probes.ANSWERED} == set(NODES)
    for client in rig.clients.values():
        for address in given:
            seen = probes.fetch(client, address, times=60)
            assert set(seen) == {f"answered by {node}" for node in NODES}


@pytest.mark.usefixtures("porters")
def test_a_node_whose_endpoint_goes_is_out_of_both_kernels_within_a_second(
    rig: Layout, request: pytest.FixtureRequest
) -> None:
    api = rig.control_plane.api
    pods = workloads.start_backends(rig.kubelet, rig.nodes.values(), "local", port=8102)
    api.create(workloads.service("local", target_port=8102, policy="Local"))
    given = wait_addresses(api, "local")
    wait_routed(rig, given)
    watches = watch_both(rig, request, given)

    with Observer(api, {"EndpointSlice": "/apis/discovery.k8s.io/v1/endpointslices"}) as observer:
        asked = time.monotonic()
        pods[1].set_ready(ready=False)
        told = {
            kind: observer.wait(endpoint_of_n2_gone("local-", kind), since=asked).at
            for kind in ("IPv4", "IPv6")
        }
    delays = []
    for watch in watches:
        for address in given:
            gone = watch.wait(routed_to(address, gateways(address, ("n1", "n3"))))
            delays.append(gone.told_at - told["IPv6" if ":" in address else "IPv4"])

    print("seconds from the observer's watch to the kernels:", [f"{d:.3f}" for d in delays])
    assert len(delays) == 4
    assert max(delays) <= 1


def endpoint_of_n2_gone(prefix: str, kind: str) -> Callable[[Seen], bool]:
    """Whether an event shows the slice of that address type with n1 and n3 alone."""

    def shows(seen: Seen) -> bool:
        return (
            seen.name.startswith(prefix)
            and text(seen.item, "addressType") == kind
            and ready_nodes(seen.item) == {"n1", "n3"}
        )

    return shows


def routed_to(address: str, hops: frozenset[str]) -> Callable[[Change], bool]:
    """Whether a change leaves an address with exactly these next hops."""

    def leaves(change: Change) -> bool:
        return change.prefix == prefix_of(address) and change.next_hops == hops

    return leaves


def ready_nodes(endpoint_slice: Object) -> set[str]:
    return {
        text(endpoint, "nodeName")
        for endpoint in objects(endpoint_slice, "endpoints")
        if at(endpoint, "conditions", "ready") is True
    }


@pytest.mark.usefixtures("porters")
def test_edits_of_a_community_a_pool_and_a_peer_reset_no_session(rig: Layout) -> None:
    api = rig.control_plane.api
    workloads.start_backends(rig.kubelet, rig.nodes.values(), "edited", port=8103)
    api.create(workloads.service("edited", target_port=8103))
    given = wait_addresses(api, "edited")
    wait_routed(rig, given)
    before = established(rig)

    def communities(router: str, address: str) -> set[tuple[str, ...]]:
        return {path.communities for path in rig.routers[router].routes(prefix_of(address))}

    api.patch(
        f"{PORTER}/bgpadvertisements/default",
        {"spec": {"communities": {"standard": ["64512:100"]}}},
    )
    wait_until(
        lambda: all(communities(r, a) == {("64512:100",)} for r in ROUTERS for a in given),
        timeout=10,
        what="both routers see the community on every path",
    )
    api.patch(f"{PORTER}/vippools/default", {"spec": {"exclude": ["198.51.100.250"]}})
    api.patch(f"{PORTER}/bgppeers/bird-v6", {"spec": {"timers": {"connectSeconds": 4}}})
    api.apply(samples.ours("BGPPeer", "nobody", address="172.30.0.200", asn=64799))
    wait_until(
        lambda: sessions_of(api, "nobody") == "0/3",
        timeout=15,
        what="the new peer is known to be down on three nodes",
    )
    api.delete(f"{PORTER}/bgppeers/nobody")
    api.patch(f"{PORTER}/bgpadvertisements/default", {"spec": {"communities": {"standard": []}}})
    wait_until(
        lambda: all(communities(r, a) == {()} for r in ROUTERS for a in given),
        timeout=10,
        what="the community is gone",
    )

    assert len(before) == 12
    assert established(rig) == before


def sessions_of(api: Api, peer: str) -> str:
    found = api.get(f"{PORTER}/bgppeers/{peer}")
    status = at(found, "status")
    return text(found, "status", "sessions") if isinstance(status, dict) else ""


@pytest.mark.usefixtures("porters")
def test_a_deleted_service_takes_its_routes_along_and_its_addresses_rest_for_its_name(
    rig: Layout, request: pytest.FixtureRequest
) -> None:
    api = rig.control_plane.api
    workloads.start_backends(rig.kubelet, rig.nodes.values(), "brief", port=8104)
    made = workloads.service("brief", target_port=8104)
    api.create(made)
    given = wait_addresses(api, "brief")
    wait_routed(rig, given)
    watches = watch_both(rig, request, given)

    with Observer(api, {"Service": "/api/v1/services"}) as observer:
        asked = time.monotonic()
        api.delete(service_path("brief"))
        deleted = observer.wait(
            lambda seen: seen.name == "brief" and seen.verb == "DELETED", since=asked
        ).at
    delays = [
        watch.wait(routed_to(address, frozenset())).told_at - deleted
        for watch in watches
        for address in given
    ]
    wait_until(
        lambda: all(holders(api, address) == [] for address in given),
        timeout=10,
        what="both VIPs are released",
    )
    api.create(made)
    again = wait_addresses(api, "brief")

    print("seconds from DELETED to the kernels:", [f"{d:.3f}" for d in delays])
    assert max(delays) <= 1
    assert again == given
    wait_routed(rig, given)


def test_an_allocator_that_dies_between_vip_and_status_gives_the_same_address(
    rig: Layout, porters: dict[str, Porter]
) -> None:
    api = rig.control_plane.api
    workloads.start_backends(rig.kubelet, rig.nodes.values(), "crashed", port=8105)
    allocator = porters[ALLOCATOR]
    allocator.crash()
    allocator.env["PORTER_CRASH_AT"] = "allocate.vip-created"
    process = allocator.start()
    wait_until(allocator.ready, timeout=30, what="the allocator is back")

    api.create(workloads.service("crashed", target_port=8105))
    status = process.wait(60)
    left = workloads.ingress_of(api, "crashed")
    vips = [vip for vip in objects(api.get(f"{PORTER}/vips"), "items") if held_by(vip, "crashed")]
    del allocator.env["PORTER_CRASH_AT"]
    allocator.start()
    allocator.wait_ready()
    given = wait_addresses(api, "crashed", timeout=LEASE + 10)  # the dead one holds the Lease

    assert status == CRASHED
    assert left == []
    assert [text(vip, "spec", "address") for vip in vips] == given[:1]
    wait_routed(rig, given)


def held_by(vip: Object, name: str) -> bool:
    return any(text(holder, "name") == name for holder in objects(vip, "spec", "holders"))


@pytest.mark.usefixtures("porters")
def test_kubectl_answers_how_full_who_has_it_and_is_it_up(rig: Layout) -> None:
    api = rig.control_plane.api
    api.create(workloads.service("shown", dual_stack=False))
    wait_until(
        lambda: bool(workloads.ingress_of(api, "shown")), timeout=10, what="shown has an address"
    )
    (address,) = workloads.ingress_of(api, "shown")

    def lines(kinds: str) -> list[str]:
        return rig.control_plane.kubectl("get", kinds).splitlines()

    wait_until(
        lambda: any(address in line and "default/shown" in line for line in lines("vips")),
        timeout=10,
        what="the VIP tells who has it",
    )
    wait_until(
        lambda: all("3/3" in line for line in lines("bgppeers.porter.network")[1:]),
        timeout=15,
        what="every peer is up on three nodes",
    )
    wait_until(
        lambda: ["4/4 peers" in line for line in lines("bgpnodes")[1:]] == [True] * 3,
        timeout=15,
        what="every node says that all its peers are up",
    )
    held = sum(
        bool(objects(vip, "spec", "holders")) for vip in objects(api.get(f"{PORTER}/vips"), "items")
    )
    pool = lines("vippools")[1]

    print("\n".join(lines("vippools,vips,bgppeers.porter.network,bgpnodes")))
    assert "/255" in pool or "/254" in pool or "/256" in pool
    assert held > 0
    assert number(api.get(service_path("shown")), "metadata", "generation") >= 0
