"""Our speaker and others', in one run: medians of 5, and the ratios against their bars.

    python -m bench [-o json]

Speakers take turns, so that what else the machine does falls on all alike. It ends 0 whether or
not a bar is missed, and 1 if something could not be measured.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench import measure
from bench.exabgp import ExaBgp, ExaBgpFile
from bench.porter import Porter
from bench.processes import CannotMeasureError
from bench.report import ANNOUNCE, COLD_START, Bar, as_json, as_table, judge

try:
    from bench.gobgp import GoBgp
except ModuleNotFoundError as missing:
    raise SystemExit(
        f"bench: GoBGP cannot be driven without {missing.name}; run `make setup`"
    ) from missing

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

RUNS = 5
LIMIT = 240  # seconds
OURS = Porter.name


class Figure(NamedTuple):
    """How a figure is taken, and of whom."""

    take: Callable[[measure.Speaker, Path], float]
    speakers: tuple[measure.Speaker, ...]


FIGURES = {
    ANNOUNCE: Figure(measure.announce, (Porter(), GoBgp(), ExaBgp())),
    COLD_START: Figure(measure.cold_start, (Porter(), GoBgp(), ExaBgp(), ExaBgpFile())),
}
BARS = (
    Bar(ANNOUNCE, GoBgp.name, 0.6),
    Bar(ANNOUNCE, ExaBgp.name, 0.5),
    Bar(COLD_START, ExaBgp.name, 1.0),
    Bar(COLD_START, ExaBgpFile.name, 1.0),
)


def measure_all() -> dict[tuple[str, str], list[float]]:
    """Every figure of every speaker, `RUNS` times."""
    runs: dict[tuple[str, str], list[float]] = {}
    for name, figure in FIGURES.items():
        for speaker in figure.speakers:
            if shutil.which(speaker.program) is None:
                raise CannotMeasureError(
                    f"{name} of {speaker.name}: no program {speaker.program}; run `make setup`"
                )
    for name, figure in FIGURES.items():
        for number in range(RUNS):
            for speaker in figure.speakers:
                with tempfile.TemporaryDirectory(prefix="porter-bench-") as directory:
                    seconds = figure.take(speaker, Path(directory))
                runs.setdefault((name, speaker.name), []).append(seconds)
                say(f"{name}, run {number + 1} of {RUNS}: {speaker.name} {seconds:.4f} s")
    return runs


def say(line: str) -> None:
    """Progress."""
    print(f"bench: {line}", file=sys.stderr, flush=True)


def _end(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)  # the blocks that run programs end them


def _late(_number: int, _frame: FrameType | None) -> None:
    raise CannotMeasureError(f"not all within {LIMIT} s; run `make bench` on a quiet machine")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("-o", "--output", choices=("table", "json"), default="table")
    arguments = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    signal.signal(signal.SIGALRM, _late)
    signal.alarm(LIMIT)
    os.chdir(Path(__file__).parent.parent)
    os.environ["PATH"] += ":/usr/sbin"  # where Debian keeps exabgp, and users do not look
    say(
        f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors; ratios hold, seconds do not"
    )
    try:
        runs = measure_all()
    except CannotMeasureError as error:
        say(str(error))
        return 1
    outcomes = judge(BARS, runs, OURS)
    if arguments.output == "json":
        print(json.dumps(as_json(runs, outcomes, measure.COUNT), indent=2))
    else:
        print(as_table(runs, outcomes, OURS, measure.COUNT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
