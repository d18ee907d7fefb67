"""`porter_ctl.reconcile.expected`: whatever the events were, it comes to what the fold comes to."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from porter_ctl.api import BGPAdvertisement, BGPNode, BGPNodeStatus, Kind, ObjectRef
from porter_ctl.plan import compile_context, plan_node
from porter_ctl.plan.digest import ALGORITHM, BUCKETS, Digest, bucket, texts, total
from porter_ctl.plan.truth import judge
from porter_ctl.reconcile import expected
from porter_ctl.reconcile.expected import Expected
from porter_ctl.store.stores import Stores
from tests.porter_ctl.plan import world
from tests.porter_ctl.reconcile.bench import PEERS, session
from tests.support.memory_port import MemoryPort

if TYPE_CHECKING:
    from collections.abc import Callable

    from porter_ctl.plan import ConfigSnapshot, Context, NodeFacts

NAMES = tuple(f"n{number}" for number in range(5))
SERVICES = tuple(f"s{number}" for number in range(12))
WORDS = ("ready", "serving", "other")
EXCLUDED = "node.kubernetes.io/exclude-from-external-load-balancers"


class Scene:
    """A cluster that changes at random, and the leader's picture of it."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.stores = Stores()
        self.port = MemoryPort(self.stores)
        self.port.put(world.config())
        for name, address in PEERS.items():
            self.port.put(world.peer(name, address))
        self.port.put(world.advertisement("all"))
        for name in NAMES:
            self.node(name)
        for service in SERVICES:
            self.service(service)
        self.stores.take_dirty()
        self.expected = Expected(self.stores, namespace="porter-system", needed=lambda _: False)
        self.work()

    def work(self) -> None:
        for kind, key in self.stores.take_dirty():
            self.expected.touch(kind, key)
        slice_ = self.chance.choice((0.0, asyncio.get_running_loop().time() + 1))
        while self.expected.work(slice_):
            pass

    # What happens

    def node(self, name: str) -> None:
        labels = {"rack": self.chance.choice("ab")}
        if self.chance.random() < 0.2:
            labels[EXCLUDED] = ""
        number = 11 + NAMES.index(name)
        self.port.put(world.node(name, f"198.51.100.{number}", labels=labels))

    def service(self, name: str) -> None:
        address = f"192.0.2.{10 + SERVICES.index(name)}"
        policy = self.chance.choice(("Cluster", "Local"))
        labels = {"tier": self.chance.choice("xy")}
        self.port.put(world.service(name, address, externalTrafficPolicy=policy, labels=labels))
        self.port.put(world.vip(address, f"default/{name}"))
        self.endpoints(name)

    def endpoints(self, name: str) -> None:
        chosen = self.chance.sample(NAMES, self.chance.randrange(4))
        nodes = {node: self.chance.choice(WORDS) for node in chosen}
        self.stores.put(Kind.ENDPOINT_SLICE, world.endpoints(name, **nodes))

    def advertisement(self, name: str) -> None:
        rack = {"matchLabels": {"rack": self.chance.choice("ab")}}
        spec: dict[str, object] = {"nodeSelectors": [rack]} if self.chance.random() < 0.5 else {}
        if self.chance.random() < 0.5:
            spec["serviceSelectors"] = [{"matchLabels": {"tier": "x"}}]
        spec["communities"] = {"standard": [f"64512:{self.chance.randrange(9)}"]}
        self.port.put(world.make(BGPAdvertisement, name, spec))

    def anything(self) -> None:
        events: list[tuple[Callable[[str], None], tuple[str, ...]]] = [
            (self.endpoints, SERVICES),
            (self.endpoints, SERVICES),
            (self.service, SERVICES),
            (self.node, NAMES),
            (self.advertisement, ("all", "more")),
            (self.remove, SERVICES),
        ]
        event, names = self.chance.choice(events)
        event(self.chance.choice(names))

    def remove(self, name: str) -> None:
        ref = ObjectRef(Kind.SERVICE, "default", name)
        if self.port.get(ref) is not None:
            self.port.remove(ref)

    # What every node would say

    def report(self, name: str) -> None:
        digest = Digest()
        for prefix, plan in plan_node(
            self.stores, name, namespace="porter-system"
        ).prefixes.items():
            for peer, paths in plan.paths.items():
                digest.add(bucket(prefix), total(prefix, peer, paths))
        status = BGPNodeStatus(
            pod_uid=f"pod-{name}",
            sessions=tuple(session(peer) for peer in sorted(PEERS)),
            digests=texts([digest]),
            digest_version=ALGORITHM,
        )
        self.port.put(BGPNode(metadata=world.make(BGPNode, name).metadata, status=status))


@pytest.mark.parametrize("seed", range(8))
async def test_after_any_events_every_node_proves_every_bucket(seed: int) -> None:
    scene = Scene(random.Random(seed))  # noqa: S311 - dice, no secret
    for _ in range(40):
        for _ in range(scene.chance.randrange(1, 4)):
            scene.anything()
        scene.work()
        for name in NAMES:
            scene.report(name)
        scene.work()
        now = asyncio.get_running_loop().time()
        for name in NAMES:
            witness = scene.expected.witnesses[name]
            witness.evident = True
            for place in range(BUCKETS):
                proof = witness.proof(place, now)
                assert proof is not None
                assert min(proof) == float("inf")
        for prefix in scene.expected.prefixes():
            standing = judge(prefix, scene.expected.witnesses.values(), now)
            assert standing.proven == standing.expected


async def test_a_node_whose_heart_beats_is_not_compiled_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = Scene(random.Random(1))  # noqa: S311 - dice, no secret
    scene.work()
    compiled: list[str] = []

    def noted(snapshot: ConfigSnapshot, node: NodeFacts) -> Context:
        compiled.append(node.name)
        return compile_context(snapshot, node)

    monkeypatch.setattr(expected, "compile_context", noted)
    scene.expected.touch(Kind.NODE, NAMES[0])
    scene.work()
    beaten = list(compiled)
    scene.port.put(world.node(NAMES[0], "198.51.100.77"))
    scene.work()
    node = scene.stores.nodes.get(NAMES[0])
    assert node is not None
    metadata = replace(node.metadata, annotations={"porter.network/drain": "true"})
    scene.port.put(replace(node, metadata=metadata))
    scene.work()

    assert beaten == []
    assert compiled == [NAMES[0], NAMES[0]]
