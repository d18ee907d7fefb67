"""No address twice, none moved: two allocators, a stopped one, a dying one, vanished VIPs."""

from __future__ import annotations

import contextlib
import random
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from conformance.rig import porter as rig_porter
from conformance.rig import samples, workloads
from conformance.rig.allocators import Allocator, serve_kinds
from conformance.rig.api import PORTER
from conformance.rig.audit import Audit
from conformance.rig.control_plane import ControlPlane
from conformance.rig.fib import FibWatch, wait_next_hops
from conformance.rig.hosts import Hosts
from conformance.rig.layout import HOSTS
from conformance.rig.objects import at, name_of, objects, text
from conformance.rig.observer import Observer
from conformance.rig.process import wait_until
from conformance.rig.repetitions import repetitions
from porter_ctl.reconcile.crash import EXIT_STATUS, LABELS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.rig.api import Api
    from conformance.rig.layout import Layout
    from conformance.rig.objects import Json, Object
    from conformance.rig.observer import Seen

SERVICES = "/api/v1/namespaces/default/services"
VIPS = f"{PORTER}/vips"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases"
LEASE = 15.0  # seconds until a successor leads
ASLEEP = float(repetitions(30, 17))  # seconds; a successor must have led before it is woken
DEADLINE = 10.0  # seconds that a leader leads without a word
AT_ONCE = ThreadPoolExecutor(8)


@pytest.fixture(scope="module")
def audit(request: pytest.FixtureRequest) -> Iterator[tuple[ControlPlane, Audit]]:
    """A control plane of its own that tells who wrote, with Porter's kinds and one pool."""
    request.getfixturevalue("binaries")
    with Hosts() as hosts:
        log = Audit(hosts.folder)
        plane = ControlPlane(hosts, hosts.host("cp"), flags=log.flags)
        plane.wait_ready()
        serve_kinds(plane)
        plane.api.apply(
            samples.ours("VIPPool", "many", addresses=["100.64.0.0/16"]),
            samples.ours("VIPPool", "spare", addresses=["100.65.0.0/24"], holdSeconds=0),
        )
        wait_until(lambda: plane.api.exists("/api/v1/namespaces/default"), timeout=20, what="up")
        yield plane, log


@pytest.fixture
def plane(audit: tuple[ControlPlane, Audit]) -> ControlPlane:
    return audit[0]


@pytest.fixture
def log(audit: tuple[ControlPlane, Audit]) -> Audit:
    return audit[1]


def balancer(name: str, **spec: Json) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "type": "LoadBalancer",
            "allocateLoadBalancerNodePorts": False,
            "ports": [{"port": 80}],
            **spec,
        },
    }


def vip(address: str, holder: str = "", *, released: bool = False, last: str = "") -> Object:
    annotations: Object = {"porter.network/made-by-allocator": "true"}
    if last:
        annotations["porter.network/last-holder"] = last
    pool = "spare" if address.startswith("100.65.") else "many"
    spec: Object = {"address": address, "pool": {"name": pool}}
    if holder:
        spec["holders"] = [{"namespace": "default", "name": holder, "uid": "gone"}]
    if released:
        spec["releasedAt"] = "2026-01-01T00:00:00Z"
    return {
        "apiVersion": "porter.network/v1beta1",
        "kind": "VIP",
        "metadata": {"name": address, "annotations": annotations},
        "spec": spec,
    }


def create(api: Api, names: Sequence[str], **spec: Json) -> None:
    list(AT_ONCE.map(lambda name: api.create(balancer(name, **spec)), names))


def remove(api: Api, names: Sequence[str]) -> None:
    list(AT_ONCE.map(lambda name: api.delete(f"{SERVICES}/{name}"), names))


def shown(api: Api) -> dict[str, str]:
    """The addresses in the statuses of all Services that have one."""
    return {
        name_of(service): text(service, "status", "loadBalancer", "ingress", 0, "ip")
        for service in api.list(SERVICES)
        if at(service, "status", "loadBalancer", "ingress", 0, "ip")
    }


def held(api: Api) -> dict[str, list[str]]:
    """Who holds each VIP that somebody holds."""
    holders = {
        name_of(vip): [text(one, "name") for one in objects(vip, "spec", "holders")]
        for vip in api.list(VIPS)
    }
    return {name: names for name, names in holders.items() if names}


def wait_served(api: Api, names: Sequence[str], *, timeout: float = 60) -> dict[str, str]:
    wait_until(
        lambda: set(names) <= shown(api).keys(),
        timeout=timeout,
        what=f"{len(names)} Services have addresses",
    )
    return shown(api)


def assert_each_has_one_of_its_own(api: Api, names: Sequence[str]) -> None:
    addresses = shown(api)
    found = held(api)
    assert len({addresses[name] for name in names}) == len(names)
    for name in names:
        assert found[addresses[name]] == [name]
    assert len([owners for owners in found.values() if owners[0] in names]) == len(names)


def ever_shown(events: Sequence[Seen]) -> dict[str, list[str]]:
    """Each address that a Service's status ever had, in order, without repetitions."""
    ever: dict[str, list[str]] = {}
    for event in events:
        address = text(event.item, "status", "loadBalancer", "ingress", 0, "ip")
        had = ever.setdefault(event.name, [])
        if event.verb != "DELETED" and address != (had[-1] if had else ""):
            had.append(address)
    return ever


def test_two_allocators_at_once_give_no_address_twice_and_move_none(
    plane: ControlPlane, log: Audit
) -> None:
    api = plane.api
    with (
        Allocator(plane, "a1", lease="lease-a1") as one,
        Allocator(plane, "a2", lease="lease-a2") as two,
    ):
        wait_until(lambda: one.leads() and two.leads(), timeout=30, what="both lead")
        for number in range(repetitions(20, 1)):
            names = [f"two-{number}-{nth}" for nth in range(200)]
            started = time.time()
            with Observer(api, {"Service": "/api/v1/services"}) as observer:
                create(api, names)
                wait_served(api, names)
                wait_until(lambda: quiet(log, 1.0), timeout=30, what="nobody writes any more")
                events = observer.events
            writes = log.writes("a1", "a2", since=started)
            made = {
                user: sum(one.done for one in writes if (one.verb, one.user) == ("create", user))
                for user in ("a1", "a2")
            }
            refused = sum(one.code == 409 for one in writes)

            print(f"VIPs made by each {made}, answers 409: {refused}")
            assert_each_has_one_of_its_own(api, names)
            assert {len(had) for name, had in ever_shown(events).items() if name in names} == {1}
            assert min(made.values()) >= 50
            assert refused >= 20
            remove(api, names)  # while the next ones come: addresses are released beside


def quiet(log: Audit, seconds: float) -> bool:
    """Whether nothing but Leases was written for a while."""
    return all(one.resource == "leases" for one in log.writes(since=time.time() - seconds))


def test_a_leader_that_was_stopped_writes_nothing_once_it_is_woken(
    plane: ControlPlane, log: Audit
) -> None:
    api = plane.api
    names = [f"stopped-{nth}" for nth in range(repetitions(500, 150))]
    with Allocator(plane, "old") as old:
        wait_until(old.leads, timeout=30, what="it leads")
        with Allocator(plane, "young") as young:
            creating = [AT_ONCE.submit(create_quietly, api, name) for name in names]
            wait_until(lambda: len(held(api)) >= 30, timeout=30, what="it is in the midst of it")
            old.stop()
            stopped = time.monotonic()
            for one in creating:
                one.result()
            wait_served(api, names, timeout=LEASE + 60)
            wait_until(lambda: quiet(log, 1.0), timeout=30, what="the successor has done it all")
            time.sleep(max(0.0, stopped + ASLEEP - time.monotonic()))
            before, slept, woken = shown(api), time.monotonic() - stopped, time.time()
            old.wake()
            wait_until(lambda: "no longer leading" in old.log(), timeout=15, what="it noticed")
            time.sleep(3)
            asked = log.writes("old", since=woken)

            print(f"asleep {slept:.1f} s, then asked for: {[(w.resource, w.code) for w in asked]}")
            assert young.leads()
            assert [one for one in asked if one.done] == []
            assert shown(api) == before
            assert_each_has_one_of_its_own(api, names)
    remove(api, names)


def test_a_leader_that_was_stopped_leads_again_before_it_gives_what_is_free(
    plane: ControlPlane, log: Audit
) -> None:
    api = plane.api
    names = [f"free-{nth}" for nth in range(20)]
    with Allocator(plane, "alone", lease="lease-alone") as alone:
        wait_until(alone.leads, timeout=30, what="it leads")
        creating = [AT_ONCE.submit(create_quietly, api, name) for name in names]
        wait_until(lambda: bool(held(api)), timeout=30, what="it is in the midst of it")
        alone.stop()
        for one in creating:
            one.result()
        time.sleep(DEADLINE + 1)
        woken = time.time()
        alone.wake()
        wait_served(api, names)

        first = next(one for one in log.writes("alone", since=woken) if one.done)
        assert first.resource == "leases"
        assert_each_has_one_of_its_own(api, names)
    remove(api, names)


def create_quietly(api: Api, name: str) -> None:
    api.create(balancer(name))


def test_wherever_the_allocator_dies_every_service_keeps_its_address(plane: ControlPlane) -> None:
    api = plane.api
    for seed in range(repetitions(5, 1)):
        chance = random.Random(seed)  # noqa: S311 - the same places each time
        for number, label in enumerate(LABELS):
            run = f"{seed}-{number}"
            names = prepare(api, run, 100 * seed + number)
            nth = chance.randint(1, 3) if label in _MET_OFTEN and seed else 1
            env = {"PORTER_CRASH_AT": f"{label}:{nth}"}
            with contextlib.ExitStack() as others:
                dying = others.enter_context(
                    Allocator(plane, "dying", lease=f"lease-{run}", env=env)
                )
                if label == "allocate.vip-read":  # takes somebody who is faster
                    others.enter_context(Allocator(plane, "rival", lease=f"lease-{run}-rival"))
                    names += provoke(api, dying, run)
                status = dying.process.wait(30)
            before, claimed = shown(api), {h[0]: v for v, h in held(api).items()}
            with Allocator(plane, "dying", lease=f"lease-{run}-again"):
                after = wait_served(api, names)
                wait_cleaned(api, number)

            assert status == EXIT_STATUS, label
            assert {name: after[name] for name in before} == before, label
            claims = {name: claimed[name] for name in names if name in claimed}
            assert {name: after[name] for name in claims} == claims, label
            assert_each_has_one_of_its_own(api, names)
            remove(api, names)


_MET_OFTEN = {"allocate.service-read", "allocate.vip-created", "allocate.status-written"}


def prepare(api: Api, run: str, number: int) -> list[str]:
    """A world in which there is something to do at every label; returns its Services' names."""
    names = [f"dies-{run}-{nth}" for nth in range(3)]
    api.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": f"node-{run}"}})
    api.create(vip(f"100.64.255.{number % 256}", released=True, last=f"default/{names[0]}"))
    api.create(vip(f"100.64.254.{number % 256}", "nobody"))
    api.create(vip(f"100.65.0.{number % 256}", released=True))
    create(api, names)
    return names


def wait_cleaned(api: Api, number: int) -> None:
    """Wait until what nobody has is released, and what had rested deleted."""
    spent = f"{VIPS}/100.65.0.{number % 256}"
    wait_until(
        lambda: ["nobody"] not in held(api).values() and not api.exists(spent),
        timeout=90,  # whatever other tests left is cleared up as well
        what="all is cleared up",
    )


def provoke(api: Api, dying: Allocator, run: str) -> list[str]:
    """Create Services until two allocators have met over one."""
    names = []
    for nth in range(400):
        if not dying.process.running:
            break
        names.append(f"met-{run}-{nth}")
        api.create(balancer(names[-1]))
    return names


def test_a_stranger_with_our_lease_is_waited_for_and_named(plane: ControlPlane) -> None:
    api = plane.api
    path = f"{LEASES}/lease-taken"
    api.create(
        {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": "lease-taken", "namespace": "kube-system"},
            "spec": {"holderIdentity": "stranger_1", "leaseDurationSeconds": 1_000_000_000},
        }
    )
    with Allocator(plane, "waiting", lease="lease-taken") as waiting:
        wait_until(lambda: "stranger_1" in waiting.log(), timeout=30, what="it names the stranger")
        create(api, ["waits"])
        for number in range(3):
            api.patch(path, {"metadata": {"annotations": {"renewed": str(number)}}})
            time.sleep(1)
        meanwhile = shown(api)
        api.delete(path)
        wait_served(api, ["waits"], timeout=15)

        assert "waits" not in meanwhile
        assert "which is no Porter" in waiting.log()
        assert "delete the Lease" in waiting.log()
    remove(api, ["waits"])


def test_all_vips_deleted_at_once_withdraw_nothing_and_are_written_again(
    rig: Layout, request: pytest.FixtureRequest
) -> None:
    api = rig.control_plane.api
    rig_porter.install(rig.control_plane)
    api.apply(*samples.configuration())
    porter = rig_porter.Porter(rig, "n1")
    porter.start()
    request.addfinalizer(porter.crash)
    porter.wait_ready()
    names = [f"vanish-{nth}" for nth in range(3)]
    workloads.start_backends(rig.kubelet, [rig.nodes["n1"]], names[0], port=8111)
    for name in names:
        selector: Object = {"app": names[0]}
        api.create(workloads.service(name, target_port=8111, dual_stack=False, selector=selector))
    given = wait_served(api, names)
    prefixes = [f"{given[name]}/32" for name in names]
    hop = {HOSTS["n1"][0]}
    for prefix in prefixes:
        wait_next_hops(rig.frr.host, prefix, hop, timeout=20)
    before = held(api)
    watch = FibWatch(rig.frr.host, prefixes).start()
    request.addfinalizer(watch.stop)

    rig.control_plane.kubectl("delete", "vips", "--all", "--wait=false")
    wait_until(lambda: held(api) == before, timeout=20, what="all VIPs are there again")
    time.sleep(1)

    assert len(before) == 3
    assert [change for change in watch.changes if change.next_hops != frozenset(hop)] == []
    assert shown(api) == given
