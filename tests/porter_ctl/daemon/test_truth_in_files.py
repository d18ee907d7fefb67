"""With files instead of a cluster a Service says as much, and believes a process by its lock."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

from porter_ctl.manifests.alive import Alive
from tests.porter_ctl.daemon.started import CLUSTER, SECONDS, manifests, porter, router
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from pathlib import Path


def said(directory: Path) -> str:
    """The condition of default/web in two words; empty for none."""
    path = directory / ".porter" / "Service" / "default_web.yaml"
    if not path.exists():
        return ""
    found = json.loads(path.read_text())["status"].get("conditions", [])
    one = {one["type"]: one for one in found}.get("porter.network/Announced")
    return f"{one['status']} {one['reason']}" if one else ""


async def test_a_service_in_a_file_says_that_it_is_announced_and_that_it_is_not(
    tmp_path: Path,
) -> None:
    async with router() as (_, port):
        directory = manifests(tmp_path, CLUSTER, port=port)
        alive = Alive(directory / ".porter" / "alive")
        with porter(tmp_path, directory) as process:
            await eventually(lambda: said(directory) == "True AllPaths", seconds=SECONDS)
            living = alive("a")
            await process.end(signal.SIGKILL)

    assert living
    assert not alive("a")


async def test_a_service_whose_router_does_not_answer_is_not_announced(tmp_path: Path) -> None:
    directory = manifests(tmp_path, CLUSTER)
    with porter(tmp_path, directory):
        # On a busy machine another reason may come first, and a change of it waits half a minute.
        await eventually(lambda: said(directory) == "False SessionDown", seconds=2 * SECONDS)
