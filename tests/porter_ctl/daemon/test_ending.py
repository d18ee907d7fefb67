"""`porter_ctl.daemon.ending`: a restart needs evidence; whatever is in doubt is a leave."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import pytest

from porter_ctl.api import BGPConfig, Kind, Node, Pod
from porter_ctl.daemon.ending import ASK_SECONDS, decide
from porter_ctl.daemon.settings import PodIdentity
from porter_ctl.plan import ConfigSnapshot, NodeFacts, compile_context
from porter_ctl.store.port import Forbidden, Unavailable
from porter_ctl.store.stores import Stores
from tests.porter_ctl.daemon.inside import settings
from tests.support.memory_port import MemoryPort

if TYPE_CHECKING:
    from pathlib import Path

    from porter_ctl.api import ObjectRef, Resource
    from porter_ctl.daemon.settings import Settings
    from porter_ctl.store.port import PortFailure

DELETED = "2026-11-25T00:00:00Z"


def _told(folder: Path) -> Settings:
    pod = PodIdentity(name="porter-x", namespace="porter-system", uid="u1")
    return replace(settings(folder, None), pod=pod)


def _pod(*, uid: str = "u1", deleted: str | None = DELETED) -> Pod:
    metadata = {"name": "porter-x", "namespace": "porter-system", "uid": uid}
    if deleted is not None:
        metadata["deletionTimestamp"] = deleted
    return msgspec.convert({"metadata": metadata}, Pod)


def _node(**parts: object) -> Node:
    return msgspec.convert({"metadata": {"name": "a"}, **parts}, Node)


def _cluster(*objects: Resource) -> MemoryPort:
    port = MemoryPort(Stores())
    for one in objects:
        port.put(one)
    return port


SHUTDOWN = {
    "taints": [{"key": "node.cloudprovider.kubernetes.io/shutdown", "effect": "NoSchedule"}]
}
DOUBTS: dict[str, tuple[tuple[Resource, ...], str]] = {
    "a Pod that nobody deletes is not replaced": (
        (_pod(deleted=None), _node()),
        "nobody deletes Pod/porter-system/porter-x, so none takes its place",
    ),
    "another Pod of that name": ((_pod(uid="u2"), _node()), "Pod/porter-system/porter-x is gone"),
    "no Pod": ((_node(),), "Pod/porter-system/porter-x is gone"),
    "no Node": ((_pod(),), "Node/a is gone"),
    "a Node that shuts down": (
        (_pod(), _node(spec=SHUTDOWN)),
        "Node/a carries the taint node.cloudprovider.kubernetes.io/shutdown",
    ),
}


async def test_a_deleted_pod_on_a_node_that_stays_is_a_restart(tmp_path: Path) -> None:
    ending = await decide(_told(tmp_path), _cluster(_pod(), _node()), None)

    assert ending.restart


@pytest.mark.parametrize("doubt", DOUBTS)
async def test_in_doubt_we_leave(doubt: str, tmp_path: Path) -> None:
    objects, why = DOUBTS[doubt]

    ending = await decide(_told(tmp_path), _cluster(*objects), None)
    assert not ending.restart
    assert ending.why == why


@pytest.mark.parametrize(
    "failure", [Forbidden("get pods is forbidden"), Unavailable("no answer")], ids=repr
)
async def test_a_read_that_fails_is_no_evidence(failure: PortFailure, tmp_path: Path) -> None:
    port = _cluster(_pod(), _node())
    port.fail = lambda _verb, ref: failure if ref.kind is Kind.POD else None

    ending = await decide(_told(tmp_path), port, None)
    assert not ending.restart
    assert ending.why == str(failure)


class _Silent(MemoryPort):
    async def get_live(self, ref: ObjectRef) -> Resource | None:
        await asyncio.Event().wait()
        return await super().get_live(ref)


async def test_a_silent_api_server_is_asked_for_a_second(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()

    ending = await decide(_told(tmp_path), _Silent(Stores()), None)
    assert not ending.restart
    assert loop.time() - began < ASK_SECONDS + 1


async def test_a_cluster_that_was_never_reached_is_no_evidence(tmp_path: Path) -> None:
    assert not (await decide(_told(tmp_path), None, None)).restart


async def test_without_a_pod_there_is_no_evidence(tmp_path: Path) -> None:
    told = replace(_told(tmp_path), pod=PodIdentity())

    assert not (await decide(told, _cluster(_pod(), _node()), None)).restart


async def test_a_drained_node_leaves(tmp_path: Path) -> None:
    document = {"metadata": {"name": "default"}, "spec": {"asn": 64512, "adminState": "Drained"}}
    configs = (msgspec.convert(document, BGPConfig),)
    context = compile_context(ConfigSnapshot(configs=configs), NodeFacts(name="a"))

    ending = await decide(_told(tmp_path), _cluster(_pod(), _node()), context)
    assert not ending.restart


async def test_a_bgpconfig_that_is_gone_is_no_order_to_leave(tmp_path: Path) -> None:
    context = compile_context(ConfigSnapshot(), NodeFacts(name="a"))

    ending = await decide(_told(tmp_path), _cluster(_pod(), _node()), context)
    assert ending.restart


async def test_of_a_directory_it_is_a_restart_unless_the_machine_stops(tmp_path: Path) -> None:
    ending = await decide(settings(tmp_path, tmp_path), None, None)

    assert ending.restart
