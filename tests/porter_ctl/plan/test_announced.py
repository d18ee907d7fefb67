"""`porter_ctl.plan.announced`: which words are written, and when at the earliest."""

from __future__ import annotations

import pytest

from porter_ctl.api import Condition, ConditionStatus, Kind, ObjectRef
from porter_ctl.plan import Reason, Verdict
from porter_ctl.plan.announced import (
    COUNT_SECONDS,
    FIRST_SECONDS,
    GAIN_SECONDS,
    GATHERING_SECONDS,
    OBJECT_SECONDS,
    PARTIAL_SECONDS,
    UNPROVEN_SECONDS,
    Budget,
    Word,
    joined,
    word_in,
    word_of,
)
from porter_ctl.plan.truth import Standing

HOLDS = {"True": True, "False": False, "Unknown": None}


def word(status: str, reason: Reason, paths: str = "", *, settling: bool = False) -> Word:
    return Word(HOLDS[status], Verdict(reason=reason, message="so it is"), paths, settling)


ALL = word("True", Reason.ALL_PATHS)
FEWER = word("True", Reason.ALL_PATHS, "4/4")
SOME = word("True", Reason.SOME_PATHS)
DOWN = word("False", Reason.SESSION_DOWN)
NO_ENDPOINT = word("False", Reason.NO_ENDPOINT)
DEAD = word("Unknown", Reason.NO_REPORT)
LATE = word("Unknown", Reason.NOT_PROVEN, settling=True)


def service(name: object = "web") -> ObjectRef:
    return ObjectRef(Kind.SERVICE, "default", str(name))


def earliest(budget: Budget, ref: ObjectRef, *, within: float = 200) -> float | None:
    """When an object is written, on a clock of tenths of a second; None: not within that time."""
    for tenth in range(round(within * 10)):
        if ref in budget.take(tenth / 10):
            return tenth / 10
    return None


@pytest.mark.parametrize(
    ("standing", "wanted", "after"),
    [
        pytest.param(None, ALL, 0, id="the first True of a new object"),
        pytest.param(None, SOME, GATHERING_SECONDS, id="a first True that others may complete"),
        pytest.param(None, NO_ENDPOINT, 0, id="the first False"),
        pytest.param(None, LATE, FIRST_SECONDS, id="nothing proven yet of a new object"),
        pytest.param(ALL, DOWN, 0, id="a loss"),
        pytest.param(ALL, DEAD, 0, id="a loss of certainty"),
        pytest.param(ALL, LATE, UNPROVEN_SECONDS, id="proof that is late"),
        pytest.param(ALL, SOME, PARTIAL_SECONDS, id="some paths instead of all"),
        pytest.param(SOME, ALL, 0, id="all paths again"),
        pytest.param(FEWER, SOME, PARTIAL_SECONDS, id="some paths, and fewer of them"),
        pytest.param(DOWN, NO_ENDPOINT, 0, id="another reason for a no"),
        pytest.param(ALL, FEWER, COUNT_SECONDS, id="another number of paths"),
    ],
)  # fmt: skip
def test_how_soon_a_word_is_written(standing: Word | None, wanted: Word, after: float) -> None:
    budget = Budget()

    budget.want(service(), wanted, standing, now=0.0)

    assert earliest(budget, service()) == pytest.approx(after)
    assert len(budget) == 0


@pytest.mark.parametrize("same", [ALL, DOWN, LATE])
def test_what_is_said_already_is_not_written(same: Word) -> None:
    budget = Budget()

    budget.want(service(), same, same, now=0.0)

    assert earliest(budget, service()) is None
    assert budget.next_deadline() is None


def test_proof_that_comes_in_time_spares_both_writes() -> None:
    budget = Budget()

    budget.want(service(), LATE, ALL, now=0.0)
    budget.want(service(), ALL, ALL, now=UNPROVEN_SECONDS - 1)

    assert earliest(budget, service()) is None


def test_doubt_counts_from_its_beginning_whatever_else_changes() -> None:
    budget = Budget()
    late = [word("Unknown", Reason.NOT_PROVEN, f"0/{n}", settling=True) for n in range(9)]

    for second, one in enumerate(late):
        budget.want(service(), one, ALL, now=float(second))

    assert earliest(budget, service()) == pytest.approx(UNPROVEN_SECONDS)


def test_an_object_that_was_lost_gains_half_a_minute_after_its_last_write() -> None:
    budget = Budget()
    budget.want(service(), DOWN, ALL, now=0.0)
    assert budget.take(0.0) == [service()]
    budget.written(service(), DOWN, 0.0)

    budget.want(service(), ALL, DOWN, now=1.0)

    assert earliest(budget, service()) == pytest.approx(OBJECT_SECONDS)


def test_a_new_object_that_was_refused_first_gains_at_once() -> None:
    budget = Budget()
    budget.want(service(), NO_ENDPOINT, None, now=0.0)
    assert budget.take(0.0) == [service()]
    budget.written(service(), NO_ENDPOINT, 0.0)

    budget.want(service(), ALL, NO_ENDPOINT, now=1.0)

    assert budget.take(1.0) == [service()]


def test_gains_share_five_writes_a_second_and_losses_pass_them() -> None:
    budget = Budget()
    for number in range(20):
        budget.want(service(number), DOWN, ALL, now=0.0)
    for lost in budget.take(0.0):
        budget.written(lost, DOWN, 0.0)
    for number in range(20):
        budget.want(service(number), ALL, DOWN, now=0.0)
    at = OBJECT_SECONDS
    budget.want(service("lost"), DEAD, ALL, now=at)

    first = budget.take(at)
    rest = [budget.take(at + tenth / 10) for tenth in range(1, 40)]

    assert first[0] == service("lost")
    assert len(first) == 2
    assert all(len(taken) <= 1 for taken in rest)
    assert 15 <= sum(map(len, rest)) <= 19
    assert sum(map(len, rest[:9])) <= 1 / GAIN_SECONDS


def test_an_object_that_is_gone_is_forgotten() -> None:
    budget = Budget()
    budget.want(service(), DOWN, ALL, now=0.0)

    budget.forget(service())
    after = budget.take(100.0)
    budget.written(service(), ALL, 100.0)
    budget.forget(service())
    budget.want(service(), ALL, NO_ENDPOINT, now=101.0)

    assert after == []
    assert budget.take(101.0) == [service()]  # another one of its name


@pytest.mark.parametrize(
    ("standing", "status", "reason", "paths"),
    [
        (Standing(6, 6, 0, ALL.verdict), "True", "AllPaths", "6/6"),
        (Standing(6, 1, 5, DEAD.verdict), "True", "SomePaths", "1/6"),
        (Standing(6, 0, 0, DOWN.verdict), "False", "SessionDown", "0/6"),
        (Standing(6, 0, 1, DEAD.verdict), "Unknown", "NoReport", "0/6"),
        (Standing(0, 0, 0, NO_ENDPOINT.verdict), "False", "NoEndpoint", "0/0"),
    ],
)
def test_one_proven_path_makes_a_yes_and_one_unknown_spoils_a_no(
    standing: Standing, status: str, reason: str, paths: str
) -> None:
    said = word_of(standing, counted=True)

    assert said is not None
    assert (said.holds, said.verdict.reason, said.paths) == (HOLDS[status], reason, paths)


def test_large_clusters_count_no_paths() -> None:
    said = word_of(Standing(6, 6, 0, ALL.verdict), counted=False)

    assert said is not None
    assert said.paths == ""


def test_what_cannot_be_judged_leaves_the_last_word() -> None:
    assert word_of(Standing(6, 0, 6, LATE.verdict, unjudged=True), counted=True) is None


@pytest.mark.parametrize(
    ("words", "worst"),
    [
        ([ALL, ALL], ALL),
        ([ALL, SOME], SOME),
        ([SOME, LATE], LATE),
        ([LATE, DOWN], DOWN),
        ([DOWN, NO_ENDPOINT], NO_ENDPOINT),
        ([ALL, None], None),
        ([], None),
    ],
)
def test_a_service_says_the_worst_of_its_addresses(
    words: list[Word | None], worst: Word | None
) -> None:
    assert joined(words) == worst


def test_a_condition_of_a_newer_version_is_understood_by_its_status() -> None:
    found = word_in(Condition(type="x", status=ConditionStatus.TRUE, reason="Splendid"))

    assert found is not None
    assert found.holds is True
    assert word_in(None) is None


def test_what_could_not_be_written_was_not_written() -> None:
    budget = Budget()
    budget.want(service(), ALL, None, now=0.0)
    assert budget.take(0.0) == [service()]

    budget.want(service(), ALL, None, now=1.0)

    assert budget.take(1.0) == [service()]


def test_a_new_object_is_completed_soon_and_a_known_one_in_its_turn() -> None:
    budget = Budget()
    budget.want(service(), SOME, None, now=0.0)
    budget.written(service(), SOME, GATHERING_SECONDS)
    budget.want(service(), ALL, SOME, now=3.0)
    at_first = budget.take(3.0)
    budget.written(service(), ALL, 3.0)
    budget.written(service(), SOME, 70.0)

    budget.want(service(), ALL, SOME, now=71.0)

    assert at_first == [service()]
    assert budget.take(71.0) == []
    assert budget.take(70.0 + OBJECT_SECONDS) == [service()]


@pytest.mark.parametrize(("minute", "first"), [(0, True), (2, False)])
def test_what_has_said_no_for_a_while_is_no_new_object(minute: int, *, first: bool) -> None:
    stands = Condition(
        type="Announced",
        status=ConditionStatus.FALSE,
        reason="NoEndpoint",
        last_transition_time="2026-01-01T00:00:00Z",
    )
    budget = Budget()
    for name in ("a", "b"):
        standing = word_in(stands, at=f"2026-01-01T00:0{minute}:00Z")
        budget.want(service(name), ALL, standing, now=0.0)

    assert len(budget.take(0.0)) == (2 if first else 1)
