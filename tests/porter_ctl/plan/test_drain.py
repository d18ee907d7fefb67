"""`porter_ctl.plan.drain`: the signs that a node is about to leave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from porter_ctl.api import BGPConfigSpec, DrainTrigger
from porter_ctl.plan import NodeFacts, Reason, draining
from tests.porter_ctl.plan.world import node

if TYPE_CHECKING:
    from porter_ctl.api import Node

DEFAULT = frozenset(BGPConfigSpec().drain.triggers)
ANNOTATION = "porter.network/drain"
STOPPING = "node is shutting down"


@dataclass(frozen=True)
class Sign:
    node: Node
    trigger: DrainTrigger
    says: str


SIGNS = {
    "the annotation": Sign(
        node("a", annotations={ANNOTATION: "true"}), DrainTrigger.ANNOTATION, "annotation"
    ),
    "the annotation without a value": Sign(
        node("a", annotations={ANNOTATION: ""}), DrainTrigger.ANNOTATION, "annotation"
    ),
    "out of service": Sign(
        node("a", taints=["node.kubernetes.io/out-of-service"]),
        DrainTrigger.OUT_OF_SERVICE_TAINT,
        "the taint node.kubernetes.io/out-of-service",
    ),
    "to be deleted": Sign(
        node("a", taints=["ToBeDeletedByClusterAutoscaler"]),
        DrainTrigger.TO_BE_DELETED_TAINT,
        "the taint ToBeDeletedByClusterAutoscaler",
    ),
    "shut down, as the cloud says": Sign(
        node("a", taints=["node.cloudprovider.kubernetes.io/shutdown"]),
        DrainTrigger.NODE_SHUTDOWN,
        "the taint node.cloudprovider",
    ),
    "shutting down, as the kubelet says": Sign(
        node("a", conditions={"Ready": "False"}, message=f"[{STOPPING}]"),
        DrainTrigger.NODE_SHUTDOWN,
        "is shutting down",
    ),
    "cordoned": Sign(node("a", unschedulable=True), DrainTrigger.CORDON, "is cordoned"),
}


@pytest.mark.parametrize("sign", SIGNS.values(), ids=SIGNS)
def test_a_sign_counts_where_it_is_a_trigger(sign: Sign) -> None:
    facts = NodeFacts.of("a", sign.node)

    found = draining(facts, {sign.trigger})
    otherwise = draining(facts, frozenset(DrainTrigger) - {sign.trigger})

    assert found is not None
    assert found.reason is Reason.LAST_DRAINING
    assert sign.says in found.message
    assert otherwise is None


def test_a_cordoned_node_does_not_leave_unless_that_is_asked_for() -> None:
    cordoned = NodeFacts.of("a", node("a", unschedulable=True))

    assert draining(cordoned, DEFAULT) is None


@pytest.mark.parametrize(
    "one",
    [
        node("a"),
        node("a", annotations={ANNOTATION: "false"}),
        node("a", taints=["node.kubernetes.io/not-ready"]),
        node("a", conditions={"Ready": "False"}, message="PLEG is not healthy"),
        node("a", conditions={"Ready": "True"}, message=STOPPING),
        node("a", conditions={"DiskPressure": "False"}, message=STOPPING),
        None,
    ],
    ids=[
        "an ordinary node",
        "the annotation says false",
        "another taint",
        "not ready for another reason",
        "ready",
        "another condition",
        "no Node object",
    ],
)
def test_no_sign_no_drain(one: Node | None) -> None:
    assert draining(NodeFacts.of("a", one), frozenset(DrainTrigger)) is None
