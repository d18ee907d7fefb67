"""One collection of the API server, kept in step in the stores.

A start takes everything once, as a stream of initial events or, where the API server has none, as
pages of a list; then only changes come, until the server no longer keeps the version we stand at
and everything is taken again. What is taken whole replaces what was held, and the difference
counts as change: nobody else tells of an object deleted while we did not listen.

Nothing that fails here takes anything from the stores: a server that is gone, that refuses us, or
that no longer knows the kind leaves us with what was true.
"""

from __future__ import annotations

import asyncio
import logging
import random
from typing import TYPE_CHECKING

from porter_ctl.api import decode, key_of
from porter_ctl.kube.backoff import Backoff
from porter_ctl.kube.client import Reply
from porter_ctl.kube.errors import Gone, failure
from porter_ctl.kube.watch import (
    LineSplitter,
    raise_error,
    read_bookmark,
    read_event,
    read_head,
    read_page,
)
from porter_ctl.store.port import Invalid, NotFound, PortFailure, Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    import msgspec

    from porter_ctl.api import Fault, Key, Resource
    from porter_ctl.kube.client import KubeClient
    from porter_ctl.kube.paths import Collection
    from porter_ctl.kube.watch import Event
    from porter_ctl.store.stores import Stores

_log = logging.getLogger(__name__)
_PAGE = 500
_SLICE = 64  # objects between two turns of the event loop
_LOG_EVERY = 60.0  # seconds between two lines about the same trouble


class Reflector:
    """Follows one collection.

    Attributes:
        collection: Which.
        synced: Whether it was complete in the stores once.
        trouble: Why it is not followed now; None while it is.
        progress: When (event loop's clock) the server last said something of it.
        skipped: How many objects could not be read at all.
        lists: How often everything was taken.
    """

    def __init__(
        self,
        client: KubeClient,
        collection: Collection,
        stores: Stores,
        *,
        on_synced: Callable[[], None],
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """`on_synced` is called when `synced` becomes true; `jitter` is uniform in [0, 1)."""
        self.collection = collection
        self.synced = False
        self.trouble: PortFailure | None = None
        self.skipped = 0
        self.lists = 0
        self.progress = asyncio.get_running_loop().time()
        self._client = client
        self._stores = stores
        self._on_synced = on_synced
        self._jitter = jitter
        self._version = ""  # where the next watch starts; empty: take everything
        self._highest = 0  # the version of the last complete list
        self._older_since: float | None = None
        self._streams_lists = True
        self._bad: set[str] = set()  # uids of objects already complained of
        self._logged: tuple[type[PortFailure], float] | None = None

    async def run(self) -> None:
        """Keep the stores in step until cancelled."""
        timings = self._client.timings
        backoff = Backoff(timings.first_pause, timings.pause, self._jitter)
        while True:
            started = _now()
            wait: float | None = None
            try:
                await self._follow()
            except PortFailure as error:
                wait = error.retry_after if isinstance(error, Unavailable) else None
                if isinstance(error, Gone | NotFound):
                    self._version = ""
                self._complain(error)
            if _now() - started >= timings.healthy:
                backoff.reset()
            await asyncio.sleep(backoff.pause(wait))

    async def _follow(self) -> None:
        """Take everything unless we stand at a version, then follow one watch to its end."""
        if not self._version and self._streams_lists:
            try:
                await self._watch()
            except Invalid:  # no streaming lists here, or not for this kind
                self._streams_lists = False
            else:
                return
        if not self._version:
            await self._take_pages()
        await self._watch()

    # Everything at once.

    async def _take_pages(self) -> None:
        taken = _Taken()
        params = {**self.collection.params, "limit": str(_PAGE)}
        while True:
            reply = await self._client.request("GET", self.collection.path, params=params)
            if not reply.ok:
                raise failure(reply, "list", str(self.collection))
            page = read_page(reply.body)
            for number, raw in enumerate(page.items or (), start=1):
                self._collect(raw, taken)
                if number % _SLICE == 0:
                    await asyncio.sleep(0)
            if not page.metadata.continue_:
                break
            params["continue"] = page.metadata.continue_
        await self._hold(taken, page.metadata.resource_version)

    def _collect(self, raw: msgspec.Raw | bytes, taken: _Taken) -> None:
        meta = read_head(raw)
        if meta is None:
            self._skip("", "an object without a name")
            return
        decoded = self._decode(raw, meta.uid, meta.key)
        if decoded is None:
            taken.unread.add(meta.key)
        else:
            taken.objects.append(decoded)

    async def _hold(self, taken: _Taken, version: str) -> None:
        """Let what was taken replace what was held."""
        if not version:
            raise Unavailable(f"list {self.collection}: the answer has no resourceVersion")
        self._refuse_older(version)
        kind = self.collection.kind
        for number, (obj, faults) in enumerate(taken.objects, start=1):
            self._stores.put(kind, obj, faults)
            if number % _SLICE == 0:
                await asyncio.sleep(0)
        keys = {key_of(obj) for obj, _ in taken.objects} | taken.unread
        self._stores.keep_only(kind, keys, self.collection.holds)
        self.lists += 1
        self._reached(version)
        if not self.synced:
            self.synced = True
            self._on_synced()

    def _refuse_older(self, version: str) -> None:
        """A list older than what we hold comes from a server that lags, or was restored."""
        number = int(version) if version.isdigit() else self._highest
        if number < self._highest:
            if self._older_since is None:
                self._older_since = _now()
            if _now() - self._older_since < self._client.timings.older:
                raise Unavailable(
                    f"list {self.collection}: version {version} is older than {self._highest}"
                )
        self._older_since = None
        self._highest = number

    # Change by change.

    async def _watch(self) -> None:
        """Follow one watch to its end, from our version or with everything first."""
        taken = None if self._version else _Taken()
        count = 0
        splitter = LineSplitter()
        async with self._client.stream(self.collection.path, self._params()) as answer:
            if isinstance(answer, Reply):
                raise failure(answer, "watch", str(self.collection))
            if taken is None:
                self._reached(self._version)
            async for line in _lines(answer, splitter):
                taken = await self._handle(read_event(line), taken)
                count += 1
                if count % _SLICE == 0:
                    await asyncio.sleep(0)
        if taken is not None:
            raise Unavailable(f"list {self.collection}: the stream ended before it was complete")
        if not count:
            _log.debug("watch %s: ended without an event", self.collection)

    def _params(self) -> dict[str, str]:
        shortest, longest = self._client.timings.watch
        seconds = shortest + round((longest - shortest) * self._jitter())
        params = {
            **self.collection.params,
            "watch": "true",
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(seconds),
        }
        if self._version:
            return {**params, "resourceVersion": self._version}
        return {**params, "sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}

    async def _handle(self, event: Event, taken: _Taken | None) -> _Taken | None:
        """Take one event in; `taken` is what came so far of everything, None when that is over."""
        match event.type:
            case "BOOKMARK":
                version, ended = read_bookmark(event.object)
                if taken is None:
                    self._reached(version)
                elif ended:
                    await self._hold(taken, version)
                    return None
            case "ADDED" | "MODIFIED" if taken is not None:
                self._collect(event.object, taken)
                self.progress = _now()
            case "ADDED" | "MODIFIED" | "DELETED":
                self._change(event)
            case "ERROR":
                raise_error(event.object, str(self.collection))
            case _:
                raise Unavailable(f"watch {self.collection}: unknown event {event.type!r}")
        return taken

    def _change(self, event: Event) -> None:
        meta = read_head(event.object)
        if meta is None:
            self._skip("", "an object without a name")
            return
        if event.type == "DELETED":
            self._bad.discard(meta.uid)
            self._stores.remove(self.collection.kind, meta.key)
        else:
            decoded = self._decode(event.object, meta.uid, meta.key)
            if decoded is not None:
                resource, faults = decoded
                self._stores.put(self.collection.kind, resource, faults)
        self._reached(meta.resource_version or self._version)

    # What both have in common.

    def _decode(
        self, raw: msgspec.Raw | bytes, uid: str, key: Key
    ) -> tuple[Resource, tuple[Fault, ...]] | None:
        """The object with its faults; None if nothing of it can be held."""
        decoded = decode(self.collection.kind, bytes(raw))
        if decoded.resource is None:
            self._skip(uid, f"{key}: {'; '.join(fault.sentence for fault in decoded.faults)}")
            return None
        return decoded.resource, tuple(decoded.faults)

    def _skip(self, uid: str, why: str) -> None:
        self.skipped += 1
        if uid not in self._bad:
            self._bad.add(uid)
            _log.warning("%s: skipped %s", self.collection, why)

    def _reached(self, version: str) -> None:
        self._version = version
        self.progress = _now()
        if self.trouble is not None:
            _log.info("%s: followed again", self.collection)
            self.trouble = self._logged = None

    def _complain(self, error: PortFailure) -> None:
        self.trouble = error
        kind = type(error)
        if (
            self._logged is None
            or self._logged[0] is not kind
            or _now() - self._logged[1] > _LOG_EVERY
        ):
            self._logged = kind, _now()
            level = logging.INFO if isinstance(error, Gone) else logging.WARNING
            _log.log(level, "%s", error)


class _Taken:
    """What came so far of a whole collection."""

    def __init__(self) -> None:
        self.objects: list[tuple[Resource, tuple[Fault, ...]]] = []
        self.unread: set[Key] = set()  # there, but not to be understood: what we hold of them stays


async def _lines(chunks: AsyncIterator[bytes], splitter: LineSplitter) -> AsyncIterator[bytes]:
    async for chunk in chunks:
        for line in splitter.feed(chunk):
            yield line


def _now() -> float:
    return asyncio.get_running_loop().time()
