"""A direct watch of our own on the API server: what was there, when, on the monotonic clock."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass
from http.client import HTTPException
from typing import TYPE_CHECKING, Self

from conformance.rig.api import PORTER, ApiError
from conformance.rig.objects import as_object, name_of, text, uid_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from conformance.rig.api import Api, Watch
    from conformance.rig.objects import Object

COLLECTIONS: Mapping[str, str] = {
    "Service": "/api/v1/services",
    "EndpointSlice": "/apis/discovery.k8s.io/v1/endpointslices",
    "VIP": f"{PORTER}/vips",
}
_RETRY = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One event of a watch.

    Attributes:
        verb: ADDED, MODIFIED or DELETED.
        at: When it was read, in seconds of the monotonic clock.
    """

    kind: str
    verb: str
    item: Object
    at: float

    @property
    def name(self) -> str:
        return name_of(self.item)

    @property
    def namespace(self) -> str:
        return text(self.item, "metadata", "namespace")


class Observer:
    """Watches collections from `start` to `stop`, each in a thread of its own.

    After a lost watch it lists again: what changed meanwhile is then ADDED, what went is not told.
    """

    def __init__(self, api: Api, collections: Mapping[str, str] = COLLECTIONS) -> None:
        self._api = api
        self._news = threading.Condition()
        self._events: list[Seen] = []
        self._stopped = threading.Event()
        self._watches: dict[str, Watch] = {}
        self._versions: dict[str, str] = {}
        self._synced = {kind: threading.Event() for kind in collections}
        self._threads = [
            threading.Thread(target=self._follow, args=item, daemon=True)
            for item in collections.items()
        ]

    def start(self) -> Self:
        """Start; returns when every collection that exists has been listed."""
        for thread in self._threads:
            thread.start()
        for synced in self._synced.values():
            synced.wait(5)
        return self

    def stop(self) -> None:
        """Record nothing more; the threads end with their streams, at once."""
        self._stopped.set()
        for watch in list(self._watches.values()):
            watch.cut()
        for thread in self._threads:
            thread.join(3)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_error: object) -> None:
        self.stop()

    @property
    def events(self) -> list[Seen]:
        """All events so far, in the order they came."""
        with self._news:
            return list(self._events)

    def wait(
        self, wanted: Callable[[Seen], bool], *, timeout: float = 10, since: float = 0
    ) -> Seen:
        """The first event, past (from `since` on) or to come, that is `wanted`.

        Raises:
            TimeoutError: There was none within `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        position = 0
        with self._news:
            while True:
                for event in self._events[position:]:
                    if event.at >= since and wanted(event):
                        return event
                position = len(self._events)
                if not self._news.wait(deadline - time.monotonic()):
                    raise TimeoutError(f"no such event in {timeout:g} s")

    def _follow(self, kind: str, path: str) -> None:
        while not self._stopped.is_set():
            # The server may be away, or may not know the kind yet: ask again.
            with contextlib.suppress(ApiError, OSError, HTTPException, ValueError):
                self._watch(kind, path)
            self._synced[kind].set()
            self._stopped.wait(_RETRY)

    def _watch(self, kind: str, path: str) -> None:
        self._watches[kind] = self._api.watch(
            path,
            sendInitialEvents="true",
            allowWatchBookmarks="true",
            resourceVersionMatch="NotOlderThan",
        )
        for event in self._watches[kind]:
            now = time.monotonic()
            if self._stopped.is_set():
                return
            verb = text(event, "type")
            if verb == "BOOKMARK":
                self._synced[kind].set()
            elif verb != "ERROR":
                item = as_object(event.get("object"))
                version = text(item, "metadata", "resourceVersion")
                if self._versions.get(uid_of(item)) == version:
                    continue  # told again by a new watch
                self._versions[uid_of(item)] = version
                with self._news:
                    self._events.append(Seen(kind=kind, verb=verb, item=item, at=now))
                    self._news.notify_all()
