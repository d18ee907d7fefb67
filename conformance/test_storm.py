"""Much goes wrong at once, or again and again: what clients need stays in the routers' kernels.

Each storm is told to the API server as the one who causes it would tell it; what came of it was
seen in the kernels of both routers and, message by message, on their links.
"""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING, Self

import pytest

from conformance.rig import porter as rig_porter
from conformance.rig import samples, steady, workloads
from conformance.rig.api import PORTER
from conformance.rig.capture import Capture
from conformance.rig.fib import FibWatch, next_hops, wait_next_hops
from conformance.rig.layout import HOSTS, NODES
from conformance.rig.objects import name_of, number
from conformance.rig.process import wait_until
from conformance.rig.repetitions import repetitions
from conformance.rig.steady import prefix_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.rig.api import Api
    from conformance.rig.capture import Said
    from conformance.rig.fib import Change
    from conformance.rig.kubelet import Pod
    from conformance.rig.layout import Layout
    from conformance.rig.objects import Json, Object
    from conformance.rig.porter import Porter

SERVICES = 6  # behind the same pods, each with an address of both families
VIPS = [
    address
    for number in range(SERVICES)
    for address in (f"198.51.100.{10 + number}", f"2001:db8:51::{10 + number}")
]
FLAPPING = "198.51.100.100"
SESSIONS = 12
SETTLED = 2.0  # seconds after a storm in which the final state is there
AT_ONCE = 2.0  # seconds
FIRST = 10  # changes that damping lets pass
ADVERTISEMENTS = f"{PORTER}/bgpadvertisements"
CRD = "bgpadvertisements.porter.network"


@pytest.fixture(scope="module")
def porters(rig: Layout) -> Iterator[dict[str, Porter]]:
    """Porter on every node, all its sessions up, configured."""
    rig_porter.install(rig.control_plane)
    rig.control_plane.api.apply(*samples.configuration())
    started = rig_porter.start_porters(rig)
    wait_until(
        lambda: len(steady.established(rig)) == SESSIONS, timeout=20, what="twelve sessions are up"
    )
    yield started
    for porter in started.values():
        porter.crash()  # to leave in good order takes its time


@pytest.fixture(scope="module")
def pods(rig: Layout, porters: dict[str, Porter]) -> list[Pod]:
    """A backend on each node, and the Services that have it."""
    assert len(porters) == len(NODES)
    api = rig.control_plane.api
    made = workloads.start_backends(rig.kubelet, rig.nodes.values(), "web", port=8501)
    for position, addresses in enumerate(zip(VIPS[::2], VIPS[1::2], strict=True)):
        service = workloads.service(f"web-{position}", target_port=8501, selector={"app": "web"})
        annotate(service, {"porter.network/addresses": ",".join(addresses)})
        api.create(service)
    wait_calm(rig, porters)
    return made


@pytest.fixture
def calm(rig: Layout, porters: dict[str, Porter], pods: list[Pod]) -> Iterator[Layout]:
    """All is well before, and afterwards again; no session may end."""
    before = steady.established(rig)
    yield rig
    for node in NODES:
        rig.kubelet.set_condition(node, "Ready", holds=True)
        rig.kubelet.set_condition(node, "NetworkUnavailable", holds=False)
    for pod in pods:
        pod.set_ready()
    rig_porter.install(rig.control_plane)
    rig.control_plane.api.apply(*samples.configuration())
    wait_calm(rig, porters)
    assert steady.established(rig) == before
    assert len(before) == SESSIONS


def wait_calm(rig: Layout, porters: dict[str, Porter]) -> None:
    for address in VIPS:
        steady.wait_routed(rig, address, timeout=60)
    wait_until(lambda: not any(held(porters)), timeout=60, what="no node keeps what would go")


def held(porters: dict[str, Porter]) -> list[int]:
    """How many prefixes each node keeps although they would go."""
    return [number(porter.view("status"), "prefixes", "held") for porter in porters.values()]


def annotate(item: Object, annotations: Object) -> None:
    metadata = item["metadata"]
    assert isinstance(metadata, dict)
    metadata["annotations"] = annotations


class Watched:
    """The kernels of both routers and what is said on their links, for some addresses."""

    def __init__(self, rig: Layout, addresses: Sequence[str]) -> None:
        self.prefixes = [prefix_of(address) for address in addresses]
        hosts = [router.host for router in rig.routers.values()]
        self._watches = [FibWatch(host, self.prefixes).start() for host in hosts]
        self._captures = [Capture(host) for host in hosts]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        for watch in self._watches:
            watch.stop()
        for capture in self._captures:
            capture.stop()

    @property
    def changes(self) -> list[Change]:
        """Of the next hops, since the beginning."""
        known = len(self.prefixes)
        return [change for watch in self._watches for change in watch.changes[known:]]

    @property
    def withdrawn(self) -> list[Said]:
        """The withdrawals on both links."""
        said = [one for capture in self._captures for one in capture.said()]
        return [one for one in said if one.kind == "withdraw" and one.prefix in self.prefixes]

    def announced(self, node: str, *, since: float) -> dict[str, list[float]]:
        """When a node announced one of the addresses, by the router's address that heard it."""
        times: dict[str, list[float]] = {}
        for capture in self._captures:
            for one in capture.said(since=since):
                ours = one.prefix in self.prefixes and one.source in HOSTS[node]
                if ours and one.kind == "announce":
                    times.setdefault(one.target, []).append(one.at)
        return times


def test_all_nodes_not_ready_and_their_pods_with_them_take_no_path(
    calm: Layout, pods: list[Pod]
) -> None:
    with Watched(calm, VIPS) as watched:
        for node in NODES:
            calm.kubelet.set_condition(node, "Ready", holds=None)
        for pod in pods:
            pod.set_ready(ready=False)
        wait_until(
            lambda: ready_endpoints(calm.control_plane.api) == 0,
            timeout=10,
            what="no endpoint is ready",
        )
        time.sleep(repetitions(60, 15))
        without = [change for change in watched.changes if not change.next_hops]
        left = [
            next_hops(router.host, prefix)
            for router in calm.routers.values()
            for prefix in watched.prefixes
        ]

    assert without == []
    assert all(left)
    assert len(left) == 2 * len(VIPS)


def ready_endpoints(api: Api) -> int:
    slices = api.list("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices")
    return sum(workloads.ready_endpoints(one) for one in slices if name_of(one).startswith("web-"))


def test_a_node_without_network_is_out_of_both_kernels_while_others_are_there(
    calm: Layout,
) -> None:
    calm.kubelet.set_condition("n2", "NetworkUnavailable", holds=True)
    for address in VIPS:
        steady.wait_routed(calm, address, ["n1", "n3"], timeout=10)
    paths = [path for address in VIPS for path in calm.frr.routes(prefix_of(address))]
    calm.kubelet.set_condition("n2", "NetworkUnavailable", holds=False)
    for address in VIPS:
        steady.wait_routed(calm, address, timeout=10)

    announced = {path.peer for path in paths}  # last, but announced
    assert announced == {address for node in NODES for address in HOSTS[node]}


def test_nodes_that_are_all_without_network_stay_in_the_kernels(calm: Layout) -> None:
    with Watched(calm, VIPS) as watched:
        for node in NODES:
            calm.kubelet.set_condition(node, "NetworkUnavailable", holds=True)
        time.sleep(repetitions(60, 5))
        without = [change for change in watched.changes if not change.next_hops]
        withdrawn = watched.withdrawn

    assert without == []
    assert withdrawn == []


class Flapping:
    """An endpoint on n1 that comes and goes, by a slice that nobody else writes."""

    def __init__(self, api: Api, name: str) -> None:
        self._api = api
        self.changes = 0
        service = workloads.service(name, policy="Local", dual_stack=False, selector=None)
        annotate(service, {"porter.network/addresses": FLAPPING})
        api.create(service)
        self._slice: Object = {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": f"{name}-rig",
                "namespace": "default",
                "labels": {"kubernetes.io/service-name": name},
            },
            "addressType": "IPv4",
            "ports": [{"name": "http", "protocol": "TCP", "port": 8501}],
            "endpoints": self._endpoints(ready=True),
        }
        api.create(self._slice)

    def set(self, *, ready: bool) -> None:
        self.changes += 1
        path = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/flapping-rig"
        self._api.patch(path, {"endpoints": self._endpoints(ready=ready)})

    def flap(self, seconds: float, *, off: float, on: float) -> None:
        """Be gone for `off` seconds and there for `on`, again and again."""
        due = time.monotonic()
        end = due + seconds
        for ready, lasting in itertools.cycle(((False, off), (True, on))):
            self.set(ready=ready)
            due += lasting
            if due > end:
                return
            time.sleep(max(0.0, due - time.monotonic()))

    @staticmethod
    def _endpoints(*, ready: bool) -> list[Json]:
        conditions: Object = {"ready": ready, "serving": ready, "terminating": False}
        return [{"addresses": [HOSTS["n1"][0]], "nodeName": "n1", "conditions": conditions}]


@pytest.fixture(scope="module")
def flapping(rig: Layout, pods: list[Pod]) -> Flapping:
    """A Service with one endpoint, routed."""
    assert len(pods) == len(NODES)
    made = Flapping(rig.control_plane.api, "flapping")
    steady.wait_routed(rig, FLAPPING, ["n1"], timeout=20)
    return made


# At 50 changes a second the endpoint is away too shortly for a withdrawal; at the other pace it is
# withdrawn each time, and what is damped is its return.
@pytest.mark.parametrize(("off", "on", "ends"), [(0.02, 0.02, "away"), (0.15, 0.05, "there")])
def test_a_flapping_endpoint_is_announced_again_at_most_once_a_second(
    calm: Layout, flapping: Flapping, off: float, on: float, ends: str
) -> None:
    flapping.set(ready=True)
    steady.wait_routed(calm, FLAPPING, ["n1"], timeout=20)
    seconds = repetitions(20, 8)
    changes = flapping.changes

    with Watched(calm, [FLAPPING]) as watched:
        began = time.monotonic()
        flapping.flap(seconds, off=off, on=on)
        lasted = time.monotonic() - began
        flapping.set(ready=ends == "there")
        hops = steady.gateways(FLAPPING, ["n1"] if ends == "there" else [])
        took = max(
            wait_next_hops(router.host, prefix_of(FLAPPING), hops, timeout=10)
            for router in calm.routers.values()
        )
        announced = watched.announced("n1", since=began)
    rate = (flapping.changes - changes) / lasted
    print(
        f"{rate:.0f} changes a second; final state after {took:.2f} s; announced: ",
        {router: len(times) for router, times in announced.items()},
    )

    assert rate > 0.4 / ((off + on) / 2)  # on a machine that is busy, too
    assert took <= SETTLED
    for times in announced.values():
        pauses = [later - sooner for sooner, later in itertools.pairwise(times[FIRST - 1 :])]
        assert all(pause >= 0.9 for pause in pauses)


def test_a_deleted_definition_withdraws_nothing_and_neither_does_its_return(
    calm: Layout, porters: dict[str, Porter]
) -> None:
    with Watched(calm, VIPS) as watched:
        calm.control_plane.kubectl("delete", "crd", CRD)
        time.sleep(repetitions(90, 20))
        gone = list(watched.changes), watched.withdrawn
        kept = held(porters)
        rig_porter.install(calm.control_plane)
        calm.control_plane.api.apply(*samples.configuration())
        wait_until(lambda: not any(held(porters)), timeout=60, what="all nodes see it again")
        time.sleep(repetitions(15, 2))
        returned = list(watched.changes), watched.withdrawn

    assert gone == ([], [])
    assert min(kept) >= len(VIPS)
    assert returned == ([], [])


def test_paths_stay_a_minute_when_all_advertisements_are_deleted(calm: Layout) -> None:
    with Watched(calm, VIPS) as watched:
        deleted = time.monotonic()
        calm.control_plane.api.delete(f"{ADVERTISEMENTS}/default")
        time.sleep(repetitions(55, 12))
        kept = list(watched.changes), watched.withdrawn
        if repetitions(full=1, short=0):
            for address in VIPS:
                steady.wait_routed(calm, address, [], timeout=20)
            first = min(change.told_at for change in watched.changes)
            print(f"withdrawn {first - deleted:.1f} s after the deletion")
            assert 59 <= first - deleted <= 65

    assert kept == ([], [])


def test_paths_go_at_once_when_the_deletion_was_confirmed_before(calm: Layout) -> None:
    api = calm.control_plane.api
    confirmed: Object = {"metadata": {"annotations": {"porter.network/confirm-delete": "true"}}}
    api.patch(f"{ADVERTISEMENTS}/default", confirmed)

    with Watched(calm, VIPS) as watched:
        deleted = time.monotonic()
        api.delete(f"{ADVERTISEMENTS}/default")
        for address in VIPS:
            steady.wait_routed(calm, address, [], timeout=10)
        last = max(change.told_at for change in watched.changes)

    print(f"withdrawn {last - deleted:.2f} s after the deletion")
    assert last - deleted <= AT_ONCE
