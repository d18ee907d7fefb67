"""`porter_ctl.reconcile.outlook`: what is not to be seen for a moment is not gone."""

from __future__ import annotations

import asyncio

from porter_ctl.api import BGPPeer, Kind, Node, ObjectRef, Secret
from porter_ctl.plan import NEEDED_KINDS
from porter_ctl.reconcile.outlook import PATIENCE, Outlook
from porter_ctl.store.stores import Stores
from tests.porter_ctl.reconcile.node_world import World, make, running
from tests.support.eventually import eventually

NODE = ObjectRef(Kind.NODE, "", "n1")
AUTH = {"asn": 65000, "address": "198.51.100.2", "auth": {"secretRef": {"name": "md5"}}}


def _labels(world: World) -> dict[str, str]:
    return {} if world.node.context is None else world.node.context.node.labels


def _peers(world: World) -> set[str]:
    return set() if world.node.context is None else set(world.node.context.peers)


async def test_a_node_object_that_goes_takes_neither_addresses_nor_identifier_along() -> None:
    async with running(World()) as world:
        await eventually(lambda: world.node.context is not None)
        assert world.node.context is not None
        before = world.node.context.peers["tor"]

        world.port.remove(NODE)
        world.port.put(make(BGPPeer, "spine", spec={"asn": 65000, "address": "198.51.100.2"}))
        await eventually(lambda: _peers(world) == {"tor", "spine"})

        assert world.node.context.peers["tor"] == before


async def test_a_node_that_has_lost_its_addresses_keeps_them() -> None:
    async with running(World()) as world:
        await eventually(lambda: world.node.context is not None)
        assert world.node.context is not None
        before = world.node.context.node.addresses

        labels = {"name": "n1", "uid": "another", "labels": {"new": "one"}}
        world.port.put(make(Node, "n1", metadata=labels))
        await eventually(lambda: _labels(world) == {"new": "one"})

        assert world.node.context.node.addresses == before


async def test_secrets_that_are_still_to_come_are_waited_for() -> None:
    world = World()
    world.port.put(make(BGPPeer, "tor", spec=AUTH))
    async with running(world, synced=False):
        for kind in NEEDED_KINDS:
            world.stores.mark_synced(kind)
        for _ in range(50):
            await asyncio.sleep(0)
        before = world.node.context

        metadata = {"name": "md5", "namespace": "porter-system", "uid": "1"}
        world.port.put(make(Secret, "md5", metadata=metadata, data={"password": "c2VjcmV0"}))
        world.stores.mark_synced(Kind.SECRET)
        await eventually(lambda: world.node.context is not None)

        assert before is None
        assert world.node.context is not None
        assert "tor" in world.node.context.peers


async def test_what_never_comes_is_not_waited_for_for_ever() -> None:
    outlook = Outlook(Stores(), node="n1", namespace="porter-system")

    assert outlook.awaited_until(100.0) == 100.0 + PATIENCE
    assert outlook.awaited_until(100.0 + PATIENCE) is None
