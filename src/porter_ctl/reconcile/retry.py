"""Objects to be worked on: each once, in order, and those that failed again after a while."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from porter_ctl.api import ObjectRef

_FIRST = 0.1  # seconds
_LONGEST = 30.0
_STEEP_FIRST = 5.0  # where only a person can help


class RetryQueue:
    """A queue of references to objects."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._ready: dict[ObjectRef, None] = {}
        self._failures: dict[ObjectRef, int] = {}
        self._timers: dict[ObjectRef, asyncio.TimerHandle] = {}
        self._busy: dict[ObjectRef, bool] = {}  # whether it was added meanwhile
        self._woken = asyncio.Event()

    def __len__(self) -> int:
        """How many are to be worked on now."""
        return len(self._ready)

    def add(self, ref: ObjectRef) -> None:
        """Have `ref` worked on, whether or not it waits after a failure."""
        if (timer := self._timers.pop(ref, None)) is not None:
            timer.cancel()
        if ref in self._busy:
            self._busy[ref] = True
            return
        self._ready[ref] = None
        self._woken.set()

    def add_all(self, refs: Iterable[ObjectRef]) -> None:
        """Have all of these worked on."""
        for ref in refs:
            self.add(ref)

    def clear(self) -> None:
        """Forget everything: what is to be worked on, now and later, and what failed."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._ready.clear()
        self._failures.clear()

    async def take(self) -> ObjectRef:
        """The next one; waits for it."""
        while True:
            ref = self.take_ready()
            if ref is not None:
                return ref
            await self.rest()

    def take_ready(self) -> ObjectRef | None:
        """The next one; None where there is none now."""
        ref = next(iter(self._ready), None)
        if ref is not None:
            del self._ready[ref]
        return ref

    def begin(self) -> ObjectRef | None:
        """The next one, which nobody else gets until it is `done`, or to be done again or later.

        What is added until then is worked on once more when it is done.
        """
        ref = self.take_ready()
        if ref is not None:
            self._busy[ref] = False
        return ref

    @property
    def busy(self) -> bool:
        """Whether something that was begun is not over."""
        return bool(self._busy)

    async def rest(self) -> None:
        """Wait until something is added, or `wake`."""
        self._woken.clear()
        await self._woken.wait()

    def wake(self) -> None:
        """End a `rest`."""
        self._woken.set()

    def done(self, ref: ObjectRef) -> None:
        """It went well: its failures are forgotten."""
        self._failures.pop(ref, None)
        if self._over(ref):
            self.add(ref)

    def again(self, ref: ObjectRef) -> None:
        """It was overtaken by somebody else's write: at once, then after growing times."""
        self._over(ref)
        if self._failures.get(ref, 0) == 0:
            self._failures[ref] = 1
            self.add(ref)
        else:
            self.later(ref)

    def later(self, ref: ObjectRef, *, steep: bool = False) -> None:
        """It failed: again after a time that doubles with each failure."""
        failures = self._failures[ref] = self._failures.get(ref, 0) + 1
        delay = min((_STEEP_FIRST if steep else _FIRST) * 2 ** min(failures, 16), _LONGEST)
        self._over(ref)
        self._ready.pop(ref, None)  # what a failure taught may have added it: that is no reason
        if ref not in self._timers:
            self._timers[ref] = self._loop.call_later(delay, self._due, ref)

    def _over(self, ref: ObjectRef) -> bool:
        """End what was begun; whether it was added meanwhile."""
        self._woken.set()
        return self._busy.pop(ref, False)

    def _due(self, ref: ObjectRef) -> None:
        del self._timers[ref]
        self.add(ref)
