"""Waiting for the state of a world that other tasks change."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


async def eventually(true: Callable[[], bool], *, seconds: float = 10.0) -> None:
    """Let the loop turn until `true()`.

    Raises:
        TimeoutError: It was not within `seconds`.
    """
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - any state of the world, not only one that signals
            await asyncio.sleep(0)
