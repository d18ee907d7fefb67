"""A status that proves itself: what Services say of their announcement, and what they never say.

Each fault here leaves the plan, the sessions or the last report of a node looking well while a
route is not there. The condition is read from the API server, the route from the routers' kernels.
"""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from conformance.rig import samples, steady, workloads
from conformance.rig.api import PORTER
from conformance.rig.fib import next_hop_count
from conformance.rig.forgetful import forgetting
from conformance.rig.layout import HOSTS, NODES
from conformance.rig.objects import Object, as_object, name_of, objects, text
from conformance.rig.observer import Observer
from conformance.rig.process import wait_until
from conformance.rig.repetitions import repetitions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.rig.api import Api
    from conformance.rig.layout import Layout
    from conformance.rig.porter import Porter

ANNOUNCED = "porter.network/Announced"
RESTART = 12  # seconds for which routers keep the routes of a speaker that is away
PROOF = 3.0  # seconds from the route in a kernel to the condition
DOUBT = 10.0  # seconds for which proof may be late
DEAF = Path(__file__).with_name("rig") / "deaf_router.py"
DEAF_ASN = 64799


@pytest.fixture(scope="module")
def porters(rig: Layout) -> Iterator[dict[str, Porter]]:
    started = steady.start(rig)
    api = rig.control_plane.api
    steady.configure(api, gracefulRestart={"restartSeconds": RESTART})
    yield started
    for porter in started.values():
        porter.process.kill()


def said(api: Api, name: str) -> str:
    """The condition of default/`name` in two words; empty for none."""
    found = steady.condition(api.get(f"/api/v1/namespaces/default/services/{name}"), ANNOUNCED)
    return f"{text(found, 'status')} {text(found, 'reason')}".strip()


def wait_said(api: Api, name: str, *words: str, timeout: float) -> float:
    return wait_until(
        lambda: said(api, name) in words,
        timeout=timeout,
        what=f"{name} says {' or '.join(words)}, not {said(api, name)}",
    )


def address_of(number: int) -> str:
    return f"2001:db8:51::{number:x}"


def on_node(rig: Layout, name: str, number: int, node: str, *, port: int) -> None:
    """A Service with the policy Local, an address of its own and one backend, on `node`."""
    workloads.start_backends(rig.kubelet, [rig.nodes[node]], name, port=port)
    made = workloads.service(name, target_port=port, policy="Local", dual_stack=False)
    as_object(made["metadata"])["annotations"] = {"porter.network/addresses": address_of(number)}
    as_object(made["spec"])["ipFamilies"] = ["IPv6"]
    rig.control_plane.api.create(made)


def test_a_service_is_announced_within_three_seconds_of_its_route(
    rig: Layout, porters: dict[str, Porter]
) -> None:
    del porters
    api = rig.control_plane.api
    late = []
    for number in range(repetitions(10, 3)):
        name, address = f"well-{number}", address_of(0x100 + number)
        steady.offer(rig, name, [address], port=8200 + number)
        steady.wait_routed(rig, address)

        late.append(wait_said(api, name, "True AllPaths", "True SomePaths", timeout=PROOF))
        wait_said(api, name, "True AllPaths", timeout=DOUBT)

    print(f"condition after the route: {min(late):.2f} to {max(late):.2f} s")


def test_a_path_dropped_behind_the_plan_is_never_announced(
    rig: Layout, porters: dict[str, Porter], tmp_path: Path
) -> None:
    """The node plans it, counts it as desired, and never tells it; another one is the control."""
    api = rig.control_plane.api
    dropped, told = address_of(0x201), address_of(0x202)
    porter = porters["n3"]
    porter.env |= forgetting(tmp_path / "fault", steady.prefix_of(dropped))
    porter.crash()
    porter.restart()
    porter.wait_ready()
    on_node(rig, "dropped", 0x201, "n3", port=8301)
    on_node(rig, "told", 0x202, "n3", port=8302)

    wait_said(api, "told", "True AllPaths", timeout=15)
    words = sample_until(api, "dropped", seconds=repetitions(60, 10))
    routes = next_hop_count(rig.frr.host, steady.prefix_of(dropped))
    for name in ("FORGOTTEN_PREFIX", "PYTHONPATH"):
        del porter.env[name]
    porter.crash()
    porter.restart()
    porter.wait_ready()

    assert words[-1]
    assert not any(word.startswith("True") for word in words)
    assert routes == 0
    assert next_hop_count(rig.frr.host, steady.prefix_of(told)) == 1
    wait_said(api, "dropped", "True AllPaths", timeout=45)


@pytest.mark.usefixtures("porters")
def test_a_router_that_does_not_read_proves_nothing(rig: Layout) -> None:
    """Its session is Established throughout, its window is zero."""
    api, client = rig.control_plane.api, rig.clients["c1"]
    address = text(client_addresses(rig), "c1")
    deaf = client.spawn("deaf", sys.executable, str(DEAF), address, "179", str(DEAF_ASN))
    api.apply(
        samples.ours(
            "BGPPeer",
            "deaf",
            address=address,
            asn=DEAF_ASN,
            families=["ipv6-unicast"],
            multihop={"ttl": 3},
            timers={"holdSeconds": 9},
        )
    )
    large = [f"64512:{n}:{n}" for n in range(60)]
    only_to_it: list[str] = ["deaf"]
    try:
        wait_until(
            lambda: session_of(api, "n1", "deaf")["state"] == "Established", timeout=20, what="up"
        )
        others = [name_of(one) for one in api.list(f"{PORTER}/bgppeers") if name_of(one) != "deaf"]
        steady.advertise(api, peers=[*others])
        api.apply(
            samples.ours(
                "BGPAdvertisement",
                "deaf",
                serviceSelectors=[{"matchLabels": {"to": "deaf"}}],
                peers=[*only_to_it],
                communities={"large": [*large]},
            )
        )
        for number in range(8):
            steady.offer(
                rig,
                f"deaf-{number}",
                [address_of(0x300 + number)],
                port=8320 + number,
                labels={"to": "deaf"},
            )
        words = sample_until(api, "deaf-7", seconds=repetitions(60, 10))
        stuck = [text(session_of(api, node, "deaf"), "reason") for node in NODES]
    finally:
        api.delete(f"{PORTER}/bgpadvertisements/deaf")
        api.delete(f"{PORTER}/bgppeers/deaf")
        steady.advertise(api)
        deaf.kill()

    assert not any(word.startswith("True AllPaths") for word in words)
    assert stuck == ["NotAcknowledged"] * 3


def test_a_frozen_process_is_believed_for_the_restart_time_only(
    rig: Layout, porters: dict[str, Porter]
) -> None:
    """SIGSTOP: its last report, its Pod and its sessions stay as they are until others notice."""
    api, porter = rig.control_plane.api, porters["n3"]
    on_node(rig, "frozen", 0x401, "n3", port=8401)
    wait_said(api, "frozen", "True AllPaths", timeout=15)

    porter.process.send(signal.SIGSTOP)
    try:
        porter.pod.set_ready(ready=False)  # what the kubelet says of a probe that gets no answer
        doubted = wait_said(api, "frozen", "Unknown NoReport", timeout=RESTART + 5)
        later = sample_until(api, "frozen", seconds=5)
    finally:
        porter.process.send(signal.SIGCONT)
    porter.wait_ready()

    print(f"doubted after {doubted:.1f} s of a restart time of {RESTART} s")
    assert doubted > RESTART - 2
    assert set(later) == {"Unknown NoReport"}
    wait_said(api, "frozen", "True AllPaths", timeout=45)


def test_a_dead_node_is_believed_for_the_restart_time_only(
    rig: Layout, porters: dict[str, Porter]
) -> None:
    api, porter = rig.control_plane.api, porters["n3"]
    on_node(rig, "dead", 0x501, "n3", port=8501)
    wait_said(api, "dead", "True AllPaths", timeout=15)

    porter.crash()
    rig.kubelet.set_condition("n3", "Ready", holds=False)
    try:
        doubted = wait_said(api, "dead", "Unknown NoReport", timeout=RESTART + 5)
        later = sample_until(api, "dead", seconds=5)
    finally:
        rig.kubelet.set_condition("n3", "Ready", holds=True)
        porter.restart()
    porter.wait_ready()

    print(f"doubted after {doubted:.1f} s of a restart time of {RESTART} s")
    assert set(later) == {"Unknown NoReport"}
    wait_said(api, "dead", "True AllPaths", timeout=45)


@pytest.mark.usefixtures("porters")
def test_twenty_changes_a_second_leave_the_proof_standing(rig: Layout) -> None:
    """Endpoints of many Services begin and cease to terminate, which changes their attributes."""
    api = rig.control_plane.api
    count, seconds = repetitions(200, 60), 20
    for number in range(count):
        make_bare_service(api, f"busy-{number}", address_of(0x1000 + number))
    for number in range(count):
        wait_said(api, f"busy-{number}", "True AllPaths", timeout=60)
    wait_until(lambda: quiet(api, 3), timeout=90, what="nothing is written for 3 s")
    with Observer(api, {"Service": "/api/v1/services", "VIP": f"{PORTER}/vips"}) as observer:
        before = len(observer.events)
        changes, started = 0, time.monotonic()
        samples_: list[list[str]] = []
        while (passed := time.monotonic() - started) < seconds:
            if changes < passed * 20:
                turn(api, f"busy-{changes % count}", terminating=(changes // count) % 2 == 0)
                changes += 1
            if len(samples_) < passed * 2:
                samples_.append(conditions(api, "busy-"))
        written = observer.events[before:]
    words = [word for sample in samples_ for word in sample]
    proven = sum(word.startswith("True") for word in words)

    print(
        f"{changes} changes in {seconds} s: {proven} of {len(words)} samples proven, "
        f"{len(written)} writes to Services and VIPs"
    )
    assert changes >= 19 * seconds
    assert proven >= 0.99 * len(words)
    assert len(written) <= 5 * seconds


@pytest.mark.usefixtures("porters")
def test_at_rest_nothing_is_written(rig: Layout) -> None:
    api = rig.control_plane.api
    for number in range(20):
        make_bare_service(api, f"still-{number}", address_of(0x600 + number))
    for number in range(20):
        wait_said(api, f"still-{number}", "True AllPaths", timeout=60)
    wait_until(lambda: quiet(api, 32), timeout=240, what="nothing is written for 32 s")
    before = versions(api)
    seconds = repetitions(600, 30)
    time.sleep(seconds)

    assert versions(api) == before
    print(f"0 writes in {seconds} s to {len(before)} objects")


def client_addresses(rig: Layout) -> Object:
    """The IPv6 address of each client."""
    found: Object = {}
    for name, host in rig.clients.items():
        shown = host.run("ip", "-6", "-o", "addr", "show", "dev", "eth0", "scope", "global")
        found[name] = shown.split("inet6 ")[1].split("/")[0]
    return found


def session_of(api: Api, node: str, peer: str) -> Object:
    """What a node reports of one session."""
    sessions = objects(api.get(f"{PORTER}/bgpnodes/{node}"), "status", "sessions")
    return next((one for one in sessions if one["peer"] == peer), {"state": ""})


def sample_until(api: Api, name: str, *, seconds: float) -> list[str]:
    """What a Service says, ten times a second."""
    until, found = time.monotonic() + seconds, []
    while time.monotonic() < until:
        found.append(said(api, name))
        time.sleep(0.1)
    return found


def make_bare_service(api: Api, name: str, address: str) -> None:
    """A Service whose endpoints are written by hand: nothing needs to answer."""
    made = workloads.service(name, dual_stack=False)
    as_object(made["metadata"])["annotations"] = {"porter.network/addresses": address}
    spec = as_object(made["spec"])
    del spec["selector"]
    spec["ipFamilies"] = ["IPv6"]
    api.create(made)
    turn(api, name, terminating=False)


def turn(api: Api, name: str, *, terminating: bool) -> None:
    """Have the one endpoint of a Service be ready, or serve while it terminates."""
    conditions_: Object = {"ready": not terminating, "serving": True, "terminating": terminating}
    api.apply(
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": f"{name}-1",
                "namespace": "default",
                "labels": {"kubernetes.io/service-name": name},
            },
            "addressType": "IPv6",
            "ports": [{"name": "http", "protocol": "TCP", "port": 8080}],
            "endpoints": [
                {"addresses": [HOSTS["n1"][1]], "nodeName": "n1", "conditions": conditions_}
            ],
        }
    )


def conditions(api: Api, prefix: str) -> list[str]:
    """What the Services of that name say now."""
    found = [one for one in api.list("/api/v1/services") if name_of(one).startswith(prefix)]
    return [
        f"{text(one, 'status')} {text(one, 'reason')}"
        for one in (steady.condition(service, ANNOUNCED) for service in found)
    ]


def versions(api: Api) -> dict[str, str]:
    """The version of every object that Porter writes."""
    kinds = ("vippools", "vips", "bgpconfigs", "bgppeers", "bgpadvertisements", "bgpnodes")
    paths = [f"{PORTER}/{kind}" for kind in kinds]
    paths += ["/api/v1/services", "/apis/events.k8s.io/v1/events"]
    return {
        f"{path}/{text(one, 'metadata', 'namespace')}/{name_of(one)}": text(
            one, "metadata", "resourceVersion"
        )
        for path in paths
        for one in api.list(path)
    }


def quiet(api: Api, seconds: float) -> bool:
    before = versions(api)
    time.sleep(seconds)
    return versions(api) == before
