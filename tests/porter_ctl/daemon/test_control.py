"""The control socket and the health port of a daemon, asked while it runs."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
from typing import TYPE_CHECKING

import pytest

from porter_bgp.wire import Prefix
from porter_ctl.daemon.control import control_server
from tests.porter_ctl.daemon.inside import Reply, get, living, settings
from tests.porter_ctl.daemon.started import CLUSTER, NODE, SECONDS, manifests, router
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from porter_bgp.speaker.speaker import Speaker
    from porter_ctl.daemon.app import App
    from porter_ctl.daemon.running import Running

VIP = Prefix.parse("198.51.100.7/32")
FAULTY = """\
---
apiVersion: porter.network/v1beta1
kind: BGPPeer
metadata: {name: tor-b}
spec: {asn: 65001, address: 127.0.0.2, auth: {method: MD5, secretRef: {name: md5}}}
---
apiVersion: v1
kind: Service
metadata: {name: too-many}
spec: {type: LoadBalancer, ports: [{port: 80}]}
---
apiVersion: porter.network/v1beta1
kind: VIPPool
metadata: {name: wrong}
spec: {addresses: [10.0.0.0/33]}
"""


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    """Undoes what a daemon does to the garbage collector once it has synced."""
    threshold = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*threshold)


def heard(speaker: Speaker) -> bool:
    speaker.take_received()
    return bool(speaker.paths(VIP))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


async def answer(app: App, path: str) -> dict[str, object]:
    reply = await get(path, control=app._settings.control)
    assert reply.status == 200, reply.text
    found: dict[str, object] = json.loads(reply.text)
    return found


def of(answer: dict[str, object], name: str) -> list[dict[str, object]]:
    found = answer[name]
    assert isinstance(found, list)
    return found


async def test_a_well_node_is_told_of_on_every_path(tmp_path: Path) -> None:
    port = free_port()
    async with router() as (tor, tor_port):
        directory = manifests(tmp_path, CLUSTER, port=tor_port)
        async with living(settings(tmp_path, directory, port=port)) as app:
            await eventually(lambda: heard(tor), seconds=SECONDS)
            await eventually(lambda: app.missing() == ())
            status = await answer(app, "/v1/status")
            peers = await answer(app, "/v1/peers")
            async with asyncio.timeout(SECONDS):
                while (why := await answer(app, "/v1/why?service=default/web"))["state"] != "Well":
                    pass
            routes = await answer(app, "/v1/routes?peer=tor")
            none = await answer(app, "/v1/routes?service=default/other")
            ready, health = await get("/readyz", port=port), await get("/healthz", port=port)
            metrics = await get("/metrics", port=port)
            await app.end(patiently=False)
            left = await get("/readyz", port=port)
            await eventually(lambda: not heard(tor), seconds=SECONDS)

    assert left == Reply(503, "leaving this node\n")
    assert (ready, health) == (Reply(200, "ok\n"), Reply(200, "ok\n"))
    assert 'porter_speaker_announced{ip="198.51.100.7",namespace="default",service="web"} 1.0' in (
        metrics.text
    )
    assert status["ready"] is True
    assert status["source"] == "Manifests"
    assert status["peers"] == {"established": 1, "configured": 1}
    (peer,) = of(peers, "peers")
    assert (peer["name"], peer["state"], peer["localAddress"]) == ("tor", "Established", NODE)
    assert peer["families"] == {
        "ipv4-unicast": {
            "wanted": 1,
            "advertised": 1,
            "pending": 0,
            "received": 0,
            "stale": 0,
            "overLimit": False,
            "addPath": False,
            "endOfRIBSent": True,
            "endOfRIBReceived": False,  # the router of the tests has nothing to tell
        }
    }
    (route,) = of(routes, "routes")
    assert (route["state"], route["nextHop"], route["service"], route["reason"]) == (
        "acknowledged",
        NODE,
        "default/web",
        "",
    )
    assert (why["state"], why["addresses"]) == ("Well", ["198.51.100.7"])
    (row,) = of(why, "verdicts")
    assert (row["node"], row["peer"], row["reason"], row["yes"]) == ("a", "tor", "AllPaths", True)
    assert none == {"routes": []}


async def test_what_is_wrong_on_a_node_is_told_with_its_remedy(tmp_path: Path) -> None:
    directory = manifests(tmp_path, CLUSTER + FAULTY)
    async with living(settings(tmp_path, directory)) as app:
        running = await reached(app)
        await eventually(
            lambda: any(v.reason == "PoolExhausted" for v in running.allocator.verdicts.values()),
            seconds=SECONDS,
        )
        await eventually(lambda: running.node.desired == {VIP}, seconds=SECONDS)
        status = await answer(app, "/v1/status")
        async with asyncio.timeout(SECONDS):
            while "default/too-many" not in {row["service"] for row in of(status, "verdicts")}:
                status = await answer(app, "/v1/status")
        peers = await answer(app, "/v1/peers")
        routes = await answer(app, "/v1/routes")
        unknown = await get("/v1/routes?peer=tor-b", control=app._settings.control)

    assert status["peers"] == {"established": 0, "configured": 2}
    reasons = {(row["peer"], row["service"]): row["reason"] for row in of(status, "verdicts")}
    assert reasons["tor", ""] == "SessionDown"
    assert reasons["tor-b", ""] == "SecretMissing"
    assert reasons["", "default/too-many"] == "PoolExhausted"
    (fault,) = of(status, "faults")
    assert (fault["kind"], fault["name"], fault["path"], fault["reason"]) == (
        "VIPPool",
        "wrong",
        "spec.addresses[0]",
        "Invalid",
    )
    assert [(row["name"], row["state"]) for row in of(peers, "peers")][1] == ("tor-b", "Idle")
    states = [(row["prefix"], row["nextHop"], row["state"]) for row in of(routes, "routes")]
    assert states == [("198.51.100.7/32", "self", "waiting")]
    assert unknown == Reply(404, "no peer tor-b has a session here; there are: tor\n")


async def reached(app: App) -> Running:
    await eventually(lambda: app._running is not None, seconds=SECONDS)
    assert app._running is not None
    return app._running


async def test_before_the_cluster_is_reached_it_says_so(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    async with control_server(path, lambda: None):
        reply = await get("/v1/status", control=path)

    assert reply == Reply(503, "starting: the cluster was not reached yet\n")
    assert not path.exists()


async def test_a_node_without_a_configuration_says_what_to_create(tmp_path: Path) -> None:
    directory = manifests(tmp_path, CLUSTER.replace("kind: BGPConfig", "kind: Ignored"))
    async with living(settings(tmp_path, directory)) as app:
        running = await reached(app)
        await eventually(lambda: running.node.context is not None, seconds=SECONDS)
        ready = app.missing()
        status = await answer(app, "/v1/status")

    (row, *_) = of(status, "verdicts")
    assert ready == ()
    assert (row["reason"], row["service"], row["prefix"], row["peer"]) == ("NoConfig", "", "", "")
    assert row["remedy"] == "create the BGPConfig default with spec.asn"


async def test_what_is_not_announced_here_is_told_with_its_service(tmp_path: Path) -> None:
    text = CLUSTER.replace("nodeName: a", "nodeName: b").replace(
        "type: LoadBalancer", "type: LoadBalancer, externalTrafficPolicy: Local"
    )
    async with living(settings(tmp_path, manifests(tmp_path, text))) as app:
        running = await reached(app)
        await eventually(lambda: VIP in running.node.verdicts, seconds=SECONDS)
        await eventually(
            lambda: running.node.verdicts[VIP][0].reason == "NoLocalEndpoint", seconds=SECONDS
        )
        status = await answer(app, "/v1/status")

    (row,) = [row for row in of(status, "verdicts") if row["prefix"]]
    assert row == {
        "service": "default/web",
        "prefix": "198.51.100.7/32",
        "peer": "",
        "reason": "NoLocalEndpoint",
        "message": "default/web has no ready endpoint on Node/a",
        "remedy": "run a ready Pod of it there, or set externalTrafficPolicy: Cluster",
    }
    assert status["verdictsOmitted"] == 0


async def test_a_socket_whose_process_is_dead_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    async with control_server(path, lambda: None):
        reply = await get("/v1/peers", control=path)

    assert reply.status == 503


async def test_a_socket_whose_process_lives_is_left_to_it(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    async with control_server(path, lambda: None):
        with pytest.raises(OSError, match="another process answers there"):
            async with control_server(path, lambda: None):
                pass
        reply = await get("/v1/peers", control=path)

    assert reply.status == 503


async def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    path.write_text("somebody's")

    with pytest.raises(OSError, match="Address already in use"):
        async with control_server(path, lambda: None):
            pass
    assert path.read_text() == "somebody's"
