"""What `porter lab` does."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import sys
from typing import TYPE_CHECKING

from porter_ctl.lab.demo import CAUSES, Circumstances, Demo
from porter_ctl.lab.lab import NODES, running_lab
from porter_ctl.lab.script import play

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from porter_ctl.lab.demo import Cause
    from porter_ctl.lab.lab import Lab
    from porter_ctl.lab.script import Outcome

GOOD, RED, USAGE, INTERRUPTED = 0, 1, 2, 130
_SCRIPTS = ("demo",)


def main(*, script: str | None, output: str, without: str | None, list_causes: bool) -> int:
    """Run the lab; returns the exit status.

    Args:
        script: What is played; None: the live lab.
        output: `table` for people, `json` for one object a line.
        without: The cause that is taken away.
        list_causes: Only list the causes.
    """
    logging.getLogger("porter_bgp").addHandler(logging.NullHandler())  # the router's own words
    if list_causes:
        _list(as_json=output == "json")
        return GOOD
    if script is None:
        return _live()
    cause = next((cause for cause in CAUSES if cause.name == without), None)
    if script not in _SCRIPTS:
        return _refuse(f"there is no script {script!r}; these are: {', '.join(_SCRIPTS)}")
    if without is not None and cause is None:
        names = ", ".join(cause.name for cause in CAUSES)
        return _refuse(f"there is no cause {without!r}; these are: {names}")
    return _run(_play(cause, as_json=output == "json"))


def _live() -> int:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return _refuse("the live lab needs a terminal; without one: porter lab --script demo")
    from porter_ctl.lab.live import live  # noqa: PLC0415 - a terminal's modules

    return _run(live())


def _run(running: Coroutine[None, None, int]) -> int:
    try:
        return asyncio.run(_interruptible(running))
    except OSError as error:
        sys.stderr.write(f"porter lab: {error.strerror or error}\n")
        return RED


async def _interruptible(running: Coroutine[None, None, int]) -> int:
    """Clean up on SIGINT and SIGTERM: what runs is cancelled, not killed."""
    task = asyncio.create_task(running)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        return INTERRUPTED


async def _play(cause: Cause | None, *, as_json: bool) -> int:
    circumstances = Circumstances() if cause is None else cause.circumstances
    patience = {} if cause is None else {cause.step: cause.patience}
    status = GOOD
    async with running_lab(circumstances.world) as lab:
        steps = Demo(lab, circumstances).steps()
        async for outcome in play(steps, lab.router, patience):
            _tell(outcome, as_json=as_json)
            if not outcome.ok:
                status = RED
                if cause is None or lab.has_failed():
                    _tell_logs(lab)
    return status


def _tell(outcome: Outcome, *, as_json: bool) -> None:
    if as_json:
        line = json.dumps(
            {
                "step": outcome.step,
                "ok": outcome.ok,
                "seen": outcome.seen,
                "seconds": outcome.seconds,
            }
        )
    else:
        word = "ok " if outcome.ok else "RED"
        line = f"{word}  {outcome.seconds:5.2f} s  {outcome.step}\n{_indented(outcome.seen)}"
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _indented(seen: Mapping[str, object]) -> str:
    return "\n".join(f"{'':14}{name.replace('_', ' ')}: {_plain(seen[name])}" for name in seen)


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{key}: {_plain(inner)}" for key, inner in value.items()) or "none"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_plain, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _tell_logs(lab: Lab) -> None:
    for node in NODES:
        for line in lab.last_words(node):
            sys.stderr.write(f"{node}: {line}\n")


def _list(*, as_json: bool) -> None:
    for cause in CAUSES:
        row = {"cause": cause.name, "step": cause.step, "without": cause.without}
        line = json.dumps(row) if as_json else f"{cause.name:18}{cause.step:52}{cause.without}"
        sys.stdout.write(line + "\n")


def _refuse(why: str) -> int:
    sys.stderr.write(f"porter lab: {why}\n")
    return USAGE
