"""Dirty keys or the earliest deadline: whichever comes first turns the wheel once.

Keys come from the stores and are handed to everyone who follows them; work is then done in slices,
so that BGP, watches and health checks have their turn at least every 20 ms, whatever has changed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from porter_ctl.api import Key, Kind
    from porter_ctl.store.stores import Stores

SLICE_SECONDS = 0.01
_KEYS_BETWEEN_LOOKS = 16  # at the clock


class Follower(Protocol):
    """Somebody who is told which keys changed and works on what follows from that."""

    def touch(self, kind: Kind, key: Key) -> None:
        """Note that what this key stands for has changed."""

    def work(self, until: float) -> bool:
        """Work, but not for long after `until` (loop time); whether there is more to do."""

    def next_deadline(self) -> float | None:
        """When `work` is due although nothing changes, in loop time."""


class Loop:
    """Turns for as long as `run` runs."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._followers: Sequence[Follower] = ()
        self._keys: deque[tuple[Kind, Key]] = deque()
        self._woken = asyncio.Event()
        stores.wake = self._woken.set

    @property
    def behind(self) -> bool:
        """Whether there are keys that nobody was told of yet."""
        return bool(self._keys)

    def wake(self) -> None:
        """Turn soon."""
        self._woken.set()

    async def run(self, followers: Sequence[Follower]) -> None:
        """Have these follow the stores until cancelled; each key is told in their order."""
        self._followers = followers
        loop = asyncio.get_running_loop()
        while True:
            self._woken.clear()
            self._keys.extend(self._stores.take_dirty())
            more = self._touch(loop, loop.time() + SLICE_SECONDS)
            for follower in self._followers:
                more |= follower.work(loop.time() + SLICE_SECONDS)
            if more:
                await asyncio.sleep(0)
                continue
            await self._rest(loop)

    def _touch(self, loop: asyncio.AbstractEventLoop, until: float) -> bool:
        while self._keys:
            for _ in range(min(_KEYS_BETWEEN_LOOKS, len(self._keys))):
                kind, key = self._keys.popleft()
                for follower in self._followers:
                    follower.touch(kind, key)
            if loop.time() > until:
                break
        return bool(self._keys)

    async def _rest(self, loop: asyncio.AbstractEventLoop) -> None:
        deadlines = [follower.next_deadline() for follower in self._followers]
        due = min((at for at in deadlines if at is not None), default=None)
        timer = None if due is None else loop.call_at(due, self._woken.set)
        try:
            await self._woken.wait()
        finally:
            if timer is not None:
                timer.cancel()
