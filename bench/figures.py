"""What is measured, of whom, for how long at most, and the bars."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench import measure
from bench.change import change
from bench.cluster import SERVICES, cluster
from bench.controller import controller
from bench.exabgp import ExaBgp, ExaBgpFile
from bench.gobgp import GoBgp
from bench.manifests import manifests
from bench.measure import COUNT
from bench.porter import Porter
from bench.processes import CannotMeasureError
from bench.report import Bar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

RUNS = 5
OURS = Porter.name
ANNOUNCE, COLD_START, CHANGE = "announce", "cold start", "change"
FILES, CONTROLLER, API_SERVER = "files", "controller", "API server"
_FEW, _MANY = 1000, COUNT
_BEYOND = "beyond the watch"


class Figure(NamedTuple):
    """A figure.

    Attributes:
        what: What it is.
        take: Takes it: seconds of each run or event, by what was measured.
        programs: That must be there.
        limit: Seconds for all of it.
    """

    what: str
    take: Callable[[], Mapping[str, Sequence[float]]]
    programs: Sequence[str]
    limit: int


def _in_turns(
    take: Callable[[measure.Speaker, Path], float], *speakers: measure.Speaker
) -> Callable[[], Mapping[str, Sequence[float]]]:
    """Several runs of each; speakers take turns, so that other load falls on all alike."""

    def runs() -> Mapping[str, Sequence[float]]:
        seconds: dict[str, list[float]] = {speaker.name: [] for speaker in speakers}
        for _ in range(RUNS):
            for speaker in speakers:
                with tempfile.TemporaryDirectory(prefix=_PREFIX) as directory:
                    seconds[speaker.name].append(take(speaker, Path(directory)))
        return seconds

    return runs


def _change() -> Mapping[str, Sequence[float]]:
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as directory:
        return change(Path(directory))


def _files() -> Mapping[str, Sequence[float]]:
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as directory:
        return {"porter run": manifests(Path(directory))}


def _controller() -> Mapping[str, Sequence[float]]:
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as directory:
        found = controller(Path(directory), (_FEW, _MANY))
    return {f"{services} Services": seconds for services, seconds in found.items()}


def _api_server() -> Mapping[str, Sequence[float]]:
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as directory:
        events = cluster(Path(directory))
    return {
        "bare watch": [event.bare for event in events],
        "router": [event.routed for event in events],
        _BEYOND: [event.routed - event.bare for event in events],
    }


_PREFIX = "porter-bench-"
FIGURES: Mapping[str, Figure] = {
    ANNOUNCE: Figure(
        f"Established -> last of {COUNT} routes, all held before",
        _in_turns(measure.announce, Porter(), GoBgp(), ExaBgp()),
        (GoBgp.program, ExaBgp.program),
        90,
    ),
    COLD_START: Figure(
        f"start of the program -> last of {COUNT} routes",
        _in_turns(measure.cold_start, Porter(), GoBgp(), ExaBgp(), ExaBgpFile()),
        (GoBgp.program, ExaBgp.program),
        150,
    ),
    CHANGE: Figure(
        f"a route told again while {COUNT} are held -> its UPDATE at a raw peer",
        _change,
        (GoBgp.program,),
        60,
    ),
    FILES: Figure(
        f"a file of `porter run --manifests` with {COUNT} VIPs -> the UPDATE; mostly polling",
        _files,
        (),
        120,
    ),
    CONTROLLER: Figure(
        "an EndpointSlice's line of a watch -> its UPDATE at the later of 2 raw peers",
        _controller,
        (),
        90,
    ),
    API_SERVER: Figure(
        f"an EndpointSlice patched, {SERVICES} Services -> seen by a bare watch; by a router",
        _api_server,
        (),
        270,
    ),
}
BARS = (
    Bar(ANNOUNCE, OURS, GoBgp.name, 0.6),
    Bar(ANNOUNCE, OURS, ExaBgp.name, 0.5),
    Bar(COLD_START, OURS, ExaBgp.name, 1.0),
    Bar(COLD_START, OURS, ExaBgpFile.name, 1.0),
    Bar(CHANGE, OURS, GoBgp.name, 1.5),
    Bar(CONTROLLER, f"{_MANY} Services", f"{_FEW} Services", 1.3),
    Bar(API_SERVER, _BEYOND, "", 3.0),
)


def take(name: str) -> Mapping[str, Sequence[float]]:
    """Take a figure.

    Raises:
        CannotMeasureError: It could not be had.
    """
    figure = FIGURES[name]
    for program in figure.programs:
        if shutil.which(program) is None:
            raise CannotMeasureError(f"no program {program}; run `make setup`")
    return figure.take()
