"""`porter_ctl.manifests.alive`: a lock that tells of a process, and ends with it."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from porter_ctl.manifests.alive import Alive

if TYPE_CHECKING:
    from pathlib import Path

HOLDER = """
import sys, time
from pathlib import Path
from porter_ctl.manifests.alive import Alive
alive = Alive(Path(sys.argv[1]))
alive.hold("n1")
print("held", flush=True)
time.sleep(60)
"""


def test_a_node_is_alive_while_its_process_is_however_that_ends(tmp_path: Path) -> None:
    alive = Alive(tmp_path / "alive")
    before = alive("n1")
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "alive")], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        meanwhile, elsewhere = alive("n1"), alive("n2")
        process.send_signal(signal.SIGKILL)

    assert (before, meanwhile, elsewhere) == (False, True, False)
    assert not alive("n1")


def test_who_holds_it_sees_itself_until_it_lets_go(tmp_path: Path) -> None:
    alive = Alive(tmp_path / "alive")
    alive.hold("n1")

    assert alive("n1")
    alive.release()
    alive.release()
    assert not alive("n1")


async def test_a_lock_that_somebody_has_is_had_when_it_is_let_go(tmp_path: Path) -> None:
    before, after = Alive(tmp_path / "alive"), Alive(tmp_path / "alive")
    before.hold("n1")
    holding = asyncio.create_task(after.hold_on("n1"))
    await asyncio.sleep(0)
    waits = not holding.done()
    before.release()
    await asyncio.wait_for(holding, 5)

    assert waits
    assert after.hold("n1")
    assert before("n1")
    after.release()
