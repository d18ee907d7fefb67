"""`porter_ctl.gate.damping`: what flaps is announced again at most once a second."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porter_bgp.rib import Path, RouteAttributes
from porter_ctl.gate import Damping
from porter_ctl.plan import PrefixPlan, Reason
from tests.support.gated import PLAIN, Node, Passage, no, prefix, yes

OTHER = RouteAttributes(med=7)
GONE = no(1, Reason.NO_ENDPOINT)


def damped() -> Node:
    """A node that has announced prefix 1 for a while."""
    node = Node()
    node.gate = Damping(node.told)
    node.want(yes())
    node.wait(100.0)
    node.log.clear()
    return node


def flap(node: Node, times: int, *, interval: float = 0.02) -> None:
    """No and yes in turn, so many changes, the last a yes if they are even."""
    for turn in range(times):
        node.want(yes() if turn % 2 else GONE)
        node.wait(interval)


def announcements(node: Node, after: float) -> list[float]:
    return [said.at for said in node.log if said.paths and said.at >= after]


def test_an_endpoint_that_flaps_fifty_times_a_second_is_announced_once_a_second() -> None:
    node = damped()
    start = node.now

    flap(node, 500)
    end = node.now
    node.wait(60.0)

    times = announcements(node, start + 10 * 0.02)
    assert len(times) >= 8
    assert all(later - earlier > 0.999 for earlier, later in pairwise(times))
    assert node.told(prefix(1)) == yes().paths
    assert node.log[-1].at <= end + 1.0


def test_without_the_gate_it_is_announced_every_time() -> None:
    node = damped()
    node.gate = Passage()

    flap(node, 500)

    assert len(announcements(node, 0.0)) == 250


def test_ten_changes_pass_and_the_eleventh_waits() -> None:
    node = damped()

    flap(node, 10)
    passed = len(node.log)
    node.want(GONE)
    node.want(yes())

    assert passed == 10
    assert node.told(prefix(1)) == {}
    assert [one.reason for one in node.admitted[prefix(1)].verdicts] == [Reason.DAMPED]


def test_a_loss_passes_at_once_however_often_it_came() -> None:
    node = damped()
    flap(node, 41)
    node.wait(1.0)

    node.want(yes())
    node.want(GONE)

    assert node.log[-1].at == node.now
    assert node.told(prefix(1)) == {}


def test_what_is_true_when_the_second_is_over_is_said() -> None:
    node = damped()
    flap(node, 30)
    node.want(GONE)
    node.want(yes(attributes=OTHER))

    node.wait(1.0)

    assert node.told(prefix(1)) == yes(attributes=OTHER).paths
    assert node.admitted[prefix(1)].verdicts == ()


def test_changed_attributes_are_announcements_too() -> None:
    node = damped()
    start = node.now

    for turn in range(500):
        node.want(yes(attributes=(OTHER, PLAIN)[turn % 2]))
        node.wait(0.02)

    times = announcements(node, start + 10 * 0.02)
    assert 8 <= len(times) <= 11
    node.wait(2.0)
    assert node.told(prefix(1)) == yes().paths


def test_a_peer_or_a_path_that_is_lost_is_lost_at_once_also_while_another_change_waits() -> None:
    node = damped()
    for turn in range(20):
        node.want(yes(1, "a", "b", attributes=(OTHER, PLAIN)[turn % 2]))
    two = (Path(1, PLAIN), Path(2, PLAIN))
    node.wait(5.0)
    node.want(PrefixPlan(prefix=prefix(1), paths={"a": two, "b": two}))
    for turn in range(20):
        node.want(PrefixPlan(prefix=prefix(1), paths={"a": two, "b": two[: 1 + turn % 2]}))

    node.want(PrefixPlan(prefix=prefix(1), paths={"a": (Path(2, OTHER),)}))

    assert node.told(prefix(1)) == {"a": (Path(2, PLAIN),)}
    node.wait(1.0)
    assert node.told(prefix(1)) == {"a": (Path(2, OTHER),)}


def test_slow_changes_are_not_damped() -> None:
    node = damped()

    flap(node, 40, interval=1.2)

    assert len(node.log) == 40


def test_it_ends_when_changes_are_fewer_than_ten_in_ten_seconds() -> None:
    node = damped()
    flap(node, 60)
    node.wait(10.0)

    flap(node, 8)

    assert len([said for said in node.log if said.at > 1110.0]) == 8


@pytest.mark.parametrize("another", [False, True])
def test_after_a_loop_that_stalled_what_waits_is_said(
    another: bool,  # noqa: FBT001 - a column
) -> None:
    node = damped()
    flap(node, 13, interval=0.05)
    node.want(yes())
    waits = node.told(prefix(1)) == {}
    node.now += 11.0

    if another:
        node.want(yes(2), no(2, Reason.NO_ENDPOINT))
    node.admit(*node.gate.handle_timeout(node.now))

    assert waits
    assert node.told(prefix(1)) == yes().paths


def test_only_what_flaps_is_remembered_and_not_for_long() -> None:
    node = Node()
    gate = node.gate = Damping(node.told)
    node.want(*(yes(number) for number in range(500)))
    node.want(*(yes(number) for number in range(500)))
    calm = gate.flapping
    node.want(*(no(number, Reason.NO_ENDPOINT) for number in range(7)))
    few = gate.flapping

    node.wait(9.9)
    still = gate.flapping
    node.wait(0.1)
    gate.handle_timeout(node.now)

    assert (calm, few, still, gate.flapping) == (0, 7, 7, 0)


changes = st.lists(
    st.tuples(
        st.sampled_from([yes(), yes(1, "a"), yes(1, "a", "b"), yes(attributes=OTHER), GONE, no(1)]),
        st.sampled_from([0.0, 0.01, 0.1, 0.5, 1.0, 3.0]),
    ),
    max_size=60,
)


@given(changes)
def test_two_seconds_after_the_last_change_the_plan_is_true(
    script: list[tuple[PrefixPlan, float]],
) -> None:
    node = Node()
    node.gate = Damping(node.told)
    plan = no(1)
    for plan, pause in script:
        node.want(plan)
        assert node.told(prefix(1)).keys() <= plan.paths.keys()
        node.wait(pause)

    node.wait(2.0)

    assert node.told(prefix(1)) == plan.paths


@pytest.mark.parametrize("first", [yes(), GONE])
def test_a_first_plan_passes(first: PrefixPlan) -> None:
    node = Node()
    node.gate = Damping(node.told)

    node.want(first)

    assert node.admitted[prefix(1)] == first
