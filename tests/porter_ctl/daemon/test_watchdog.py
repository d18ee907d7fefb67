"""`porter_ctl.daemon.watchdog`: a loop that stands still ends the process, and only that does."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
import time

from porter_ctl.daemon.watchdog import EXIT_STATUS, Watchdog

STANDS_STILL = """
import asyncio, time
from porter_ctl.daemon.watchdog import Watchdog

async def main():
    watching = asyncio.create_task(Watchdog(look_seconds=0.02, patience=5).run())
    await asyncio.sleep(0.1)
    time.sleep(60)

asyncio.run(main())
"""


async def test_a_loop_that_turns_is_left_alone() -> None:
    bitten = threading.Event()
    watching = asyncio.create_task(Watchdog(bite=bitten.set, look_seconds=0.01, patience=10).run())
    await asyncio.sleep(0.3)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)

    assert not bitten.is_set()


async def test_a_loop_that_stands_still_is_bitten_after_its_patience() -> None:
    bitten = threading.Event()
    watching = asyncio.create_task(Watchdog(bite=bitten.set, look_seconds=0.01, patience=5).run())
    await asyncio.sleep(0.05)
    time.sleep(0.5)  # noqa: ASYNC251 - that is what is watched for
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)

    assert bitten.is_set()


def test_the_process_ends_by_itself_and_says_why() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", STANDS_STILL], capture_output=True, timeout=30, check=False
    )

    assert ended.returncode == EXIT_STATUS
    assert b"the event loop stands still" in ended.stderr


def test_a_process_that_was_stopped_as_a_whole_lives_on() -> None:
    script = STANDS_STILL.replace(
        "time.sleep(60)", "print('up', flush=True); await asyncio.sleep(1)"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGSTOP)
        time.sleep(0.5)
        process.send_signal(signal.SIGCONT)

        assert process.wait(30) == 0
