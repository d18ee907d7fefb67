"""HTTP clients of the lab: each request is a flow of its own, as `curl`'s are."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from dataclasses import dataclass, field

_REQUEST = b"GET / HTTP/1.0\r\n\r\n"
_GOOD = b" 200 "
_PATIENCE = 2.0  # seconds for one request


@dataclass(slots=True)
class Answers:
    """What some requests were answered with.

    Attributes:
        by_node: How many answers came from which node.
        failed: How many requests were not answered.
    """

    by_node: Counter[str] = field(default_factory=Counter)
    failed: int = 0

    def count(self, body: str | None) -> None:
        """Count one answer, or that none came."""
        if body is None:
            self.failed += 1
        else:
            self.by_node[body.partition(" ")[0]] += 1


async def ask(port: int, times: int) -> Answers:
    """Ask `127.0.0.1:port` several times, one after the other."""
    answers = Answers()
    for _ in range(times):
        answers.count(await get(port))
    return answers


async def get(port: int) -> str | None:
    """The body of one answer; None where none came."""
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(_PATIENCE):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(_REQUEST)
                head, _, body = (await reader.read()).partition(b"\r\n\r\n")
            finally:
                writer.transport.abort()
            if _GOOD in head.partition(b"\r\n")[0]:
                return body.decode().strip()
    return None
