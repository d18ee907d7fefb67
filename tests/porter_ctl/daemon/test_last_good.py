"""A process whose cluster does not answer goes on with what this node announced last."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from porter_bgp.wire import Prefix
from tests.porter_ctl.daemon.started import CLUSTER, NODE, SECONDS, manifests, porter, router
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from porter_bgp.speaker.speaker import Speaker
    from tests.porter_ctl.daemon.started import Started

VIP = Prefix.parse("198.51.100.7/32")
AWAY = """\
clusters: [{name: c, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: u, user: {token: t}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
"""


def _next_hops(speaker: Speaker) -> set[str]:
    speaker.take_received()
    return {str(path.attributes.next_hop) for path in speaker.paths(VIP)}


def _away(folder: Path) -> Path:
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_text(AWAY)
    return kubeconfig


def _kept(folder: Path) -> bytes:
    path = folder / "state/last-good"
    return path.read_bytes() if path.exists() else b""


async def _announced(tor: Speaker, folder: Path, port: int) -> None:
    """Announce the address once, and be killed when it is kept."""
    with porter(folder, manifests(folder, CLUSTER, port=port)) as process:
        await process.ready()
        await eventually(lambda: _next_hops(tor) == {NODE}, seconds=SECONDS)
        await eventually(lambda: b'"put"' in _kept(folder), seconds=5)
        await process.end(signal.SIGKILL)
    await eventually(lambda: _next_hops(tor) == set())


def _source(process: Started) -> str:
    command = (sys.executable, "-m", "porter_ctl", "status", "-o", "json")
    done = subprocess.run(
        (*command, "--control", str(process.control)), capture_output=True, text=True, check=False
    )
    return str(json.loads(done.stdout)["source"]) if done.stdout.startswith("{") else ""


async def test_without_an_api_server_the_last_routes_are_announced_again(tmp_path: Path) -> None:
    async with router() as (tor, port):
        await _announced(tor, tmp_path, port)
        with porter(tmp_path, _away(tmp_path)) as process:
            await eventually(lambda: _next_hops(tor) == {NODE}, seconds=SECONDS)
            families = next(iter(tor.view().peers.values())).families
            await eventually(
                lambda: all(
                    family.end_of_rib_received
                    for family in next(iter(tor.view().peers.values())).families.values()
                )
            )
            source = await asyncio.to_thread(_source, process)

    assert families
    assert source == "LastGood"


async def test_a_file_of_another_node_is_not_used(tmp_path: Path) -> None:
    async with router() as (tor, port):
        await _announced(tor, tmp_path, port)
        kept = tmp_path / "state/last-good"
        kept.write_bytes(kept.read_bytes().replace(b'"node":"a"', b'"node":"b"', 1))
        with porter(tmp_path, _away(tmp_path)) as process:
            await eventually(lambda: "is not used" in process.log.read_text(), seconds=SECONDS)
            await asyncio.sleep(0.5)
            flaps = tor.view().peers["node"]

    assert not flaps.established
    assert _next_hops(tor) == set()
