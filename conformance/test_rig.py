"""The rig itself, without Porter: what later tests lean on, shown to be there and to go."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from conformance.rig import probes, rbac, workloads
from conformance.rig.api import Api, ApiError
from conformance.rig.bird import StandIn
from conformance.rig.capture import Capture
from conformance.rig.errors import RigError
from conformance.rig.fib import FibWatch, next_hop_count, wait_next_hops
from conformance.rig.hosts import Hosts, run, sweep
from conformance.rig.layout import BIRD_ASN, FRR_ASN, HOSTS, NODES
from conformance.rig.objects import at, name_of, objects, text, texts
from conformance.rig.observer import Observer
from conformance.rig.process import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.rig.control_plane import ControlPlane
    from conformance.rig.layout import Layout
    from conformance.rig.objects import Object

V4, V6 = "198.51.100.10", "2001:db8:51::10"
VIPS = (V4, V6)
PREFIXES = (f"{V4}/32", f"{V6}/128")
ROUTERS = {"frr": FRR_ASN, "bird": BIRD_ASN}
UNKNOWN_PORT = 81


@pytest.fixture(scope="module")
def speakers(rig: Layout) -> Iterator[dict[str, StandIn]]:
    """A Service `web` with both VIPs in its status, and a stand-in speaker on every node."""
    api = rig.control_plane.api
    workloads.start_backends(rig.kubelet, rig.nodes.values(), "web")
    api.create(workloads.service("web"))
    workloads.set_ingress(api, "web", *VIPS)
    rules = [(proxy, vip) for proxy in rig.proxies.values() for vip in VIPS]
    wait_until(
        lambda: all(proxy.serves(vip, 80) for proxy, vip in rules),
        timeout=10,
        what="kube-proxy serves both VIPs on every node",
    )
    started = {}
    for name, host in rig.nodes.items():
        speaker = StandIn(host, asn=rig.node_asns[name], addresses=HOSTS[name])
        speaker.configure({a: asn for router, asn in ROUTERS.items() for a in HOSTS[router]})
        speaker.announce(*PREFIXES)
        speaker.start()
        started[name] = speaker
    for speaker in started.values():
        speaker.wait_established()
    yield started
    for speaker in started.values():
        speaker.stop()


def gateways(prefix: str, nodes: tuple[str, ...] = NODES) -> frozenset[str]:
    return frozenset(HOSTS[node][":" in prefix] for node in nodes)


def test_the_api_server_answers_readyz_and_knows_its_version(control_plane: ControlPlane) -> None:
    version = text(control_plane.api.get("/version"), "gitVersion")

    assert control_plane.api.ready()
    assert version == "v1.34.4"


def test_a_pod_bound_token_has_the_rights_of_its_account_and_no_more(rig: Layout) -> None:
    api = rig.control_plane.api
    api.apply(*rbac.objects())
    pod = rig.kubelet.make_pod(
        rig.nodes["n1"], "speaker", namespace=rbac.NAMESPACE, account=rbac.ACCOUNT
    )
    its_own = Api(
        rig.control_plane.server,
        rig.control_plane.certificates.authority,
        token=pod.refresh_token(),
    )

    who = its_own.post(
        "/apis/authentication.k8s.io/v1/selfsubjectreviews",
        {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"},
    )
    with pytest.raises(ApiError) as refused:
        its_own.get("/api/v1/secrets")

    extra = at(who, "status", "userInfo", "extra")
    assert texts(extra, "authentication.kubernetes.io/node-name") == ["n1"]
    assert its_own.get("/api/v1/services")
    assert refused.value.status == 403
    pod.remove()


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("router", ROUTERS)
@pytest.mark.usefixtures("speakers")
def test_the_kernel_of_each_router_has_one_next_hop_a_node(
    rig: Layout, router: str, prefix: str
) -> None:
    host = rig.routers[router].host
    wait_next_hops(host, prefix, gateways(prefix))

    assert next_hop_count(host, prefix) == 3
    assert {path.next_hop for path in rig.routers[router].routes(prefix)} == gateways(prefix)


@pytest.mark.parametrize("vip", VIPS)
@pytest.mark.parametrize("client", ["c1", "c2"])
@pytest.mark.usefixtures("speakers")
def test_every_node_answers_clients_behind_each_router(rig: Layout, client: str, vip: str) -> None:
    for router in rig.routers.values():
        wait_next_hops(router.host, vip, gateways(vip))

    seen = probes.fetch(rig.clients[client], vip, times=60)

    assert set(seen) == {f"answered by {node}" for node in NODES}
    assert seen.total() == 60


@pytest.mark.parametrize("vip", VIPS)
@pytest.mark.usefixtures("speakers")
def test_probes_tell_a_loop_from_an_unreachable_and_from_an_answer(rig: Layout, vip: str) -> None:
    client = rig.clients["c1"]
    wait_next_hops(rig.frr.host, vip, gateways(vip))
    unrouted = vip.removesuffix("10") + "99"

    loop = probes.fetch(client, vip, UNKNOWN_PORT, times=3)
    unreachable = probes.fetch(client, unrouted, times=3)
    refused = probes.fetch(client, HOSTS["frr"][":" in vip], UNKNOWN_PORT, times=3)

    assert loop == {"ttl-exceeded": 3}
    assert unreachable == {"unreachable": 3}
    assert refused == {"refused": 3}


def test_a_withdrawal_reaches_both_kernels_and_only_flows_under_way_suffer(
    rig: Layout, speakers: dict[str, StandIn]
) -> None:
    hosts = [router.host for router in rig.routers.values()]
    for host in hosts:
        wait_next_hops(host, PREFIXES[0], gateways(V4))
    running = probes.Probes(rig.clients["c1"], V4)
    watches = [FibWatch(host, PREFIXES).start() for host in hosts]

    withdrawn = time.monotonic()
    speakers["n1"].announce()
    gone = [
        watch.wait(lambda change: change.next_hops == gateways(V4, ("n2", "n3")))
        for watch in watches
    ]
    speakers["n1"].announce(*PREFIXES)
    for host in hosts:
        wait_next_hops(host, PREFIXES[0], gateways(V4))

    calm_again = time.monotonic()
    running.wait(lambda ended: sum(probe.at > calm_again for probe in ended) > 30)

    for watch in watches:
        watch.stop()
    assert all(change.read_at - withdrawn < 1 for change in gone)
    calm = probes.undisturbed(running.stop(), [change.told_at for change in watches[0].changes])
    assert set(probes.outcomes(calm)) == {f"answered by {node}" for node in NODES}


def test_a_daemon_that_dies_is_seen_in_the_routers_sessions(
    rig: Layout, speakers: dict[str, StandIn]
) -> None:
    address = HOSTS["n3"][0]
    before = {name: router.sessions() for name, router in rig.routers.items()}

    speakers["n3"].restart()

    def renewed(name: str) -> bool:
        session = rig.routers[name].sessions()[address]
        return session.established and session.epoch != before[name][address].epoch

    wait_until(lambda: all(map(renewed, ROUTERS)), timeout=15, what="both routers see it again")
    undisturbed = HOSTS["n1"][0]
    for name, router in rig.routers.items():
        assert router.sessions()[undisturbed] == before[name][undisturbed]


def test_a_capture_tells_what_a_speaker_said_on_the_link(
    rig: Layout, speakers: dict[str, StandIn]
) -> None:
    address = HOSTS["n3"][0]
    wait_next_hops(rig.frr.host, PREFIXES[0], gateways(V4))

    def said() -> list[tuple[str, str]]:
        return [(one.kind, one.prefix or one.notification) for one in capture.said(source=address)]

    with Capture(rig.frr.host) as capture:
        speakers["n3"].announce()
        wait_until(lambda: ("withdraw", PREFIXES[0]) in said(), timeout=5, what="a withdrawal")
        speakers["n3"].announce(*PREFIXES)
        wait_until(lambda: ("announce", PREFIXES[0]) in said(), timeout=5, what="an announcement")
        speakers["n3"].restart()  # BIRD says Cease when told to end
        wait_until(lambda: ("end-of-rib", "") in said(), timeout=15, what="a new session")
    heard = [one for one in said() if one[0] != "other"]

    assert heard[:5] == [
        ("withdraw", PREFIXES[0]),
        ("announce", PREFIXES[0]),
        ("notification", "6/2"),
        ("open", ""),
        ("announce", PREFIXES[0]),
    ]


def test_the_observer_sees_an_endpoint_go_on_its_own_watch(rig: Layout) -> None:
    api = rig.control_plane.api
    with Observer(api, {"EndpointSlice": "/apis/discovery.k8s.io/v1/endpointslices"}) as observer:
        (pod,) = workloads.start_backends(rig.kubelet, [rig.nodes["n1"]], "brief", port=8081)
        api.create(workloads.service("brief", target_port=8081, dual_stack=False))
        came = observer.wait(lambda seen: ready_endpoints(seen.item, "brief-") == 1)
        pod.set_ready(ready=False)

        went = observer.wait(
            lambda seen: (
                seen.name.startswith("brief-") and not ready_endpoints(seen.item, "brief-")
            ),
            since=came.at,
        )

    assert pod.delete(grace=5) == 0
    assert went.at > came.at


def test_a_rig_leaves_nothing_behind_not_even_after_an_exception() -> None:
    pids: list[int] = []
    folder = Path()

    def broken() -> None:
        nonlocal folder
        with Hosts() as hosts:
            folder = hosts.folder
            host = hosts.host("lonely")
            hosts.uplink(host, "eth0", "100.127.255.253/30", "100.127.255.254/30")
            pids.append(host.spawn("deaf", "sh", "-c", "trap '' TERM; sleep 600 & wait").pid)
            wait_until(lambda: len(host.pids()) == 2, timeout=5, what="both processes run")
            pids.extend(host.pids())
            raise RigError("on purpose")

    with pytest.raises(RigError, match="on purpose"):
        broken()

    assert not folder.exists()
    assert prefixed(folder) == []
    assert [pid for pid in pids if runs(pid)] == []


def test_what_a_dead_rig_left_is_removed_and_a_living_one_is_not() -> None:
    dead = "p4194305x0-"  # beyond the kernel's highest process id
    run("ip", "netns", "add", f"{dead}n1")
    with Hosts() as living:  # a new rig sweeps
        living.host("n1")
        sweep()
        listed = run("ip", "netns", "list")

    assert f"{living.prefix}n1" in listed
    assert dead not in listed


def ready_endpoints(slice_: Object, prefix: str) -> int:
    if not name_of(slice_).startswith(prefix):
        return 0
    return sum(at(e, "conditions", "ready") is True for e in objects(slice_, "endpoints"))


def runs(pid: int) -> bool:
    """Is it there, and more than an orphan that nobody has waited for yet?"""
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def prefixed(folder: Path) -> list[str]:
    """Namespaces and links that carry the prefix of the rig that had `folder`."""
    prefix = folder.name.removeprefix("porter-rig-")
    listed = run("ip", "netns", "list") + run("ip", "-o", "link")
    return [line for line in listed.splitlines() if prefix in line]
