"""All gates together: whatever happened, what is true is announced in the end."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porter_bgp.rib import RouteAttributes
from porter_ctl.api import DataplaneGate as Mode
from porter_ctl.gate import (
    Chain,
    Damping,
    DataplaneGate,
    EffectGuard,
    Facts,
    Kinds,
    KindStands,
    Vacancy,
)
from porter_ctl.plan import PrefixPlan, Reason
from tests.support.gated import Node, no, yes

AUTHORITY = {Reason.NOT_ALLOCATED, Reason.NODE_DRAINED}
REASONS = (
    *AUTHORITY,
    Reason.STATUS_PENDING,
    Reason.NO_ADVERTISEMENT,
    Reason.NODE_NOT_SELECTED,
    Reason.NO_CONFIG,
    Reason.NO_ENDPOINT,
    Reason.NO_LOCAL_ENDPOINT,
    Reason.NO_PEER,
)


@dataclass(frozen=True)
class Answer:
    """Whoever lists kinds has found this."""

    exists: bool | None


Event = PrefixPlan | tuple[PrefixPlan, ...] | Facts | Answer | float

numbers = st.integers(0, 5)
plans = st.builds(
    lambda number, peers, med: yes(number, *peers, attributes=RouteAttributes(med=med)),
    numbers,
    st.sampled_from([("a",), ("b",), ("a", "b")]),
    st.sampled_from([None, 5]),
) | st.builds(
    lambda number, reason, unready: no(number, reason, unready=unready),
    numbers,
    st.sampled_from(REASONS),
    st.booleans(),
)
masses = st.sampled_from(REASONS).map(
    lambda reason: tuple(no(number, reason) for number in range(6))
)
events = st.lists(
    plans
    | masses
    | st.builds(
        Facts, node_ready=st.booleans(), confirmed=st.sampled_from([False, False, False, True])
    )
    | st.sampled_from([Answer(None), Answer(exists=False), Answer(exists=True)])
    | st.sampled_from([0.0, 0.01, 0.05, 0.2, 1.0, 9.0, 70.0]),
    max_size=60,
)


class Whole(Node):
    """A node with every gate."""

    def __init__(self) -> None:
        super().__init__()
        dataplane = DataplaneGate(new_boot=False)
        dataplane.configure(Mode.DELAY, 1.0)
        dataplane.first_list_done()
        self.kinds = Kinds()
        self.guard = EffectGuard(self.kinds)
        self.gate = Chain(
            dataplane, Damping(self.guard.announced), Vacancy(self.guard.announced), self.guard
        )

    def take(self, event: Event) -> None:
        match event:
            case float():
                self.wait(event)
            case Answer(exists):
                for query in self.kinds.wanted(self.now):
                    self.admit(*self.guard.evidence(KindStands(query.kind, exists), self.now))
            case Facts():
                self.admit(*self.guard.learn(event, self.now))
            case PrefixPlan():
                self.want(event)
            case _:
                self.want(*event)


@given(events)
def test_eleven_minutes_later_the_plan_is_true(script: list[Event]) -> None:
    node = Whole()
    for event in script:
        node.take(event)
        for prefix, plan in node.plans.items():
            reasons = {verdict.reason for verdict in plan.verdicts}
            assert not (reasons & AUTHORITY and node.told(prefix))

    for _ in range(44):
        node.take(Answer(exists=True))
        node.wait(15.0)

    assert {prefix: node.told(prefix) for prefix in node.plans} == {
        prefix: plan.paths for prefix, plan in node.plans.items()
    }
    assert node.guard.kept == 0


@pytest.mark.parametrize("answered", [True, False])
def test_without_an_answer_a_kind_is_waited_for_for_ever(answered: bool) -> None:  # noqa: FBT001 - a column
    """The negative control of the above: it is the answers that end the holding."""
    node = Whole()
    node.want(*(yes(number) for number in range(6)))
    node.wait(5.0)
    node.want(*(no(number, Reason.NO_PEER) for number in range(6)))
    node.take(Answer(exists=False))

    for _ in range(44):
        node.wait(15.0)
        node.take(Answer(exists=True if answered else None))

    assert bool(node.there()) != answered
