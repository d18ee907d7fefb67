"""The one answer to "why": the foremost of many verdicts, with whether somebody should look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from porter_ctl.daemon.why_rows import ANNOUNCED_YET
from porter_ctl.plan import Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from porter_ctl.daemon.why_rows import Answer

State = Literal["Well", "Wrong", "Unknown"]
# A node that says no for one of these may be right, as long as another says yes.
RIGHTLY_NOT_HERE = frozenset(
    {
        Reason.NODE_NOT_SELECTED,
        Reason.NODE_EXCLUDED,
        Reason.NODE_DRAINED,
        Reason.NO_LOCAL_ENDPOINT,
        Reason.NO_PEER,
    }
)


class Headline(NamedTuple):
    """The answer in short; `state` Unknown where nodes that are not known here could change it."""

    verdict: Verdict
    state: State


def headline(service: str, answers: Sequence[Answer], *, complete: bool) -> Headline:
    """Sum up all verdicts on a Service that has an address.

    Args:
        service: namespace/name.
        answers: At least one.
        complete: They are those of all nodes.
    """
    yes = [one for one in answers if one.yes]
    no = [one for one in answers if one.yes is False]
    unknown = [one for one in answers if one.yes is None]
    wrong = [one for one in no if one.verdict.reason not in RIGHTLY_NOT_HERE]
    if not yes:
        return _none(wrong, no, unknown, complete=complete)
    if wrong:
        return Headline(_some(service, answers, yes, _first(wrong)), "Wrong")
    if unknown:
        return Headline(_some(service, answers, yes, _first(unknown)), "Unknown")
    lasts = [one for one in yes if one.verdict.reason in ANNOUNCED_YET]
    if len(lasts) == len(yes):
        return Headline(_first(lasts).verdict, "Wrong")
    return Headline(_all(service, yes), "Well")


def _none(
    wrong: list[Answer], no: list[Answer], unknown: list[Answer], *, complete: bool
) -> Headline:
    if wrong:
        return Headline(_first(wrong).verdict, "Wrong")
    if unknown:
        return Headline(_first(unknown).verdict, "Unknown")
    return Headline(_first(no).verdict, "Wrong" if complete else "Unknown")


def _first(answers: Iterable[Answer]) -> Answer:
    return min(answers, key=lambda one: one.verdict.reason.precedence)


def _some(service: str, answers: Sequence[Answer], yes: list[Answer], worst: Answer) -> Verdict:
    expected = sum(one.verdict.reason not in RIGHTLY_NOT_HERE for one in answers)
    where = f"Node/{worst.node}" + (f" to {worst.peer}" if worst.peer else "")
    return Verdict(
        reason=Reason.SOME_PATHS,
        message=(
            f"{service} is announced on {len(yes)} of {expected} paths; {where}: "
            f"{worst.verdict.reason}: {worst.verdict.message}"
        ),
        remedy=worst.verdict.remedy,
    )


def _all(service: str, yes: list[Answer]) -> Verdict:
    prefixes = ", ".join(dict.fromkeys(one.prefix for one in yes))
    nodes = len({one.node for one in yes})
    text = (
        f"{service} is announced: {prefixes} by {nodes} {_plural(nodes, 'node')} "
        f"on {len(yes)} {_plural(len(yes), 'path')}"
    )
    return Verdict(reason=Reason.ALL_PATHS, message=text)


def _plural(count: int, word: str) -> str:
    return word if count == 1 else f"{word}s"
