"""`Truth.awaited`: an address is given away when nobody announces it, and that is proven."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

from porter_ctl.api import BGPNode, Kind, ObjectRef
from porter_ctl.reconcile.testimony import SILENT_SECONDS
from tests.porter_ctl.plan import world
from tests.porter_ctl.reconcile.bench import NODES, leading, offer

if TYPE_CHECKING:
    import pytest

    from tests.porter_ctl.reconcile.bench import Bench

DAY = 24 * 3600.0


async def release(bench: Bench) -> str:
    address = await offer(bench)
    bench.port.remove(ObjectRef(Kind.SERVICE, "default", "web"))
    await bench.settle()
    return address


async def test_a_released_address_waits_for_every_node_that_announced_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with leading(monkeypatch) as bench:
        address = ip_address(await release(bench))
        awaited = [bench.truth.awaited(address)]
        for name in NODES:
            await bench.report(name)
            awaited.append(bench.truth.awaited(address))

        assert awaited == ["n1", "n2", "n3", None]


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
        assert bench.truth.awaited(ip_address(again)) == "n1"
