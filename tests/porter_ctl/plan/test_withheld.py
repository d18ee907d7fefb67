"""`porter_ctl.plan.withheld`: few nodes stand back at a time, and only while they show why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porter_ctl.api import WithheldNode, WithholdReason
from porter_ctl.plan import NodeFacts, Reason, plan_withheld
from porter_ctl.plan.withheld import withheld, withheld_nodes
from tests.porter_ctl.plan.world import AT, config, node

if TYPE_CHECKING:
    from collections.abc import Sequence

    from porter_ctl.api import Node

NETWORK = WithholdReason.NETWORK_UNAVAILABLE
NOT_READY = WithholdReason.NOT_READY
LATER = "2026-01-02T00:00:00Z"
BOTH = (NETWORK, NOT_READY)


def cut_off(name: str) -> Node:
    return node(name, conditions={"NetworkUnavailable": "True", "Ready": "True"})


def unready(name: str, status: str = "False") -> Node:
    return node(name, conditions={"NetworkUnavailable": "False", "Ready": status})


def fine(count: int) -> list[Node]:
    conditions = {"NetworkUnavailable": "False", "Ready": "True"}
    return [node(f"z{nth}", conditions=conditions) for nth in range(count)]


def entry(name: str, reason: WithholdReason = NETWORK, since: str = AT) -> WithheldNode:
    return WithheldNode(node=name, reason=reason, since=since)


@pytest.mark.parametrize(
    ("nodes", "before", "reasons", "after"),
    [
        (fine(30), (), BOTH, ()),
        ([node("bare"), *fine(30)], (), BOTH, ()),
        ([cut_off("a"), *fine(2)], (), (NETWORK,), (entry("a", since=LATER),)),
        ([unready("a"), *fine(2)], (), (NETWORK,), ()),
        ([unready("a"), *fine(2)], (), BOTH, (entry("a", NOT_READY, LATER),)),
        ([unready("a", "Unknown"), *fine(2)], (), BOTH, (entry("a", NOT_READY, LATER),)),
        ([cut_off("b"), cut_off("a"), *fine(17)], (), BOTH, (entry("a", since=LATER),)),
        (
            [cut_off("b"), cut_off("a"), *fine(18)],
            (),
            BOTH,
            (entry("a", since=LATER), entry("b", since=LATER)),
        ),
        ([cut_off("b"), cut_off("a"), *fine(17)], (entry("b"),), BOTH, (entry("b"),)),
        (
            [cut_off("c"), cut_off("a"), *fine(18)],
            (entry("c"), entry("b")),
            BOTH,
            (entry("c"), entry("a", since=LATER)),
        ),
        (fine(30), (entry("gone"),), BOTH, ()),
        ([cut_off("a")], (entry("a"),), (), ()),
        ([unready("a"), *fine(2)], (entry("a"),), BOTH, (entry("a", NOT_READY),)),
        ([cut_off("a"), *fine(2)], (entry("a"), entry("b")), BOTH, (entry("a"),)),
        ([], (), BOTH, ()),
    ],
    ids=[
        "nothing shows",
        "a node without conditions shows nothing",
        "a condition that counts",
        "a condition that does not count",
        "not ready, where that counts",
        "unknown is not ready",
        "a tenth at most, and at least one",
        "two of twenty",
        "who is on the list keeps the place, whoever comes before it by name",
        "a place that is free goes to the next",
        "a node that is gone",
        "no condition counts any more",
        "another condition than before: the same place",
        "who is well leaves",
        "no nodes at all",
    ],
)
def test_the_list_of_the_withheld(
    nodes: list[Node],
    before: tuple[WithheldNode, ...],
    reasons: Sequence[WithholdReason],
    after: tuple[WithheldNode, ...],
) -> None:
    assert plan_withheld(nodes, before, reasons, LATER) == after


@given(st.sets(st.integers(0, 60)), st.sets(st.integers(0, 60)))
def test_whatever_befalls_the_nodes_few_are_withheld_and_nobody_is_pushed_out(
    first: set[int], second: set[int]
) -> None:
    def list_of(bad: set[int], before: tuple[WithheldNode, ...]) -> tuple[WithheldNode, ...]:
        nodes = [cut_off(str(n)) if n in bad else unready(str(n), "True") for n in range(61)]
        return plan_withheld(nodes, before, BOTH, AT)

    before = list_of(first, ())
    after = list_of(second, before)

    assert len(after) == min(6, len(second))
    assert {one.node for one in before if int(one.node) in second} <= {one.node for one in after}
    assert list_of(second, after) == after


def test_a_node_on_the_list_that_shows_the_reason_is_withheld() -> None:
    found = withheld(NodeFacts.of("a", cut_off("a")), {"a": NETWORK})

    assert found is not None
    assert found.reason is Reason.LAST_WITHHELD
    assert "Node/a is without a network" in found.message


@pytest.mark.parametrize(
    ("one", "standing"),
    [
        (cut_off("a"), {}),
        (cut_off("a"), {"b": NETWORK}),
        (unready("a"), {"a": NETWORK}),
        (cut_off("a"), {"a": NOT_READY}),
        (None, {"a": NOT_READY}),
    ],
    ids=[
        "an empty list",
        "a list of others",
        "a list that is late",
        "on it for something else",
        "no Node object",
    ],
)
def test_nobody_obeys_the_list_without_its_own_condition(
    one: Node | None, standing: dict[str, WithholdReason]
) -> None:
    assert withheld(NodeFacts.of("a", one), standing) is None


def test_only_the_list_of_the_default_config_counts() -> None:
    status = {"withheld": [{"node": "a", "reason": "NotReady", "since": AT}]}

    assert withheld_nodes([config(status=status)]) == {"a": NOT_READY}
    assert withheld_nodes([config("rack-1", status=status)]) == {}
