"""Says what is to be said: it is in the last-good file first, then the speaker has it.

So whatever is withdrawn is gone from the file before a router hears of it, and a process that is
killed in between announces too little, never what had been taken back.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from porter_ctl.reconcile.fault import Fault, broken

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from porter_bgp.config import PeerConfig, SpeakerConfig
    from porter_bgp.rib import Path
    from porter_bgp.speaker.speaker import Speaker
    from porter_bgp.wire import Prefix
    from porter_ctl.plan import Context
    from porter_ctl.reconcile.forwarding import Forwarding
    from porter_ctl.record.journal import Journal
    from porter_ctl.record.last_good import LastGood

_LATE = 0.5  # seconds, for a test that has End-of-RIB go early

log = logging.getLogger(__name__)


class Announcer:
    """One node's speaker and its memory.

    Args:
        speaker: Who says it.
        journal: What is kept of it.
        forwarding: What is said of our own restart.
    """

    def __init__(self, speaker: Speaker, journal: Journal, forwarding: Forwarding) -> None:
        self._speaker = speaker
        self._journal = journal
        self._forwarding = forwarding
        self._loop = asyncio.get_running_loop()
        self._told = ""

    @property
    def trouble(self) -> str:
        """What cannot be kept for the next process and what may follow; empty: all is well."""
        return self._journal.trouble

    def remember(self, kept: LastGood) -> None:
        """Take it that what was announced last is still served here."""
        self._forwarding.remember(kept.served, kept.restart_seconds)

    def adopt(self, kept: LastGood) -> None:
        """Announce what was announced last, in this boot, to the peers that were there then."""
        for sentence in kept.left_out.values():
            log.warning("%s", sentence)
        self._speaker.configure(kept.peers, kept.speaker)
        for prefix, paths in kept.paths.items():
            self._speaker.announce(prefix, paths)
        self._speaker.tables_complete(kept.peers.keys())

    def configure(
        self, context: Context, peers: Mapping[str, PeerConfig], shared: SpeakerConfig
    ) -> None:
        """Have exactly these peers, which share this, under a context."""
        last = context.last.reason if context.last is not None else ""
        self._journal.configure(shared, peers, self._loop.time(), last=last)
        self._forwarding.configure(context.dataplane_gate, context.restart_seconds)
        self._speaker.configure(peers, shared)
        if broken(Fault.EARLY_END_OF_RIB):
            self._speaker.tables_complete(peers.keys())

    def say(
        self, prefix: Prefix, paths: Mapping[str, tuple[Path, ...]], served: frozenset[str]
    ) -> None:
        """Replace everything said of a prefix.

        Args:
            prefix: The prefix.
            paths: What each peer is to hear; empty: it is withdrawn everywhere.
            served: The UIDs of the Services for which it may be announced here.
        """
        self._journal.put(prefix, paths, served, self._loop.time())
        if broken(Fault.EARLY_END_OF_RIB):
            self._loop.call_later(_LATE, self._speaker.announce, prefix, paths)
            return
        self._speaker.announce(prefix, paths)

    def complete(self, peers: AbstractSet[str]) -> None:
        """All that these peers are to hear has been said."""
        self._speaker.tables_complete(peers)

    def prefixes(self) -> AbstractSet[Prefix]:
        """What is announced to anyone, or was when the process before us ended."""
        return self._speaker.prefixes() | self._journal.prefixes()

    def confirm(self, stale_for: float) -> None:
        """Everything was in step with the cluster so many seconds ago."""
        self._journal.confirm(time.time() - stale_for, self._loop.time())

    def forget(self) -> None:
        """Keep nothing for the next process: this node leaves."""
        now = self._loop.time()
        for prefix in list(self._journal.prefixes()):
            self._journal.remove(prefix, now)
        self._journal.flush(now)

    def flush(self) -> None:
        """Keep everything for the next process."""
        self._journal.flush(self._loop.time())

    def next_deadline(self) -> float | None:
        """When `handle_timeout` is due."""
        return self._journal.next_deadline()

    def handle_timeout(self, now: float) -> None:
        """Let the file catch up."""
        self._journal.handle_timeout(now)
        if self.trouble != self._told:
            self._told = self.trouble
            if self._told:
                log.warning("%s", self._told)
