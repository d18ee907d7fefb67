"""What Services and VIPs are told of their announcement, and how soon: the budget of words.

Losses go first and at once. Gains share five writes a second, and none concerns an object that was
written in the last half minute; but the first True of a new object goes at once, and soon after it
that all paths exist. That only some do is told when it has been so for a minute. At rest nothing is
written.
"""

from __future__ import annotations

from datetime import datetime
from heapq import heappop, heappush
from typing import TYPE_CHECKING, NamedTuple

from porter_ctl.api import ConditionStatus
from porter_ctl.plan.conditions import SERVICE_PREFIX
from porter_ctl.plan.verdict import Reason, Verdict, reason_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from porter_ctl.api import Condition, ObjectRef
    from porter_ctl.plan.truth import Standing

VIP_ANNOUNCED = "Announced"
ANNOUNCED = f"{SERVICE_PREFIX}{VIP_ANNOUNCED}"
GAIN_SECONDS = 0.2  # between two gains of any objects
OBJECT_SECONDS = 30.0  # from any write of an object to its next gain
PARTIAL_SECONDS = 60.0  # until some paths instead of all are worth telling
UNPROVEN_SECONDS = 10.0  # for which proof may be late
FIRST_SECONDS = 3.0  # the same for an object of which nothing was said yet
GATHERING_SECONDS = 2.0  # for the other nodes, once one has proven a new object's path
COUNT_SECONDS = 10.0  # for a number of paths to settle
OLD_SECONDS = 60.0  # after which an object is no new one
COUNTED_NODES = 200  # with more of them no object tells how many paths there are

_HOLDS = {ConditionStatus.TRUE: True, ConditionStatus.FALSE: False, ConditionStatus.UNKNOWN: None}
_SOME = Verdict(
    reason=Reason.SOME_PATHS,
    message="some of the paths that should exist are proven",
    remedy="the VIP counts them, the BGPNodes and porter why say which are missing",
)


class Word(NamedTuple):
    """What an object says, or should say, of its announcement.

    Attributes:
        holds: The status of the condition; None for Unknown.
        verdict: Its reason and message.
        paths: How many paths of how many, on a VIP; empty where that is not told.
        settling: A proof may yet come by itself.
        old: It has been said for a while: whatever is said of the object next is not its first.
    """

    holds: bool | None
    verdict: Verdict
    paths: str = ""
    settling: bool = False
    old: bool = False

    def says(self, other: Word | None) -> bool:
        """Whether it says what the other does; messages may differ."""
        return other is not None and (
            (self.holds, self.verdict.reason, self.paths)
            == (other.holds, other.verdict.reason, other.paths)
        )


def word_of(standing: Standing, *, counted: bool) -> Word | None:
    """Return the word for an address; None: what was said last stands.

    Args:
        standing: How it stands.
        counted: The cluster is small enough to tell how many paths there are.
    """
    paths = f"{standing.proven}/{standing.expected}" if counted else ""
    if standing.proven:
        whole = standing.proven == standing.expected
        return Word(True, standing.verdict if whole else _SOME, paths)  # noqa: FBT003 - a condition's status
    if standing.unjudged:
        return None
    holds = None if standing.unknown else False
    return Word(holds, standing.verdict, paths, standing.settling)


def joined(words: Iterable[Word | None]) -> Word | None:
    """Return the word for a Service with several addresses: the worst of theirs."""
    found = list(words)
    if not found or None in found:
        return None
    worst = min((word for word in found if word is not None), key=_goodness)
    return worst._replace(paths="")


def word_in(condition: Condition | None, paths: str = "", *, at: str = "") -> Word | None:
    """Return the word that stands in an object; None where there is none.

    Args:
        condition: That tells of its announcement.
        paths: As it counts them.
        at: The time now, RFC 3339, where the word's age matters.
    """
    if condition is None:
        return None
    known = reason_of(condition.reason, Reason.NOT_PROVEN)
    verdict = Verdict(reason=known, message=condition.message)
    old = _seconds_between(condition.last_transition_time, at) > OLD_SECONDS
    return Word(_HOLDS[condition.status], verdict, paths, old=old)


class _Wish(NamedTuple):
    word: Word
    since: float
    due: float
    gain: bool


class Budget:
    """Which words may be written now. Objects are known by their references."""

    def __init__(self) -> None:
        self._wishes: dict[ObjectRef, _Wish] = {}
        self._waiting: list[tuple[float, ObjectRef]] = []
        self._gains: dict[ObjectRef, None] = {}
        self._free_at = 0.0
        self._written: dict[ObjectRef, float] = {}
        self._been_true: set[ObjectRef] = set()
        self._been_whole: set[ObjectRef] = set()

    def __len__(self) -> int:
        """How many words wait."""
        return len(self._wishes)

    def want(self, ref: ObjectRef, wanted: Word, standing: Word | None, now: float) -> None:
        """An object should say `wanted`, and says `standing` now."""
        if standing is not None:
            self._note(ref, standing)
        if wanted.says(standing):
            self.content(ref)
            return
        before = self._wishes.get(ref)
        if before is not None and wanted.says(before.word):
            return
        kept = before is not None and before.word.holds == wanted.holds
        since = before.since if before is not None and kept else now
        delay, gain = self._pace(ref, wanted, standing)
        due = since + delay
        if gain and (ref in self._been_whole or not _is_whole(wanted)):
            due = max(due, self._written.get(ref, due - OBJECT_SECONDS) + OBJECT_SECONDS)
        self._gains.pop(ref, None)
        self._wishes[ref] = _Wish(wanted, since, due, gain)
        heappush(self._waiting, (due, ref))

    def content(self, ref: ObjectRef) -> None:
        """An object says what it should."""
        self._wishes.pop(ref, None)
        self._gains.pop(ref, None)

    def forget(self, ref: ObjectRef) -> None:
        """An object is gone, or is told nothing any more."""
        self.content(ref)
        self._written.pop(ref, None)
        self._been_true.discard(ref)
        self._been_whole.discard(ref)

    def take(self, now: float) -> list[ObjectRef]:
        """Return the objects to write now, losses first; say `written` of each that was."""
        losses: dict[ObjectRef, None] = {}  # one may wait twice for the same moment
        while self._waiting and self._waiting[0][0] <= now:
            due, ref = heappop(self._waiting)
            wish = self._wishes.get(ref)
            if wish is None or wish.due != due:
                continue
            if wish.gain:
                self._gains[ref] = None
            else:
                losses[ref] = None
        gains = []
        if self._gains and self._free_at <= now:
            gains.append(next(iter(self._gains)))
            self._free_at = now + GAIN_SECONDS
        taken = [*losses, *gains]
        for ref in taken:
            self.content(ref)
        return taken

    def written(self, ref: ObjectRef, word: Word, now: float) -> None:
        """An object was written, and says this."""
        self._written[ref] = now
        self._note(ref, word)

    def next_deadline(self) -> float | None:
        """When `take` may have something."""
        waiting = self._waiting[0][0] if self._waiting else None
        if not self._gains:
            return waiting
        return self._free_at if waiting is None else min(waiting, self._free_at)

    def _note(self, ref: ObjectRef, word: Word) -> None:
        if word.holds:
            self._been_true.add(ref)
        if _is_whole(word):
            self._been_whole.add(ref)

    def _pace(self, ref: ObjectRef, wanted: Word, standing: Word | None) -> tuple[float, bool]:
        """How long the word must have been true, and whether it is a gain."""
        if standing is not None and standing.holds:
            if not wanted.holds:
                return (UNPROVEN_SECONDS if wanted.settling else 0.0), False
            if wanted.verdict.reason is standing.verdict.reason:
                return COUNT_SECONDS, True
            partial = wanted.verdict.reason is Reason.SOME_PATHS
            return (PARTIAL_SECONDS if partial else 0.0), True
        if wanted.holds:
            gathering = GATHERING_SECONDS if wanted.verdict.reason is Reason.SOME_PATHS else 0.0
            seen = ref in self._been_true or (standing is not None and standing.old)
            return gathering, seen
        if standing is None:
            return (FIRST_SECONDS if wanted.settling else 0.0), False
        return (UNPROVEN_SECONDS if wanted.settling else 0.0), True


def _seconds_between(before: str, after: str) -> float:
    """The seconds between two times, RFC 3339; 0 where one of them is none."""
    try:
        return (datetime.fromisoformat(after) - datetime.fromisoformat(before)).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return 0.0


def _is_whole(word: Word) -> bool:
    return word.verdict.reason is Reason.ALL_PATHS


def _goodness(word: Word) -> tuple[int, int]:
    place = {False: 0, None: 1, True: 2}[word.holds]
    return (place, int(_is_whole(word)) if word.holds else word.verdict.reason.precedence)
