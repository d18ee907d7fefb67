"""`porter_ctl.manifests.source`: a directory that changes, and stores that follow."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from porter_ctl.api import EndpointSlice, Kind, Node, Secret, Service
from porter_ctl.manifests.directory import ManifestDirectory
from porter_ctl.manifests.source import ManifestSource
from porter_ctl.manifests.timings import Timings
from porter_ctl.store.port import EVERYTHING, Selectors
from porter_ctl.store.stores import Stores

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

FAST = Timings(poll=0.01, still=0.02, gone=0.05, orphaned=0.2)

SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: web, labels: {app: web}}
spec: {type: LoadBalancer, ports: [{port: 80}]}
status: {loadBalancer: {ingress: [{ip: 192.0.2.99}]}}
"""
SLICE = """\
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
endpoints:
- {addresses: [10.0.0.1], nodeName: node-a, conditions: {ready: true}}
ports: [{port: 8080}]
"""
NODE = """\
apiVersion: v1
kind: Node
metadata: {name: node-a, namespace: ignored, uid: given, creationTimestamp: "2026-01-01T00:00:00Z"}
status: {addresses: [{type: InternalIP, address: 127.0.0.11}]}
"""
CREDENTIALS = """\
apiVersion: v1
kind: Secret
metadata: {name: router, namespace: kube-system}
stringData: {password: s3cret}
data: {other: eA==}
"""
STATUS = (
    '{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "default",'
    ' "uid": "%s"}, "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}}'
)


def _documents(*documents: str) -> str:
    return "---\n".join(documents)


class Follower:
    """A source at work, and a way to wait for what it brings."""

    def __init__(self, directory: Path, *, node: str = "") -> None:
        self.directory = ManifestDirectory(directory, timings=FAST)
        addresses = ("127.0.0.11",) if node else ()
        self.source = ManifestSource(self.directory, node=node, node_addresses=addresses)
        self._woken = asyncio.Event()
        self.stores = Stores(self._woken.set)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                self.stores.take_dirty()
                self._woken.clear()
                await self._woken.wait()

    def service(self) -> Service | None:
        return self.stores.services.get("default/web")

    def ingress(self) -> list[str]:
        service = self.service()
        return [way.ip for way in service.status.load_balancer.ingress] if service else []


@contextlib.asynccontextmanager
async def _following(directory: Path, *kinds: Kind, node: str = "") -> AsyncIterator[Follower]:
    follower = Follower(directory, node=node)
    for kind in kinds or tuple(Kind):
        follower.source.want(kind, EVERYTHING)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(follower.source.run(follower.stores))
        await follower.until(lambda: all(map(follower.source.synced, kinds or tuple(Kind))))
        yield follower
        task.cancel()


async def test_what_an_api_server_fills_in_is_filled_in(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(_documents(SERVICE, SLICE, NODE, CREDENTIALS))

    async with _following(tmp_path) as follower:
        stores = follower.stores
        service, node = stores.services.get("default/web"), stores.nodes.get("node-a")
        endpoints = stores.endpoint_slices.get("default/web-1")
        secret = stores.secrets.get("kube-system/router")

    assert isinstance(service, Service)
    assert isinstance(node, Node)
    assert isinstance(endpoints, EndpointSlice)
    assert isinstance(secret, Secret)
    assert (service.metadata.namespace, service.metadata.uid) == ("default", "default/web")
    assert service.metadata.resource_version
    assert service.metadata.creation_timestamp.endswith("Z")
    assert service.status.load_balancer.ingress == ()  # a status in the user's file is not read
    assert (node.metadata.uid, node.metadata.namespace) == ("given", "")
    assert node.metadata.creation_timestamp == "2026-01-01T00:00:00Z"
    assert node.internal_ips == ("127.0.0.11",)
    assert endpoints.service == "web"
    assert secret.data == {"password": b"s3cret", "other": b"x"}


async def test_the_stores_follow_the_files(tmp_path: Path) -> None:
    path = tmp_path / "web.yaml"
    async with _following(tmp_path) as follower:
        path.write_text(SERVICE)
        await follower.until(lambda: follower.service() is not None)
        path.write_text(SERVICE.replace("port: 80", "port: 81"))
        await follower.until(
            lambda: (web := follower.service()) is not None and web.spec.ports[0].port == 81
        )
        path.unlink()
        await follower.until(lambda: follower.service() is None)

    assert follower.source.faults == ()


async def test_a_file_renamed_over_another_counts(tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(SERVICE)
    async with _following(tmp_path) as follower:
        (tmp_path / "web.tmp").write_text(SERVICE.replace("port: 80", "port: 81"))
        (tmp_path / "web.tmp").rename(tmp_path / "web.yaml")

        await follower.until(
            lambda: (web := follower.service()) is not None and web.spec.ports[0].port == 81
        )


async def test_an_unparsable_file_keeps_its_objects_and_the_rest_goes_on(tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(SERVICE)
    async with _following(tmp_path) as follower:
        (tmp_path / "web.yaml").write_text(SERVICE + "broken: [}\n")
        (tmp_path / "node.yaml").write_text(NODE)
        await follower.until(lambda: bool(follower.source.faults))
        await follower.until(lambda: "node-a" in follower.stores.nodes)

        faults = [fault[:2] for fault in follower.source.faults]
        service = follower.service()

    assert faults == [("web.yaml", 6)]
    assert service is not None


async def test_the_status_is_ours_and_joined(tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(SERVICE)
    async with _following(tmp_path) as follower:
        service = follower.service()
        (tmp_path / ".porter/Service/default_web.yaml").write_text(STATUS % "default/web")
        await follower.until(lambda: follower.ingress() == ["192.0.2.1"])

        after = follower.service()

    assert service is not None
    assert after is not None
    assert after.metadata.resource_version != service.metadata.resource_version


async def test_the_status_of_a_predecessor_is_not_joined(tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(SERVICE)
    async with _following(tmp_path) as follower:
        status = tmp_path / ".porter/Service/default_web.yaml"
        status.write_text(STATUS % "another")
        (tmp_path / "node.yaml").write_text(NODE)
        await follower.until(lambda: "node-a" in follower.stores.nodes)

        assert follower.ingress() == []


async def test_a_status_goes_with_its_object(tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(SERVICE)
    async with _following(tmp_path) as follower:
        status = tmp_path / ".porter/Service/default_web.yaml"
        status.write_text(STATUS % "default/web")
        await follower.until(lambda: follower.ingress() == ["192.0.2.1"])
        (tmp_path / "web.yaml").unlink()
        await follower.until(lambda: follower.service() is None)
        left = status.exists()

    assert not left


async def test_only_what_is_wanted_is_held(tmp_path: Path) -> None:
    other = SERVICE.replace("name: web", "name: other")
    (tmp_path / "all.yaml").write_text(_documents(SERVICE, other, NODE))

    async with _following(tmp_path, Kind.SERVICE) as follower:
        before = (set(follower.stores.services), set(follower.stores.nodes))
        follower.source.want(Kind.SERVICE, Selectors(names=frozenset({"other"})))
        unsynced = follower.stores.synced(Kind.SERVICE)
        await follower.until(lambda: follower.stores.synced(Kind.SERVICE))
        after = set(follower.stores.services)

    assert before == ({"default/web", "default/other"}, set())
    assert not unsynced
    assert after == {"default/other"}


async def test_a_node_without_a_document_is_there_all_the_same(tmp_path: Path) -> None:
    async with _following(tmp_path, node="node-a") as follower:
        bare = follower.stores.nodes.get("node-a")
        (tmp_path / "node.yaml").write_text(
            NODE.replace("name: node-a", "name: node-a, labels: {a: b}")
        )
        await follower.until(
            lambda: (
                (node := follower.stores.nodes.get("node-a")) is not None
                and node.metadata.labels == {"a": "b"}
            )
        )
        (tmp_path / "node.yaml").unlink()
        await follower.until(lambda: follower.stores.nodes.get("node-a") == bare)

    assert bare is not None
    assert bare.internal_ips == ("127.0.0.11",)
    assert bare.condition("Ready") == "True"


async def test_a_directory_that_goes_away_takes_nothing_along(tmp_path: Path) -> None:
    directory = tmp_path / "manifests"
    directory.mkdir()
    (directory / "web.yaml").write_text(SERVICE)
    async with _following(directory) as follower:
        loop = asyncio.get_running_loop()
        directory.rename(tmp_path / "away")
        directory.mkdir()  # as when the mount is gone and the mount point shows
        await follower.until(lambda: bool(follower.source.trouble))
        service, stale = follower.service(), follower.source.stale_for(loop.time() + 60)
        directory.rmdir()
        (tmp_path / "away").rename(directory)
        await follower.until(lambda: not follower.source.trouble)

    assert service is not None
    assert stale >= 60


async def test_a_field_that_nobody_knows_is_a_fault_and_the_rest_goes_on(tmp_path: Path) -> None:
    pool = "apiVersion: porter.network/v1beta1\nkind: VIPPool\nmetadata: {name: %s}\nspec: {%s}\n"
    good = pool % ("good", "addresses: [192.0.2.0/25]")
    bad = pool % ("bad", "addresses: [192.0.2.128/25], adresses: []")
    (tmp_path / "pools.yaml").write_text(_documents(bad, good))

    async with _following(tmp_path) as follower:
        pools = {key: pool.spec is not None for key, pool in follower.stores.vip_pools.items()}
        faults = {key: [f.path for f in found] for key, found in follower.stores.faults.items()}

    assert pools == {"good": True, "bad": False}
    assert faults == {(Kind.VIP_POOL, "bad"): ["spec.adresses"]}


@pytest.mark.parametrize("kind", list(Kind))
async def test_every_kind_exists(tmp_path: Path, kind: Kind) -> None:
    assert await ManifestSource(ManifestDirectory(tmp_path)).kind_exists(kind)
