"""The daemon as a process: how it starts, what it answers, and how it ends."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from porter_bgp.wire import Prefix
from tests.porter_ctl.daemon.started import CLUSTER, NODE, SECONDS, manifests, porter, router
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from porter_bgp.speaker.speaker import Speaker
    from tests.porter_ctl.daemon.started import Started

VIP = Prefix.parse("198.51.100.7/32")
F_SETPIPE_SZ = 1031
PASSWORD = "hunter2-is-not-in-any-log"  # noqa: S105 - a test greps for it
AUTHENTICATED = f"""\
---
apiVersion: v1
kind: Secret
metadata: {{name: md5, namespace: kube-system}}
stringData: {{password: {PASSWORD}}}
"""


def next_hops(speaker: Speaker) -> set[str]:
    speaker.take_received()
    return {str(path.attributes.next_hop) for path in speaker.paths(VIP)}


def ask(process: Started, *command: str) -> tuple[int, str]:
    done = subprocess.run(
        (sys.executable, "-m", "porter_ctl", *command, "--control", str(process.control)),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


async def said(process: Started, *command: str) -> tuple[int, dict[str, object]]:
    """What `porter COMMAND -o json` says, asked in a thread: the router is in this process."""
    status, text = await asyncio.to_thread(ask, process, *command, "-o", "json")
    return status, json.loads(text)


async def test_a_service_in_a_file_becomes_a_route_and_sigterm_takes_it_back(
    tmp_path: Path,
) -> None:
    async with router() as (tor, port):
        with porter(tmp_path, manifests(tmp_path, CLUSTER, port=port)) as process:
            await process.ready()
            await eventually(lambda: next_hops(tor) == {NODE}, seconds=SECONDS)
            status, node = await said(process, "status")
            _, peers = await said(process, "peers")
            _, routes = await said(process, "routes", "--peer", "tor", "--service", "default/web")
            mode = process.control.stat().st_mode & 0o777
            metrics = process.get("/metrics").text
            begun = asyncio.get_running_loop().time()
            code = await process.end()
            took = asyncio.get_running_loop().time() - begun
            await eventually(lambda: next_hops(tor) == set())

        down = tor.view().peers["node"].last_down
    assert (status, node["ready"], node["notReady"], node["faults"]) == (0, True, [], [])
    assert node["peers"] == {"established": 1, "configured": 1}
    assert node["prefixes"] == {"announced": 1, "planned": 1, "held": 0}
    assert node["allocator"] == {"leading": True, "candidate": True}
    assert [peer["state"] for peer in rows(peers, "peers")] == ["Established"]
    (route,) = rows(routes, "routes")
    assert route == {
        "prefix": "198.51.100.7/32",
        "peer": "tor",
        "service": "default/web",
        "nextHop": NODE,
        "asPath": [64512],
        "communities": ["65000:100"],
        "largeCommunities": [],
        "med": None,
        "localPref": None,
        "pathID": 0,
        "state": "acknowledged",
        "reason": "",
    }
    assert mode == 0o600
    assert 'porter_bgp_session_up{peer="127.0.0.1"} 1.0' in metrics
    assert code == 0
    assert took < 4.0
    assert down is not None
    assert "Administrative shutdown" in down.text


def rows(answer: dict[str, object], name: str) -> list[dict[str, object]]:
    found = answer[name]
    assert isinstance(found, list)
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


async def test_a_stdout_that_nobody_reads_holds_nothing_up(tmp_path: Path) -> None:
    reader, end = os.pipe()
    fcntl.fcntl(end, F_SETPIPE_SZ, 4096)
    os.write(end, b"." * 4096)
    port = free_port()
    with porter(
        tmp_path, manifests(tmp_path, CLUSTER), "--http", f"127.0.0.1:{port}", stdout=end
    ) as process:
        process.address = ("127.0.0.1", port)
        await process.ready()
        health = process.get("/healthz")
        code = await process.end()
    os.close(reader)
    os.close(end)

    assert health == (200, "ok\n")
    assert code == 0


async def test_what_is_not_ready_is_said(tmp_path: Path) -> None:
    directory = manifests(tmp_path, "a: [")
    with porter(tmp_path, directory) as process:
        await eventually(lambda: process.get("/healthz").status == 200, seconds=SECONDS)
        await process.ready()  # a file that is no YAML is wrong, but what is there is known
        status, node = await said(process, "status")

    (fault,) = rows(node, "faults")
    assert status == 1
    assert (fault["kind"], fault["name"], fault["path"]) == ("File", "all.yaml", "line 2")


async def test_a_second_process_on_the_node_waits_and_takes_over(tmp_path: Path) -> None:
    directory = manifests(tmp_path, CLUSTER)
    second_folder = tmp_path / "second"
    second_folder.mkdir()
    with porter(tmp_path, directory) as first:
        await first.ready()
        state = str(tmp_path / "state")
        with porter(second_folder, directory, "--state-dir", state) as second:
            await eventually(lambda: second.get("/readyz").status == 503, seconds=SECONDS)
            waiting = second.get("/readyz").text
            await first.end(signal.SIGKILL)
            await eventually(lambda: taken_over(second), seconds=SECONDS)
            code = await second.end(signal.SIGINT)

    assert waiting == f"another porter on this node holds {state}/lock\n"
    assert code == 0


def taken_over(process: Started) -> bool:
    lines = process.log.read_text().splitlines()
    last = [line for line in lines if '"address"' in line][-1:]
    if not last:
        return False
    host, _, port = json.loads(last[0])["address"].rpartition(":")
    process.address = host, int(port)
    return process.get("/readyz").status == 200


async def test_a_socket_that_a_dead_process_left_is_replaced(tmp_path: Path) -> None:
    directory = manifests(tmp_path, CLUSTER)
    with porter(tmp_path, directory) as first:
        await first.ready()
        await first.end(signal.SIGKILL)
    left = first.control.is_socket()
    first.log.unlink()
    with porter(tmp_path, directory) as second:
        await second.ready()
        status, node = await said(second, "status")

    assert left
    assert node["ready"] is True
    assert status == 1  # the session to a router that is not there


@pytest.mark.parametrize("taken", ["--http", "--control"])
async def test_what_cannot_be_had_ends_it_with_one_line(tmp_path: Path, taken: str) -> None:
    path = tmp_path / "taken.sock"
    with socket.socket() as tcp, socket.socket(socket.AF_UNIX) as unix:
        tcp.bind(("127.0.0.1", 0))
        tcp.listen()
        unix.bind(str(path))
        unix.listen()
        value = f"127.0.0.1:{tcp.getsockname()[1]}" if taken == "--http" else str(path)
        with porter(tmp_path, manifests(tmp_path, CLUSTER), taken, value) as process:
            code = await asyncio.to_thread(process.process.wait, SECONDS)

    lines = [json.loads(line) for line in process.log.read_text().splitlines()]
    (error,) = [line for line in lines if line["level"] == "error"]
    assert code == 1
    assert error["msg"] == "ending"
    assert error["err"].startswith(f"{taken} {value}: ")
    assert error["err"].endswith("; give another one")
    assert "exception" not in error


async def test_no_password_is_ever_logged(tmp_path: Path) -> None:
    text = CLUSTER.replace(
        "port: PORT,",
        "port: PORT, timers: {connectSeconds: 1}, auth: {method: MD5, secretRef: {name: md5}},",
    )
    directory = manifests(tmp_path, text + AUTHENTICATED)
    with porter(tmp_path, directory, "--log-level", "debug") as process:
        await process.ready()
        await eventually(lambda: "the dial failed" in process.log.read_text(), seconds=SECONDS)
        await process.end()

    assert PASSWORD not in process.log.read_text()
