"""Announce last: a node that is withheld or about to leave stays as the last resort."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import pytest

from porter_ctl.plan import NodePlan, Reason, foremost, plan_node
from tests.porter_ctl.plan.world import (
    AT,
    Cluster,
    advertisement,
    config,
    endpoints,
    node,
    peer,
    prefix,
    service,
    vip,
)

if TYPE_CHECKING:
    from porter_ctl.api import Node, Resource

VIP = "192.0.2.10"
GRACEFUL_SHUTDOWN = 0xFFFF0000
WITHHELD = {"withheld": [{"node": "a", "reason": "NetworkUnavailable", "since": AT}]}
CUT_OFF = {"NetworkUnavailable": "True"}
DRAIN = {"porter.network/drain": "true"}
CONFIG, WEB, READY = config(), service("web", VIP), endpoints("web", b="ready")


def planned(
    one: Node, bgp: Resource = CONFIG, web: Resource = WEB, slices: Resource = READY
) -> NodePlan:
    cluster = Cluster(
        one,
        bgp,
        web,
        slices,
        peer("tor", "10.0.0.254"),
        advertisement("all", communities={"standard": ["65001:1"]}, prepend=1, localPref=200),
        vip(VIP, "default/web"),
    )
    return plan_node(cluster, "a")


CORDONED = node("a", "10.0.0.1", unschedulable=True)
CASES = {
    "an ordinary node": (planned(node("a", "10.0.0.1")), None),
    "withheld, and it shows why": (
        planned(node("a", "10.0.0.1", conditions=CUT_OFF), config(status=WITHHELD)),
        Reason.LAST_WITHHELD,
    ),
    "on the list, but well": (planned(node("a", "10.0.0.1"), config(status=WITHHELD)), None),
    "cut off, but not on the list": (planned(node("a", "10.0.0.1", conditions=CUT_OFF)), None),
    "drained": (planned(node("a", "10.0.0.1", annotations=DRAIN)), Reason.LAST_DRAINING),
    "withheld and drained": (
        planned(
            node("a", "10.0.0.1", conditions=CUT_OFF, annotations=DRAIN), config(status=WITHHELD)
        ),
        Reason.LAST_WITHHELD,
    ),
    "drained, and the endpoints terminate": (
        planned(
            node("a", "10.0.0.1", annotations=DRAIN), slices=endpoints("web", b="serving other")
        ),
        Reason.LAST_DRAINING,
    ),
    "only terminating endpoints": (
        planned(node("a", "10.0.0.1"), slices=endpoints("web", b="serving")),
        Reason.LAST_TERMINATING,
    ),
    "cordoned": (planned(CORDONED), None),
    "cordoned, where that is a trigger": (
        planned(CORDONED, config(drain={"triggers": ["Cordon"]})),
        Reason.LAST_DRAINING,
    ),
    "drained, where the annotation is no trigger": (
        planned(node("a", "10.0.0.1", annotations=DRAIN), config(drain={"triggers": ["Cordon"]})),
        None,
    ),
}


@pytest.mark.parametrize(("plan", "reason"), CASES.values(), ids=CASES)
def test_a_path_is_the_last_resort_or_it_is_not(plan: NodePlan, reason: Reason | None) -> None:
    one = plan.prefixes[prefix(VIP)]
    ((_, attributes),) = one.paths["tor"]
    found = foremost(one.verdicts)

    assert (found.reason if found else None) == reason
    assert (GRACEFUL_SHUTDOWN in attributes.communities) == (reason is not None)
    assert (attributes.prepend, attributes.local_pref) == ((1, 200) if reason is None else (4, 0))
    assert (65001 << 16) + 1 in attributes.communities


def test_the_last_resort_is_last_with_every_reason_that_it_has() -> None:
    plan = CASES["drained, and the endpoints terminate"][0].prefixes[prefix(VIP)]

    assert [one.reason for one in plan.verdicts] == [
        Reason.LAST_DRAINING,
        Reason.LAST_TERMINATING,
    ]


def test_a_drained_speaker_withdraws_whatever_else_is_so() -> None:
    plan = planned(node("a", "10.0.0.1", annotations=DRAIN), config(adminState="Drained"))

    assert plan.prefixes[prefix(VIP)].paths == {}
    assert not plan.context.peers["tor"].session.admin_up


def test_a_context_knows_how_a_node_restarts_and_leaves() -> None:
    plain = planned(node("a")).context
    other = planned(
        node("a"),
        config(
            gracefulRestart={"mode": "Disabled", "restartSeconds": 30},
            drain={"delaySeconds": 3, "triggers": ["Cordon"]},
        ),
    ).context

    assert (plain.restart_seconds, plain.drain_delay) == (90.0, 10.0)
    assert "Cordon" not in plain.drain_triggers
    assert (other.restart_seconds, other.drain_delay) == (0.0, 3.0)
    assert other.drain_triggers == {"Cordon"}
    assert plan_node(Cluster(), "a").context.restart_seconds == 0.0


def test_annotations_that_say_nothing_to_us_change_no_context() -> None:
    quiet = planned(node("a", "10.0.0.1")).context
    beating = planned(node("a", "10.0.0.1", annotations={"heartbeat": "12:00"})).context

    assert beating == quiet
    assert beating.node.addresses == (IPv4Address("10.0.0.1"),)


@pytest.mark.parametrize(
    ("policy", "words", "publish", "unready"),
    [
        ("Cluster", {"b": "ready"}, "Ready", False),
        ("Cluster", {}, "Ready", False),
        ("Cluster", {"b": "other other"}, "Ready", True),
        ("Cluster", {"b": "serving"}, "Ready", True),
        ("Cluster", {"b": "serving"}, "ReadyOrServing", False),
        ("Local", {"a": "other", "b": "ready"}, "Ready", True),
        ("Local", {"b": "other"}, "Ready", False),
    ],
    ids=[
        "a ready one",
        "none at all",
        "some, but none is ready",
        "terminating ones, which do not count",
        "terminating ones, which count",
        "Local: one here that is not ready",
        "Local: none here",
    ],
)
def test_a_no_for_endpoints_that_are_not_ready_is_told_from_one_for_none(
    policy: str, words: dict[str, str], publish: str, *, unready: bool
) -> None:
    cluster = Cluster(
        node("a", "10.0.0.1"),
        config(),
        peer("tor", "10.0.0.254"),
        advertisement("all", endpoints={"publish": publish}),
        vip(VIP, "default/web"),
        service("web", VIP, externalTrafficPolicy=policy),
        endpoints("web", **words),
    )

    assert plan_node(cluster, "a").prefixes[prefix(VIP)].unready is unready
