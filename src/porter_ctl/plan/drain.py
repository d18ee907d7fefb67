"""Is this node about to leave? It then stays in use as the last resort until it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from porter_ctl.api import DrainTrigger
from porter_ctl.plan.verdict import Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from porter_ctl.plan.inputs import NodeFacts

DRAIN_ANNOTATION = "porter.network/drain"
_TAINTS = {
    DrainTrigger.OUT_OF_SERVICE_TAINT: "node.kubernetes.io/out-of-service",
    DrainTrigger.TO_BE_DELETED_TAINT: "ToBeDeletedByClusterAutoscaler",
    DrainTrigger.NODE_SHUTDOWN: "node.cloudprovider.kubernetes.io/shutdown",
}


def draining(node: NodeFacts, triggers: AbstractSet[DrainTrigger]) -> Verdict | None:
    """Tell why a node is about to leave; None: it is not.

    Args:
        node: The node.
        triggers: The signs that count.
    """
    if DrainTrigger.ANNOTATION in triggers and _annotated(node):
        return _leaving(
            f"Node/{node.name} carries the annotation {DRAIN_ANNOTATION}",
            f"take it back with kubectl annotate node {node.name} {DRAIN_ANNOTATION}-",
        )
    for trigger, taint in _TAINTS.items():
        if trigger in triggers and taint in node.taints:
            return _leaving(f"Node/{node.name} carries the taint {taint}")
    if DrainTrigger.NODE_SHUTDOWN in triggers and node.shutting_down:
        return _leaving(f"Node/{node.name} is shutting down")
    if DrainTrigger.CORDON in triggers and node.unschedulable:
        return _leaving(
            f"Node/{node.name} is cordoned", f"uncordon it with kubectl uncordon {node.name}"
        )
    return None


def _annotated(node: NodeFacts) -> bool:
    return node.annotations.get(DRAIN_ANNOTATION, "false") != "false"


def _leaving(message: str, remedy: str = "") -> Verdict:
    return Verdict(reason=Reason.LAST_DRAINING, message=message, remedy=remedy)
