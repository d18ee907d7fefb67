"""`porter_ctl.kube` against a real API server: read, written, restarted, refused."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from typing import TYPE_CHECKING

import pytest

from conformance.rig.hosts import run
from conformance.rig.objects import at, objects, text
from porter_ctl.api import (
    VIP,
    Condition,
    ConditionStatus,
    Holder,
    Ingress,
    Kind,
    LoadBalancerStatus,
    ObjectMeta,
    ObjectRef,
    Service,
    ServiceStatus,
    VIPSpec,
    VIPStatus,
    to_yaml,
)
from porter_ctl.kube.client import KubeClient
from porter_ctl.kube.lease import LeaseElection, LeaseTimings
from porter_ctl.kube.paths import Collection
from porter_ctl.kube.port import KubePort
from porter_ctl.kube.reflector import Reflector
from porter_ctl.kube.source import KubeSource
from porter_ctl.kube.timings import Timings
from porter_ctl.store.port import (
    EVERYTHING,
    AlreadyExists,
    Conflict,
    Forbidden,
    Invalid,
    KubeEvent,
    NotFound,
    Selectors,
)
from porter_ctl.store.stores import Stores
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine
    from pathlib import Path

    from conformance.rig.control_plane import ControlPlane
    from conformance.rig.objects import Object

SPACE = "kube-client"
VIPS = "/apis/porter.network/v1beta1/vips"
SERVICES = f"/api/v1/namespaces/{SPACE}/services"
QUICK = Timings(first_pause=0.05, pause=0.2)
SHORT = LeaseTimings(duration=2.0, deadline=1.2, retry=0.2, standby=60.0)


@pytest.fixture(scope="module")
def plane(control_plane: ControlPlane) -> ControlPlane:
    control_plane.api.apply(namespace(SPACE))
    control_plane.kubectl("apply", "--server-side", "-f", "-", manifest=to_yaml())
    control_plane.api.wait_established("vips.porter.network")
    return control_plane


@pytest.fixture
async def client(plane: ControlPlane) -> AsyncIterator[KubeClient]:
    async with KubeClient(kubeconfig=plane.kubeconfig, timings=QUICK) as client:
        yield client


@pytest.fixture
def port(client: KubeClient) -> KubePort:
    election = LeaseElection(client, identity="test", candidate=False)
    return KubePort(client, election=election, instance="porter-test")


@contextlib.asynccontextmanager
async def running(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def namespace(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def balancer(name: str, **spec: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": SPACE},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80}], **spec},
    }


def vip(address: str, *holders: Holder) -> VIP:
    return VIP(metadata=ObjectMeta(name=address), spec=VIPSpec(address=address, holders=holders))


@pytest.mark.parametrize("streams", [True, False], ids=["initial events", "pages"])
async def test_services_come_change_and_go(
    plane: ControlPlane, client: KubeClient, *, streams: bool
) -> None:
    name = f"come-{streams}".lower()
    plane.api.create(balancer(name))
    stores = Stores()
    reflector = Reflector(
        client,
        Collection(kind=Kind.SERVICE, namespace=SPACE),
        stores,
        on_synced=lambda: stores.mark_synced(Kind.SERVICE),
    )
    reflector._streams_lists = streams
    key = f"{SPACE}/{name}"
    async with running(reflector.run()):
        await eventually(lambda: stores.synced(Kind.SERVICE))
        found = stores.services.get(key)
        plane.api.patch(f"{SERVICES}/{name}", {"metadata": {"annotations": {"a": "b"}}})
        plane.api.patch(f"{SERVICES}/{name}", {"spec": {"externalTrafficPolicy": "Local"}})
        await eventually(lambda: stores.services.get(key) != found)
        plane.api.patch(f"{SERVICES}/{name}", {"spec": {"type": "ClusterIP"}})
        await eventually(lambda: key not in stores.services)  # no balancer any more

    assert found is not None
    assert found.spec.ports[0].port == 80
    assert reflector._streams_lists is streams
    assert reflector.lists == 1


async def test_a_restart_and_a_compaction_lose_nothing(
    plane: ControlPlane, client: KubeClient
) -> None:
    plane.api.create(namespace("kube-client-gone"))
    stores, followed = Stores(), Stores()
    reflector = Reflector(
        client,
        Collection(kind=Kind.NAMESPACE),
        stores,
        on_synced=lambda: stores.mark_synced(Kind.NAMESPACE),
    )
    async with running(reflector.run()):
        await eventually(lambda: stores.synced(Kind.NAMESPACE))
    source = KubeSource(client)
    source.want(Kind.NAMESPACE, EVERYTHING)
    async with running(source.run(followed)):
        await eventually(lambda: source.synced(Kind.NAMESPACE))
        plane.api.delete("/api/v1/namespaces/kube-client-gone")
        await eventually(lambda: "kube-client-gone" not in followed.namespaces, seconds=20)
        plane.api.apply(namespace("kube-client-new"))
        plane.compact()
        await asyncio.to_thread(plane.restart_apiserver)
        kept = SPACE in followed.namespaces and source.synced(Kind.NAMESPACE)
        async with running(reflector.run()):  # from a version that is no longer kept
            await eventually(lambda: reflector.lists == 2)
        plane.api.apply(namespace("kube-client-after"))
        await eventually(lambda: "kube-client-after" in followed.namespaces)

    assert kept
    assert "kube-client-gone" not in stores.namespaces
    assert {"kube-client-new", SPACE} <= set(stores.namespaces)


async def test_a_role_that_lacks_the_verb_is_named_and_nothing_is_lost(
    plane: ControlPlane, tmp_path: Path
) -> None:
    account = f"/api/v1/namespaces/{SPACE}/serviceaccounts/nobody"
    plane.api.apply(
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": "nobody", "namespace": SPACE},
        }
    )
    issued = plane.api.post(
        f"{account}/token",
        {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": 600},
        },
    )
    token = tmp_path / "token"
    token.write_text(text(issued, "status", "token"))
    kubeconfig = plane.write_kubeconfig("nobody", plane.server, token_file=token)
    async with KubeClient(kubeconfig=kubeconfig, timings=QUICK) as client:
        source = KubeSource(client)
        source.want(Kind.NODE, Selectors(names=frozenset({"n1"})))
        async with running(source.run(Stores())):
            await eventually(lambda: bool(source.troubles()))
        trouble = next(iter(source.troubles().values()))

    assert isinstance(trouble, Forbidden)
    assert "nodes" in str(trouble)
    assert "nobody" in str(trouble)
    assert not source.synced(Kind.NODE)


async def test_a_watch_is_probed_by_the_kernel(plane: ControlPlane, client: KubeClient) -> None:
    source = KubeSource(client)
    source.want(Kind.NODE, EVERYTHING)
    async with running(source.run(Stores())):
        await eventually(lambda: source.synced(Kind.NODE))
        address = plane.server.removeprefix("https://")
        sockets = run("ss", "-tnoH", "dst", address)

    assert "timer:(keepalive" in sockets


async def test_creation_is_the_lock_and_versions_decide(
    plane: ControlPlane, port: KubePort
) -> None:
    address = "198.51.100.201"
    holder = Holder(namespace=SPACE, name="web", uid="u1")
    ref = ObjectRef(Kind.VIP, "", address)
    created = await port.create(vip(address))
    with pytest.raises(AlreadyExists):
        await port.create(vip(address))
    plane.api.patch(f"{VIPS}/{address}", {"metadata": {"annotations": {"theirs": "1"}}})
    with pytest.raises(Conflict):
        await port.replace(created)
    live = await port.get_live(ref)
    assert isinstance(live, VIP)
    assert live.spec is not None
    spec = VIPSpec(address=address, holders=(holder,))
    replaced = await port.replace(VIP(metadata=live.metadata, spec=spec))
    with pytest.raises(Conflict):
        await port.delete(ref, uid=created.metadata.uid, resource_version="1")
    with pytest.raises(Conflict):
        await port.delete(ref, uid="00000000-0000-0000-0000-000000000000", resource_version="")
    stored = plane.api.get(f"{VIPS}/{address}")
    await port.delete(
        ref, uid=created.metadata.uid, resource_version=replaced.metadata.resource_version
    )

    assert text(stored, "metadata", "annotations", "theirs") == "1"
    assert text(stored, "spec", "holders", 0, "uid") == "u1"
    assert await port.get_live(ref) is None
    with pytest.raises(NotFound):
        await port.delete(ref, uid=created.metadata.uid, resource_version="")


async def test_what_the_schema_refuses_is_invalid(port: KubePort) -> None:
    wrong = VIP(metadata=ObjectMeta(name="198.51.100.202"), spec=VIPSpec(address="198.51.100.203"))

    with pytest.raises(Invalid, match="the name must be the address"):
        await port.create(wrong)


async def test_a_status_goes_onto_the_object_and_the_version_meant(
    plane: ControlPlane, port: KubePort
) -> None:
    address = "198.51.100.204"
    created = await port.create(vip(address))
    wanted = VIP(metadata=created.metadata, status=VIPStatus(holder="default/web", paths="3/3"))
    for _ in range(2):
        await port.apply_status(wanted, uid=created.metadata.uid, resource_version="")
    first = plane.api.get(f"{VIPS}/{address}")
    emptied = VIP(metadata=created.metadata, status=VIPStatus(holder="default/web"))
    await port.apply_status(emptied, uid=created.metadata.uid, resource_version="")
    second = plane.api.get(f"{VIPS}/{address}")
    with pytest.raises(Conflict, match="another object"):
        await port.apply_status(wanted, uid="gone", resource_version="")

    assert at(first, "status") == {"holder": "default/web", "paths": "3/3"}
    assert text(second, "status", "paths") == ""
    assert text(first, "spec", "address") == address


async def test_the_status_of_a_service_needs_the_version_read(
    plane: ControlPlane, port: KubePort
) -> None:
    made = plane.api.create(balancer("status"))
    uid = text(made, "metadata", "uid")
    condition = Condition(
        type="porter.network/Allocated",
        status=ConditionStatus.TRUE,
        reason="Allocated",
        message="198.51.100.205 from pool test",
        last_transition_time="2026-01-01T00:00:00Z",
    )
    wanted = Service(
        metadata=ObjectMeta(name="status", namespace=SPACE),
        status=ServiceStatus(
            load_balancer=LoadBalancerStatus(ingress=(Ingress(ip="198.51.100.205"),)),
            conditions=(condition,),
        ),
    )
    plane.api.patch(
        f"{SERVICES}/status/status",
        {
            "status": {
                "conditions": [
                    {
                        "type": "example.org/Scanned",
                        "status": "True",
                        "reason": "Now",
                        "message": "clean",
                        "lastTransitionTime": "2026-01-01T00:00:00Z",
                    }
                ]
            }
        },
    )
    with pytest.raises(Conflict):
        await port.apply_status(
            wanted, uid=uid, resource_version=text(made, "metadata", "resourceVersion")
        )
    unchanged = plane.api.get(f"{SERVICES}/status")
    await port.apply_status(
        wanted, uid=uid, resource_version=text(unchanged, "metadata", "resourceVersion")
    )
    stored = plane.api.get(f"{SERVICES}/status")

    assert objects(unchanged, "status", "loadBalancer", "ingress") == []
    assert text(stored, "status", "loadBalancer", "ingress", 0, "ip") == "198.51.100.205"
    assert {text(found, "type") for found in objects(stored, "status", "conditions")} == {
        "example.org/Scanned",
        "porter.network/Allocated",
    }


async def test_the_lead_is_handed_over_and_never_shared(
    plane: ControlPlane, client: KubeClient
) -> None:
    first, second = (
        LeaseElection(
            client,
            identity=identity,
            candidate=True,
            namespace=SPACE,
            name="hand-over",
            timings=SHORT,
        )
        for identity in ("first", "second")
    )
    leading: list[str] = []
    first.on_change = lambda leads: leading.append(f"first {leads}")
    second.on_change = lambda leads: leading.append(f"second {leads}")
    async with contextlib.AsyncExitStack() as later:
        async with running(first.run()):
            await eventually(lambda: first.leading)
            await later.enter_async_context(running(second.run()))
            await eventually(lambda: second.holder == "first")
        await eventually(lambda: second.leading)
        lease = plane.api.get(f"/apis/coordination.k8s.io/v1/namespaces/{SPACE}/leases/hand-over")

    assert leading == ["first True", "first False", "second True", "second False"]
    assert text(lease, "spec", "holderIdentity") == "second"
    assert text(lease, "spec", "leaseTransitions") == "1"


async def test_events_stand_where_describe_looks_for_them(
    plane: ControlPlane, port: KubePort
) -> None:
    made = plane.api.create(balancer("events"))
    about = KubeEvent(
        regarding=ObjectRef(Kind.SERVICE, SPACE, "events"),
        uid=text(made, "metadata", "uid"),
        type="Warning",
        reason="NoPool",
        note="no pool serves this Service",
        action="Allocate",
    )
    for _ in range(3):
        await port.emit(about)
    pool = ObjectRef(Kind.VIP_POOL, "", "kube-client")
    await port.emit(dataclasses.replace(about, regarding=pool, uid=""))
    described = plane.kubectl("describe", "service", "events", "-n", SPACE)
    elsewhere = plane.api.list(
        "/apis/events.k8s.io/v1/namespaces/default/events",
        fieldSelector="regarding.name=kube-client",
    )
    series = plane.api.list(f"/apis/events.k8s.io/v1/namespaces/{SPACE}/events")

    assert port.recorder.lost == 0
    assert "no pool serves this Service" in described
    assert [text(event, "regarding", "kind") for event in elsewhere] == ["VIPPool"]
    assert [text(event, "series", "count") for event in series] == ["3"]


async def test_a_kind_is_known_or_not(client: KubeClient) -> None:
    assert await KubeSource(client).kind_exists(Kind.VIP)
    assert await KubeSource(client).kind_exists(Kind.ENDPOINT_SLICE)
