"""`porter_ctl.kube.client`: an answer in time, or Unavailable with a reason."""

from __future__ import annotations

import dataclasses
import logging
from typing import TYPE_CHECKING

import pytest

from porter_ctl.kube import client as client_module
from porter_ctl.kube.client import MERGE_PATCH, KubeClient, Reply
from porter_ctl.store.port import Unavailable
from tests.porter_ctl.kube.conftest import BRIEF
from tests.porter_ctl.kube.fake_api import FakeApi, drop, line, reply

if TYPE_CHECKING:
    from pathlib import Path

    from aiohttp import web

OTHER = "second"  # the token after it was rotated


async def test_a_request_carries_who_we_are_and_what_we_want(
    api: FakeApi, client: KubeClient
) -> None:
    api.script = [reply(201, {"kind": "Namespace"}, **{"Retry-After": "7"})]

    answer = await client.request(
        "PATCH",
        "/api/v1/namespaces/a",
        params={"fieldManager": "porter"},
        body={"metadata": {"labels": {"a": None}}},
        content_type=MERGE_PATCH,
    )

    asked = api.asked[0]
    assert answer == Reply(status=201, body=b'{"kind": "Namespace"}', retry_after=7.0)
    assert answer.ok
    assert (asked.method, asked.path) == ("PATCH", "/api/v1/namespaces/a")
    assert asked.query == {"fieldManager": "porter"}
    assert asked.body == {"metadata": {"labels": {"a": None}}}
    assert asked.headers["Content-Type"] == MERGE_PATCH
    assert asked.headers["Authorization"] == "Bearer first"
    assert asked.headers["User-Agent"] == "porter"


async def test_a_refusal_is_an_answer(api: FakeApi, client: KubeClient) -> None:
    api.script = [reply(502, "<html>", **{"Retry-After": "soon"})]

    answer = await client.request("GET", "/api")

    assert (answer.status, answer.body, answer.ok) == (502, b"<html>", False)
    assert answer.retry_after is None


async def test_no_answer_in_time_is_none(api: FakeApi, client: KubeClient) -> None:
    api.script = [api.hang]

    with pytest.raises(Unavailable, match="GET /api: no answer in time"):
        await client.request("GET", "/api", timeout=0.05)


async def test_a_body_that_does_not_end_in_time_is_no_answer(
    api: FakeApi, client: KubeClient
) -> None:
    api.script = [api.stream(b'{"kind": ')]

    with pytest.raises(Unavailable, match="no answer in time"):
        await client.request("GET", "/api", timeout=0.05)


async def test_a_cut_connection_is_no_answer(api: FakeApi, client: KubeClient) -> None:
    api.always = drop

    with pytest.raises(Unavailable, match="GET /api: "):
        await client.request("GET", "/api")


async def test_nobody_listening_is_no_answer(tmp_path: Path) -> None:
    async with FakeApi() as gone:
        path = gone.kubeconfig(tmp_path)
    async with KubeClient(kubeconfig=path, timings=BRIEF) as client:
        with pytest.raises(Unavailable, match="Cannot connect"):
            await client.request("GET", "/api")


async def test_octets_that_are_not_what_they_claim_are_no_answer(
    api: FakeApi, client: KubeClient
) -> None:
    api.script = [reply(200, {}, **{"Content-Encoding": "gzip"})]

    with pytest.raises(Unavailable):
        await client.request("GET", "/api")


async def test_a_watch_yields_octets_until_it_ends(api: FakeApi, client: KubeClient) -> None:
    api.script = [api.stream({"type": "ADDED"}, ends=True)]

    async with client.stream("/api/v1/nodes", {"watch": "true"}) as answer:
        assert not isinstance(answer, Reply)
        octets = b"".join([chunk async for chunk in answer])

    assert octets == line({"type": "ADDED"})


async def test_a_silent_watch_ends(api: FakeApi, tmp_path: Path) -> None:
    timings = dataclasses.replace(BRIEF, idle=0.05)
    api.script = [api.stream({"type": "ADDED"})]
    async with (
        KubeClient(kubeconfig=api.kubeconfig(tmp_path), timings=timings) as client,
        client.stream("/api/v1/nodes", {"watch": "true"}) as answer,
    ):
        assert not isinstance(answer, Reply)
        with pytest.raises(Unavailable, match="/api/v1/nodes"):
            assert [chunk async for chunk in answer] == []


async def test_a_refused_watch_is_read_to_its_end(api: FakeApi, client: KubeClient) -> None:
    api.script = [reply(403, {"reason": "Forbidden"}, **{"Retry-After": "2"})]

    async with client.stream("/api/v1/nodes", {"watch": "true"}) as answer:
        assert answer == Reply(status=403, body=b'{"reason": "Forbidden"}', retry_after=2.0)


async def test_a_rejected_token_is_read_again(
    api: FakeApi, client: KubeClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "_RENEW_AFTER", 0.0)

    async def only_second(request: web.Request) -> web.StreamResponse:
        known = request.headers["Authorization"] == f"Bearer {OTHER}"
        return await reply(200 if known else 401, {})(request)

    api.always = only_second
    before = await client.request("GET", "/api")
    api.kubeconfig(tmp_path, token=OTHER)
    after = await client.request("GET", "/api")

    assert (before.status, after.status) == (401, 200)


async def test_credentials_are_not_read_again_at_every_refusal(
    api: FakeApi, client: KubeClient, tmp_path: Path
) -> None:
    api.always = reply(401, {})
    api.kubeconfig(tmp_path, token=OTHER)

    for _ in range(3):
        await client.request("GET", "/api")

    assert {asked.headers["Authorization"] for asked in api.asked} == {"Bearer first"}
    assert len(api.asked) == 3


@pytest.mark.parametrize("content", ["", "{", "clusters: 3", "apiVersion: v1\nkind: Config"])
async def test_unusable_credentials_say_what_to_do(tmp_path: Path, content: str) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(content)

    with pytest.raises(Unavailable, match="name a kubeconfig file"):
        await KubeClient(kubeconfig=path).connect()


async def test_in_a_pod_its_service_account_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "192.0.2.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")

    with pytest.raises(Unavailable, match="Service token file does not exist"):
        await KubeClient().connect()


async def test_the_library_never_logs_what_it_received(
    api: FakeApi, client: KubeClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    api.script = [reply(200, {"data": {"password": "c2VjcmV0"}})]

    await client.request("GET", "/api/v1/namespaces/a/secrets/b")

    assert logging.getLogger("kubernetes_asyncio.client.rest").getEffectiveLevel() == logging.INFO
    assert "c2VjcmV0" not in caplog.text


async def test_the_first_request_reads_the_credentials_where_nobody_did(
    api: FakeApi, tmp_path: Path
) -> None:
    api.script = [reply(200, {})]
    client = KubeClient(kubeconfig=api.kubeconfig(tmp_path), timings=BRIEF)

    assert (await client.request("GET", "/api")).ok

    await client.close()


async def test_a_closed_client_stays_closed(api: FakeApi, client: KubeClient) -> None:
    await client.close()

    with pytest.raises(Unavailable, match="the client is closed"):
        await client.request("GET", "/api")

    assert api.asked == []


async def test_where_tls_fails_the_authority_is_read_again(
    api: FakeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.script = [reply(200, {})]
    path = api.kubeconfig(tmp_path)
    good = path.read_text()
    path.write_text(good.replace("http://", "https://"))
    async with KubeClient(kubeconfig=path, timings=BRIEF) as client:
        with pytest.raises(Unavailable, match=r"(?i)ssl"):
            await client.request("GET", "/api")
        path.write_text(good)
        monkeypatch.setattr(client_module, "_RENEW_AFTER", 0.0)
        again = await client.request("GET", "/api")

    assert again.ok
