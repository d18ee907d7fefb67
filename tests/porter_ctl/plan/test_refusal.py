"""`porter_ctl.plan.service`: what a Service keeps, and what it never had, where it is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from porter_ctl.plan import (
    SERVICE_CLASSES,
    CreateVIP,
    PatchServiceStatus,
    Reason,
    ReleaseVIP,
    plan_service,
)
from tests.porter_ctl.plan.world import AT, Cluster, pool, service, vip

if TYPE_CHECKING:
    from porter_ctl.api import Service

LAB = pool("lab", "192.0.2.10-192.0.2.19")
V6 = pool("lab6", "2001:db8::/64")
WEB = "192.0.2.11"  # where the search for default/web begins in LAB
BOTH = {"ipFamilies": ["IPv4", "IPv6"], "ipFamilyPolicy": "RequireDualStack"}


def asks(text: str) -> dict[str, str]:
    return {"porter.network/addresses": text}


def with_condition(one: Service) -> Service:
    """The Service as the allocator left it, when it had an address."""
    allocated = {"type": "porter.network/Allocated", "status": "True", "reason": "Allocated"}
    conditions = msgspec.convert({"conditions": [allocated]}, type(one.status)).conditions
    status = msgspec.structs.replace(one.status, conditions=conditions)
    return msgspec.structs.replace(one, status=status)


def test_a_status_that_shows_what_a_vip_gives_to_another_is_cleared_with_the_reason() -> None:
    cluster = Cluster(
        LAB,
        vip(WEB, "default/other"),
        service("other", WEB),
        with_condition(service("web", WEB)),
    )

    first = cluster.allocate("default/web")["default/web"]
    shown = cluster.addresses("web")
    cluster.allocate("default/web")

    assert first.verdict is not None
    assert (first.verdict.reason, shown) == (Reason.ADDRESS_IN_USE, ())
    assert cluster.addresses("other") == (WEB,)
    assert cluster.addresses("web") not in {(), (WEB,)}


def test_what_two_statuses_show_without_a_vip_is_given_to_the_older_one_only() -> None:
    young = with_condition(service("a", WEB))
    metadata = msgspec.structs.replace(young.metadata, creation_timestamp="2026-02-02T00:00:00Z")
    cluster = Cluster(
        LAB,
        with_condition(service("web", WEB)),
        msgspec.structs.replace(young, metadata=metadata),
    )

    for _ in range(3):
        cluster.allocate()

    assert cluster.addresses("web") == (WEB,)
    assert cluster.addresses("a") not in {(), (WEB,)}


def test_the_address_of_a_dead_uid_is_released_where_its_successor_cannot_have_it() -> None:
    cluster = Cluster(
        LAB,
        vip("192.0.2.17", "default/web"),
        service("web", uid="another", annotations=asks("203.0.113.1")),
    )

    cluster.allocate("default/web")

    spec = cluster.vips["192.0.2.17"].spec
    assert spec is not None
    assert (spec.holders, spec.released_at) == ((), AT)
    assert cluster.addresses("web") == ()


def test_the_address_of_a_dead_uid_stays_while_its_successor_shows_it() -> None:
    cluster = Cluster(
        LAB,
        vip("203.0.113.7", "default/web"),
        service("web", "203.0.113.7", uid="another"),
    )

    plan = cluster.allocate("default/web")["default/web"]

    assert plan.verdict is not None
    assert plan.verdict.reason is Reason.NO_POOL
    assert cluster.addresses("web") == ("203.0.113.7",)
    assert cluster.vips["203.0.113.7"].spec == vip("203.0.113.7", "default/web").spec


def test_half_of_what_is_asked_for_as_a_whole_is_given_back_after_a_minute() -> None:
    cluster = Cluster(LAB, vip(WEB, "default/web"), service("web", **BOTH))
    ledger = cluster.ledger(now=100.0)

    first = cluster.allocate("default/web", ledger=ledger)["default/web"]
    ledger.pass_time(159.9)
    still = cluster.allocate("default/web", ledger=ledger)["default/web"]
    ledger.pass_time(160.0)
    then = cluster.allocate("default/web", ledger=ledger)["default/web"]

    assert [type(step) for step in first.steps] == [PatchServiceStatus]
    assert (first.due, still.due, still.steps) == (160.0, 160.0, ())
    assert [type(step) for step in then.steps] == [ReleaseVIP]
    assert then.due is None
    assert cluster.addresses("web") == ()


def test_half_of_what_is_asked_for_as_a_whole_is_kept_while_it_is_shown() -> None:
    cluster = Cluster(LAB, vip(WEB, "default/web"), service("web", WEB, **BOTH))
    ledger = cluster.ledger(now=100.0)
    ledger.pass_time(1000.0)

    plan = cluster.allocate("default/web", ledger=ledger)["default/web"]

    assert (plan.due, cluster.addresses("web")) == (None, (WEB,))
    assert cluster.vips[WEB].spec == vip(WEB, "default/web").spec


def test_a_status_of_a_whole_is_written_only_when_both_vips_exist() -> None:
    cluster = Cluster(LAB, V6, service("web", **BOTH))
    ledger = cluster.ledger()

    plan = plan_service("default/web", cluster.services["default/web"], ledger, AT, SERVICE_CLASSES)

    assert [type(step) for step in plan.steps] == [CreateVIP, CreateVIP, PatchServiceStatus]
