"""`porter_ctl.gate.vacancy`: endpoints that are in no slice for a moment are waited for."""

from __future__ import annotations

import pytest

from porter_ctl.gate import Vacancy
from porter_ctl.plan import PrefixPlan, Reason
from tests.support.gated import Node, Passage, no, prefix, yes

VACANT = (no(1, Reason.NO_ENDPOINT), no(1, Reason.NO_LOCAL_ENDPOINT))


def announcing() -> Node:
    node = Node()
    node.gate = Vacancy(node.told)
    node.want(yes())
    node.log.clear()
    return node


@pytest.mark.parametrize("vacant", VACANT)
def test_an_endpoint_that_moves_to_another_slice_costs_nothing(vacant: PrefixPlan) -> None:
    node = announcing()

    node.want(vacant)
    node.wait(0.09)
    node.want(yes())
    node.wait(10.0)

    assert node.log == []


def test_without_the_gate_the_move_is_a_withdrawal() -> None:
    node = announcing()
    node.gate = Passage()

    node.want(VACANT[0])
    node.want(yes())

    assert [bool(said.paths) for said in node.log] == [False, True]


@pytest.mark.parametrize("vacant", VACANT)
def test_after_a_tenth_of_a_second_it_goes(vacant: PrefixPlan) -> None:
    node = announcing()

    node.want(vacant)
    node.wait(0.05)
    node.want(vacant)
    node.wait(10.0)

    assert [said.at for said in node.log] == [pytest.approx(1000.1)]
    assert node.told(prefix(1)) == {}
    assert node.gate.next_deadline() is None


@pytest.mark.parametrize(
    "plan",
    [
        no(1, Reason.NO_ENDPOINT, unready=True),
        no(1, Reason.NOT_ALLOCATED),
        no(1, Reason.NO_ENDPOINT, Reason.NOT_ALLOCATED),
        no(1, Reason.NO_ADVERTISEMENT),
        no(1, Reason.NODE_DRAINED),
        no(1),
    ],
)
def test_any_other_loss_passes_at_once(plan: PrefixPlan) -> None:
    node = announcing()

    node.want(plan)

    assert node.told(prefix(1)) == {}


def test_a_loss_of_authority_ends_the_wait() -> None:
    node = announcing()
    node.want(VACANT[0])

    node.want(no(1, Reason.NOT_ALLOCATED))

    assert node.told(prefix(1)) == {}
    node.wait(1.0)
    assert len(node.log) == 1


def test_what_was_not_announced_is_not_waited_for() -> None:
    node = Node()
    node.gate = Vacancy(node.told)

    node.want(VACANT[0])

    assert node.gate.next_deadline() is None
    assert node.admitted[prefix(1)] == VACANT[0]


def test_what_is_kept_by_others_after_the_wait_is_waited_for_once() -> None:
    node = announcing()
    node.want(VACANT[0])
    node.wait(1.0)
    node.announced[prefix(1)] = yes().paths  # a guard keeps it

    node.want(VACANT[0])

    assert node.admitted[prefix(1)] == VACANT[0]


def test_every_vacancy_has_its_own_wait() -> None:
    node = announcing()
    node.want(VACANT[0])
    node.wait(0.09)
    node.want(yes())
    node.want(VACANT[0])

    node.wait(0.09)

    assert node.there() == {1}
