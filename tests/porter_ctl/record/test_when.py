"""`porter_ctl.record.when`: how long the API is waited for."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from porter_ctl.record.when import Fallback

START = 100.0


@dataclass(frozen=True)
class Case:
    """What happens, in seconds after the start, and when the file is used; None: never."""

    name: str
    due: float | None
    restart: float = 90.0
    progress: tuple[float, ...] = ()
    refused: tuple[float, ...] = ()
    synced: float | None = None


CASES = (
    Case("nothing at all is heard for 5 s", 5.0),
    Case("the API refuses", 5.0, refused=(0.1, 0.5, 1.5, 3.5)),
    Case("a list begins and then there is silence", 9.0, progress=(1.0, 4.0)),
    Case(
        "a refusal after progress ends the waiting at 10 s",
        10.0,
        progress=(4.9, 9.8),
        refused=(9.9,),
    ),
    Case("lists that progress are waited for beyond 10 s", 13.5, progress=(*range(1, 13), 12.5)),
    Case("a quarter of a short restart time is the latest", 2.0, restart=8.0),
    Case("unless lists progress", 3.5, restart=8.0, progress=(1.0, 1.9, 2.5)),
    Case("no restart time: there is nothing to be in time for", 5.0, restart=0.0),
    Case("all has synced", None, progress=(1.0,), synced=1.5),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_file_is_used_when(case: Case) -> None:
    assert run(case) == case.due


def run(case: Case) -> float | None:
    """Let time pass in tenths of a second, asking `due` at each."""
    fallback = Fallback(START, case.restart)
    for tenth in range(300):
        after = tenth / 10
        if after in case.progress:
            fallback.progress(START + after)
        if after in case.refused:
            fallback.refused()
        if after == case.synced:
            fallback.synced()
        deadline = fallback.next_deadline()
        due = fallback.due(START + after)
        assert due == (deadline is not None and deadline <= START + after)
        if due:
            return after
    return None
