"""What was measured, against the bars: for people, and as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Runs: TypeAlias = "Mapping[tuple[str, str], Sequence[float]]"
"""Figure and what was measured for it -> seconds of each run or event."""

_MANY = 10  # from so many on, the tail is told instead of the extremes


class Bar(NamedTuple):
    """The median of something may be at most so much.

    Attributes:
        figure: Where it was measured.
        ours: Of what.
        other: What it is divided by; empty: it is a time.
        limit: The highest ratio; or milliseconds.
    """

    figure: str
    ours: str
    other: str
    limit: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """A bar, and what became of it."""

    bar: Bar
    value: float

    @property
    def verdict(self) -> str:
        """`ok` or `MISSED`."""
        return "ok" if self.value <= self.bar.limit else "MISSED"


def judge(bars: Iterable[Bar], runs: Runs) -> list[Outcome]:
    """The bars of what was measured, in their order."""
    outcomes: list[Outcome] = []
    for bar in bars:
        ours, other = (runs.get((bar.figure, name)) for name in (bar.ours, bar.other))
        if ours and other:
            outcomes.append(Outcome(bar, median(ours) / median(other)))
        elif ours and not bar.other:
            outcomes.append(Outcome(bar, 1000 * median(ours)))
    return outcomes


def as_table(runs: Runs, outcomes: Iterable[Outcome], what: Mapping[str, str]) -> str:
    """For people.

    Args:
        runs: What was measured.
        outcomes: The bars.
        what: What is measured for a figure.
    """
    lines: list[str] = []
    for figure in dict.fromkeys(figure for figure, _ in runs):
        found = {name: seconds for (of, name), seconds in runs.items() if of == figure}
        lines += [f"{figure}: {what[figure]}", *_rows(found), ""]
    lines.append(f"{'medians':42}{'is':>8}{'bar':>9}")
    for outcome in outcomes:
        bar = outcome.bar
        of = f"{bar.ours} / {bar.other}" if bar.other else f"{bar.ours}, ms"
        limit = f"<= {bar.limit}"
        line = f"{f'{bar.figure}, {of}':42}{outcome.value:8.2f}{limit:>9}  {outcome.verdict}"
        lines.append(line)
    return "\n".join(lines)


def _rows(found: Mapping[str, Sequence[float]]) -> Iterable[str]:
    if min(map(len, found.values())) < _MANY:
        yield f"  {'':20}{'median s':>10}  min..max"
        for name, seconds in found.items():
            yield f"  {name:20}{median(seconds):10.4f}  {min(seconds):.4f}..{max(seconds):.4f}"
        return
    yield f"  {'':20}{'p50 ms':>10}{'p99 ms':>10}{'events':>8}"
    for name, seconds in found.items():
        p50, p99 = 1000 * median(seconds), 1000 * percentile(seconds, 99)
        yield f"  {name:20}{p50:10.2f}{p99:10.2f}{len(seconds):8}"


def as_json(runs: Runs, outcomes: Iterable[Outcome]) -> dict[str, object]:
    """For programs; times in seconds, but the bars of times in milliseconds."""
    return {
        "figures": [
            {
                "figure": figure,
                "of": name,
                "seconds": list(seconds),
                "median": median(seconds),
                "p99": percentile(seconds, 99),
            }
            for (figure, name), seconds in runs.items()
        ],
        "bars": [
            {**bar._asdict(), "is": value, "verdict": outcome.verdict}
            for outcome in outcomes
            for bar, value in [(outcome.bar, outcome.value)]
        ],
    }


def percentile(values: Sequence[float], percent: int) -> float:
    """The smallest value that so many percent of them do not exceed."""
    rank = -(-len(values) * percent // 100)
    return sorted(values)[max(rank, 1) - 1]
