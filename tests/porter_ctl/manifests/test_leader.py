"""`porter_ctl.manifests.leader`: one of several in one process; several processes elsewhere."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from porter_ctl.manifests.leader import LockElection

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])


def _teller(told: asyncio.Queue[tuple[str, bool]], name: str) -> Callable[[bool], None]:
    return lambda leading: told.put_nowait((name, leading))


async def test_one_leads_and_the_next_follows_it(tmp_path: Path) -> None:
    path, told = tmp_path / "leader.lock", asyncio.Queue[tuple[str, bool]]()
    elections = [LockElection(path, identity=name, poll=0.01) for name in ("a", "b")]
    for election in elections:
        election.on_change = _teller(told, election.identity)
    async with asyncio.timeout(10):
        first = asyncio.create_task(elections[0].run())
        heard = [await told.get()]
        written = path.read_text()
        second = asyncio.create_task(elections[1].run())
        await _cancel(first)
        heard += [await told.get(), await told.get()]
        leading = [election.leading for election in elections]
        await _cancel(second)
        heard.append(await told.get())

    assert heard == [("a", True), ("a", False), ("b", True), ("b", False)]
    assert written == "a\n"
    assert leading == [False, True]


async def test_nobody_leads_without_a_folder_and_somebody_once_it_is_there(tmp_path: Path) -> None:
    election, told = LockElection(tmp_path / "x" / "lock", identity="a", poll=0.01), asyncio.Event()
    election.on_change = lambda _: told.set()
    async with asyncio.timeout(10):
        task = asyncio.create_task(election.run())
        await asyncio.sleep(0)  # its first look happens as soon as it runs
        before = election.leading
        election.fence()  # who does not lead may write
        (tmp_path / "x").mkdir()
        await told.wait()
        after = election.leading
        await _cancel(task)

    assert (before, after) == (False, True)
