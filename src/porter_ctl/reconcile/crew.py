"""Works a queue off: several objects at once, and before them, alone, what all of them stand on."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from porter_ctl.store.port import (
    AlreadyExists,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    PortFailure,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from porter_ctl.api import ObjectRef
    from porter_ctl.reconcile.retry import RetryQueue

log = logging.getLogger(__name__)

_WORKERS = 8  # each waits for one answer of the API server at a time
_TURN_SECONDS = 0.01  # until others of the event loop have theirs


class Crew:
    """Workers on one queue; no two on one object.

    Args:
        queue: What is to be worked on.
        may: Whether anything is to be worked on now; `queue.wake` says that it is another.
        prepared: Whether `prepare` is done; it is called until then, while nobody works.
        prepare: What comes before.
        attend: What is to be done for an object; what it raises of `PortFailure` puts it off.
    """

    def __init__(
        self,
        queue: RetryQueue,
        *,
        may: Callable[[], bool],
        prepared: Callable[[], bool],
        prepare: Callable[[], Awaitable[None]],
        attend: Callable[[ObjectRef], Awaitable[None]],
    ) -> None:
        self._queue = queue
        self._may = may
        self._prepared = prepared
        self._prepare = prepare
        self._attend = attend
        self._loop = asyncio.get_running_loop()
        self._turn_until = 0.0

    async def run(self) -> None:
        """Work until cancelled, or until one worker fails: then none works on."""
        tasks = [asyncio.create_task(self._work(first=not number)) for number in range(_WORKERS)]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def give_turn(self) -> None:
        """Let others of the event loop work: what has nothing to write never waits for anything.

        Of all workers one has the next turn.
        """
        while self._loop.time() > self._turn_until:
            before = self._turn_until
            await asyncio.sleep(0)
            if self._turn_until == before:
                self._turn_until = self._loop.time() + _TURN_SECONDS
                return

    async def _work(self, *, first: bool) -> None:
        while True:
            await self.give_turn()
            prepared, ref = self._prepared(), None
            if self._may() and not prepared and first and not self._queue.busy:
                await self._prepare()
                continue
            if self._may() and prepared:
                ref = self._queue.begin()
            if ref is None:
                await self._queue.rest()
            else:
                await self._try(ref)

    async def _try(self, ref: ObjectRef) -> None:
        try:
            await self._attend(ref)
        except (Conflict, AlreadyExists, NotFound) as error:
            log.info("%s: starting over: %s", ref, error)
            self._queue.again(ref)
        except PortFailure as error:
            log.warning("%s: %s", ref, error)
            self._queue.later(ref, steep=isinstance(error, Forbidden | Invalid))
        else:
            self._queue.done(ref)
