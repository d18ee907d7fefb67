"""What was measured, against the bars: for people, and as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Runs: TypeAlias = "Mapping[tuple[str, str], Sequence[float]]"
"""Figure and speaker -> seconds of each run."""

ANNOUNCE, COLD_START = "announce", "cold start"
WHAT = {
    ANNOUNCE: "Established -> last of {count} routes, all held before",
    COLD_START: "start of the program -> last of {count} routes",
}


class Bar(NamedTuple):
    """Ours may take at most so many times what another takes."""

    figure: str
    other: str
    limit: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """A bar, and what became of it."""

    bar: Bar
    ratio: float

    @property
    def verdict(self) -> str:
        """`ok` or `MISSED`."""
        return "ok" if self.ratio <= self.bar.limit else "MISSED"


def judge(bars: Sequence[Bar], runs: Runs, ours: str) -> list[Outcome]:
    """The ratio of the medians, bar by bar."""
    return [
        Outcome(bar, median(runs[bar.figure, ours]) / median(runs[bar.figure, bar.other]))
        for bar in bars
    ]


def as_table(runs: Runs, outcomes: Sequence[Outcome], ours: str, count: int) -> str:
    """For people."""
    lines: list[str] = []
    for figure, what in WHAT.items():
        lines += [f"{figure}: {what.format(count=count)}", f"  {'':16}{'median s':>10}  min..max"]
        for (name, speaker), seconds in runs.items():
            if name == figure:
                low, high = min(seconds), max(seconds)
                lines.append(f"  {speaker:16}{median(seconds):10.4f}  {low:.4f}..{high:.4f}")
        lines.append("")
    lines.append(f"{'ratio of medians':38}{'is':>6}{'bar':>7}")
    for outcome in outcomes:
        what = f"{outcome.bar.figure}, {ours} / {outcome.bar.other}"
        limit = f"<= {outcome.bar.limit}"
        lines.append(f"{what:38}{outcome.ratio:6.2f}{limit:>9}  {outcome.verdict}")
    return "\n".join(lines)


def as_json(runs: Runs, outcomes: Sequence[Outcome], count: int) -> dict[str, object]:
    """For programs."""
    return {
        "routes": count,
        "figures": [
            {
                "figure": figure,
                "speaker": speaker,
                "seconds": list(seconds),
                "median": median(seconds),
            }
            for (figure, speaker), seconds in runs.items()
        ],
        "ratios": [
            {
                "figure": outcome.bar.figure,
                "other": outcome.bar.other,
                "ratio": outcome.ratio,
                "bar": outcome.bar.limit,
                "verdict": outcome.verdict,
            }
            for outcome in outcomes
        ],
    }
