"""One figure of one speaker, once."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, Protocol

from bench.processes import running

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from bench.processes import Program

COUNT = 10_000
_START_SECONDS = 10.0
_SESSION_SECONDS = 40.0
_REST = 0.3  # seconds that a speaker has to come to rest once it holds its routes


class Speaker(Protocol):
    """A speaker to measure: what is run, and how it comes to hold its routes."""

    @property
    def name(self) -> str:
        """As it is printed."""

    @property
    def program(self) -> str:
        """The executable that must be there."""

    @property
    def environment(self) -> Mapping[str, str]:
        """What it wants in its environment."""

    def prepare(self, directory: Path, port: int, count: int) -> list[str]:
        """Write what it reads into an empty directory; the command that runs it."""

    def hold(self, running: Program, directory: Path, count: int) -> None:
        """Return once the running speaker holds `count` routes."""


class _Seen(NamedTuple):
    established: float
    last: float


def announce(speaker: Speaker, directory: Path) -> float:
    """Established -> last route, in seconds; all are held before the session opens."""
    with _router(directory, "--closed") as (router, port), _run(speaker, directory, port) as run:
        speaker.hold(run, directory, COUNT)
        time.sleep(_REST)
        router.tell("listen")
        seen = _seen(router)
    return seen.last - seen.established


def cold_start(speaker: Speaker, directory: Path) -> float:
    """Start of the program -> last route, in seconds; the peer listens from the start."""
    with _router(directory) as (router, port), _run(speaker, directory, port) as run:
        speaker.hold(run, directory, COUNT)
        seen = _seen(router)
    return seen.last - run.began


@contextmanager
def _router(directory: Path, *options: str) -> Iterator[tuple[Program, int]]:
    command = [sys.executable, "-m", "bench.raw_peer", "--count", str(COUNT), *options]
    with running("the raw peer", command, directory / "raw_peer.log") as router:
        port = router.wait_for(r"port (\d+)\n", "to listen", _START_SECONDS)
        yield router, int(port[1])


@contextmanager
def _run(speaker: Speaker, directory: Path, port: int) -> Iterator[Program]:
    command = speaker.prepare(directory, port, COUNT)
    log = directory / "speaker.log"
    with running(speaker.name, command, log, speaker.environment) as program:
        yield program


def _seen(router: Program) -> _Seen:
    pattern = r"established (\S+) first \S+ last (\S+)\n"
    times = router.wait_for(pattern, f"to be told {COUNT} routes", _SESSION_SECONDS)
    return _Seen(float(times[1]), float(times[2]))
