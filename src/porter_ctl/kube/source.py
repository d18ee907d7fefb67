"""The API server as a `Source`: one reflector for each collection that is wanted."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING

from porter_ctl.api import KINDS
from porter_ctl.kube.errors import failure
from porter_ctl.kube.paths import collections, group_path
from porter_ctl.kube.reflector import Reflector
from porter_ctl.kube.watch import read_resources

if TYPE_CHECKING:
    from collections.abc import Container

    from porter_ctl.api import Kind
    from porter_ctl.kube.client import KubeClient
    from porter_ctl.kube.paths import Collection
    from porter_ctl.store.port import PortFailure, Selectors
    from porter_ctl.store.stores import Stores

_log = logging.getLogger(__name__)


class KubeSource:
    """Implements `porter_ctl.store.port.Source`."""

    def __init__(self, client: KubeClient) -> None:
        """`client` is shared with whoever writes; nothing is read before `run`."""
        self._client = client
        self._wanted: dict[Kind, frozenset[Collection]] = {}
        self._reflectors: dict[Collection, Reflector] = {}
        self._tasks: dict[Collection, asyncio.Task[None]] = {}
        self._changed = asyncio.Event()
        self._stores: Stores | None = None

    def want(self, kind: Kind, selectors: Selectors) -> None:
        """Say which objects of `kind` the stores shall hold from now on; idempotent."""
        wanted = collections(kind, selectors)
        if self._wanted.get(kind) != wanted:
            self._wanted[kind] = wanted
            self._changed.set()
            self._tell(kind)

    def synced(self, kind: Kind) -> bool:
        """Whether what is wanted of `kind` has been complete in the store once."""
        return kind in self._wanted and all(
            collection in self._reflectors and self._reflectors[collection].synced
            for collection in self._wanted[kind]
        )

    async def kind_exists(self, kind: Kind) -> bool:
        """Ask whether the API server serves `kind`.

        Raises:
            Unavailable: It does not answer.
            Forbidden: It answers, but not us.
        """
        path = group_path(kind)
        reply = await self._client.request("GET", path)
        if reply.status == 404:
            return False
        if not reply.ok:
            raise failure(reply, "get", path)
        return KINDS[kind].plural in read_resources(reply.body)

    def stale_for(self, now: float, kinds: Container[Kind] | None = None) -> float:
        """Seconds since every wanted collection was last known to be in step.

        The API server is heard about once a minute of each collection that does not change.

        Args:
            now: On the event loop's clock, which is monotonic.
            kinds: Only these; None for all.
        """
        heard = [
            reflector.progress
            for collection, reflector in self._reflectors.items()
            if kinds is None or collection.kind in kinds
        ]
        return max(0.0, now - min(heard)) if heard else 0.0

    def troubles(self) -> dict[Collection, PortFailure]:
        """The collections that are not followed now, each with the reason.

        NotFound: the API server does not know the kind. Forbidden: our role lacks a verb.
        """
        return {
            collection: reflector.trouble
            for collection, reflector in self._reflectors.items()
            if reflector.trouble is not None
        }

    async def run(self, stores: Stores) -> None:
        """Keep `stores` in step until cancelled."""
        self._stores = stores
        async with asyncio.TaskGroup() as group:
            while True:
                self._changed.clear()
                self._stop_unwanted(stores)
                self._start_wanted(group, stores)
                await self._changed.wait()

    def _start_wanted(self, group: asyncio.TaskGroup, stores: Stores) -> None:
        for kind, wanted in self._wanted.items():
            for collection in wanted - self._reflectors.keys():
                reflector = Reflector(
                    self._client, collection, stores, on_synced=partial(self._tell, kind)
                )
                self._reflectors[collection] = reflector
                self._tasks[collection] = group.create_task(reflector.run(), name=str(collection))
            self._tell(kind)

    def _stop_unwanted(self, stores: Stores) -> None:
        wanted = frozenset().union(*self._wanted.values())
        for collection in self._reflectors.keys() - wanted:
            self._tasks.pop(collection).cancel()
            del self._reflectors[collection]
            for key in stores.of(collection.kind):
                still = any(other.holds(key) for other in self._wanted[collection.kind])
                if collection.holds(key) and not still:
                    stores.remove(collection.kind, key)

    def _tell(self, kind: Kind) -> None:
        if self._stores is not None:
            self._stores.mark_synced(kind, synced=self.synced(kind))
