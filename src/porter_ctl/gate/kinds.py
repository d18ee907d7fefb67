"""Whether the kinds still exist whose objects have gone, while the guards keep what they said.

A CustomResourceDefinition that is deleted takes all its objects along: that is not their deletion,
and neither is a refusal to list them. What rests on such a kind is kept until it can be listed, and
the usual time from then on, for its objects come back after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from porter_ctl.gate.evidence import KindQuery

if TYPE_CHECKING:
    from porter_ctl.api import Kind
    from porter_ctl.gate.evidence import KindStands

HOLD = 60.0  # seconds for which what would go is kept
ASK_INTERVAL = 15.0  # seconds between two questions for one kind


@dataclass(slots=True)
class _Question:
    holds: int
    ask_at: float
    asked: bool = False  # and not answered yet
    stands: bool = True
    stands_since: float = -inf


class Kinds:
    """Follows the kinds for which something is kept; the guards of a node share one."""

    def __init__(self) -> None:
        self._questions: dict[Kind, _Question] = {}

    def hold(self, kind: Kind, now: float) -> None:
        """One thing more is kept that rests on this kind."""
        question = self._questions.setdefault(kind, _Question(0, now))
        question.holds += 1

    def release(self, kind: Kind) -> None:
        """One thing less."""
        question = self._questions[kind]
        question.holds -= 1
        if not question.holds:
            del self._questions[kind]

    def over(self, kind: Kind, since: float) -> float:
        """When what is held and would have gone at `since` may go; infinity: nobody can say."""
        question = self._questions[kind]
        return max(since, question.stands_since) + HOLD if question.stands else inf

    def wanted(self, now: float) -> frozenset[KindQuery]:
        """Return the queries that are due and not on their way yet."""
        due = set()
        for kind, question in self._questions.items():
            if not question.asked and question.ask_at <= now:
                question.asked = True
                due.add(KindQuery(kind))
        return frozenset(due)

    def evidence(self, item: KindStands, now: float) -> bool:
        """Take an answer; whether `over` may say another time now."""
        question = self._questions.get(item.kind)
        if question is None:
            return False
        question.asked, question.ask_at = False, now + ASK_INTERVAL
        stood, question.stands = question.stands, item.exists is True
        if question.stands and not stood:
            question.stands_since = now
        return stood != question.stands

    def next_deadline(self) -> float | None:
        """Return when `wanted` is due."""
        times = (one.ask_at for one in self._questions.values() if not one.asked)
        return min(times, default=None)
