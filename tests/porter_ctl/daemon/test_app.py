"""`porter_ctl.daemon.app`: what ends a process that nobody told to end."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from porter_ctl.daemon.app import BROKEN, GOOD, App, CannotStartError, _outcome, serve
from porter_ctl.daemon.log_writer import LineWriter
from porter_ctl.daemon.node_state import NodeLock
from tests.porter_ctl.daemon.inside import living, settings
from tests.porter_ctl.daemon.started import CLUSTER, manifests
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


AWAY = """\
clusters: [{name: c, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: u, user: {token: t}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
"""


@pytest.fixture
def writer() -> Iterator[LineWriter]:
    """A log that goes nowhere."""
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - it is no path of ours
        writer = LineWriter(nowhere.fileno())
        yield writer
        writer.close(seconds=10)


async def test_a_task_that_ends_by_itself_ends_the_process_and_is_named(
    tmp_path: Path, writer: LineWriter
) -> None:
    app = App(settings(tmp_path, manifests(tmp_path, CLUSTER)), writer)
    living = asyncio.create_task(app.live())
    await eventually(lambda: app._running is not None)
    assert app._running is not None
    await eventually(lambda: app._running is not None and app._running.speaker.view().now > 0)
    await app._running.speaker.close()

    with pytest.raises(ExceptionGroup) as caught:
        await living
    assert [str(one) for one in caught.value.exceptions] == ["the speaker has ended"]
    assert await _outcome(living) == BROKEN


async def test_a_state_directory_that_cannot_be_is_named_with_its_option(
    tmp_path: Path, writer: LineWriter
) -> None:
    (tmp_path / "state").write_text("a file")

    with pytest.raises(CannotStartError, match=r"^--state-dir .*/state: File exists; give another"):
        await App(settings(tmp_path, manifests(tmp_path, CLUSTER)), writer).live()


async def test_before_anything_runs_it_says_what_it_waits_for(
    tmp_path: Path, writer: LineWriter
) -> None:
    app = App(settings(tmp_path, manifests(tmp_path, CLUSTER)), writer)

    assert app.missing() == (f"another porter on this node holds {tmp_path}/state/lock",)
    await app.end(patiently=False)  # there is nothing to take back


async def test_an_api_server_that_is_away_is_no_reason_to_end(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(AWAY)
    told = replace(settings(tmp_path, None), kubeconfig=kubeconfig)
    async with living(told) as app:
        await eventually(lambda: app._lock.held)
        missing = app.missing()
        await app.end(patiently=False)

    assert missing == ("the cluster was not reached yet",)


async def test_a_signal_ends_it_well_and_gives_everything_back(
    tmp_path: Path, writer: LineWriter
) -> None:
    told = settings(tmp_path, manifests(tmp_path, CLUSTER))
    serving = asyncio.create_task(serve(told, writer))
    await eventually(told.control.is_socket)
    os.kill(os.getpid(), signal.SIGTERM)

    assert await serving == GOOD
    assert not told.control.exists()
    lock = NodeLock(told.state_dir)
    with lock.opened() as descriptor:
        assert lock.try_take(descriptor)
