"""Is traffic for our routes forwarded here? What our OPENs may say of a restart (RFC 4724 §3).

A router that finds F clear, or no End-of-RIB to come, throws away what it kept for us. So F is set
if and only if the dataplane answers: kube-proxy has completed a sync of that IP version, or the
configuration says that there is nobody to ask, or what the process before us announced was served
in this boot: kube-proxy's rules are the kernel's and outlive both of us. After a boot nothing is
forwarded and nothing was kept back: neither R nor F is claimed until every router must have
forgotten the boot before. R is claimed for the restart time only: for a peer that is new after that
nobody has restarted.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from porter_bgp.session import RestartFacts
from porter_bgp.wire import IPV4_UNICAST, IPV6_UNICAST
from porter_ctl.api import DataplaneGate
from porter_ctl.host.dataplane import NoKubeProxyError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from porter_bgp.speaker.speaker import Speaker
    from porter_bgp.wire import Prefix
    from porter_ctl.host.dataplane import Dataplane

_ASK_AGAIN = 1.0  # seconds, while a session is to come
_FAMILIES = {IPV4_UNICAST: 4, IPV6_UNICAST: 6}


class Forwarding:
    """Keeps the speaker told.

    Args:
        speaker: Whom to tell.
        dataplane: Whom to ask.
        booted: The machine is known to have booted since Porter last ran here.
    """

    def __init__(self, speaker: Speaker, dataplane: Dataplane, *, booted: bool) -> None:
        self._speaker = speaker
        self._dataplane = dataplane
        self._loop = asyncio.get_running_loop()
        self._booted = booted
        self._began = self._loop.time()
        self._served: frozenset[int] = frozenset()
        self._kept: frozenset[int] = frozenset()
        self._mode = DataplaneGate.KUBE_PROXY
        self._restart_seconds = 0.0
        self._told: RestartFacts | None = None

    def configure(self, mode: DataplaneGate, restart_seconds: float) -> None:
        """Take what the configuration says, and tell the speaker.

        Args:
            mode: Whom a first announcement asks.
            restart_seconds: How long routers keep routes of a session that was lost.
        """
        self._mode, self._restart_seconds = mode, restart_seconds
        self._tell()

    def remember(self, served: Iterable[Prefix], restart_seconds: float) -> None:
        """Take it that these prefixes are served, for they were in this boot.

        Args:
            served: What the process before us announced.
            restart_seconds: How long routers keep it.
        """
        self._restart_seconds = restart_seconds
        self._kept = frozenset(_FAMILIES[prefix.family] for prefix in served)
        self._tell()

    async def learn(self) -> None:
        """Ask once; takes a second at most."""
        try:
            self._served = frozenset(await self._dataplane.sync_times())
        except NoKubeProxyError:
            self._served = frozenset()
        self._tell()

    async def run(self) -> None:
        """Ask again whenever a session is to come, until cancelled."""
        while True:
            await asyncio.sleep(_ASK_AGAIN)
            peers = self._speaker.view().peers.values()
            if not all(peer.established for peer in peers) or self._told is None:
                await self.learn()
            self._tell()

    def _tell(self) -> None:
        asks = self._mode is DataplaneGate.KUBE_PROXY
        early = self._loop.time() < self._began + self._restart_seconds
        fresh = self._booted and early
        facts = RestartFacts(
            restarting=not self._booted and early,
            forwarding={
                family: not fresh and (not asks or version in self._served | self._kept)
                for family, version in _FAMILIES.items()
            },
        )
        if facts != self._told:
            self._told = facts
            self._speaker.restart_facts(facts)
