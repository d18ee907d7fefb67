"""The last steps of a process, once it is known whether it restarts or leaves.

A restart says nothing: connections with graceful restart are closed, the routers keep what they
have. A leave announces everything last, so that every router with another path takes that; waits
as long as the BGPConfig says, timed from the signal; then withdraws, and says Cease (RFC 4486).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from porter_bgp.session import Stop
from porter_ctl.gate.causes import last_resort
from porter_ctl.reconcile.fault import Fault, broken

if TYPE_CHECKING:
    from collections.abc import Sequence

    from porter_ctl.daemon.announcing import Announcing

LONGEST_WAIT = 20.0  # seconds; a Pod's grace period is 30 unless it says otherwise
FAREWELL_SECONDS = 2.0  # for withdrawals, and for Cease
_DELAY = 10.0  # seconds, where no BGPConfig says
_LAST_WORDS = "Porter leaves this node"
_LOOK_AGAIN = 0.1


class Leave:
    """One end.

    Args:
        announcing: What announces.
        deciding: The tasks that change what it says; they go on while it announces last.
        began: When we were told to end, in loop time.
        patient: A leave may wait.
    """

    def __init__(
        self,
        announcing: Announcing,
        deciding: Sequence[asyncio.Task[None]],
        *,
        began: float,
        patient: bool,
    ) -> None:
        self._announcing = announcing
        self._deciding = deciding
        self._began = began
        self._patient = patient

    async def run(self, *, restart: bool) -> None:
        """Do it. Nothing here raises for what peers or the network do."""
        speaker = self._announcing.speaker
        if not restart and self._patient:
            await self._announce_last()
        for task in self._deciding:
            task.cancel()
        if self._deciding:
            await asyncio.wait(self._deciding)
        if not speaker.view().now:  # it does not run yet
            return
        if restart:
            self._announcing.announcer.flush()
            if broken(Fault.CEASE_AT_EXIT):
                await speaker.close(Stop.leave(), seconds=FAREWELL_SECONDS)
            await speaker.restart(seconds=FAREWELL_SECONDS)
        else:
            self._announcing.announcer.forget()
            await speaker.leave(_LAST_WORDS, seconds=FAREWELL_SECONDS)

    async def _announce_last(self) -> None:
        """Have the routers take other paths, as long as the BGPConfig says."""
        node, speaker = self._announcing.node, self._announcing.speaker
        loop = asyncio.get_running_loop()
        if not speaker.prefixes():
            return
        context, delay = node.context, _DELAY
        if context is not None:
            delay = context.drain_delay
            node.leave("this node's Porter leaves")
            self._announcing.loop.wake()
        else:  # what was announced last is announced still
            for prefix in list(speaker.prefixes()):
                speaker.announce(prefix, last_resort(speaker.planned(prefix)))
        until = self._began + min(delay, LONGEST_WAIT)
        while (left := until - loop.time()) > 0 and self._heard:  # noqa: ASYNC110 - bounded, at the end
            await asyncio.sleep(min(_LOOK_AGAIN, left))

    @property
    def _heard(self) -> bool:
        """Whether there is anybody to say it to."""
        return any(peer.established for peer in self._announcing.speaker.view().peers.values())
