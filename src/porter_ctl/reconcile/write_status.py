"""Writes planned statuses: only where they differ from what stands, and not too often.

What an object should say is asked at the moment of writing. A first change is written at once,
further ones of the same object a second later at the earliest, the last of them always.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from porter_ctl.reconcile.retry import RetryQueue
from porter_ctl.store.port import Conflict, Forbidden, Invalid, NotFound, PortFailure

if TYPE_CHECKING:
    from collections.abc import Callable

    from porter_ctl.api import Kind, ObjectRef, Resource
    from porter_ctl.store.port import ClusterPort
    from porter_ctl.store.stores import Stores

log = logging.getLogger(__name__)

QUIET_SECONDS = 1.0
_TURN_SECONDS = 0.01  # of the event loop, for objects of which there is nothing to write


class StatusWriter:
    """One writer of one set of statuses.

    Args:
        stores: What stands.
        port: Where to write.
        planned: The object as it should be; None where nothing is to be said of it now.
        may: Whether to write at all now; `wake` when that changes.
        versioned: Kinds whose status goes onto the version it was planned from, and no other.
    """

    def __init__(
        self,
        stores: Stores,
        port: ClusterPort,
        *,
        planned: Callable[[Resource], Resource | None],
        may: Callable[[], bool],
        versioned: frozenset[Kind] = frozenset(),
    ) -> None:
        self._stores = stores
        self._port = port
        self._planned = planned
        self._may = may
        self._versioned = versioned
        self._loop = asyncio.get_running_loop()
        self._queue = RetryQueue()
        self._quiet: set[ObjectRef] = set()
        self._missed: set[ObjectRef] = set()
        self._failing: dict[ObjectRef, float] = {}

    def failing_since(self, ref: ObjectRef) -> float | None:
        """Since when (loop time) what should be written could not be; None: it was."""
        return self._failing.get(ref)

    def touch(self, ref: ObjectRef) -> None:
        """The status of `ref` may have to be another."""
        if ref in self._quiet:
            self._missed.add(ref)
        else:
            self._queue.add(ref)

    def wake(self) -> None:
        """Whether we may write has changed."""
        self._queue.wake()

    async def run(self) -> None:
        """Write until cancelled."""
        turn_until = self._loop.time() + _TURN_SECONDS
        while True:
            if self._loop.time() > turn_until:
                await asyncio.sleep(0)
                turn_until = self._loop.time() + _TURN_SECONDS
            while not self._may():
                await self._queue.rest()
            ref = await self._queue.take()
            if not self._may():
                self._queue.add(ref)
                continue
            try:
                await self._write(ref)
            except (Conflict, NotFound):
                if ref.kind in self._versioned:
                    self._queue.again(ref)  # perhaps overtaken by a write that touches nothing
                else:
                    self._queue.done(ref)  # another object, or none: its arrival touches it
            except PortFailure as error:
                self._failing.setdefault(ref, self._loop.time())
                log.warning("status of %s: %s", ref, error)
                self._queue.later(ref, steep=isinstance(error, Forbidden | Invalid))
            else:
                self._failing.pop(ref, None)
                self._queue.done(ref)

    async def _write(self, ref: ObjectRef) -> None:
        current = self._stores.of(ref.kind).get(ref.key)
        wanted = None if current is None else self._planned(current)
        if wanted is None or current is None or wanted == current:
            return
        self._quiet.add(ref)
        self._loop.call_later(QUIET_SECONDS, self._heard, ref)
        version = current.metadata.resource_version if ref.kind in self._versioned else ""
        await self._port.apply_status(wanted, uid=current.metadata.uid, resource_version=version)

    def _heard(self, ref: ObjectRef) -> None:
        self._quiet.discard(ref)
        if ref in self._missed:
            self._missed.discard(ref)
            self._queue.add(ref)
