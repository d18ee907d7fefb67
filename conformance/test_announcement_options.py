"""What a BGPAdvertisement and a BGPConfig may say, proven at FRR and BIRD and in their kernels.

Only the six IPv6 sessions of the steady scene are there. Tests that use `undisturbed` edit the
objects named default and leave all six as they were; what they changed is put back afterwards.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from conformance.rig import samples, steady, workloads
from conformance.rig.api import PORTER
from conformance.rig.layout import HOSTS, NODES
from conformance.rig.objects import text
from conformance.rig.process import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.rig.api import Api
    from conformance.rig.kubelet import Pod
    from conformance.rig.layout import Layout
    from conformance.rig.objects import Json
    from conformance.rig.porter import Porter
    from conformance.rig.router import Path

WEB = "2001:db8:51::10"
ASIDE = "2001:db8:52::20"  # of the pool second; its Service is labelled tier=front
LOCAL = "2001:db8:51::30"  # its Service has externalTrafficPolicy Local
SHUT = "65535:0"  # GRACEFUL_SHUTDOWN
EXCLUDE = "node.kubernetes.io/exclude-from-external-load-balancers"


@pytest.fixture(scope="module")
def porters(rig: Layout) -> Iterator[dict[str, Porter]]:
    """Porter on every node, two pools and two Services."""
    started = steady.start(rig)
    rig.control_plane.api.apply(samples.ours("VIPPool", "second", addresses=["2001:db8:52::/112"]))
    steady.offer(rig, "web", [WEB], port=8301)
    steady.offer(rig, "aside", [ASIDE], port=8302, labels={"tier": "front"})
    for address in (WEB, ASIDE):
        steady.wait_routed(rig, address)
    yield started
    for porter in started.values():
        porter.crash()


@pytest.fixture
def restored(rig: Layout, porters: dict[str, Porter]) -> Iterator[Api]:
    """The API; afterwards the objects named default are as before, and so are the kernels."""
    assert len(porters) == 3
    api = rig.control_plane.api
    yield api
    for router in rig.routers.values():
        router.configure(*steady.steady_peers())
    steady.advertise(api)
    steady.configure(api)
    wait_until(lambda: len(steady.established(rig)) == 6, timeout=10, what="six sessions are up")
    for address in (WEB, ASIDE):
        steady.wait_routed(rig, address)


@pytest.fixture
def undisturbed(rig: Layout, restored: Api) -> Iterator[Api]:
    """The same, and no session may notice."""
    before = steady.established(rig)
    yield restored
    assert len(before) == 6
    assert steady.established(rig) == before


@pytest.fixture(scope="module")
def local(rig: Layout, porters: dict[str, Porter]) -> list[Pod]:
    """The backends of the Service local, one a node."""
    assert len(porters) == 3
    return steady.offer(rig, "local", [LOCAL], port=8303, policy="Local")


@pytest.fixture
def pods(local: list[Pod]) -> Iterator[list[Pod]]:
    """The same, all ready again afterwards."""
    yield local
    for pod in local:
        pod.set_ready()


def paths(rig: Layout, router: str, address: str = WEB) -> dict[str, Path]:
    """What a router was told of an address, by node."""
    names = {HOSTS[node][1]: node for node in NODES}
    found = rig.routers[router].routes(steady.prefix_of(address))
    return {names[path.peer]: path for path in found if path.peer in names}


def wait_attributes(rig: Layout, **wanted: object) -> None:
    """Wait until all six paths that the routers have show these attributes of `Path`."""

    def shown() -> bool:
        found = [path for router in steady.ROUTERS for path in paths(rig, router).values()]
        return len(found) == 6 and all(
            getattr(path, name) == value for path in found for name, value in wanted.items()
        )

    wait_until(shown, timeout=5, what=f"both routers see {wanted} on every path")


def test_communities_and_med_are_seen_by_both_routers_and_go_again(
    rig: Layout, undisturbed: Api
) -> None:
    steady.advertise(
        undisturbed,
        communities={
            "standard": ["64512:200", "64512:100"],
            "large": ["64512:1:4294967295"],
            "wellKnown": ["no-export"],
        },
        med=30,
    )
    wait_attributes(
        rig,
        communities=("64512:100", "64512:200", "65535:65281"),
        large_communities=("64512:1:4294967295",),
        med=30,
    )
    steady.advertise(undisturbed, communities={"standard": ["64512:100"]})
    wait_attributes(rig, communities=("64512:100",), large_communities=(), med=None)
    steady.advertise(undisturbed)
    wait_attributes(rig, communities=())

    for router in steady.ROUTERS:
        assert {path.next_hop for path in paths(rig, router).values()} == steady.gateways(WEB)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("no-export", "65535:65281"),
        ("no-advertise", "65535:65282"),
        ("no-export-subconfed", "65535:65283"),
        ("no-peer", "65535:65284"),
        ("graceful-shutdown", SHUT),
        ("blackhole", "65535:666"),
    ],
)
def test_a_well_known_community_is_the_number_that_routers_know(
    rig: Layout, undisturbed: Api, name: str, number: str
) -> None:
    steady.advertise(undisturbed, communities={"wellKnown": [name]})

    def shown() -> bool:
        told = [path for router in steady.ROUTERS for path in paths(rig, router).values()]
        # beside "blackhole" FRR puts "no-export" by itself (RFC 7999 section 3.2)
        return len(told) == 6 and all(number in path.communities for path in told)

    wait_until(shown, timeout=5, what=f"both routers see {number} on every path")


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"pools": ["second"]}, {"frr": {ASIDE}, "bird": {ASIDE}}),
        ({"pools": ["default"]}, {"frr": {WEB}, "bird": {WEB}}),
        (
            {"serviceSelectors": [{"matchLabels": {"tier": "front"}}]},
            {"frr": {ASIDE}, "bird": {ASIDE}},
        ),
        ({"peers": ["bird-v6"]}, {"frr": set(), "bird": {WEB, ASIDE}}),
        (
            {"peers": ["frr-v6"], "pools": ["second"], "serviceSelectors": [{}]},
            {"frr": {ASIDE}, "bird": set()},
        ),
    ],
    ids=["pool", "other pool", "service", "peer", "all of them"],
)
def test_only_what_is_selected_is_announced_and_only_to_the_peers_that_are(
    rig: Layout, undisturbed: Api, spec: dict[str, Json], told: dict[str, set[str]]
) -> None:
    steady.advertise(undisturbed, **spec)

    for router, addresses in told.items():
        for address in (WEB, ASIDE):
            nodes = NODES if address in addresses else ()
            steady.wait_routed(rig, address, nodes, routers=[router])


def test_only_the_nodes_that_are_selected_announce(rig: Layout, undisturbed: Api) -> None:
    steady.advertise(undisturbed, nodeSelectors=steady.on_nodes("n1", "n3"))
    steady.wait_routed(rig, WEB, ["n1", "n3"])
    steady.advertise(undisturbed, nodeSelectors=steady.on_nodes("n2"))
    steady.wait_routed(rig, WEB, ["n2"])

    for router in steady.ROUTERS:
        assert set(paths(rig, router)) == {"n2"}


def test_endpoints_that_serve_while_they_terminate_are_published_or_not(
    rig: Layout, undisturbed: Api
) -> None:
    address = "2001:db8:51::31"
    ending = steady.offer(rig, "ending", [address], port=8304, policy="Local")
    steady.wait_routed(rig, address)

    ending[1].mark_deleted()
    steady.wait_routed(rig, address, ["n1", "n3"])
    last = {router: paths(rig, router, address)["n2"] for router in steady.ROUTERS}
    steady.advertise(undisturbed, endpoints={"publish": "Ready"})
    wait_until(
        lambda: all(set(paths(rig, one, address)) == {"n1", "n3"} for one in steady.ROUTERS),
        timeout=5,
        what="no router has a path by n2",
    )
    steady.advertise(undisturbed, endpoints={"publish": "ReadyOrServing"})
    for pod in (ending[0], ending[2]):
        pod.mark_deleted()
    steady.wait_routed(rig, address)
    steady.advertise(undisturbed, endpoints={"publish": "Ready"})
    steady.wait_routed(rig, address, [])
    undisturbed.delete("/api/v1/namespaces/default/services/ending")
    for pod in ending:
        pod.delete(grace=5)

    for path in last.values():  # in the table, but preferred by nobody
        assert path.communities == (SHUT,)
        assert len(path.as_path) == 4


@pytest.mark.parametrize(
    ("endpoints", "nodes"),
    [
        ({"publish": "ReadyOrServing"}, ("n1", "n3")),
        ({"publish": "Ready"}, ("n1", "n3")),
        ({"publish": "Any"}, NODES),
        ({"whenNone": "Keep"}, NODES),
        ({"whenNone": "Withdraw"}, ("n1", "n3")),
        ({"min": 2}, ()),
    ],
    ids=["serving", "ready", "any", "keep", "withdraw", "two"],
)
def test_a_node_whose_only_endpoint_is_not_ready_announces_as_asked(
    rig: Layout,
    undisturbed: Api,
    pods: list[Pod],
    endpoints: dict[str, Json],
    nodes: tuple[str, ...],
) -> None:
    steady.wait_routed(rig, LOCAL)

    steady.advertise(undisturbed, endpoints=endpoints)
    pods[1].set_ready(ready=False)
    wait_until(lambda: ready_in_slices(undisturbed, "local") == 2, timeout=5, what="two are ready")
    steady.advertise(undisturbed, endpoints=endpoints, med=7)
    told = dict.fromkeys(nodes, 7)  # only what was planned since has it
    wait_until(
        lambda: all(
            {node: path.med for node, path in paths(rig, router, LOCAL).items()} == told
            for router in steady.ROUTERS
        ),
        timeout=5,
        what=f"both routers have a path by {nodes}",
    )
    steady.wait_routed(rig, LOCAL, nodes)


def ready_in_slices(api: Api, service: str) -> int:
    """How many ready endpoints the slices of a Service list."""
    items = api.list(
        "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices",
        labelSelector=f"kubernetes.io/service-name={service}",
    )
    return sum(workloads.ready_endpoints(item) for item in items)


def test_an_excluded_node_withdraws_and_keeps_its_sessions_unless_the_label_is_ignored(
    rig: Layout, undisturbed: Api
) -> None:
    def label(value: str | None) -> None:
        undisturbed.patch("/api/v1/nodes/n2", {"metadata": {"labels": {EXCLUDE: value}}})

    label("")
    steady.wait_routed(rig, WEB, ["n1", "n3"])
    wait_until(
        lambda: announcing(undisturbed, "n2") == "NodeExcluded", timeout=5, what="n2 says why"
    )
    steady.configure(undisturbed, excludeLabel="Ignore")
    steady.wait_routed(rig, WEB)
    steady.configure(undisturbed, excludeLabel="Respect")
    steady.wait_routed(rig, WEB, ["n1", "n3"])
    label(None)
    steady.wait_routed(rig, WEB)

    assert announcing(undisturbed, "n1") == "Accepted"


def announcing(api: Api, node: str) -> str:
    """The reason of the condition Announcing of a node."""
    return text(steady.condition(api.get(f"{PORTER}/bgpnodes/{node}"), "Announcing"), "reason")


def test_drained_nodes_withdraw_everything_tell_the_routers_and_come_back(
    rig: Layout, restored: Api
) -> None:
    steady.configure(restored, adminState="Drained")
    for address in (WEB, ASIDE):
        steady.wait_routed(rig, address, [])
    wait_until(lambda: not steady.established(rig), timeout=5, what="all sessions have ended")
    errors = {
        session.last_error.lower()
        for router in rig.routers.values()
        for session in router.sessions().values()
    }
    wait_until(
        lambda: {announcing(restored, node) for node in NODES} == {"NodeDrained"},
        timeout=5,
        what="all nodes say that they are drained",
    )
    kept = workloads.ingress_of(restored, "web")
    steady.configure(restored)
    for address in (WEB, ASIDE):
        steady.wait_routed(rig, address)

    assert all("administrative shutdown" in error for error in errors)
    assert kept == [WEB]


def test_as_number_and_router_id_are_those_of_the_config(rig: Layout, restored: Api) -> None:
    others = [replace(peer, asn=64599) for peer in steady.steady_peers()]
    for router in rig.routers.values():
        router.configure(*others)

    steady.configure(restored, asn=64599, routerID="10.99.0.1")
    wait_until(
        lambda: (
            {session.peer_id for session in steady.established(rig).values()} == {"10.99.0.1"}
            and len(steady.established(rig)) == 6
        ),
        timeout=10,
        what="six sessions have that router id",
    )
    wait_attributes(rig, as_path=(64599,))


def test_without_a_gate_the_dataplane_is_not_asked_and_with_a_delay_it_is_waited_for(
    rig: Layout, undisturbed: Api
) -> None:
    def seconds(name: str, address: str, port: int, **dataplane: Json) -> float:
        steady.configure(undisturbed, dataplane=dataplane)
        steady.offer(rig, name, [address], port=port)
        began = time.monotonic()
        steady.wait_routed(rig, address)
        return time.monotonic() - began

    waits = (
        seconds("at-once", "2001:db8:51::40", 8310, gate="None"),
        seconds("delayed", "2001:db8:51::41", 8311, gate="Delay", delayMilliseconds=1500),
    )

    print("seconds from address to kernels:", waits)
    assert waits[0] < 1
    assert waits[1] > 1.2
