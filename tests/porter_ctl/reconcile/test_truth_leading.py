"""`porter_ctl.reconcile.truth`: how soon things are said, in which order, and by a new leader."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec
import pytest

from porter_bgp.speaker.speaker import Speaker
from porter_ctl.api import BGPPeer, Kind, ObjectRef
from porter_ctl.gate import DataplaneGate
from porter_ctl.plan.announced import OBJECT_SECONDS, PARTIAL_SECONDS, UNPROVEN_SECONDS
from porter_ctl.reconcile.leader_statuses import LeaderStatuses
from porter_ctl.reconcile.node import NodeReconciler
from porter_ctl.reconcile.write_status import QUIET_SECONDS
from tests.porter_ctl.plan import world
from tests.porter_ctl.reconcile.bench import NAMESPACE, NODES, WELL, leading, offer
from tests.support.announcers import announcer_of
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from porter_ctl.api import Resource
    from porter_ctl.store.port import KubeEvent


async def test_at_rest_nothing_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    async with leading(monkeypatch) as bench:
        for number in range(5):
            await offer(bench, f"s{number}")
        await bench.jump(PARTIAL_SECONDS)
        written = len(bench.port.writes)
        for _ in range(60):
            await bench.jump(10)

        assert len(bench.port.writes) == written


async def test_losses_are_written_at_once_and_gains_within_the_budget(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with leading(monkeypatch) as bench:
        names = [f"s{number}" for number in range(12)]
        for name in names:
            await offer(bench, name)
        bench.down = {name: {"tor1", "tor2"} for name in NODES}
        await bench.report()
        lost = [bench.says(name) for name in names]
        bench.down = {}
        await bench.report()
        await bench.jump(OBJECT_SECONDS - 1)
        early = sum(bench.says(name) == WELL for name in names)
        await bench.jump(1)
        gained = []
        for _ in range(30):
            await bench.jump(0.2)
            gained.append(sum(bench.says(name) == WELL for name in names))

        assert lost == ["False SessionDown"] * 12
        assert early == 0
        assert all(after - before <= 1 for before, after in pairwise(gained))
        assert gained[-1] == 12


async def test_a_new_leader_says_nothing_before_it_has_planned_everything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with leading(monkeypatch) as bench:
        await offer(bench)
        written = bench.writes()
        bench.port.lead.leading = False
        bench.truth.leading_changed()
        bench.allocator.leading_changed()
        bench.lost = {name: {bench.address()} for name in NODES}
        await bench.report()
        await bench.jump(24 * 3600)
        idle = bench.says()
        bench.lost = {}
        await bench.report()
        bench.port.lead.leading = True
        bench.truth.leading_changed()
        bench.allocator.leading_changed()
        await bench.jump(UNPROVEN_SECONDS)

        assert idle == WELL
        assert bench.says() == WELL
        assert bench.writes() == written


@pytest.mark.parametrize("restart", [59, 61])
async def test_a_new_leader_does_not_believe_the_dead_and_unsays_nothing_in_haste(
    monkeypatch: pytest.MonkeyPatch, restart: float
) -> None:
    async with leading(monkeypatch) as bench:
        await offer(bench)
        bench.port.lead.leading = False
        bench.truth.leading_changed()
        bench.allocator.leading_changed()
        for name in NODES:
            bench.stores.remove(Kind.POD, f"porter-system/porter-{name}")
        bench.port.lead.leading = True
        bench.truth.leading_changed()
        bench.allocator.leading_changed()
        bench.loop.wake()
        await bench.settle()
        bench.put_service("late")
        await eventually(lambda: bench.address("late") != "")
        await bench.report()
        await bench.jump(restart)

        assert bench.says("late") == ("" if restart < 60 else "Unknown NoReport")
        assert bench.says("web") == (WELL if restart < 60 else "Unknown NoReport")


async def test_who_is_believed_is_told_when_it_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    async with leading(monkeypatch) as bench:
        told: list[tuple[bool, ...]] = []
        bench.truth.on_belief = lambda: told.append(tuple(map(bench.truth.believes, NODES)))
        bench.put_pod("n2", ready=False)
        await bench.settle()
        await bench.jump(60)
        bench.put_pod("n2")
        await bench.settle()
        bench.allocator.leading_changed()
        busy = bench.truth.next_deadline()
        bench.truth.leading_changed()
        bench.port.lead.leading = False

        assert busy is None
        assert told == [(True, False, True), (True, True, True)]
        assert bench.truth.believes("n2")
        assert bench.truth.next_deadline() is None


async def test_losses_do_not_wait_for_first_words_nor_for_events(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with leading(monkeypatch) as bench:
        await offer(bench)
        held = asyncio.Event()
        order: list[str] = []
        emit, apply = bench.port.emit, bench.port.apply_status

        async def slow_emit(event: KubeEvent) -> None:
            await held.wait()
            await emit(event)

        async def noted(obj: Resource, *, uid: str, resource_version: str) -> None:
            order.append(obj.metadata.name)
            await asyncio.sleep(0)
            await apply(obj, uid=uid, resource_version=resource_version)

        names = [f"s{number}" for number in range(20)]
        for name in names:
            bench.put_service(name)
        await eventually(lambda: all(bench.address(name) for name in names))
        await bench.settle()
        before = len(bench.port.events)
        monkeypatch.setattr(bench.port, "emit", slow_emit)
        monkeypatch.setattr(bench.port, "apply_status", noted)
        bench.put_endpoints("web")
        for name in NODES:
            bench.port.put(bench.reporting(name))
        bench.loop.wake()
        await eventually(lambda: all(bench.says(name) == WELL for name in names))

        assert order[0] == "web"
        assert bench.says("web") == "False NoEndpoint"
        assert len(bench.port.events) == before
        held.set()
        await eventually(lambda: len(bench.port.events) == before + 21)


async def test_a_service_of_the_same_name_is_a_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    async with leading(monkeypatch) as bench:
        await offer(bench)
        bench.port.remove(ObjectRef(Kind.SERVICE, "default", "web"))
        again = world.service("web")
        metadata = msgspec.structs.replace(again.metadata, uid="another")
        bench.port.put(msgspec.structs.replace(again, metadata=metadata))  # before anybody looked
        await eventually(lambda: bench.address() != "")
        await bench.settle()
        await bench.report()
        await eventually(lambda: bench.says() == WELL)


async def test_peers_are_told_of_by_those_who_are_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with leading(monkeypatch) as bench:
        node = NodeReconciler(
            bench.stores,
            announcer_of(Speaker()),
            DataplaneGate(new_boot=False),
            node="n1",
            namespace=NAMESPACE,
        )
        statuses = LeaderStatuses(
            bench.stores, bench.port, bench.port.lead, allocator=bench.allocator, node=node
        )
        statuses.believed, bench.truth.on_belief = bench.truth.believes, statuses.belief_changed
        task = asyncio.create_task(statuses.run())

        def tor() -> str:
            found = bench.port.get(ObjectRef(Kind.BGP_PEER, "", "tor1"))
            assert isinstance(found, BGPPeer)
            return f"{found.status.sessions} {found.status.reason}"

        statuses.leading_changed()
        statuses.work(0.0)
        await eventually(lambda: tor() == "3/3 ")
        bench.put_pod("n2", ready=False)
        await bench.settle()
        await bench.jump(60)
        statuses.work(0.0)
        await bench.jump(QUIET_SECONDS)
        await eventually(lambda: tor() == "2/3 NoReport")
        task.cancel()
        await asyncio.wait([task])
