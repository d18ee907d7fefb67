"""`porter_ctl.plan.ledger`: what rests, for whom and how long; what is occupied."""

from __future__ import annotations

import msgspec

from porter_ctl.plan import LAST_HOLDER, SERVICE_CLASSES, Ledger, compile_pools, plan_service
from porter_ctl.plan.addresses import addresses_in
from tests.porter_ctl.plan.world import AT, Cluster, pool, service, vip

TEN = addresses_in(("192.0.2.10",))[0]
RELEASED = vip("192.0.2.10", releasedAt=AT, annotations={LAST_HOLDER: "default/web"})
ONE = pool("lab", "192.0.2.10", holdSeconds=60)


def ledger(hold: int = 60, now: float = 100.0) -> Ledger:
    found = Ledger()
    found.pass_time(now)
    found.set_pools(compile_pools((pool("lab", "192.0.2.10-192.0.2.19", holdSeconds=hold),), {}))
    found.set_vip("192.0.2.10", RELEASED)
    return found


def test_a_hold_counts_from_when_it_was_first_seen() -> None:
    found = ledger()

    assert found.rests_for(TEN) == "default/web"
    assert found.next_deadline() == 160.0
    assert not found.pass_time(159.9)
    assert found.rests_for(TEN) == "default/web"
    assert found.pass_time(160.0)
    assert found.rests_for(TEN) is None
    assert found.next_deadline() is None


def test_seeing_it_again_does_not_begin_a_new_hold() -> None:
    found = ledger()
    found.pass_time(150.0)

    found.set_vip("192.0.2.10", RELEASED)

    assert found.pass_time(160.0)


def test_an_edit_of_the_pool_counts_for_what_rests_already() -> None:
    found = ledger()

    found.set_pools(compile_pools((pool("lab", "192.0.2.10", holdSeconds=600),), {}))

    assert found.next_deadline() == 700.0


def test_without_its_pool_an_address_rests_ten_minutes() -> None:
    found = ledger()

    found.set_pools({})

    assert found.next_deadline() == 700.0


def test_a_rested_address_is_free_for_everyone() -> None:
    cluster = Cluster(ONE, RELEASED, service("other"))
    found = cluster.ledger(now=0.0)
    found.pass_time(60.0)

    cluster.allocate("default/other", ledger=found)

    assert cluster.addresses("other") == ("192.0.2.10",)


def test_who_held_it_last_is_told_when_the_vip_changes() -> None:
    found = Ledger()

    assert found.set_vip("192.0.2.10", RELEASED) == {"default/web"}
    assert found.set_vip("192.0.2.10", vip("192.0.2.10", "default/api")) == {
        "default/web",
        "default/api",
    }
    assert found.set_vip("192.0.2.10", None) == {"default/api"}


def test_a_faulty_vip_still_takes_its_name() -> None:
    broken = msgspec.structs.replace(vip("192.0.2.10"), spec=None)
    cluster = Cluster(ONE, broken, service("web"))

    plan = cluster.allocate("default/web")["default/web"]

    assert plan.waits
    assert cluster.addresses("web") == ()


def test_a_faulty_vip_whose_name_is_no_address_is_nothing() -> None:
    metadata = msgspec.structs.replace(vip("192.0.2.10").metadata, name="nonsense")
    broken = msgspec.structs.replace(vip("192.0.2.10"), metadata=metadata, spec=None)
    found = Ledger()

    assert found.set_vip("nonsense", broken) == frozenset()
    assert found.dormant


def test_a_vip_that_becomes_faulty_stays_with_its_holder() -> None:
    found = Ledger()
    good = vip("192.0.2.10", "default/web")
    found.set_vip("192.0.2.10", good)

    found.set_vip("192.0.2.10", msgspec.structs.replace(good, spec=None))

    assert found.holders(TEN) == {"default/web"}


def test_a_vip_that_was_free_and_goes_leaves_nothing() -> None:
    found = ledger()

    found.set_vip("192.0.2.10", None)

    assert found.entry(TEN) is None
    assert int(TEN) not in found.occupied[4]


def test_a_full_pool_gives_first_what_rests_for_nobody_present() -> None:
    for present in ("default/web", "default/api"):
        absent = {"default/web": "192.0.2.11", "default/api": "192.0.2.10"}[present]
        api = vip("192.0.2.11", releasedAt=AT, annotations={LAST_HOLDER: "default/api"})
        cluster = Cluster(pool("lab", "192.0.2.10-192.0.2.11"), RELEASED, api)
        cluster.put(service(present.removeprefix("default/")))
        cluster.put(service("new"))

        cluster.allocate("default/new")

        assert cluster.addresses("new") == (absent,)


def test_a_released_service_that_never_was_needs_nothing() -> None:
    plan = plan_service("default/never", None, Ledger(), AT, SERVICE_CLASSES)

    assert plan.steps == ()
