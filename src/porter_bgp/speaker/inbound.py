"""What a peer sends us: counted and dropped, or, where it is accepted, kept in an Adj-RIB-In.

By default nothing is believed (RFC 8212). Even then the number of prefixes is watched, since a peer
that leaks its whole table to a node is something an operator wants to know; the count is exact up
to the limit, and costs no more memory than that.

What was accepted outlives the session where `porter_bgp.session.retained` says so: for the peer's
restart time without it, and for as long again with the next one, which ends at the peer's
End-of-RIB (RFC 4724 §4.2).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from porter_bgp.config import ImportPolicy
from porter_bgp.rib import AdjRibIn
from porter_bgp.session import still_retained

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterable
    from collections.abc import Set as AbstractSet

    from porter_bgp.config import PeerConfig
    from porter_bgp.rib import Source
    from porter_bgp.session import Negotiated
    from porter_bgp.wire import AddressFamily, NlriKey, Prefix, Update

log = logging.getLogger(__name__)


class Inbound:
    """The receiving side of one peer.

    Args:
        touched: Called with the prefixes to which accepted routes came or went.

    Attributes:
        table: What was accepted; None where nothing is, or nothing ever came.
        over_limit: Families in which the peer sent more prefixes than it may, on this session.
        ended: Families whose End-of-RIB has come on this session.
        restarting_until: Until when stale routes are kept; None without any.
    """

    def __init__(
        self,
        name: str,
        config: PeerConfig,
        loop: asyncio.AbstractEventLoop,
        touched: Callable[[AbstractSet[Prefix]], None],
    ) -> None:
        self.table: AdjRibIn | None = None
        self.over_limit: set[AddressFamily] = set()
        self.ended: set[AddressFamily] = set()
        self.restarting_until: float | None = None
        self._name = name
        self._accepts = config.import_policy is ImportPolicy.ACCEPT
        self._limit = config.max_prefixes.limit
        self._loop = loop
        self._touched = touched
        self._timer: asyncio.TimerHandle | None = None
        self._restart_time = 0
        self._seen: dict[AddressFamily, set[NlriKey]] = {}

    def open(self, negotiated: Negotiated, source: Source) -> None:
        """A session is Established."""
        self.over_limit, self.ended, self._seen = set(), set(), {}
        theirs = negotiated.graceful_restart
        self._restart_time = 0 if theirs is None else theirs.restart_time
        if not self._accepts:
            return
        if self.table is None:
            self.table = AdjRibIn(source)
            return
        self.table.source = source
        self._sweep(self.table.stale().keys() - still_retained(negotiated))
        self._keep()

    def close(self, retained: AbstractSet[AddressFamily]) -> None:
        """The session is over: the routes of these families stay for a while, as stale ones."""
        self._seen = {}
        if self.table is not None:
            self._hear(self.table.hold(retained))
            self._keep()

    def forget(self) -> None:
        """Nothing of what the peer told is wanted any more."""
        self.close(frozenset())

    def dispose(self) -> None:
        """Let go of the loop."""
        self._stop_timer()

    def count(self, family: AddressFamily) -> int:
        """How many routes of `family` the peer has sent and not withdrawn, up to one over."""
        return len(self._seen.get(family, ()))

    def stale(self, family: AddressFamily) -> int:
        """How many accepted routes of `family` are kept from an earlier session."""
        return 0 if self.table is None else self.table.stale().get(family, 0)

    def stale_families(self) -> AbstractSet[AddressFamily]:
        """The families with such routes."""
        return frozenset() if self.table is None else self.table.stale().keys()

    def limit(self, prefixes: int) -> None:
        """Let the peer send so many prefixes a family; what it has sent already counts."""
        self._limit = prefixes
        self.over_limit = {f for f in self.over_limit if len(self._seen[f]) > prefixes}
        for family in self._seen:
            self._judge(family)

    def apply(self, update: Update) -> None:
        """Take in one UPDATE."""
        for family, keys in update.withdrawn_keys():
            if seen := self._seen.get(family):
                seen.difference_update(keys)
        for family, keys, _ in update.announced():
            self._count(family, keys)
        if self.table is not None:
            self._hear(self.table.apply(update))
        if (ended := update.end_of_rib) is not None:
            self.ended.add(ended)
            self._sweep({ended})

    # What is stale

    def _keep(self) -> None:
        """Keep what is stale for the restart time from now on."""
        self._stop_timer()
        if not self.stale_families():
            return
        self.restarting_until = self._loop.time() + self._restart_time
        self._timer = self._loop.call_at(self.restarting_until, self._expire)

    def _expire(self) -> None:
        log.info("peer %s: did not restart in time", self._name)
        self._sweep(self.stale_families())

    def _sweep(self, families: Iterable[AddressFamily]) -> None:
        if self.table is not None:
            for family in tuple(families):
                self._hear(self.table.sweep(family))
            if not self.table.stale():
                self._stop_timer()

    def _stop_timer(self) -> None:
        self.restarting_until = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _hear(self, prefixes: AbstractSet[Prefix]) -> None:
        if prefixes:
            self._touched(prefixes)

    # How much there is

    def _count(self, family: AddressFamily, keys: list[NlriKey]) -> None:
        seen = self._seen.setdefault(family, set())
        for key in keys:
            if len(seen) > self._limit:
                break
            seen.add(key)
        self._judge(family)

    def _judge(self, family: AddressFamily) -> None:
        if len(self._seen[family]) > self._limit and family not in self.over_limit:
            self.over_limit.add(family)
            log.warning("peer %s sent more than %d routes of %s", self._name, self._limit, family)
