"""Flows that never pause: what is lost while something else happens."""

from __future__ import annotations

import asyncio

from porter_ctl.lab.clients import Answers, get

_BETWEEN = 0.02  # seconds between two flows


class Traffic:
    """Clients that ask one after the other, until they are stopped.

    Attributes:
        answers: What they were answered with so far.
    """

    def __init__(self) -> None:
        self.answers = Answers()
        self._asking: asyncio.Task[None] | None = None

    def start(self, port: int) -> None:
        """Ask `127.0.0.1:port` from now on, counting anew."""
        self.stop()
        self.answers = Answers()
        self._asking = asyncio.create_task(self._ask(port, self.answers))

    def stop(self) -> None:
        """Ask no more."""
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None

    async def _ask(self, port: int, answers: Answers) -> None:
        while True:
            answers.count(await get(port))
            await asyncio.sleep(_BETWEEN)
