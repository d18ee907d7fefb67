"""Our speaker and others', and our controller, in one run: medians, and ratios against their bars.

    python -m bench [-o json] [FIGURE ...]

It ends 0 whether or not a bar is missed, and 1 if something could not be measured; the rest is
measured all the same.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.processes import CannotMeasureError
from bench.report import as_json, as_table, judge

try:
    from bench.figures import BARS, FIGURES, take
except ModuleNotFoundError as missing:
    raise SystemExit(
        f"bench: nothing can be measured without {missing.name}; run `make setup`"
    ) from missing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import FrameType


def measure(names: Iterable[str]) -> tuple[dict[tuple[str, str], Sequence[float]], bool]:
    """These figures, and whether all of them could be had."""
    runs: dict[tuple[str, str], Sequence[float]] = {}
    whole = True
    for name in names:
        say(f"{name}: {FIGURES[name].what} (load {os.getloadavg()[0]:.1f})")
        signal.alarm(FIGURES[name].limit)
        try:
            runs |= {(name, of): seconds for of, seconds in take(name).items()}
        except CannotMeasureError as error:
            say(f"{name}: {error}")
            whole = False
        finally:
            signal.alarm(0)
    return runs, whole


def say(line: str) -> None:
    """Progress."""
    print(f"bench: {line}", file=sys.stderr, flush=True)


def _end(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)  # the blocks that run programs end them


def _late(_number: int, _frame: FrameType | None) -> None:
    raise CannotMeasureError("not in time; run `make bench` on a quiet machine")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=f"Figures: {', '.join(FIGURES)}. Without any, all are taken.",
    )
    parser.add_argument("figures", nargs="*", metavar="FIGURE", help="take only these")
    parser.add_argument("-o", "--output", choices=("table", "json"), default="table")
    arguments = parser.parse_args()
    if unknown := set(arguments.figures) - FIGURES.keys():
        parser.error(f"no figure {', '.join(sorted(unknown))}; there are {', '.join(FIGURES)}")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    signal.signal(signal.SIGALRM, _late)
    os.chdir(Path(__file__).parent.parent)
    os.environ["PATH"] += ":/usr/sbin:/sbin"  # where Debian keeps exabgp, and users do not look
    say(f"{os.cpu_count()} processors; ratios hold, seconds do not")
    runs, whole = measure(arguments.figures or FIGURES)
    outcomes = judge(BARS, runs)
    if arguments.output == "json":
        print(json.dumps(as_json(runs, outcomes), indent=2))
    else:
        print(as_table(runs, outcomes, {name: figure.what for name, figure in FIGURES.items()}))
    return 0 if whole else 1


if __name__ == "__main__":
    sys.exit(main())
