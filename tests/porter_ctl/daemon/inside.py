"""The daemon inside the test's own process, asked as others ask it."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple

import aiohttp

from porter_ctl.daemon.app import App
from porter_ctl.daemon.log_writer import LineWriter
from porter_ctl.daemon.settings import HttpAddress, Settings
from porter_ctl.plan import SERVICE_CLASSES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

SERVED_BY = "http://porter"


class Reply(NamedTuple):
    status: int
    text: str


def settings(folder: Path, manifests: Path | None, *, port: int = 0) -> Settings:
    return Settings(
        node="a",
        state_dir=folder / "state",
        control=folder / "control.sock",
        http=HttpAddress("127.0.0.1", port),
        manifests=manifests,
        service_classes=SERVICE_CLASSES,
    )


@asynccontextmanager
async def living(told: Settings) -> AsyncIterator[App]:
    """An App that lives within the context. Its log goes nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    writer = LineWriter(nowhere)
    app = App(told, writer)
    task = asyncio.create_task(app.live())
    try:
        yield app
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        writer.close(seconds=10)
        os.close(nowhere)


async def get(path: str, *, control: Path | None = None, port: int = 0) -> Reply:
    """Ask over the control socket, or on a port; status 0 where nobody answers."""
    connector = None if control is None else aiohttp.UnixConnector(str(control))
    where = SERVED_BY if control is not None else f"http://127.0.0.1:{port}"
    try:
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.get(f"{where}{path}") as response,
        ):
            return Reply(response.status, await response.text())
    except aiohttp.ClientError:
        return Reply(0, "")
