"""`Truth.awaited`: an address is given away when nobody announces it, and that is proven."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

import msgspec

from porter_bgp.wire import Prefix
from porter_ctl.api import VIP, BGPNode, Kind, ObjectRef
from porter_ctl.plan.expectation import HISTORY_SECONDS
from porter_ctl.plan.truth import WELL_SECONDS, Witness
from porter_ctl.reconcile.testimony import SILENT_SECONDS
from tests.porter_ctl.plan import world
from tests.porter_ctl.reconcile.bench import NODES, leading, offer
from tests.support.eventually import eventually

if TYPE_CHECKING:
    import pytest

    from porter_ctl.plan.expectation import Planned
    from tests.porter_ctl.reconcile.bench import Bench

DAY = 24 * 3600.0
OTHER_RACK = {"matchLabels": {"rack": "other"}}


async def release(bench: Bench) -> str:
    address = await offer(bench)
    bench.port.remove(ObjectRef(Kind.SERVICE, "default", "web"))
    await bench.settle()
    return address


async def silently(bench: Bench) -> str:
    """An address that was given and released while no node came to report."""
    bench.put_service()
    await eventually(lambda: bench.address() != "")
    address = bench.address()
    await bench.settle()
    bench.port.remove(ObjectRef(Kind.SERVICE, "default", "web"))
    await bench.settle()
    return address


async def test_a_released_address_waits_for_every_node_that_announced_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with leading(monkeypatch) as bench:
        address = ip_address(await release(bench))
        awaited: list[str] = []
        while (name := bench.truth.awaited(address)) is not None and len(awaited) < len(NODES):
            awaited.append(name)
            await bench.report(name)

        assert sorted(awaited) == list(NODES)
        assert name is None


async def test_a_node_that_died_before_it_proved_its_absence_is_awaited_for_a_day(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with leading(monkeypatch) as bench:
        address = ip_address(await release(bench))
        await bench.report("n1", "n3")
        bench.stores.remove(Kind.POD, "porter-system/porter-n2")
        await bench.jump(DAY - 600)
        dead = bench.truth.awaited(address)
        await bench.jump(SILENT_SECONDS - DAY + 601)

        assert dead == "n2"
        assert bench.truth.awaited(address) is None


async def test_a_node_that_is_gone_is_not_awaited(monkeypatch: pytest.MonkeyPatch) -> None:
    async with leading(monkeypatch) as bench:
        address = ip_address(await release(bench))
        await bench.report("n1", "n3")
        before = bench.truth.awaited(address)
        bench.port.remove(ObjectRef(Kind.NODE, "", "n2"))
        await bench.settle()

        assert before == "n2"
        assert bench.truth.awaited(address) is None


async def test_a_node_where_porter_never_ran_is_not_awaited(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with leading(monkeypatch) as bench:
        address = ip_address(await release(bench))
        bench.port.put(world.node("bare", "198.51.100.99"))
        bench.port.put(world.make(BGPNode, "bare"))
        await bench.report()

        assert bench.truth.awaited(address) is None


async def test_the_last_report_of_a_dead_process_proves_no_absence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with leading(monkeypatch) as bench:
        address = ip_address(await release(bench))
        bench.put_pod("n2", ready=False)
        await bench.settle()
        await bench.jump(60)
        await bench.report()

        assert bench.truth.awaited(address) == "n2"


async def test_whoever_does_not_lead_knows_of_no_absence(monkeypatch: pytest.MonkeyPatch) -> None:
    async with leading(monkeypatch) as bench:
        address = ip_address(await release(bench))
        await bench.report()
        bench.truth.leading_changed()

        assert bench.truth.awaited(address) is not None


async def test_absence_from_before_an_address_was_given_again_proves_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with leading(monkeypatch) as bench:
        first = await release(bench)
        await bench.report()
        before = bench.truth.awaited(ip_address(first))
        again = await release(bench)

        assert (first, before) == (again, None)
        assert bench.truth.awaited(ip_address(again)) in NODES


async def test_a_report_from_before_the_grant_proves_no_absence_after_the_release(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with leading(monkeypatch) as bench:
        address = ip_address(await silently(bench))
        at_once = bench.truth.awaited(address)
        await bench.jump(WELL_SECONDS - 1)
        before = bench.truth.awaited(address)
        await bench.jump(2)

        assert at_once in NODES
        assert before in NODES
        assert bench.truth.awaited(address) is None


async def test_the_silence_of_a_process_that_is_not_well_proves_no_absence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with leading(monkeypatch) as bench:
        address = ip_address(await silently(bench))
        await bench.report("n1", "n3")
        bench.put_pod("n2", ready=False)
        await bench.jump(50)
        bench.put_pod("n2")
        await bench.settle()
        await bench.jump(WELL_SECONDS - 1)
        before = bench.truth.awaited(address)
        await bench.jump(2)

        assert before == "n2"
        assert bench.truth.awaited(address) is None


async def test_the_release_of_what_no_node_should_have_announced_asks_for_no_report(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with leading(monkeypatch) as bench:
        bench.port.remove(ObjectRef(Kind.BGP_ADVERTISEMENT, "", "all"))
        bench.put_service()
        await eventually(lambda: bench.address() != "")
        address = ip_address(bench.address())
        await bench.settle()
        await bench.jump(WELL_SECONDS + 1)
        bench.port.remove(ObjectRef(Kind.SERVICE, "default", "web"))
        await bench.settle()

        assert bench.truth.awaited(address) is None


async def test_what_became_of_a_vip_must_be_seen_before_anybody_can_have_shown_anything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with leading(monkeypatch) as bench:
        bench.port.deaf = True
        bench.put_service()
        bench.stores.put(Kind.SERVICE, bench.service())
        await bench.settle()
        bench.port.remove(ObjectRef(Kind.SERVICE, "default", "web"))
        await bench.settle()
        vip = bench.port.all(Kind.VIP)[0]
        assert isinstance(vip, VIP)
        assert vip.spec is not None
        address = ip_address(vip.spec.address)
        unseen = bench.truth.awaited(address)
        entry = bench.allocator.ledger.entry(address)
        bench.port.deaf = False
        bench.stores.put(Kind.VIP, vip)
        await bench.settle()

        assert entry is not None
        assert entry.resting
        assert unseen is not None
        assert unseen.startswith("every node")
        assert bench.truth.awaited(address) in NODES


async def test_what_was_shown_counts_no_more_once_the_vip_was_released_another_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with leading(monkeypatch) as bench:
        address = ip_address(await release(bench))
        await bench.report()
        before = bench.truth.awaited(address)
        await bench.jump(5)
        vip = bench.port.get(ObjectRef(Kind.VIP, "", str(address)))
        assert isinstance(vip, VIP)
        assert vip.spec is not None
        again = msgspec.structs.replace(vip.spec, released_at="2037-01-01T00:00:00Z")
        bench.port.put(msgspec.structs.replace(vip, spec=again))  # the grant before it was missed
        await bench.settle()

        assert before is None
        assert bench.truth.awaited(address) in NODES


async def test_who_asks_again_looks_at_the_node_that_was_missing_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with leading(monkeypatch) as bench:
        address = ip_address(await release(bench))
        for _ in NODES[1:]:
            await bench.report(bench.truth.awaited(address) or "")
        last = bench.truth.awaited(address)
        looked: list[str] = []
        planned = Witness.planned

        def noted(witness: Witness, prefix: Prefix) -> Planned | None:
            looked.append(witness.name)
            return planned(witness, prefix)

        monkeypatch.setattr(Witness, "planned", noted)

        assert bench.truth.awaited(address) == last
        assert set(looked) == {last}


async def test_a_node_that_joins_is_awaited_for_what_it_may_have_heard_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with leading(monkeypatch) as bench:
        address = ip_address(await release(bench))
        bench.port.remove(ObjectRef(Kind.VIP, "", str(address)))  # by hand: it rests no longer
        await bench.settle()
        bench.port.put(world.node("n4", "198.51.100.14", labels={"rack": "other"}))
        bench.put_pod("n4")
        bench.port.put(world.peer("tor3", "198.51.100.3", nodeSelectors=[OTHER_RACK]))
        bench.port.put(world.make(BGPNode, "n4"))
        await bench.settle()
        await bench.report()
        newcomer = bench.truth.awaited(address)
        await bench.jump(0)
        await bench.report("n4")

        assert newcomer == "n4"
        assert bench.truth.awaited(address) is None


async def test_what_nobody_has_or_awaits_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    async with leading(monkeypatch) as bench:
        address = ip_address(await release(bench))
        await bench.report()
        expected = bench.truth._expected
        assert expected is not None
        await bench.jump(HISTORY_SECONDS + 11)
        rests = set(expected.prefixes())
        await bench.jump(600)
        await bench.jump(HISTORY_SECONDS + 11)
        await bench.jump(11)

        assert rests == {Prefix.of(address)}
        assert bench.port.all(Kind.VIP) == []
        assert set(expected.prefixes()) == set()
        assert not any(w.planned(Prefix.of(address)) for w in expected.witnesses.values())
        assert bench.truth.awaited(address) is None
