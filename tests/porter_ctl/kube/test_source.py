"""`porter_ctl.kube.source`: what is wanted is followed, what is not wanted is forgotten."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from porter_ctl.api import Kind
from porter_ctl.kube.source import KubeSource
from porter_ctl.store.port import EVERYTHING, Forbidden, NotFound, Selectors, Unavailable
from porter_ctl.store.stores import Stores
from tests.porter_ctl.kube.fake_api import added, complete, refusal, reply
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import web

    from porter_ctl.kube.client import KubeClient
    from tests.porter_ctl.kube.fake_api import FakeApi


@contextlib.asynccontextmanager
async def running(source: KubeSource, stores: Stores) -> AsyncIterator[None]:
    task = asyncio.create_task(source.run(stores))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def serve_nodes(api: FakeApi, *names: str) -> None:
    """Every list is of these nodes, narrowed by a field selector as a real server does."""

    async def answer(request: web.Request) -> web.StreamResponse:
        wanted = request.query.get("fieldSelector", "").removeprefix("metadata.name=")
        events = [added(name, 3) for name in names if wanted in {"", name}]
        if "sendInitialEvents" not in request.query:
            return await api.stream()(request)
        return await api.stream(*events, complete(9))(request)

    api.always = answer


SELECTED = {
    "load-balancer Services": (
        Kind.SERVICE,
        EVERYTHING,
        "/api/v1/services",
        {"fieldSelector": "spec.type=LoadBalancer"},
    ),
    "slices of Services with an address": (
        Kind.ENDPOINT_SLICE,
        EVERYTHING,
        "/apis/discovery.k8s.io/v1/endpointslices",
        {"labelSelector": "!service.kubernetes.io/headless"},
    ),
    "all nodes": (Kind.NODE, EVERYTHING, "/api/v1/nodes", {}),
    "one node": (
        Kind.NODE,
        Selectors(names=frozenset({"n1"})),
        "/api/v1/nodes",
        {"fieldSelector": "metadata.name=n1"},
    ),
    "one Secret of one namespace": (
        Kind.SECRET,
        Selectors(names=frozenset({"tor"}), namespace="porter-system"),
        "/api/v1/namespaces/porter-system/secrets",
        {"fieldSelector": "metadata.name=tor"},
    ),
    "a kind of ours": (Kind.VIP, EVERYTHING, "/apis/porter.network/v1beta1/vips", {}),
}


@pytest.mark.parametrize(("kind", "selectors", "path", "query"), SELECTED.values(), ids=SELECTED)
async def test_no_more_is_asked_for_than_is_wanted(
    api: FakeApi,
    client: KubeClient,
    *,
    kind: Kind,
    selectors: Selectors,
    path: str,
    query: dict[str, str],
) -> None:
    source = KubeSource(client)
    source.want(kind, selectors)
    async with running(source, Stores()):
        await eventually(lambda: len(api.asked) == 1)

    selecting = {name: api.asked[0].query.get(name) for name in ("fieldSelector", "labelSelector")}
    assert api.asked[0].path == path
    assert {name: value for name, value in selecting.items() if value} == query


async def test_a_kind_is_synced_when_all_that_is_wanted_of_it_has_come(
    api: FakeApi, client: KubeClient
) -> None:
    serve_nodes(api, "n1", "n2", "n3")
    source, stores = KubeSource(client), Stores()
    assert not source.synced(Kind.NODE)
    source.want(Kind.NODE, Selectors(names=frozenset({"n1", "n2"})))
    async with running(source, stores):
        await eventually(lambda: source.synced(Kind.NODE))
        synced = stores.synced(Kind.NODE)

    assert synced
    assert set(stores.nodes) == {"n1", "n2"}
    assert not source.synced(Kind.SERVICE)


async def test_wanting_the_same_again_asks_nothing(api: FakeApi, client: KubeClient) -> None:
    serve_nodes(api, "n1")
    source = KubeSource(client)
    async with running(source, Stores()):
        for _ in range(3):
            source.want(Kind.NODE, EVERYTHING)
            await eventually(lambda: source.synced(Kind.NODE))

    assert len(api.asked) == 1


async def test_wanting_more_keeps_what_is_there_and_wanting_less_forgets(
    api: FakeApi, client: KubeClient
) -> None:
    serve_nodes(api, "n1", "n2", "n3")
    source, stores = KubeSource(client), Stores()
    source.want(Kind.NODE, Selectors(names=frozenset({"n1"})))
    async with running(source, stores):
        await eventually(lambda: source.synced(Kind.NODE))
        source.want(Kind.NODE, EVERYTHING)
        meanwhile = (source.synced(Kind.NODE), stores.synced(Kind.NODE), set(stores.nodes))
        await eventually(lambda: source.synced(Kind.NODE))
        whole = set(stores.nodes)
        source.want(Kind.NODE, Selectors(names=frozenset({"n2"})))
        await eventually(lambda: set(stores.nodes) == {"n2"} and source.synced(Kind.NODE))
        source.want(Kind.NODE, Selectors(names=frozenset()))
        await eventually(lambda: len(stores.nodes) == 0)

        assert source.synced(Kind.NODE)  # nothing is wanted, and that is there

    assert meanwhile == (False, False, {"n1"})
    assert whole == {"n1", "n2", "n3"}


async def test_what_cannot_be_followed_is_named_with_its_reason(
    api: FakeApi, client: KubeClient
) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        code = 403 if "secrets" in request.path else 404
        return await refusal(code, "Forbidden" if code == 403 else "NotFound")(request)

    api.always = answer
    source = KubeSource(client)
    source.want(Kind.SECRET, Selectors(names=frozenset({"tor"}), namespace="porter-system"))
    source.want(Kind.VIP, EVERYTHING)
    async with running(source, Stores()):
        await eventually(lambda: len(source.troubles()) == 2)
        troubles = {str(where): type(why) for where, why in source.troubles().items()}

    assert troubles == {
        "secrets porter-system/tor": Forbidden,
        "vips.porter.network": NotFound,
    }


async def test_staleness_grows_while_the_server_says_nothing(
    api: FakeApi, client: KubeClient
) -> None:
    serve_nodes(api, "n1")
    now = asyncio.get_running_loop().time
    source = KubeSource(client)
    before = source.stale_for(now())
    source.want(Kind.NODE, EVERYTHING)
    async with running(source, Stores()):
        await eventually(lambda: source.synced(Kind.NODE))
        at = now()
        first, later = source.stale_for(at), source.stale_for(at + 100)

    assert before == 0
    assert 0 <= first < 5
    assert later - first == pytest.approx(100)


@pytest.mark.parametrize(("served", "exists"), [("vips", True), ("bgppeers", False)])
async def test_a_kind_exists_where_its_group_serves_it(
    api: FakeApi, client: KubeClient, served: str, *, exists: bool
) -> None:
    api.script = [reply(200, {"resources": [{"name": served}]})]

    assert await KubeSource(client).kind_exists(Kind.VIP) is exists
    assert api.asked[0].path == "/apis/porter.network/v1beta1"


async def test_a_group_nobody_knows_serves_no_kind(api: FakeApi, client: KubeClient) -> None:
    api.script = [refusal(404, "NotFound")]

    assert not await KubeSource(client).kind_exists(Kind.VIP)


async def test_without_an_answer_a_kind_may_exist_or_not(api: FakeApi, client: KubeClient) -> None:
    api.script = [refusal(503, "ServiceUnavailable")]

    with pytest.raises(Unavailable):
        await KubeSource(client).kind_exists(Kind.VIP)
