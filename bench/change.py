"""One change, from when it is told to a speaker to when a router has read the UPDATE.

Each change gives another of the routes that are held a community of its own. The speakers run
side by side and take turns, change by change; what they tell is stamped by peers that are alike.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Protocol

from bench.gobgp import GoBgp
from bench.measure import COUNT, Speaker
from bench.porter import Porter
from bench.processes import running
from bench.routes import host_route
from bench.watched import ANNOUNCED, Witness, pause, witness

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

CHANGES = 300  # of each speaker
_HOLD_SECONDS = 40.0
_GAP = (0.005, 0.02)  # seconds between two changes, so that nobody keeps time with them
_COMMUNITY = 64512 << 16


class Changing(Speaker, Protocol):
    """A speaker that takes changes while it runs."""

    def change(self, number: int, community: int) -> bytes:
        """The message that gives the route with this number this community, and no other."""

    def changes(self, directory: Path) -> AbstractContextManager[Callable[[bytes], None]]:
        """Open what takes such a message."""


def change(directory: Path) -> dict[str, list[float]]:
    """Seconds of each change, by the speaker's name."""
    seconds: dict[str, list[float]] = {}
    with ExitStack() as stack:
        ways = [
            (speaker, *_hold(stack, speaker, directory / speaker.name))
            for speaker in (Porter(), GoBgp())
        ]
        for number in range(0, COUNT, COUNT // CHANGES)[:CHANGES]:
            for speaker, tell, seen in ways:
                message = speaker.change(number, _COMMUNITY + number)
                began = time.monotonic()
                tell(message)
                pause(*_GAP)
                took = seen.wait(ANNOUNCED, host_route(number)) - began
                seconds.setdefault(speaker.name, []).append(took)
    return seconds


def _hold(
    stack: ExitStack, speaker: Changing, directory: Path
) -> tuple[Callable[[bytes], None], Witness]:
    """Have a speaker hold all routes and have told them."""
    directory.mkdir()
    seen = stack.enter_context(witness(directory, COUNT))
    command = speaker.prepare(directory, seen.port, COUNT)
    run = running(speaker.name, command, directory / "speaker.log", speaker.environment)
    speaker.hold(stack.enter_context(run), directory, COUNT)
    seen.wait_full(_HOLD_SECONDS)
    return stack.enter_context(speaker.changes(directory)), seen
