"""`porter_ctl.daemon.from_api`: what is asked of an API server before anything else."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import yaml
from aiohttp import web

from porter_ctl.daemon import from_api
from porter_ctl.daemon.from_api import open_api
from porter_ctl.daemon.settings import PodIdentity, Settings
from porter_ctl.plan import SERVICE_CLASSES
from porter_ctl.store.port import Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

LABEL = "node-role.kubernetes.io/control-plane"


def node(labels: dict[str, str]) -> dict[str, object]:
    return {
        "metadata": {"name": "a", "uid": "u", "labels": labels},
        "status": {"addresses": [{"type": "InternalIP", "address": "192.0.2.9"}]},
    }


@asynccontextmanager
async def api_server(folder: Path, replies: list[object]) -> AsyncIterator[Settings]:
    """An API server that gives these answers for Node a, or fails where a number stands."""

    async def own_node(_: web.Request) -> web.Response:
        reply = replies.pop(0)
        if isinstance(reply, int):
            return web.Response(status=reply, text="no")
        return web.json_response(reply)

    application = web.Application()
    application.router.add_get("/api/v1/nodes/a", own_node)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_text(
        yaml.safe_dump(
            {
                "clusters": [{"name": "c", "cluster": {"server": f"http://{host}:{port}"}}],
                "users": [{"name": "u", "user": {"token": "t"}}],
                "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
                "current-context": "x",
            }
        )
    )
    try:
        yield settings(kubeconfig)
    finally:
        await runner.cleanup()


def settings(kubeconfig: Path) -> Settings:
    return Settings(
        node="a",
        kubeconfig=kubeconfig,
        service_classes=SERVICE_CLASSES,
        pod=PodIdentity(name="porter-x", namespace="porter-system", uid="pod-uid"),
    )


@pytest.mark.parametrize(
    ("reply", "candidate", "addresses"),
    [
        (node({LABEL: ""}), True, ("192.0.2.9",)),
        (node({}), False, ("192.0.2.9",)),
        (404, False, ()),
    ],
    ids=["control plane", "worker", "no such Node"],
)
async def test_who_may_allocate_is_read_from_the_own_node(
    tmp_path: Path,
    reply: object,
    candidate: bool,  # noqa: FBT001 - a column of the table
    addresses: tuple[str, ...],
) -> None:
    async with api_server(tmp_path, [reply]) as told:
        cluster = await open_api(told, "nonce")
        await cluster.close()

    assert cluster.candidate is candidate
    assert cluster.node_addresses == addresses
    assert cluster.port.leadership().identity == "pod-uid_nonce"
    assert cluster.troubles() == ()
    assert cluster.faults() == ()


async def test_an_api_server_that_is_away_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(from_api, "_ASK_AGAIN", 0.0)
    replies: list[object] = [503, 503, node({})]
    async with api_server(tmp_path, replies) as told:
        cluster = await open_api(told, "nonce")
        await cluster.close()

    assert replies == []
    assert cluster.node_addresses == ("192.0.2.9",)


async def test_without_credentials_it_says_what_to_give(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text("clusters: 7\n")

    with pytest.raises(Unavailable, match="no usable credentials for the API server"):
        await open_api(settings(kubeconfig), "nonce")
