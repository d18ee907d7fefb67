"""Which nodes are withheld: those whose own condition says that traffic may not get through.

The leader keeps one short list of them. A node on it that still shows its reason is announced as
the last resort only: it stands back while others are there, and serves where none is. The list
holds a tenth of the nodes at most, so that what befalls all of them (a network plugin that is
replaced, a control plane that hears from nobody) moves hardly any traffic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from porter_ctl.api import WithheldNode, WithholdReason
from porter_ctl.plan.verdict import Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from porter_ctl.api import BGPConfig, Node
    from porter_ctl.plan.inputs import NodeFacts

DEFAULT_CONFIG = "default"  # the BGPConfig in whose status the list stands
_ONE_IN = 10
_MOST = 1024  # entries that the list may have


def plan_withheld(
    nodes: Iterable[Node],
    before: tuple[WithheldNode, ...],
    reasons: Sequence[WithholdReason],
    at: str,
) -> tuple[WithheldNode, ...]:
    """Return the list as it should be: the same while the same nodes show their reasons.

    Args:
        nodes: All nodes of the cluster.
        before: The list that stands: who is on it keeps the place while it has a reason.
        reasons: The conditions that count.
        at: RFC 3339, for who comes onto it.
    """
    conditions = {
        node.metadata.name: {one.type: one.status for one in node.status.conditions}
        for node in nodes
    }
    shown = {
        name: found for name in sorted(conditions) if (found := _shown(conditions[name], reasons))
    }
    limit = min(max(1, len(conditions) // _ONE_IN), _MOST)
    standing = [
        one
        if one.reason in shown[one.node]
        else WithheldNode(node=one.node, reason=shown[one.node][0], since=one.since)
        for one in before
        if one.node in shown
    ]
    known = {one.node for one in standing}
    fresh = [
        WithheldNode(node=name, reason=found[0], since=at)
        for name, found in shown.items()
        if name not in known
    ]
    return tuple((standing + fresh)[:limit])


def withheld_nodes(configs: Iterable[BGPConfig]) -> Mapping[str, WithholdReason]:
    """Return the list that stands: the reason by node."""
    return {
        one.node: one.reason
        for config in configs
        if config.metadata.name == DEFAULT_CONFIG
        for one in config.status.withheld
    }


def withheld(node: NodeFacts, standing: Mapping[str, WithholdReason]) -> Verdict | None:
    """Tell why a node is withheld; None: it is not, or it does not show the reason any more."""
    reason = standing.get(node.name)
    if reason is None or reason not in _shown(node.conditions, (reason,)):
        return None
    return Verdict(
        reason=Reason.LAST_WITHHELD,
        message=f"Node/{node.name} is {_SAYS[reason]}; the BGPConfig {DEFAULT_CONFIG} withholds it",
        remedy=f"look at the conditions of Node/{node.name}, or at spec.withholdOn",
    )


_SAYS = {
    WithholdReason.NETWORK_UNAVAILABLE: "without a network",
    WithholdReason.NOT_READY: "not ready",
}


def _shown(
    conditions: Mapping[str, str], reasons: Iterable[WithholdReason]
) -> tuple[WithholdReason, ...]:
    """Find the reasons that a node shows; a condition that it does not have says nothing."""
    return tuple(reason for reason in reasons if _holds(conditions, reason))


def _holds(conditions: Mapping[str, str], reason: WithholdReason) -> bool:
    if reason is WithholdReason.NETWORK_UNAVAILABLE:
        return conditions.get("NetworkUnavailable") == "True"
    return conditions.get("Ready", "True") != "True"
