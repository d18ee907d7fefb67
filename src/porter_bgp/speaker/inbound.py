"""What a peer sends us: counted and dropped, or, where it is accepted, kept in an Adj-RIB-In.

By default nothing is believed (RFC 8212). Even then the number of prefixes is watched, since a peer
that leaks its whole table to a node is something an operator wants to know; the count is exact up
to the limit, and costs no more memory than that.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from porter_bgp.config import ImportPolicy
from porter_bgp.rib import AdjRibIn

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from porter_bgp.config import PeerConfig
    from porter_bgp.rib import Source
    from porter_bgp.wire import AddressFamily, NlriKey, Prefix, Update

log = logging.getLogger(__name__)


class Inbound:
    """The receiving side of one session.

    Attributes:
        table: What was accepted; None where nothing is.
        over_limit: Families in which the peer sent more prefixes than it may.
        ended: Families whose End-of-RIB has come.
    """

    def __init__(self, config: PeerConfig, source: Source) -> None:
        accepts = config.import_policy is ImportPolicy.ACCEPT
        self.table = AdjRibIn(source) if accepts else None
        self.over_limit: set[AddressFamily] = set()
        self.ended: set[AddressFamily] = set()
        self._peer = source.peer
        self._limit = config.max_prefixes.limit
        self._seen: dict[AddressFamily, set[NlriKey]] = {}

    def count(self, family: AddressFamily) -> int:
        """How many routes of `family` the peer has sent and not withdrawn, up to one over."""
        return len(self._seen.get(family, ()))

    def limit(self, prefixes: int) -> None:
        """Let the peer send so many prefixes a family; what it has sent already counts."""
        self._limit = prefixes
        self.over_limit = {f for f in self.over_limit if len(self._seen[f]) > prefixes}
        for family in self._seen:
            self._judge(family)

    def apply(self, update: Update) -> AbstractSet[Prefix]:
        """Take in one UPDATE; the prefixes whose accepted routes it touched."""
        if (ended := update.end_of_rib) is not None:
            self.ended.add(ended)
        for family, keys in update.withdrawn_keys():
            if seen := self._seen.get(family):
                seen.difference_update(keys)
        for family, keys, _ in update.announced():
            self._count(family, keys)
        return frozenset() if self.table is None else self.table.apply(update)

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
            log.warning("peer %s sent more than %d routes of %s", self._peer, self._limit, family)
