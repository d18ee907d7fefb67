"""`porter stop`: every BGPConfig is drained, and no node announces; or it is said which does."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.porter_ctl.kube.fake_api import FakeApi, Json, Object, refusal, reply

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.porter_ctl.kube.fake_api import Answer

CONFIGS = "/apis/porter.network/v1beta1/bgpconfigs"
DRAINED = {"spec": {"adminState": "Drained"}}


class Done(NamedTuple):
    status: int | None
    out: str
    err: str


@pytest.fixture
async def api() -> AsyncIterator[FakeApi]:
    async with FakeApi() as api:
        yield api


async def stop(api: FakeApi, folder: Path, *arguments: str) -> Done:
    # It looks for no proxy on the way to loopback.
    environment = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "porter_ctl", "stop", "--kubeconfig", str(api.kubeconfig(folder))),
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
    )
    out, err = await process.communicate()
    return Done(process.returncode, out.decode(), err.decode())


def listed(*items: Object) -> Answer:
    found: list[Json] = [*items]
    return reply(200, {"metadata": {"resourceVersion": "7"}, "items": found})


def named(name: str, **more: Json) -> Object:
    return {"metadata": {"name": name}, **more}


def node(name: str, announced: int) -> Object:
    return named(name, status={"announced": announced})


async def test_every_config_is_drained_and_every_node_is_waited_for(
    api: FakeApi, tmp_path: Path
) -> None:
    api.script = [
        listed(named("default", spec={"asn": 64512}), named("edge", spec={"asn": 64513})),
        *(reply(200, {}), reply(200, {})),
        listed(node("n1", 0), node("n2", 3)),
        listed(node("n1", 0), node("n2", 0)),
    ]

    done = await stop(api, tmp_path)

    patched = [(asked.path, asked.body) for asked in api.asked if asked.method == "PATCH"]
    assert patched == [(f"{CONFIGS}/default", DRAINED), (f"{CONFIGS}/edge", DRAINED)]
    assert len(api.asked) == 5
    assert done == (
        0,
        "BGPConfig default: Drained\nBGPConfig edge: Drained\nno node announces\n",
        "",
    )


@pytest.mark.parametrize(("options", "status"), [((), 1), (("--best-effort",), 0)])
async def test_a_node_that_goes_on_is_named(
    api: FakeApi, tmp_path: Path, options: tuple[str, ...], status: int
) -> None:
    api.script = [
        listed(named("default", spec={"asn": 64512})),
        reply(200, {}),
        listed(node("n1", 0), node("n2", 3)),
    ]

    done = await stop(api, tmp_path, "--wait", "0", *options)

    assert done == (status, "BGPConfig default: Drained\n", "after 0 s still announcing: n2\n")


async def test_where_nothing_is_installed_nothing_is_to_stop(api: FakeApi, tmp_path: Path) -> None:
    api.script = [refusal(404, "NotFound"), refusal(404, "NotFound")]

    done = await stop(api, tmp_path)

    assert done == (0, "no node announces\n", "")


REFUSALS: dict[str, list[Answer]] = {
    "the list": [refusal(403, "Forbidden", "not yours")],
    "the change": [
        listed(named("default", spec={"asn": 64512})),
        refusal(403, "Forbidden", "not yours"),
    ],
}


@pytest.mark.parametrize("script", REFUSALS.values(), ids=REFUSALS)
async def test_a_refusal_is_said_and_not_taken_for_an_end(
    api: FakeApi, tmp_path: Path, script: list[Answer]
) -> None:
    api.script = [*script]

    done = await stop(api, tmp_path)

    assert done.status == 3
    assert "not yours" in done.err
    assert "no node announces" not in done.out
