"""Plays a script: steps, each of which acts on the lab and looks until what it wants is seen."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping

    from porter_ctl.lab.router import Router

PATIENCE = 15.0  # seconds until a look must have found what it wants, on a busy machine too


class Look(NamedTuple):
    """What was seen at one moment.

    Attributes:
        ok: It is what the step wants.
        seen: By the router and the clients, ready for JSON.
    """

    ok: bool
    seen: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Phase:
    """One act, and the look that follows it.

    Attributes:
        look: Repeated until it is good or patience ends.
        act: What is done first, if anything.
        seconds: For how long it is looked for; None: as long as for all others of the step.
    """

    look: Callable[[], Awaitable[Look]]
    act: Callable[[], None] | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One step: it is good when all its phases are."""

    name: str
    phases: tuple[Phase, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a step went."""

    step: str
    ok: bool
    seen: Mapping[str, object]
    seconds: float


async def play(
    steps: Iterable[Step], router: Router, patience: Mapping[str, float]
) -> AsyncIterator[Outcome]:
    """Play the steps, up to the first that does not go well.

    Args:
        steps: In their order.
        router: Looks again when it says that something changed.
        patience: Seconds for a phase of a step, by its name, where not `PATIENCE`.
    """
    for step in steps:
        began = time.monotonic()
        seconds = patience.get(step.name, PATIENCE)
        ok, seen = await _play_phases(step, router, seconds)
        yield Outcome(step.name, ok, seen, round(time.monotonic() - began, 2))
        if not ok:
            return


async def _play_phases(step: Step, router: Router, seconds: float) -> Look:
    seen: dict[str, object] = {}
    for phase in step.phases:
        if phase.act is not None:
            phase.act()
        look = await _look_until(phase, router, phase.seconds or seconds)
        seen.update(look.seen)
        if not look.ok:
            return Look(ok=False, seen=seen)
    return Look(ok=True, seen=seen)


async def _look_until(phase: Phase, router: Router, seconds: float) -> Look:
    last = Look(ok=False, seen={})

    async def good() -> bool:
        nonlocal last
        last = await phase.look()
        return last.ok

    await router.until(good, seconds=seconds)
    return last
