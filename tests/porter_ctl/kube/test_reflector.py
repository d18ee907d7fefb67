"""`porter_ctl.kube.reflector`: whatever the server does, the store is what was true last."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from typing import TYPE_CHECKING

import pytest

from porter_ctl.api import Kind
from porter_ctl.kube.client import KubeClient
from porter_ctl.kube.paths import Collection
from porter_ctl.kube.reflector import Reflector
from porter_ctl.kube.watch import MAX_LINE
from porter_ctl.store.port import Forbidden, NotFound, Unavailable
from porter_ctl.store.stores import Stores
from tests.porter_ctl.kube.conftest import BRIEF
from tests.porter_ctl.kube.fake_api import (
    FakeApi,
    added,
    bookmark,
    complete,
    deleted,
    drop,
    error,
    line,
    modified,
    page,
    refusal,
    reply,
)
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.porter_ctl.kube.fake_api import Answer, Object

NAMESPACES = Collection(kind=Kind.NAMESPACE)


class Followed:
    """A running reflector with its stores."""

    def __init__(self, client: KubeClient) -> None:
        self.stores = Stores()
        self.synced: list[str] = []
        self.reflector = Reflector(
            client,
            NAMESPACES,
            self.stores,
            on_synced=lambda: self.synced.append("synced"),
            jitter=lambda: 0.999,
        )

    @property
    def names(self) -> set[str]:
        return set(self.stores.namespaces)

    def team(self, name: str) -> str:
        found = self.stores.namespaces.get(name)
        return found.metadata.labels.get("team", "") if found else "absent"


@contextlib.asynccontextmanager
async def following(client: KubeClient) -> AsyncIterator[Followed]:
    followed = Followed(client)
    task = asyncio.create_task(followed.reflector.run())
    try:
        yield followed
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_the_initial_events_are_a_list_and_what_follows_are_changes(
    api: FakeApi, client: KubeClient
) -> None:
    api.script = [
        api.stream(
            added("a", 3),
            added("b", 5),
            complete(9),
            modified("a", 10, team="x"),
            deleted("b", 11),
            added("c", 12),
        )
    ]
    async with following(client) as followed:
        await eventually(lambda: "c" in followed.names)

    assert followed.names == {"a", "c"}
    assert followed.team("a") == "x"
    assert followed.synced == ["synced"]
    assert followed.reflector.synced
    assert api.asked[0].query == {
        "watch": "true",
        "allowWatchBookmarks": "true",
        "sendInitialEvents": "true",
        "resourceVersionMatch": "NotOlderThan",
        "timeoutSeconds": "300",
    }


async def test_nothing_is_held_before_the_initial_events_are_complete(
    api: FakeApi, client: KubeClient
) -> None:
    api.script = [
        api.stream(added("a", 3), ends=True),
        api.stream(added("a", 3), added("b", 4), complete(9)),
    ]
    async with following(client) as followed:
        await eventually(lambda: followed.reflector.synced)

    assert followed.stores.take_dirty() == [(Kind.NAMESPACE, "a"), (Kind.NAMESPACE, "b")]
    assert followed.reflector.lists == 1


async def test_a_bookmark_moves_the_version_the_next_watch_starts_from(
    api: FakeApi, client: KubeClient
) -> None:
    api.script = [api.stream(complete(9), bookmark(20), ends=True), api.stream(added("a", 21))]
    async with following(client) as followed:
        await eventually(lambda: "a" in followed.names)

    assert api.asked[1].query["resourceVersion"] == "20"
    assert "sendInitialEvents" not in api.asked[1].query


async def test_the_stream_may_come_octet_by_octet(api: FakeApi, client: KubeClient) -> None:
    api.script = [api.stream(added("a", 3), complete(9), modified("a", 10, team="x"), at_once=1)]
    async with following(client) as followed:
        await eventually(lambda: followed.team("a") == "x")

    assert len(api.asked) == 1


# After a good start (a and b at version 9) the server answers the next request thus; what comes
# after that is either a watch from where we stood or everything again.
RESUMED: dict[str, tuple[Answer, type[Exception] | None]] = {
    "an error page": (reply(502, "<html>Bad Gateway</html>"), Unavailable),
    "an internal error": (refusal(500, "InternalError", "etcd is gone"), Unavailable),
    "too many requests": (refusal(429, "TooManyRequests", "slow down"), Unavailable),
    "a cut connection": (drop, Unavailable),
    "a refusal": (refusal(403, "Forbidden", "namespaces is forbidden"), Forbidden),
    "an expired token": (refusal(401, "Unauthorized", "Unauthorized"), Forbidden),
}


@pytest.mark.parametrize(("answer", "trouble"), RESUMED.values(), ids=RESUMED)
async def test_after_a_failure_the_watch_goes_on_where_it_stood(
    api: FakeApi, client: KubeClient, answer: Answer, trouble: type[Exception]
) -> None:
    troubles: list[object] = []
    api.script = [
        api.stream(added("a", 3), added("b", 4), complete(9), ends=True),
        answer,
        answer,
        api.stream(modified("a", 10, team="x")),
    ]
    async with following(client) as followed:
        await eventually(lambda: followed.reflector.trouble is not None)
        troubles.append(followed.reflector.trouble)
        names = followed.names
        await eventually(lambda: followed.team("a") == "x")

        assert followed.reflector.trouble is None

    assert isinstance(troubles[0], trouble)
    assert names == followed.names == {"a", "b"}
    assert followed.reflector.lists == 1
    assert followed.reflector.synced
    assert api.asked[-1].query["resourceVersion"] == "9"


SAID: dict[str, tuple[Object | bytes, str]] = {
    "half a line": (line(modified("b", 12))[:-20], "10"),
    "a line that is no JSON": (b"<html>\n", "10"),
    "an error event": (error(500, "InternalError", "etcd is gone"), "10"),
    "an error event that is none": (line({"type": "ERROR", "object": 3}), "10"),
    "a bookmark that is none": (line({"type": "BOOKMARK", "object": 3}), "10"),
    "an event nobody knows": (line({"type": "RENAMED", "object": {}}), "10"),
}


@pytest.mark.parametrize(("said", "version"), SAID.values(), ids=SAID)
async def test_what_cannot_be_read_ends_the_watch_and_costs_no_neighbour(
    api: FakeApi, client: KubeClient, said: Object | bytes, version: str
) -> None:
    api.script = [
        api.stream(
            added("a", 3), added("b", 4), complete(9), modified("a", 10, team="x"), said, ends=True
        ),
        api.stream(modified("b", 12, team="y")),
    ]
    async with following(client) as followed:
        await eventually(lambda: followed.team("b") == "y")

    assert followed.team("a") == "x"
    assert followed.reflector.lists == 1
    assert api.asked[1].query["resourceVersion"] == version


GONE: dict[str, tuple[Answer | None, Object | bytes | None]] = {
    "an ERROR event 410": (None, error(410, "Expired", "too old resource version")),
    "an ERROR event that says only Expired": (None, error(0, "Expired", "too old")),
    "410 for the watch": (refusal(410, "Expired", "too old resource version"), None),
    "a line too long to be read": (None, b'{"type": "' + b"x" * MAX_LINE + b'"}\n'),
    "404, and the kind exists again": (refusal(404, "NotFound", "no such kind"), None),
}


@pytest.mark.parametrize(("answer", "said"), GONE.values(), ids=GONE)
async def test_where_the_version_is_gone_everything_is_taken_again_and_deletions_are_found(
    api: FakeApi, client: KubeClient, answer: Answer | None, said: Object | bytes | None
) -> None:
    first = [added("a", 3), added("b", 4), complete(9)]
    api.script = [api.stream(*first, *([said] if said else []), ends=True)]
    api.script += [answer] if answer else []
    api.script += [api.stream(added("b", 4), added("c", 15), complete(20))]
    async with following(client) as followed:
        await eventually(lambda: followed.reflector.lists == 1)
        followed.stores.take_dirty()
        await eventually(lambda: followed.reflector.lists == 2)

    assert followed.names == {"b", "c"}
    assert set(followed.stores.take_dirty()) == {(Kind.NAMESPACE, "a"), (Kind.NAMESPACE, "c")}
    assert "resourceVersion" not in api.asked[-1].query
    assert followed.synced == ["synced"]


async def test_a_kind_that_is_gone_takes_nothing_away_while_it_is(
    api: FakeApi, client: KubeClient
) -> None:
    api.script = [
        api.stream(added("a", 3), complete(9), ends=True),
        *[refusal(404, "NotFound", "the server could not find the requested resource")] * 5,
    ]
    async with following(client) as followed:
        await eventually(lambda: len(api.asked) >= 5)

        assert isinstance(followed.reflector.trouble, NotFound)
        assert followed.names == {"a"}
        assert followed.reflector.synced


async def test_silence_is_noticed_and_the_watch_goes_on_where_it_stood(
    api: FakeApi, tmp_path: Path
) -> None:
    timings = dataclasses.replace(BRIEF, idle=0.1)
    api.script = [api.stream(added("a", 3), complete(9)), api.stream(modified("a", 10, team="x"))]
    async with (
        KubeClient(kubeconfig=api.kubeconfig(tmp_path), timings=timings) as client,
        following(client) as followed,
    ):
        await eventually(lambda: followed.team("a") == "x")

    assert api.asked[1].query["resourceVersion"] == "9"


async def test_a_server_that_never_answers_is_given_up(api: FakeApi, tmp_path: Path) -> None:
    timings = dataclasses.replace(BRIEF, request=0.1)
    api.script = [api.hang, api.stream(added("a", 3), complete(9))]
    async with (
        KubeClient(kubeconfig=api.kubeconfig(tmp_path), timings=timings) as client,
        following(client) as followed,
    ):
        await eventually(lambda: followed.names == {"a"})

    assert len(api.asked) == 2


async def test_empty_answers_are_not_asked_for_in_a_hot_loop(api: FakeApi, tmp_path: Path) -> None:
    timings = dataclasses.replace(BRIEF, first_pause=0.02, pause=0.08)
    api.script = [api.stream(complete(9), ends=True), *[reply(200, "")] * 5]
    async with (
        KubeClient(kubeconfig=api.kubeconfig(tmp_path), timings=timings) as client,
        following(client),
    ):
        await eventually(lambda: len(api.asked) == 6)

    gaps = [later.at - earlier.at for earlier, later in zip(api.asked, api.asked[1:], strict=False)]
    assert all(
        gap >= 0.95 * pause for gap, pause in zip(gaps, (0.02, 0.04, 0.08, 0.08, 0.08), strict=True)
    )


@pytest.mark.parametrize("code", [400, 422])
async def test_without_streaming_lists_pages_are_taken_until_the_last(
    api: FakeApi, client: KubeClient, code: int
) -> None:
    api.script = [
        refusal(code, "Invalid", "sendInitialEvents is forbidden"),
        page(9, "a", "b", more="two"),
        page(9, "c"),
        api.stream(added("d", 10)),
    ]
    async with following(client) as followed:
        await eventually(lambda: "d" in followed.names)

    assert followed.names == {"a", "b", "c", "d"}
    assert [asked.query for asked in api.asked[1:3]] == [
        {"limit": "500"},
        {"limit": "500", "continue": "two"},
    ]
    assert api.asked[3].query["resourceVersion"] == "9"


async def test_a_page_that_is_gone_starts_the_list_over(api: FakeApi, client: KubeClient) -> None:
    api.script = [
        refusal(422, "Invalid"),
        page(9, "a", more="two"),
        refusal(410, "Expired", "the continue token is too old"),
        page(12, "b", more="two"),
        page(12, "c"),
    ]
    async with following(client) as followed:
        await eventually(lambda: followed.reflector.synced)

    assert followed.names == {"b", "c"}
    assert followed.reflector.lists == 1


NO_LIST = {
    "a web page": reply(200, "<html>login</html>"),
    "JSON of something else": reply(200, {"message": "hello"}),
    "a list without a version": reply(200, {"metadata": {}, "items": []}),
    "an error page": reply(503, "<html>"),
}


@pytest.mark.parametrize("answer", NO_LIST.values(), ids=NO_LIST)
async def test_what_is_no_list_replaces_nothing(
    api: FakeApi, client: KubeClient, answer: Answer
) -> None:
    api.script = [refusal(422, "Invalid"), answer, page(9, "a")]
    async with following(client) as followed:
        await eventually(lambda: followed.reflector.synced)

    assert followed.names == {"a"}
    assert followed.reflector.lists == 1


async def test_an_object_that_cannot_be_read_is_skipped_and_counted(
    api: FakeApi, client: KubeClient, caplog: pytest.LogCaptureFixture
) -> None:
    bad: Object = {"name": "bad", "uid": "u", "resourceVersion": "11", "labels": 3}
    event: Object = {"type": "MODIFIED", "object": {"metadata": bad}}
    api.script = [
        api.stream(
            added("bad", 2), complete(9), {**event}, {**event}, {"type": "ADDED"}, ends=True
        ),
        api.stream({"type": "ADDED", "object": {"metadata": {}}}, added("good", 12)),
    ]
    async with following(client) as followed:
        await eventually(lambda: "good" in followed.names)

    assert followed.names == {"bad", "good"}  # what was held of it stays
    assert followed.reflector.skipped == 3
    assert sum("bad" in record.message for record in caplog.records) == 1
    assert api.asked[1].query["resourceVersion"] == "11"


async def test_an_unreadable_object_in_a_list_leaves_what_is_held_of_it(
    api: FakeApi, client: KubeClient
) -> None:
    bad: Object = {"name": "bad", "uid": "u", "resourceVersion": "11", "labels": 3}
    api.script = [
        api.stream(added("bad", 2), added("gone", 3), complete(9), error(410, "Expired")),
        api.stream({"type": "ADDED", "object": {"metadata": bad}}, complete(12)),
    ]
    async with following(client) as followed:
        await eventually(lambda: followed.reflector.lists == 2)

    assert followed.names == {"bad"}


async def test_a_list_older_than_what_is_held_is_refused_until_it_is_so_for_good(
    api: FakeApi, client: KubeClient
) -> None:
    api.script = [api.stream(added("a", 3), complete(90), error(410, "Expired"))]
    async with following(client) as followed:
        await eventually(lambda: followed.reflector.lists == 1)
        api.always = api.stream(added("b", 3), complete(80), ends=True)
        await eventually(lambda: "version 80 is older than 90" in str(followed.reflector.trouble))
        names = followed.names
        await eventually(lambda: followed.names == {"b"})

    assert names == {"a"}


async def test_a_restart_of_the_server_is_told_once_and_its_end_as_well(
    api: FakeApi, client: KubeClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    api.script = [
        api.stream(complete(9), ends=True),
        *[reply(502, "<html>" + "x" * 500)] * 4,
        api.stream(added("a", 10)),
    ]
    async with following(client) as followed:
        await eventually(lambda: followed.names == {"a"})

    told = [record.message for record in caplog.records if "reflector" in record.name]
    assert len(told) == 2
    assert told[0].startswith("watch namespaces: HTTP 502, <html>xxx")
    assert len(told[0]) < 260
    assert told[1] == "namespaces: followed again"


@pytest.mark.parametrize("streams", [True, False])
async def test_many_objects_are_taken_in_while_others_have_their_turn(
    api: FakeApi, client: KubeClient, *, streams: bool
) -> None:
    names = [f"n{number}" for number in range(200)]
    if streams:
        api.script = [api.stream(*[added(name, 3) for name in names], complete(9))]
    else:
        api.script = [refusal(422, "Invalid"), page(9, *names)]
    turns = 0
    async with following(client) as followed:
        await eventually(lambda: len(followed.stores.namespaces) > 0)
        while not followed.reflector.synced:
            turns += 1
            await asyncio.sleep(0)

    assert followed.names == set(names)
    assert turns >= 2


async def test_an_object_without_a_name_is_skipped_in_a_list(
    api: FakeApi, client: KubeClient
) -> None:
    api.script = [api.stream({"type": "ADDED", "object": {}}, added("a", 3), complete(9))]
    async with following(client) as followed:
        await eventually(lambda: followed.reflector.synced)

    assert followed.names == {"a"}
    assert followed.reflector.skipped == 1


async def test_a_healthy_watch_forgets_earlier_failures(api: FakeApi, tmp_path: Path) -> None:
    timings = dataclasses.replace(BRIEF, first_pause=0.02, pause=10.0, healthy=0.0)
    api.script = [api.stream(complete(9), ends=True)] * 8
    async with (
        KubeClient(kubeconfig=api.kubeconfig(tmp_path), timings=timings) as client,
        following(client),
    ):
        await eventually(lambda: len(api.asked) == 8)

    assert api.asked[-1].at - api.asked[0].at < 1.0  # doubling, it would be 2.5 s
