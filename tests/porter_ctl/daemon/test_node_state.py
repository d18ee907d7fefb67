"""`porter_ctl.daemon.node_state`: one speaker a node, and which boot it saw last."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from porter_ctl.daemon.node_state import NodeLock, last_boot, note_boot
from porter_ctl.host.boot import Boot

if TYPE_CHECKING:
    from pathlib import Path

ONE, OTHER = (str(digit) * 8 + "-0000-4000-8000-000000000000" for digit in (1, 2))


def test_the_directory_is_made_and_is_ours_alone(tmp_path: Path) -> None:
    lock = NodeLock(tmp_path / "a" / "state")
    with lock.opened() as descriptor:
        taken = lock.try_take(descriptor)

        assert taken
        assert lock.held
        assert lock.path.parent.stat().st_mode & 0o777 == 0o700
    assert not lock.held


async def test_a_second_one_waits_until_the_first_has_gone(tmp_path: Path) -> None:
    first, second = NodeLock(tmp_path), NodeLock(tmp_path)
    with second.opened() as descriptor:
        with first.opened() as other:
            first.try_take(other)
            refused = second.try_take(descriptor)
            waiting = asyncio.create_task(second.take(descriptor))
        async with asyncio.timeout(10):
            await waiting

        assert not refused
        assert second.held


def test_a_boot_is_told_once_it_was_noted(tmp_path: Path) -> None:
    before = last_boot(tmp_path)
    note_boot(tmp_path, Boot(id=ONE, uptime=10.0))
    noted = last_boot(tmp_path)
    note_boot(tmp_path, Boot(id=OTHER, uptime=5.0))

    assert (before, noted, last_boot(tmp_path)) == (None, ONE, OTHER)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"", b"\n"], ids=repr)
def test_what_is_no_boot_id_counts_as_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "boot-id").write_bytes(content)

    assert last_boot(tmp_path) is None
