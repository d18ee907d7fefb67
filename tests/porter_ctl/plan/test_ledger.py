"""`porter_ctl.plan.ledger`: what rests, for whom and how long; what is occupied."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from porter_ctl.plan import (
    LAST_HOLDER,
    MADE_HERE,
    SERVICE_CLASSES,
    DeleteVIP,
    Ledger,
    Reason,
    ReleaseVIP,
    ReplaceVIP,
    compile_pools,
    plan_service,
    plan_vip,
)
from porter_ctl.plan.addresses import addresses_in
from tests.porter_ctl.plan.world import AT, Cluster, pool, service, vip

if TYPE_CHECKING:
    from porter_ctl.api import Resource
    from porter_ctl.plan import Address

TEN = addresses_in(("192.0.2.10",))[0]
RELEASED_AT = 1767225600.0  # AT, in seconds since 1970
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


def test_another_release_begins_a_new_hold() -> None:
    found = ledger()
    found.pass_time(150.0)
    later = vip(
        "192.0.2.10", releasedAt="2026-01-01T00:00:50Z", annotations={LAST_HOLDER: "default/web"}
    )

    found.set_vip("192.0.2.10", later)

    assert not found.pass_time(160.0)
    assert found.next_deadline() == 210.0


@pytest.mark.parametrize(
    ("wall", "ends"),
    [
        pytest.param(RELEASED_AT - 5, 165.0, id="released by a clock five seconds ahead of ours"),
        pytest.param(RELEASED_AT, 160.0, id="released this second"),
        pytest.param(RELEASED_AT + 1e6, 160.0, id="released long before it was first seen"),
    ],
)
def test_a_hold_is_never_shorter_than_released_at_says(wall: float, ends: float) -> None:
    found = Ledger()
    found.pass_time(100.0, wall=wall)
    found.set_pools(compile_pools((ONE,), {}))

    found.set_vip("192.0.2.10", RELEASED)

    assert found.next_deadline() == ends


@pytest.mark.parametrize("nonsense", ["yesterday", "0001-01-01T00:00:00", "", "9" * 60])
def test_a_release_at_no_time_rests_from_when_it_was_seen(nonsense: str) -> None:
    found = Ledger()
    found.pass_time(100.0, wall=RELEASED_AT)
    found.set_pools(compile_pools((ONE,), {}))

    found.set_vip("192.0.2.10", vip("192.0.2.10", releasedAt=nonsense))

    assert found.next_deadline() == 160.0


class Watching:
    """An `Absence` that awaits one node, until it is told."""

    def __init__(self) -> None:
        self.node: str | None = "n7"

    def awaited(self, address: Address) -> str | None:
        assert address == TEN
        return self.node


def test_after_its_hold_an_address_waits_for_the_node_that_may_announce_it() -> None:
    watching = Watching()
    found = ledger()
    found.absence = watching

    assert not found.pass_time(160.0)
    assert found.rests_for(TEN) == "default/web"
    assert found.next_deadline() == 161.0
    watching.node = None
    assert found.pass_time(160.5) == frozenset()  # looked at once a second
    assert found.pass_time(161.0) == {TEN}
    assert found.rests_for(TEN) is None
    assert found.next_deadline() is None


def test_no_clock_of_others_lets_an_address_rest_for_more_than_a_day() -> None:
    found = Ledger()
    found.pass_time(100.0, wall=RELEASED_AT)
    found.set_pools(compile_pools((ONE,), {}))

    found.set_vip("192.0.2.10", vip("192.0.2.10", releasedAt="2099-01-01T00:00:00Z"))

    assert found.next_deadline() == 100.0 + 24 * 3600 + 60


class Asked:
    """An `Absence` that awaits a node for some addresses, and remembers what it was asked."""

    def __init__(self, *awaited: str) -> None:
        self.awaits = {*addresses_in(awaited)}
        self.asked: list[str] = []

    def awaited(self, address: Address) -> str | None:
        self.asked.append(str(address))
        return "n7" if address in self.awaits else None


def resting(asked: Asked) -> Ledger:
    """192.0.2.10, .11 and .12, released one after the other."""
    found = Ledger(asked)
    pools = compile_pools((pool("lab", "192.0.2.10-192.0.2.12", holdSeconds=60),), {})
    found.set_pools(pools)
    for number in range(3):
        found.pass_time(100.0 + number)
        address = f"192.0.2.{10 + number}"
        found.set_vip(address, vip(address, releasedAt=AT))
    asked.asked.clear()
    return found


def test_who_is_awaited_is_asked_only_until_there_is_an_address_to_give() -> None:
    asked = Asked()
    found = resting(asked)

    assert found.longest_rested(4, found.pools["lab"]) == TEN
    assert asked.asked == ["192.0.2.10"]


def test_an_address_that_became_awaited_is_passed_over() -> None:
    asked = Asked()
    found = resting(asked)
    asked.awaits = {TEN}

    assert str(found.longest_rested(4, found.pools["lab"])) == "192.0.2.11"


def test_of_those_that_were_awaited_a_moment_ago_nobody_asks() -> None:
    asked = Asked("192.0.2.10", "192.0.2.11")
    found = resting(asked)

    assert str(found.longest_rested(4, found.pools["lab"])) == "192.0.2.12"
    assert asked.asked == ["192.0.2.12"]


def test_where_all_are_awaited_the_longest_rested_is_named() -> None:
    asked = Asked("192.0.2.10", "192.0.2.11", "192.0.2.12")
    found = resting(asked)

    assert found.longest_rested(4, found.pools["lab"]) == TEN
    assert asked.asked == []


def test_whoever_does_not_look_asks_nobody() -> None:
    asked = Asked("192.0.2.10", "192.0.2.11", "192.0.2.12")
    found = resting(asked)

    assert found.next_deadline(look=False) == 160.0
    found.pass_time(150.0, look=False)
    assert asked.asked == []


def test_many_that_are_awaited_are_looked_at_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("porter_ctl.plan.ledger._LOOKS_AT_ONCE", 1)
    asked = Asked("192.0.2.10", "192.0.2.11", "192.0.2.12")
    found = resting(asked)
    found.pass_time(110.0)
    looked = []

    for _ in range(4):
        asked.asked.clear()
        due = found.next_deadline()
        assert due is not None
        found.pass_time(due)
        looked.append(asked.asked[0])

    assert due == 111.0
    assert len({*looked[:3]}) == 3
    assert looked[3] == looked[0]


def test_a_full_pool_shortens_the_hold_but_waits_for_the_node() -> None:
    cluster = Cluster(ONE, RELEASED, service("new"))
    found = cluster.ledger()
    watching = found.absence = Watching()

    refused = cluster.allocate("default/new", ledger=found)["default/new"]
    watching.node = None
    given = cluster.allocate("default/new", ledger=found)["default/new"]

    assert refused.verdict is not None
    assert (refused.verdict.reason, refused.waits) == (Reason.ADDRESS_RESTING, True)
    assert "192.0.2.10 was held by default/web lately, and n7" in refused.verdict.message
    assert "delete its Node" in refused.verdict.remedy
    assert isinstance(given.steps[0], ReplaceVIP)
    assert cluster.addresses("new") == ("192.0.2.10",)


def test_who_had_the_address_gets_it_again_whoever_announces_it_still() -> None:
    cluster = Cluster(ONE, RELEASED, service("web"))
    found = cluster.ledger()
    found.absence = Watching()

    cluster.allocate("default/web", ledger=found)

    assert cluster.addresses("web") == ("192.0.2.10",)


def test_a_resting_vip_deleted_by_hand_has_no_hold_but_waits_for_the_node() -> None:
    cluster = Cluster(ONE, RELEASED, service("new"))
    found = cluster.ledger()
    watching = found.absence = Watching()
    found.set_vip("192.0.2.10", None)
    del cluster.vips["192.0.2.10"]

    refused = cluster.allocate("default/new", ledger=found)["default/new"]
    watching.node = None
    freed = found.pass_time(2.0)
    cluster.allocate("default/new", ledger=found)

    assert refused.verdict is not None
    assert refused.verdict.reason is Reason.ADDRESS_RESTING
    assert freed == {TEN}
    assert cluster.addresses("new") == ("192.0.2.10",)


def test_a_resting_vip_deleted_by_hand_is_made_anew_for_who_had_it() -> None:
    cluster = Cluster(ONE, RELEASED, service("web"))
    found = cluster.ledger()
    found.absence = Watching()
    found.set_vip("192.0.2.10", None)
    del cluster.vips["192.0.2.10"]

    cluster.allocate("default/web", ledger=found)

    made = cluster.vips["192.0.2.10"].spec
    assert made is not None
    assert ([one.name for one in made.holders], made.released_at) == (["web"], None)


MADE = vip("192.0.2.10", releasedAt=AT, annotations={LAST_HOLDER: "default/web", MADE_HERE: "true"})


def test_a_vip_of_the_allocators_is_deleted_once_it_has_rested() -> None:
    found = Cluster(ONE, MADE).ledger()
    found.absence = watching = Watching()
    watching.node = None

    before = plan_vip(TEN, found)
    freed = found.pass_time(60.0)

    assert before is None
    assert freed == {TEN}
    assert found.spent() == [TEN]
    assert plan_vip(TEN, found) == DeleteVIP(MADE)


@pytest.mark.parametrize(
    "kept",
    [
        pytest.param((RELEASED,), id="a user made it"),
        pytest.param((MADE, service("x", "192.0.2.10")), id="it stands in a status"),
        pytest.param(
            (vip("192.0.2.10", "default/web", annotations={MADE_HERE: "true"}),), id="had"
        ),
        pytest.param((vip("192.0.2.10", annotations={MADE_HERE: "true"}),), id="never released"),
        pytest.param((), id="there is none"),
    ],
)
def test_no_other_vip_is_deleted(kept: tuple[Resource, ...]) -> None:
    found = Cluster(ONE, *kept).ledger()

    found.pass_time(1e9)

    assert found.spent() == []
    assert plan_vip(TEN, found) is None


def test_a_vip_is_not_deleted_while_a_node_is_awaited() -> None:
    found = Cluster(ONE, MADE).ledger()
    found.absence = Watching()

    found.pass_time(60.0)

    assert plan_vip(TEN, found) is None


def test_of_two_services_that_show_an_address_without_a_vip_the_older_has_it() -> None:
    young = service("a", "192.0.2.10")
    metadata = msgspec.structs.replace(young.metadata, creation_timestamp="2026-02-02T00:00:00Z")
    old = service("b", "192.0.2.10")
    found = Cluster(ONE, old, msgspec.structs.replace(young, metadata=metadata)).ledger()

    assert found.elder(TEN) == "default/b"
    assert found.orphans() == ["default/b", "default/a"]


def test_nobody_is_the_elder_of_what_a_vip_or_a_cluster_ip_names() -> None:
    shown = service("a", "192.0.2.10")
    clashing = service("b", clusterIPs=["192.0.2.10"])

    assert Cluster(ONE, shown, vip("192.0.2.10", "x/y")).ledger().elder(TEN) is None
    assert Cluster(ONE, shown, clashing).ledger().elder(TEN) is None
    assert Cluster(ONE).ledger().elder(TEN) is None


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


def test_a_vip_that_becomes_faulty_is_written_as_it_stands() -> None:
    found = Ledger()
    good = vip("192.0.2.10", "default/web")
    found.set_vip("192.0.2.10", good)
    metadata = msgspec.structs.replace(good.metadata, resource_version="2")

    found.set_vip("192.0.2.10", msgspec.structs.replace(good, metadata=metadata, spec=None))
    steps = plan_service("default/web", None, found, AT, SERVICE_CLASSES).steps

    assert [type(step) for step in steps] == [ReleaseVIP]
    assert isinstance(steps[0], ReleaseVIP)
    assert steps[0].vip.metadata.resource_version == "2"
    assert steps[0].vip.spec is not None


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


def test_an_address_that_somebody_claims_is_taken_until_the_claim_ends() -> None:
    found = ledger()
    found.pass_time(160.0)
    free = int(TEN) not in found.occupied[4]

    found.claim([TEN], "default/a")
    holders, taken = found.holders(TEN), int(TEN) in found.occupied[4]
    given = found.longest_rested(4, found.pools["lab"])

    assert free
    assert taken
    assert holders == {"default/a"}
    assert given is None
    assert not found.unclaim([TEN], "default/b")
    assert found.unclaim([TEN], "default/a")
    assert found.holders(TEN) == frozenset()
    assert int(TEN) not in found.occupied[4]


def test_what_somebody_claims_is_not_deleted_and_has_no_elder() -> None:
    made = vip("192.0.2.10", releasedAt=AT, annotations={MADE_HERE: "true"})
    found = Cluster(ONE, made).ledger()
    found.pass_time(1000.0)
    deleted = plan_vip(TEN, found)
    shown = Cluster(ONE, service("web", "192.0.2.10")).ledger()
    elder = shown.elder(TEN)

    found.claim([TEN], "default/a")
    shown.claim([TEN], "default/a")

    assert (deleted, elder) == (DeleteVIP(made), "default/web")
    assert plan_vip(TEN, found) is None
    assert shown.elder(TEN) is None


def test_a_released_service_that_never_was_needs_nothing() -> None:
    plan = plan_service("default/never", None, Ledger(), AT, SERVICE_CLASSES)

    assert plan.steps == ()
