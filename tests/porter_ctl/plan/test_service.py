"""`porter_ctl.plan.service`, and below it `allocate`, `ledger`, `pools` and `request`."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING

import msgspec
import pytest

from porter_ctl.plan import (
    LAST_HOLDER,
    MADE_HERE,
    SERVICE_CLASSES,
    CreateVIP,
    PatchServiceStatus,
    Reason,
    ReleaseVIP,
    ReplaceVIP,
    plan_service,
)
from tests.porter_ctl.plan.world import AT, Cluster, node, pool, service, uid_of, vip

if TYPE_CHECKING:
    from porter_ctl.api import Resource, Service

LAB = pool("lab", "192.0.2.10-192.0.2.19")
V6 = pool("lab6", "2001:db8::/64")
WEB = "192.0.2.11"  # where the search for default/web begins in LAB
ASKS = "porter.network/addresses"
DUAL = {"ipFamilies": ["IPv4", "IPv6"], "ipFamilyPolicy": "PreferDualStack"}
BOTH = DUAL | {"ipFamilyPolicy": "RequireDualStack"}


def asks(text: str) -> dict[str, str]:
    return {ASKS: text}


def released(address: str, by: str = "default/old") -> Resource:
    return vip(address, releasedAt=AT, annotations={LAST_HOLDER: by})


@dataclass(frozen=True)
class Case:
    objects: tuple[Resource, ...]
    gets: tuple[str, ...]
    reason: Reason
    message: str = ""
    steps: tuple[type, ...] = field(default=(CreateVIP, PatchServiceStatus))


NOTHING: tuple[type, ...] = ()
REFUSED = (PatchServiceStatus,)
CASES = {
    "a Service gets an address of the pool": Case((LAB, service("web")), (WEB,), Reason.ALLOCATED),
    "excluded addresses are never given": Case(
        (pool("lab", "192.0.2.0/29", exclude=["192.0.2.0-192.0.2.6"]), service("web")),
        ("192.0.2.7",),
        Reason.ALLOCATED,
    ),
    "a requested address is given": Case(
        (LAB, service("web", annotations=asks("192.0.2.19"))), ("192.0.2.19",), Reason.ALLOCATED
    ),
    "spec.loadBalancerIP is honoured": Case(
        (LAB, service("web", loadBalancerIP="192.0.2.18")), ("192.0.2.18",), Reason.ALLOCATED
    ),
    "annotation and loadBalancerIP may say the same": Case(
        (LAB, service("web", annotations=asks("192.0.2.18"), loadBalancerIP="192.0.2.18")),
        ("192.0.2.18",),
        Reason.ALLOCATED,
    ),
    "two addresses of one family are a conflict": Case(
        (LAB, service("web", annotations=asks("192.0.2.18"), loadBalancerIP="192.0.2.19")),
        (),
        Reason.REQUEST_CONFLICT,
        "asks for 192.0.2.18 and 192.0.2.19 at once",
        REFUSED,
    ),
    "an address of a family the Service lacks is a conflict": Case(
        (LAB, service("web", annotations=asks("2001:db8::1"), ipFamilies=["IPv4"])),
        (),
        Reason.REQUEST_CONFLICT,
        "its ipFamilies have no IPv6",
        REFUSED,
    ),
    "what is no address is refused by its value": Case(
        (LAB, service("web", annotations=asks("web"))), (), Reason.INVALID, "'web'", REFUSED
    ),
    "conflicting requests keep the present address": Case(
        (
            LAB,
            vip("192.0.2.11", "default/web"),
            service("web", "192.0.2.11", annotations=asks("192.0.2.12,192.0.2.13")),
        ),
        ("192.0.2.11",),
        Reason.REQUEST_CONFLICT,
        "at once",
        REFUSED,
    ),
    "a requested address outside every pool is refused": Case(
        (LAB, service("web", annotations=asks("203.0.113.1"))),
        (),
        Reason.NO_POOL,
        "no accepted VIPPool has 203.0.113.1",
        REFUSED,
    ),
    "a requested address that another holds is refused": Case(
        (LAB, vip("192.0.2.11", "default/other"), service("web", annotations=asks("192.0.2.11"))),
        (),
        Reason.ADDRESS_IN_USE,
        "held by default/other",
        REFUSED,
    ),
    "a requested address that stands in another status is refused, VIP or not": Case(
        (LAB, service("other", "192.0.2.11"), service("web", annotations=asks("192.0.2.11"))),
        (),
        Reason.ADDRESS_IN_USE,
        "held by default/other",
        REFUSED,
    ),
    "a requested address that rests for another is refused": Case(
        (LAB, released("192.0.2.11"), service("web", annotations=asks("192.0.2.11"))),
        (),
        Reason.ADDRESS_RESTING,
        "rests for default/old",
        REFUSED,
    ),
    "a new request moves the Service": Case(
        (
            LAB,
            vip("192.0.2.11", "default/web"),
            service("web", "192.0.2.11", annotations=asks("192.0.2.12")),
        ),
        ("192.0.2.12",),
        Reason.ALLOCATED,
        steps=(CreateVIP, PatchServiceStatus, ReleaseVIP),
    ),
    "a new request that cannot be met leaves the present address": Case(
        (
            LAB,
            vip("192.0.2.11", "default/web"),
            service("web", "192.0.2.11", annotations=asks("203.0.113.1")),
        ),
        ("192.0.2.11",),
        Reason.NO_POOL,
        steps=REFUSED,
    ),
    "a pool asked for by name is the one drawn from": Case(
        (
            LAB,
            pool("dmz", "198.51.100.7"),
            service("web", annotations={"porter.network/pools": "dmz"}),
        ),
        ("198.51.100.7",),
        Reason.ALLOCATED,
    ),
    "a pool asked for that does not exist is named": Case(
        (LAB, service("web", annotations={"porter.network/pools": "dmz"})),
        (),
        Reason.NO_POOL,
        "no accepted VIPPool/dmz",
        REFUSED,
    ),
    "a pool asked for that lacks the family is named": Case(
        (
            LAB,
            V6,
            service("web", annotations={"porter.network/pools": "lab"}, ipFamilies=["IPv6"]),
        ),
        (),
        Reason.NO_POOL,
        "lab has no IPv6 address to give",
        REFUSED,
    ),
    "both families are given where both can be had": Case(
        (LAB, V6, service("web", **DUAL)),
        (WEB, "2001:db8::5a35:cec:9d16:d615"),
        Reason.ALLOCATED,
        steps=(CreateVIP, CreateVIP, PatchServiceStatus),
    ),
    "PreferDualStack takes one family where there is but one": Case(
        (LAB, service("web", **DUAL)), (WEB,), Reason.NO_POOL, "IPv6"
    ),
    "RequireDualStack takes both or none": Case(
        (LAB, service("web", **BOTH)), (), Reason.NO_POOL, "IPv6", REFUSED
    ),
    "a file without ipFamilies gets what the pools have": Case(
        (pool("lab6", "2001:db8::7"), service("web")), ("2001:db8::7",), Reason.ALLOCATED
    ),
    "our class is ours": Case(
        (LAB, service("web", loadBalancerClass="porter.network/bgp")),
        (WEB,),
        Reason.ALLOCATED,
    ),
    "a foreign class is left alone": Case(
        (LAB, service("web", loadBalancerClass="example.com/lb")),
        (),
        Reason.FOREIGN_CLASS,
        steps=NOTHING,
    ),
    "an ingress that another wrote is left alone": Case(
        (LAB, service("web", "203.0.113.9")), ("203.0.113.9",), Reason.HELD_BY_OTHER, steps=NOTHING
    ),
    "a status that others wrote is ours where a VIP names the Service": Case(
        (LAB, vip("192.0.2.11", "default/web"), service("web", "203.0.113.9")),
        ("192.0.2.11",),
        Reason.ALLOCATED,
        steps=REFUSED,
    ),
    "without pools and VIPs nothing is written": Case(
        (service("web"),), (), Reason.NO_POOL, "there is no VIPPool", NOTHING
    ),
    "a VIP that was created before a crash is taken up": Case(
        (LAB, vip("192.0.2.17", "default/web"), service("web")),
        ("192.0.2.17",),
        Reason.ALLOCATED,
        steps=REFUSED,
    ),
    "the same name gets the same address after its release": Case(
        (LAB, released("192.0.2.17", "default/web"), service("web")),
        ("192.0.2.17",),
        Reason.ALLOCATED,
        steps=(ReplaceVIP, PatchServiceStatus),
    ),
    "the same name with another UID is bound again": Case(
        (LAB, vip("192.0.2.17", "default/web"), service("web", uid="another")),
        ("192.0.2.17",),
        Reason.ALLOCATED,
        steps=(ReplaceVIP, PatchServiceStatus),
    ),
    "two VIPs where one is wanted: the one in status stays": Case(
        (
            LAB,
            vip("192.0.2.11", "default/web"),
            vip("192.0.2.12", "default/web"),
            service("web", "192.0.2.12"),
        ),
        ("192.0.2.12",),
        Reason.ALLOCATED,
        steps=(PatchServiceStatus, ReleaseVIP),
    ),
    "an address outside its pool is kept": Case(
        (LAB, vip("203.0.113.5", "default/web"), service("web", "203.0.113.5")),
        ("203.0.113.5",),
        Reason.ALLOCATED,
        "no VIPPool has any more",
        REFUSED,
    ),
    "an address whose pool was renamed is bound to the new one": Case(
        (
            pool("new", "192.0.2.0/24"),
            vip("192.0.2.11", "default/web"),
            service("web", "192.0.2.11"),
        ),
        ("192.0.2.11",),
        Reason.ALLOCATED,
        steps=(ReplaceVIP, PatchServiceStatus),
    ),
    "a VIP that a user made is given to whoever asks for it": Case(
        (
            pool("lab", "192.0.2.10"),
            vip("192.0.2.10"),
            service("web", annotations=asks("192.0.2.10")),
        ),
        ("192.0.2.10",),
        Reason.ALLOCATED,
        steps=(ReplaceVIP, PatchServiceStatus),
    ),
    "a VIP that a user made is given to nobody else": Case(
        (pool("lab", "192.0.2.10"), vip("192.0.2.10"), service("web")),
        (),
        Reason.POOL_EXHAUSTED,
        "all 1 IPv4 addresses of lab",
        REFUSED,
    ),
    "a full pool gives what rests for another": Case(
        (pool("lab", "192.0.2.10"), released("192.0.2.10"), service("web")),
        ("192.0.2.10",),
        Reason.ALLOCATED,
        steps=(ReplaceVIP, PatchServiceStatus),
    ),
    "a clusterIP inside a pool is never given": Case(
        (pool("lab", "192.0.2.10"), service("web"), service("x", clusterIPs=["192.0.2.10"])),
        (),
        Reason.POOL_EXHAUSTED,
        steps=REFUSED,
    ),
    "what stands in another status is never given, VIP or not": Case(
        (pool("lab", "192.0.2.10"), service("web"), service("x", "192.0.2.10")),
        (),
        Reason.POOL_EXHAUSTED,
        steps=REFUSED,
    ),
    "a node's address is never given": Case(
        (pool("lab", "192.0.2.10-192.0.2.11"), node("a", "192.0.2.11"), service("web")),
        ("192.0.2.10",),
        Reason.ALLOCATED,
    ),
    "a node's address is not even given on request": Case(
        (LAB, node("a", "192.0.2.10"), service("web", annotations=asks("192.0.2.10"))),
        (),
        Reason.NO_POOL,
        "the address of a node",
        REFUSED,
    ),
    "the overlap of two pools is the older one's": Case(
        (
            pool("older", "192.0.2.10", age=1),
            pool("a-younger", "192.0.2.10-192.0.2.11", age=2),
            service("web", annotations=asks("192.0.2.10") | {"porter.network/pools": "a-younger"}),
        ),
        (),
        Reason.NO_POOL,
        "VIPPool/older, which the Service does not ask for",
        REFUSED,
    ),
    "the younger pool gives the rest": Case(
        (
            pool("older", "192.0.2.10", age=1),
            pool("younger", "192.0.2.10-192.0.2.11", age=2),
            vip("192.0.2.10", "default/other"),
            service("web"),
        ),
        ("192.0.2.11",),
        Reason.ALLOCATED,
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_service_gets(case: Case) -> None:
    cluster = Cluster(*case.objects)

    plan = cluster.allocate("default/web")["default/web"]

    assert tuple(type(step) for step in plan.steps) == case.steps
    assert cluster.addresses("web") == case.gets
    assert (plan.verdict.reason if plan.verdict else None) == case.reason
    assert case.message in str(plan.verdict)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_was_written_once_is_not_written_again(case: Case) -> None:
    cluster = Cluster(*case.objects)
    cluster.allocate("default/web")

    assert cluster.allocate("default/web")["default/web"].steps == ()


def test_the_condition_tells_reason_sentence_and_remedy() -> None:
    cluster = Cluster(LAB, service("web", annotations=asks("203.0.113.1")))
    cluster.allocate()

    condition = cluster.services["default/web"].status.conditions[0]

    assert condition.type == "porter.network/Allocated"
    assert (condition.status, condition.reason) == ("False", "NoPool")
    assert condition.message == (
        "no accepted VIPPool has 203.0.113.1; ask for an address of a pool, or add it to one"
    )
    assert condition.last_transition_time == AT


def test_a_grant_names_the_holder_as_it_was_admitted() -> None:
    cluster = Cluster(LAB, service("web", externalTrafficPolicy="Local", selector={"app": "web"}))
    cluster.allocate()

    spec = cluster.vips[WEB].spec

    assert spec is not None
    assert spec.pool is not None
    assert (spec.pool.name, spec.pool.range) == ("lab", "192.0.2.10-192.0.2.19")
    holder = spec.holders[0]
    assert (holder.namespace, holder.name, holder.uid) == ("default", "web", uid_of("default/web"))
    assert (holder.ports[0].port, holder.traffic_policy) == (80, "Local")
    assert len(holder.selector_hash) == 32


def held() -> Cluster:
    cluster = Cluster(LAB, service("web"))
    cluster.allocate()
    return cluster


def test_a_deleted_service_releases_its_address_for_its_name() -> None:
    cluster = held()
    del cluster.services["default/web"]

    plan = cluster.allocate("default/web")["default/web"]

    assert [type(step) for step in plan.steps] == [ReleaseVIP]
    left = cluster.vips[WEB]
    assert left.spec is not None
    assert (left.spec.holders, left.spec.released_at) == ((), AT)
    assert left.metadata.annotations == {LAST_HOLDER: "default/web", MADE_HERE: "true"}


def test_a_service_that_is_no_load_balancer_any_more_is_cleared_before_the_release() -> None:
    cluster = held()
    cluster.services["default/web"] = retyped(cluster.services["default/web"], "ClusterIP")

    plan = cluster.allocate("default/web")["default/web"]

    assert [type(step) for step in plan.steps] == [PatchServiceStatus, ReleaseVIP]
    assert cluster.addresses("web") == ()
    assert cluster.services["default/web"].status.conditions == ()


def retyped(one: Service, kind: str) -> Service:
    return msgspec.structs.replace(one, spec=msgspec.structs.replace(one.spec, type=kind))


def test_a_terminating_service_keeps_its_address() -> None:
    cluster = held()
    before = cluster.services["default/web"]
    metadata = msgspec.structs.replace(before.metadata, deletion_timestamp=AT)
    cluster.services["default/web"] = msgspec.structs.replace(before, metadata=metadata)

    assert cluster.allocate("default/web")["default/web"].steps == ()


def test_a_terminating_service_gets_no_address() -> None:
    before = service("web")
    metadata = msgspec.structs.replace(before.metadata, deletion_timestamp=AT)
    cluster = Cluster(LAB, msgspec.structs.replace(before, metadata=metadata))

    assert cluster.allocate("default/web")["default/web"].steps == ()


def test_a_terminating_service_keeps_one_half_and_gets_no_other() -> None:
    cluster = Cluster(LAB, service("web", **DUAL))
    cluster.allocate()
    before = cluster.services["default/web"]
    metadata = msgspec.structs.replace(before.metadata, deletion_timestamp=AT)
    cluster.services["default/web"] = msgspec.structs.replace(before, metadata=metadata)
    cluster.put(V6)
    ledger = cluster.ledger()
    cluster.vips.clear()
    ledger.set_vip(WEB, None)

    plan = cluster.allocate("default/web", ledger=ledger)["default/web"]

    assert [type(step) for step in plan.steps] == [CreateVIP]
    assert {*cluster.vips} == {WEB}
    assert plan.verdict is not None
    assert plan.verdict.reason is Reason.ALLOCATED


def test_without_any_pool_a_condition_of_ours_is_corrected_and_none_is_begun() -> None:
    refused = Cluster(LAB, service("web", annotations=asks("203.0.113.1")))
    refused.allocate()
    told = refused.services["default/web"]
    cluster = Cluster(told, service("new"))

    cluster.allocate()

    assert [one.message for one in cluster.services["default/web"].status.conditions] == [
        "there is no VIPPool; create one with the addresses to give"
    ]
    assert cluster.services["default/new"].status.conditions == ()
    assert cluster.allocate("default/web")["default/web"].steps == ()


def test_without_any_pool_an_address_of_others_is_not_called_ours() -> None:
    refused = Cluster(LAB, service("web", annotations=asks("203.0.113.1")))
    refused.allocate()
    told = refused.services["default/web"]
    ingress = service("web", "203.0.113.9").status.load_balancer
    status = msgspec.structs.replace(told.status, load_balancer=ingress)
    cluster = Cluster(msgspec.structs.replace(told, status=status))

    plan = cluster.allocate()["default/web"]

    assert plan.verdict is not None
    assert plan.verdict.reason is Reason.HELD_BY_OTHER
    assert cluster.services["default/web"].status.conditions == ()
    assert cluster.addresses("web") == ("203.0.113.9",)


def test_conditions_of_others_stay_as_they_are() -> None:
    foreign = {"type": "example.com/Ready", "status": "True", "reason": "R", "message": "m"}
    before = service("web")
    status = msgspec.convert({"conditions": [foreign]}, type(before.status))
    cluster = Cluster(LAB, msgspec.structs.replace(before, status=status))
    cluster.allocate()

    types = [one.type for one in cluster.services["default/web"].status.conditions]

    assert types == ["example.com/Ready", "porter.network/Allocated"]


def test_a_foreign_controller_that_took_over_finds_nothing_of_ours() -> None:
    cluster = Cluster(LAB, service("web", annotations=asks("203.0.113.1")))
    cluster.allocate()
    refused = cluster.services["default/web"]
    ingress = service("web", "203.0.113.1").status.load_balancer
    status = msgspec.structs.replace(refused.status, load_balancer=ingress)
    cluster.services["default/web"] = msgspec.structs.replace(refused, status=status)

    cluster.allocate()

    assert cluster.addresses("web") == ("203.0.113.1",)
    assert cluster.services["default/web"].status.conditions == ()


def test_a_vip_that_vanishes_while_it_is_held_is_written_again() -> None:
    cluster = held()
    before = cluster.vips[WEB]
    ledger = cluster.ledger()
    del cluster.vips[WEB]
    concerned = ledger.set_vip(WEB, None)

    plan = cluster.allocate("default/web", ledger=ledger)["default/web"]

    assert concerned == {"default/web"}
    assert [type(step) for step in plan.steps] == [CreateVIP]
    assert cluster.vips[WEB].spec == before.spec


def test_a_vanished_vip_is_written_again_even_where_the_service_asks_in_vain() -> None:
    cluster = Cluster(
        LAB,
        V6,
        vip("192.0.2.12", "default/web"),
        vip("2001:db8::1", "default/other"),
        service("web", "192.0.2.12", annotations=asks("2001:db8::1")),
    )
    ledger = cluster.ledger()
    del cluster.vips["192.0.2.12"]
    ledger.set_vip("192.0.2.12", None)

    cluster.allocate("default/web", ledger=ledger)

    assert "192.0.2.12" in cluster.vips
    assert cluster.addresses("web") == ("192.0.2.12",)


def test_a_vip_that_vanished_before_the_allocator_began_is_adopted_again() -> None:
    cluster = held()
    del cluster.vips[WEB]

    plan = cluster.allocate("default/web")["default/web"]

    assert [type(step) for step in plan.steps] == [CreateVIP]
    assert cluster.addresses("web") == (WEB,)


def test_an_address_that_cannot_be_adopted_again_is_never_moved() -> None:
    cluster = held()
    cluster.vips.clear()
    cluster.put(pool("lab", "198.51.100.0/24"))

    for _ in range(3):
        plan = cluster.allocate("default/web")["default/web"]

        assert plan.verdict is not None
        assert (plan.verdict.reason, plan.waits) == (Reason.NO_POOL, True)
        assert cluster.addresses("web") == (WEB,)
        assert cluster.vips == {}

    cluster.put(LAB)
    cluster.allocate()
    assert list(cluster.vips) == [WEB]


def test_a_status_of_others_is_not_ours_because_an_address_rests_for_the_name() -> None:
    cluster = Cluster(LAB, released("192.0.2.17", "default/web"), service("web", "203.0.113.9"))

    plan = cluster.allocate("default/web")["default/web"]

    assert plan.verdict is not None
    assert plan.verdict.reason == Reason.HELD_BY_OTHER
    assert cluster.addresses("web") == ("203.0.113.9",)


def test_a_vanished_vip_goes_with_its_service() -> None:
    cluster = held()
    ledger = cluster.ledger()
    ledger.set_vip(WEB, None)
    ledger.set_service("default/web", None)

    plan = plan_service("default/web", None, ledger, AT, SERVICE_CLASSES)

    assert plan.steps == ()
    assert ledger.addresses_of("default/web") == ()


def test_a_service_that_leaves_shows_nothing_even_where_its_vip_vanished() -> None:
    cluster = held()
    ledger = cluster.ledger()
    del cluster.vips[WEB]
    ledger.set_vip(WEB, None)
    cluster.services["default/web"] = retyped(cluster.services["default/web"], "ClusterIP")

    cluster.allocate("default/web", ledger=ledger)

    assert cluster.addresses("web") == ()
    assert ledger.entry(ip_address(WEB)) is None
