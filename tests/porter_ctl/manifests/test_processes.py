"""Three real processes share a directory: one creates, one leads, no update is lost."""

from __future__ import annotations

import contextlib
import selectors
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = Path(__file__).with_name("contender.py")
Process = subprocess.Popen[str]


def _say(process: Process, line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{line}\n")
    process.stdin.flush()


def _hear(process: Process) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@contextlib.contextmanager
def _process(directory: Path) -> Iterator[Process]:
    with subprocess.Popen(
        [sys.executable, PROGRAM, directory],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        if process.stdin is not None and not process.stdin.closed:
            process.stdin.close()
        process.wait()


@pytest.fixture
def three(tmp_path: Path) -> Iterator[list[Process]]:
    with contextlib.ExitStack() as stack:
        processes = [stack.enter_context(_process(tmp_path)) for _ in range(3)]
        assert [_hear(process) for process in processes] == ["ready"] * 3
        yield processes


def test_of_three_who_create_the_same_one_has_created_it(
    tmp_path: Path, three: list[Process]
) -> None:
    addresses = [f"192.0.2.{number}" for number in range(1, 31)]
    for address in addresses:
        for process in three:
            _say(process, f"create {address}")

        answers = [_hear(process) for process in three]

        assert sorted(answers) == ["AlreadyExists", "AlreadyExists", "created"]
        winner = three[answers.index("created")]
        kept = (tmp_path / f".porter/VIP/{address}.yaml").read_text()
        assert f'"by": "{winner.pid}"' in kept
    assert sorted(path.name for path in (tmp_path / ".porter/VIP").iterdir()) == sorted(
        f"{address}.yaml" for address in addresses
    )


def test_no_update_of_three_is_lost(tmp_path: Path, three: list[Process]) -> None:
    node = tmp_path / ".porter/BGPNode/node-a.yaml"
    node.write_text("apiVersion: porter.network/v1beta1\nkind: BGPNode\nmetadata: {name: node-a}\n")
    for process in three:
        _say(process, "count 20")

    tries = [int(_hear(process)) for process in three]

    assert '"desired": 60' in node.read_text()
    assert min(tries) >= 20


def test_when_the_leader_is_killed_another_leads_soon(three: list[Process]) -> None:
    leader, *others = three
    _say(leader, "lead")
    assert _hear(leader) == "leading"
    for process in others:
        _say(process, "lead")

    killed = time.monotonic()
    leader.kill()
    with selectors.DefaultSelector() as selector:
        for process in others:
            assert process.stdout is not None
            selector.register(process.stdout, selectors.EVENT_READ, process)
        ((heard, _),) = selector.select(timeout=10)
    took = time.monotonic() - killed

    assert _hear(heard.data) == "leading"
    assert took < 2.0


def test_who_leads_gives_the_lead_back_at_its_end(three: list[Process]) -> None:
    leader, other, _ = three
    _say(leader, "lead")
    assert _hear(leader) == "leading"
    _say(other, "lead")

    assert leader.stdin is not None
    leader.stdin.close()

    assert _hear(leader) == "not leading"
    assert _hear(other) == "leading"
