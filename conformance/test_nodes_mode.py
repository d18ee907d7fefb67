"""Next hop Nodes, proven at FRR and BIRD and in their kernels: one speaker for three nodes.

n2 alone has IPv4 sessions; it is no allocator, so all that it reads of other nodes it reads for
this. The six IPv6 sessions of the steady scene announce each node by itself, as everywhere else.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from conformance.rig import samples, steady
from conformance.rig.api import PORTER
from conformance.rig.fib import next_hop_count, next_hops
from conformance.rig.layout import BIRD_ASN, FRR_ASN, HOSTS, NODE_ASN, NODES
from conformance.rig.objects import as_object, objects, parse, text
from conformance.rig.process import wait_until
from conformance.rig.router import RouterPeer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.rig.api import Api
    from conformance.rig.layout import Layout
    from conformance.rig.objects import Json, Object
    from conformance.rig.porter import Porter
    from conformance.rig.router import Path

V4, V6 = "198.51.100.10", "2001:db8:51::10"
SPEAKER = "n2"
ASNS = {"frr": FRR_ASN, "bird": BIRD_ASN}
SHUT = "65535:0"  # GRACEFUL_SHUTDOWN
DRAIN = "porter.network/drain"
SECONDS = 2.0  # in which a path must be gone


@pytest.fixture(scope="module")
def porters(rig: Layout) -> Iterator[dict[str, Porter]]:
    """Porter on every node; n2 tells both routers of all nodes."""
    started = steady.start(rig)
    api = rig.control_plane.api
    steady.advertise(api, peers=["frr-v6", "bird-v6"])
    steady.offer(rig, "web", [V4, V6], port=8401)
    steady.wait_routed(rig, V6)
    take_several(rig, add_path=True)
    hop: Object = {"type": "Nodes", "speakerNodeSelectors": steady.on_nodes(SPEAKER)}
    peers: list[Json] = [f"{router}-v4" for router in ASNS]
    api.apply(samples.ours("BGPAdvertisement", "nodes", nextHop=hop, peers=peers))
    yield started
    for porter in started.values():
        porter.crash()


@pytest.fixture
def api(rig: Layout, porters: dict[str, Porter]) -> Iterator[Api]:
    """The API; both routers have all three nodes, before and afterwards."""
    assert len(porters) == 3
    steady.wait_routed(rig, V4)
    yield rig.control_plane.api
    steady.wait_routed(rig, V4)


def take_several(rig: Layout, *, add_path: bool) -> None:
    """Have both routers take several paths of a prefix from the speaker, or one only.

    The sessions are down meanwhile: after a Cease of FRR's Porter would wait a minute.
    """
    speaker = RouterPeer(address=HOSTS[SPEAKER][0], asn=NODE_ASN, add_path=add_path)
    speak(rig, adminState="Down")
    wait_until(
        lambda: not steady.established(rig, "ipv4"), timeout=5, what="no IPv4 session is left"
    )
    for router in rig.routers.values():
        router.configure(*steady.steady_peers(), speaker)
    speak(rig)


def speak(rig: Layout, **spec: Json) -> None:
    """Have the two sessions of the speaker, with this in their BGPPeers."""
    for router, asn in ASNS.items():
        rig.control_plane.api.apply(
            samples.ours(
                "BGPPeer",
                f"{router}-v4",
                address=HOSTS[router][0],
                asn=asn,
                nodeSelectors=steady.on_nodes(SPEAKER),
                addPath={"mode": "Send"},
                timers={"holdSeconds": 9},
                **spec,
            )
        )


def paths(rig: Layout, router: str) -> dict[str, Path]:
    """What a router was told of the IPv4 address, by node."""
    names = {HOSTS[node][0]: node for node in NODES}
    return {names[path.next_hop]: path for path in rig.routers[router].routes(f"{V4}/32")}


def wait_add_path(rig: Layout, peer: str, wanted: tuple[str, str]) -> str:
    """Wait until kubectl reads this status and reason of AddPath; returns the message."""

    def found() -> Object:
        said = rig.control_plane.kubectl("get", "bgppeers.porter.network", peer, "-o", "json")
        return steady.condition(as_object(parse(said)), "AddPath")

    wait_until(
        lambda: (text(found(), "status"), text(found(), "reason")) == wanted,
        timeout=8,
        what=f"AddPath of BGPPeer {peer} is {wanted}",
    )
    return text(found(), "message")


@pytest.mark.usefixtures("api")
def test_one_session_carries_a_path_by_every_node(rig: Layout) -> None:
    for router in steady.ROUTERS:
        found = paths(rig, router)

        assert set(found) == set(NODES)
        assert {path.peer for path in found.values()} == {HOSTS[SPEAKER][0]}
        assert len({(path.as_path, path.med, path.communities) for path in found.values()}) == 1
        assert next_hop_count(rig.routers[router].host, f"{V4}/32") == 3
        wait_add_path(rig, f"{router}-v4", ("True", "Accepted"))
    ours = {a for _, a in steady.established(rig, "ipv4")}
    assert ours == {HOSTS[SPEAKER][0]}


def test_a_node_about_to_leave_is_there_as_the_last_resort(rig: Layout, api: Api) -> None:
    api.patch("/api/v1/nodes/n1", {"metadata": {"annotations": {DRAIN: "true"}}})
    try:
        steady.wait_routed(rig, V4, ("n2", "n3"))
        steady.wait_routed(rig, V6, ("n2", "n3"))
        for router in steady.ROUTERS:
            found = paths(rig, router)
            assert set(found) == set(NODES)
            assert found["n1"].communities == (SHUT,)
            assert len(found["n1"].as_path) == len(found["n2"].as_path) + 3
    finally:
        api.patch("/api/v1/nodes/n1", {"metadata": {"annotations": {DRAIN: None}}})
    steady.wait_routed(rig, V6)


def test_a_node_without_a_network_stands_back_until_it_has_one(rig: Layout, api: Api) -> None:
    rig.kubelet.set_condition("n3", "NetworkUnavailable", holds=True)
    try:
        steady.wait_routed(rig, V4, ("n1", "n2"))
        steady.wait_routed(rig, V6, ("n1", "n2"))
        listed = objects(api.get(f"{PORTER}/bgpconfigs/default"), "status", "withheld")
        assert [(text(one, "node"), text(one, "reason")) for one in listed] == [
            ("n3", "NetworkUnavailable")
        ]
    finally:
        rig.kubelet.set_condition("n3", "NetworkUnavailable", holds=False)
    steady.wait_routed(rig, V6)


def test_of_all_nodes_without_a_network_one_stands_back(rig: Layout, api: Api) -> None:
    for node in NODES:
        rig.kubelet.set_condition(node, "NetworkUnavailable", holds=True)
    try:
        wait_until(
            lambda: len(next_hops(rig.frr.host, f"{V4}/32")) == 2,
            timeout=10,
            what="one node of three stands back",
        )
        time.sleep(1)
        listed = objects(api.get(f"{PORTER}/bgpconfigs/default"), "status", "withheld")
        assert len(listed) == 1
        assert len(next_hops(rig.bird.host, f"{V4}/32")) == 2
    finally:
        for node in NODES:
            rig.kubelet.set_condition(node, "NetworkUnavailable", holds=False)


def test_a_router_that_takes_one_path_is_told_one_and_the_peer_says_so(
    rig: Layout, api: Api
) -> None:
    assert api.ready()
    take_several(rig, add_path=False)
    try:
        for router in steady.ROUTERS:
            steady.wait_routed(rig, V4, ("n1",), routers=(router,))
            said = wait_add_path(rig, f"{router}-v4", ("False", "AddPathNotNegotiated"))
            assert "have the router receive additional paths" in said
            assert set(paths(rig, router)) == {"n1"}
    finally:
        take_several(rig, add_path=True)


def test_a_node_that_is_gone_takes_its_path_with_it(rig: Layout, api: Api) -> None:
    api.delete("/api/v1/nodes/n3")
    deleted = time.monotonic()
    try:
        for router in steady.ROUTERS:
            left = SECONDS - (time.monotonic() - deleted)
            steady.wait_routed(rig, V4, ("n1", "n2"), routers=(router,), timeout=left)
        took = time.monotonic() - deleted
        assert {frozenset(paths(rig, router)) for router in steady.ROUTERS} == {
            frozenset({"n1", "n2"})
        }
    finally:
        rig.kubelet.register("n3", HOSTS["n3"])
    print(f"\na node deleted from the API: its path out of both kernels in {took:.2f} s")
