"""However a lab ends, no process of it and no directory is left."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

import pytest

from tests.porter_ctl.lab.labs import offspring, running, started, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    import psutil

PROCESSES = 3 * (1 + 2) + 1  # a porter and two servers a node; the janitor


@pytest.mark.parametrize(
    ("number", "status"),
    [
        (signal.SIGINT, 130),
        (signal.SIGTERM, 130),
        (signal.SIGHUP, 130),
        (signal.SIGKILL, -signal.SIGKILL),
    ],
    ids=["Ctrl-C", "told to end", "its terminal went", "killed"],
)
def test_nothing_is_left_of_a_lab_that_ends_in_the_middle(
    number: signal.Signals, status: int, scratch: Path
) -> None:
    with started(scratch, "--script", "demo", "-o", "json") as lab:
        assert lab.stdout is not None
        first = json.loads(lab.stdout.readline())
        children = offspring(lab.pid)
        directories = list(scratch.iterdir())
        lab.send_signal(number)
        lab.wait(timeout=15)
    wait_until(lambda: running(children) == [])
    wait_until(lambda: list(scratch.iterdir()) == [])

    assert first["ok"]
    assert (len(children), len(directories)) == (PROCESSES, 1)
    assert lab.returncode == status


def test_the_nodes_are_what_an_operator_runs(scratch: Path) -> None:
    with started(scratch, "--script", "demo", "-o", "json") as lab:
        assert lab.stdout is not None
        lab.stdout.readline()
        lines = [_command_line(child) for child in offspring(lab.pid)]
        lab.send_signal(signal.SIGINT)
    nodes = {line[line.index("--node") + 1] for line in lines if "--node" in line}

    assert nodes == {"node1", "node2", "node3"}
    assert all(line[1:4] == ["-m", "porter_ctl", "run"] for line in lines if "--node" in line)


def _command_line(process: psutil.Process) -> list[str]:
    words: list[str] = process.cmdline()
    return words


def test_a_long_name_for_temporary_files_is_no_trouble(scratch: Path) -> None:
    home = scratch / ("long" * 25)
    home.mkdir()
    with started(home, "--script", "demo", "-o", "json") as lab:
        assert lab.stdout is not None
        first = json.loads(lab.stdout.readline())
        lab.send_signal(signal.SIGINT)

    assert first["ok"]
