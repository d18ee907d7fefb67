"""`porter_ctl.gate.guard`: what goes in great number is kept, what goes rightly is not."""

from __future__ import annotations

import pytest

from porter_bgp.rib import Path, RouteAttributes
from porter_ctl.api import Kind
from porter_ctl.gate import EffectGuard, Facts, Kinds, KindStands
from porter_ctl.plan import PrefixPlan, Reason
from porter_ctl.plan.attributes import announced_last
from tests.support.gated import PLAIN, Node, Passage, no, prefix, yes

LAST = {"tor": (Path(0, announced_last(PLAIN)),)}
NOT_READY = Facts(node_ready=False)


class Guarded(Node):
    """A node that announces `count` prefixes, with the guard."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.kinds = Kinds()
        self.guard = self.gate = EffectGuard(self.kinds)
        self.want(*(yes(number) for number in range(count)))
        self.wait(100.0)
        self.log.clear()

    def lose(self, count: int, *reasons: Reason, start: int = 0, unready: bool = False) -> None:
        """The first prefixes, so many of them, have no paths for these reasons."""
        numbers = range(start, start + count)
        self.want(*(no(number, *reasons, unready=unready) for number in numbers))
        self.wait(0.0)

    def learn(self, facts: Facts) -> None:
        self.admit(*self.guard.learn(facts, self.now))
        self.wait(0.0)

    def answer(self, kind: Kind, exists: bool | None) -> None:  # noqa: FBT001 - the answer
        assert [query.kind for query in self.kinds.wanted(self.now)] == [kind]
        self.admit(*self.guard.evidence(KindStands(kind, exists), self.now))

    def reasons(self, number: int) -> list[Reason]:
        return [one.reason for one in self.admitted[prefix(number)].verdicts]


# How many are many


@pytest.mark.parametrize(
    ("announced", "lost", "kept"),
    [
        (100, 20, False),
        (100, 21, True),
        (24, 4, False),
        (24, 5, True),
        (25, 5, False),
        (25, 6, True),
        (10, 4, False),
        (10, 5, True),
        (4, 3, False),
        (4, 4, True),
        (1, 1, True),
    ],
)
def test_more_than_a_fifth_and_five_or_all_are_many(
    announced: int,
    lost: int,
    kept: bool,  # noqa: FBT001 - a column
) -> None:
    node = Guarded(announced)

    node.lose(lost, Reason.NO_ADVERTISEMENT)

    assert len(node.there()) == (announced if kept else announced - lost)
    assert node.guard.kept == (lost if kept else 0)


def test_without_the_guard_all_of_it_goes() -> None:
    node = Guarded(100)
    node.gate = Passage()

    node.lose(100, Reason.NO_ADVERTISEMENT)

    assert node.there() == set()


def test_what_went_first_comes_back_as_it_was() -> None:
    node = Guarded(100)

    node.want(*(no(number, Reason.NO_ADVERTISEMENT) for number in range(30)))
    before = len(node.there())
    node.wait(0.0)

    assert before == 80
    assert len(node.there()) == 100
    assert node.told(prefix(0)) == node.told(prefix(29)) == yes().paths
    assert node.reasons(0) == [Reason.HELD_BY_GUARD, Reason.NO_ADVERTISEMENT]


@pytest.mark.parametrize(("interval", "kept"), [(0.45, True), (0.55, False)])
def test_only_what_goes_within_ten_seconds_counts_together(
    interval: float,
    kept: bool,  # noqa: FBT001 - a column
) -> None:
    node = Guarded(100)

    for number in range(21):
        node.lose(1, Reason.NO_ADVERTISEMENT, start=number)
        node.wait(interval)

    assert (node.guard.kept == 21) == kept


def test_a_prefix_that_comes_back_does_not_count() -> None:
    node = Guarded(100)
    for turn in range(60):
        node.lose(1, Reason.NO_ADVERTISEMENT, start=turn % 20)
        node.want(yes(turn % 20))

    node.lose(5, Reason.NO_ADVERTISEMENT)

    assert node.guard.kept == 0


def test_what_was_never_announced_is_no_loss() -> None:
    node = Guarded(10)

    node.lose(50, Reason.NO_ADVERTISEMENT, start=10)

    assert node.guard.kept == 0
    assert len(node.there()) == 10


def test_what_the_last_process_announced_counts_as_announced() -> None:
    node = Node()
    guard = node.gate = EffectGuard(Kinds())
    guard.baseline({prefix(number): yes().paths for number in range(10)} | {prefix(99): {}})

    node.want(*(no(number, Reason.NO_ADVERTISEMENT) for number in range(10)))
    node.wait(0.0)

    assert node.there() == set(range(10))
    assert guard.told.keys() == {prefix(number) for number in range(10)}


def test_very_many_are_looked_at_a_slice_at_a_time() -> None:
    node = Guarded(2500)
    node.lose(2500, Reason.NO_ADVERTISEMENT)
    node.now += 60.0

    first = node.guard.handle_timeout(node.now)
    node.admit(*first)
    node.wait(0.0)

    assert len(first) == 1000
    assert node.there() == set()


# Which causes


@pytest.mark.parametrize(
    "reasons",
    [
        (Reason.NOT_ALLOCATED,),
        (Reason.NODE_DRAINED,),
        (Reason.DATAPLANE_NOT_READY,),
        (Reason.DAMPED,),
        (Reason.NOT_ALLOCATED, Reason.NO_ENDPOINT),
    ],
)
def test_what_goes_rightly_goes(reasons: tuple[Reason, ...]) -> None:
    node = Guarded(100)

    node.lose(100, *reasons)

    assert node.there() == set()
    assert node.guard.alarm is None


@pytest.mark.parametrize(
    ("reason", "kept"),
    [
        (Reason.NO_ADVERTISEMENT, yes().paths),
        (Reason.NO_CONFIG, yes().paths),
        (Reason.NO_PEER, yes().paths),
        (Reason.NO_NEXT_HOP, yes().paths),
        (Reason.STATUS_PENDING, yes().paths),
        (Reason.NODE_NOT_SELECTED, LAST),
        (Reason.NODE_EXCLUDED, LAST),
        (Reason.NO_ENDPOINT, LAST),
        (Reason.NO_LOCAL_ENDPOINT, LAST),
    ],
)
def test_what_is_about_this_node_is_kept_as_the_last_resort(
    reason: Reason, kept: dict[str, tuple[Path, ...]]
) -> None:
    node = Guarded(10)

    node.lose(10, reason)
    node.wait(59.9)
    still = node.told(prefix(3))
    node.wait(0.2)

    assert still == kept
    assert node.there() == set()
    assert node.guard.kept == 0


def test_no_reason_at_all_is_kept_too() -> None:
    node = Guarded(10)

    node.lose(10)

    assert node.told(prefix(0)) == yes().paths


def test_what_is_announced_last_already_stays_so() -> None:
    node = Guarded(0)
    last = announced_last(RouteAttributes(med=3))
    node.want(*(yes(number, attributes=last) for number in range(10)))

    node.lose(10, Reason.NODE_EXCLUDED)

    assert node.told(prefix(0)) == {"tor": (Path(0, last),)}


def test_a_service_that_goes_meanwhile_goes_at_once() -> None:
    node = Guarded(10)
    node.lose(10, Reason.NO_ADVERTISEMENT)

    node.lose(1, Reason.NOT_ALLOCATED)

    assert node.there() == set(range(1, 10))


def test_what_comes_back_is_announced_as_planned() -> None:
    node = Guarded(10)
    node.lose(10, Reason.NO_ADVERTISEMENT)
    other = RouteAttributes(med=5)

    node.want(*(yes(number, attributes=other) for number in range(10)))
    node.wait(1000.0)

    assert node.told(prefix(0)) == yes(attributes=other).paths
    assert node.admitted[prefix(0)].verdicts == ()
    assert node.guard.alarm is None


def test_a_kept_prefix_that_is_damped_is_kept() -> None:
    node = Guarded(10)
    node.lose(10, Reason.NO_ADVERTISEMENT)

    node.want(no(0, Reason.DAMPED))

    assert node.told(prefix(0)) == yes().paths


@pytest.mark.parametrize("facts", [Facts(confirmed=True), Facts(leaving=True)])
def test_what_somebody_has_said_goes(facts: Facts) -> None:
    node = Guarded(10)
    node.lose(10, Reason.NO_ADVERTISEMENT)

    node.learn(facts)

    assert node.there() == set()


def test_a_confirmation_before_lets_everything_pass() -> None:
    node = Guarded(10)
    node.learn(Facts(confirmed=True))

    node.lose(10, Reason.NO_ADVERTISEMENT)

    assert node.there() == set()


def test_it_is_said_loudly_how_many_and_what_to_do() -> None:
    node = Guarded(10)

    node.lose(6, Reason.NO_ADVERTISEMENT)

    assert node.guard.alarm is not None
    assert str(node.guard.alarm) == (
        "6 of the 10 prefixes that this node announces would have gone within a few seconds, and "
        "are kept for a while; look at what has changed; if it is meant, annotate the BGPConfig "
        "with porter.network/confirm-delete"
    )


# Endpoints


@pytest.mark.parametrize("count", [1, 2, 4])
def test_a_few_prefixes_whose_endpoints_left_go_also_if_they_are_all(count: int) -> None:
    node = Guarded(count)

    node.lose(count, Reason.NO_LOCAL_ENDPOINT)

    assert node.there() == set()


@pytest.mark.parametrize("count", [1, 3, 100])
def test_unready_endpoints_on_a_ready_node_are_a_loss_of_liveness(count: int) -> None:
    node = Guarded(count)

    node.lose(count, Reason.NO_ENDPOINT, unready=True)
    node.wait(20.0)

    assert node.there() == set()


@pytest.mark.parametrize("count", [1, 3, 100])
def test_pods_that_are_marked_with_their_node_are_kept(count: int) -> None:
    node = Guarded(count)
    node.learn(NOT_READY)

    node.lose(count, Reason.NO_ENDPOINT, unready=True)
    node.wait(599.0)

    assert len(node.there()) == count
    assert node.told(prefix(0)) == LAST
    node.wait(2.0)
    assert node.there() == set()


def test_it_does_not_matter_which_is_heard_of_first() -> None:
    node = Guarded(10)
    node.lose(10, Reason.NO_LOCAL_ENDPOINT, unready=True)
    between = node.there()
    node.wait(9.0)

    node.learn(NOT_READY)

    assert between == set()
    assert node.there() == set(range(10))


def test_but_after_ten_seconds_it_does() -> None:
    node = Guarded(10)
    node.lose(10, Reason.NO_LOCAL_ENDPOINT, unready=True)
    node.wait(10.0)

    node.learn(NOT_READY)

    assert node.there() == set()


def test_a_node_that_becomes_unready_brings_back_nothing_if_it_was_little() -> None:
    node = Guarded(100)
    node.lose(5, Reason.NO_LOCAL_ENDPOINT, unready=True)

    node.learn(NOT_READY)

    assert len(node.there()) == 95


def test_a_node_that_is_ready_again_has_a_minute_for_its_pods() -> None:
    node = Guarded(10)
    node.learn(NOT_READY)
    node.lose(10, Reason.NO_ENDPOINT, unready=True)
    node.wait(300.0)

    node.learn(Facts())
    node.wait(59.0)
    kept = node.there()
    node.want(*(yes(number) for number in range(5)))
    node.wait(2.0)

    assert len(kept) == 10
    assert node.there() == set(range(5))


def test_the_same_facts_again_change_nothing() -> None:
    node = Guarded(10)
    node.learn(NOT_READY)
    node.lose(10, Reason.NO_ENDPOINT, unready=True)

    assert node.guard.learn(NOT_READY, node.now) == frozenset()


# What is foreseen


def lost(numbers: range) -> list[PrefixPlan]:
    return [no(number, Reason.NO_ENDPOINT) for number in numbers]


def test_what_is_foreseen_counts_before_it_goes() -> None:
    node = Guarded(20)

    node.guard.foresee(lost(range(6)), node.now)
    node.want(*lost(range(1)))

    assert node.there() == set(range(20))


@pytest.mark.parametrize("stamped", [False, True])
def test_what_was_foreseen_and_has_paths_again_is_no_loss(
    stamped: bool,  # noqa: FBT001 - a column
) -> None:
    node = Guarded(20)
    node.guard.foresee(lost(range(6)), node.now if stamped else None)
    node.want(*(yes(number) for number in range(6)))
    node.wait(3600.0)

    node.want(*lost(range(10, 11)))

    assert node.there() == set(range(20)) - {10}


@pytest.mark.parametrize(("seconds", "kept"), [(9.9, True), (10.0, False)])
@pytest.mark.parametrize("stamped", [False, True])
def test_what_was_foreseen_and_was_never_admitted_counts_for_ten_seconds(
    stamped: bool,  # noqa: FBT001 - a column
    seconds: float,
    kept: bool,  # noqa: FBT001 - a column
) -> None:
    node = Guarded(20)
    node.guard.foresee(lost(range(6)), node.now if stamped else None)
    node.want(yes(19))
    node.wait(seconds)

    node.want(*lost(range(10, 11)))

    assert (10 in node.there()) == kept


def test_foreseen_and_expired_by_a_timeout_alone() -> None:
    node = Guarded(20)
    node.guard.foresee(lost(range(6)))
    node.guard.handle_timeout(node.now)
    node.wait(10.0)

    node.want(*lost(range(10, 11)))

    assert 10 not in node.there()


def test_what_is_kept_already_is_not_foreseen_again() -> None:
    node = Guarded(20)
    node.lose(6, Reason.NO_ENDPOINT)
    node.wait(30.0)

    node.guard.foresee(lost(range(7)), node.now)
    node.want(*lost(range(6, 7)))

    assert node.there() == set(range(20)) - {6}


def test_nothing_foreseen_takes_back_what_was() -> None:
    node = Guarded(20)
    node.guard.foresee(lost(range(6)), node.now)

    node.guard.foresee((), node.now)
    node.want(*lost(range(10, 11)))

    assert 10 not in node.there()


# Kinds


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        (Reason.NO_ADVERTISEMENT, Kind.BGP_ADVERTISEMENT),
        (Reason.NO_CONFIG, Kind.BGP_CONFIG),
        (Reason.NO_PEER, Kind.BGP_PEER),
    ],
)
@pytest.mark.parametrize("exists", [False, None])
def test_what_rests_on_a_kind_that_cannot_be_listed_is_kept_until_it_can(
    reason: Reason,
    kind: Kind,
    exists: bool | None,  # noqa: FBT001 - a column
) -> None:
    node = Guarded(10)
    node.lose(10, reason)

    node.answer(kind, exists)
    for _ in range(60):
        node.wait(15.0)
        node.answer(kind, exists)
    kept = node.there()
    node.wait(15.0)
    node.answer(kind, exists=True)
    node.wait(59.0)
    still = node.there()
    node.wait(2.0)

    assert kept == still == set(range(10))
    assert node.there() == set()


def test_a_kind_that_stands_costs_the_usual_minute() -> None:
    node = Guarded(10)
    node.lose(10, Reason.NO_ADVERTISEMENT)
    for _ in range(4):
        node.answer(Kind.BGP_ADVERTISEMENT, exists=True)
        node.wait(14.9)
        assert not node.kinds.wanted(node.now)
        assert node.there()
        node.wait(0.1)

    assert node.there() == set()
    assert node.kinds.next_deadline() is None
    assert node.kinds.wanted(node.now) == frozenset()


def test_a_kind_that_goes_after_its_objects_is_noticed() -> None:
    node = Guarded(10)
    node.lose(10, Reason.NO_ADVERTISEMENT)
    node.answer(Kind.BGP_ADVERTISEMENT, exists=True)
    node.wait(15.0)

    node.answer(Kind.BGP_ADVERTISEMENT, exists=False)
    node.wait(100.0)

    assert node.there() == set(range(10))


def test_another_cause_asks_for_another_kind() -> None:
    node = Guarded(10)
    node.lose(10, Reason.NO_ADVERTISEMENT)
    node.answer(Kind.BGP_ADVERTISEMENT, exists=False)

    node.lose(10, Reason.NO_PEER)

    node.answer(Kind.BGP_PEER, exists=True)
    node.wait(60.0)
    assert node.there() == set()


def test_an_answer_that_nobody_waits_for_any_more_does_nothing() -> None:
    node = Guarded(10)

    assert node.guard.evidence(KindStands(Kind.BGP_PEER, exists=False), node.now) == frozenset()


def test_a_plan_without_paths_and_nothing_announced_passes() -> None:
    node = Guarded(10)
    plan: PrefixPlan = no(50, Reason.NO_ENDPOINT)

    node.want(plan)

    assert node.admitted[prefix(50)] is plan
