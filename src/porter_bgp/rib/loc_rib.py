"""Loc-RIB: for each prefix, the paths that the decision process chose (RFC 4271 §9.1.2).

It keeps the decisions alone; the paths they were made from stay in the Adj-RIBs-In.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from porter_bgp.rib.decision import Decision, decide

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from collections.abc import Set as AbstractSet

    from porter_bgp.rib.adj_rib_in import AdjRibIn
    from porter_bgp.wire import Prefix

_NO_PATHS = Decision((), ())


class LocRib:
    """The decisions of one speaker.

    Args:
        multipath_relax: See `decide`.
    """

    def __init__(self, *, multipath_relax: bool = True) -> None:
        self._multipath_relax = multipath_relax
        self._decisions: dict[Prefix, Decision] = {}

    def reconsider(self, touched: Iterable[Prefix], tables: Collection[AdjRibIn]) -> set[Prefix]:
        """Decide again on some prefixes.

        Args:
            touched: Those of which a table now says something else.
            tables: The Adj-RIB-In of every peer that told something.

        Returns:
            Those whose multipath set is now another.
        """
        changed: set[Prefix] = set()
        for prefix in touched:
            before = self.decision(prefix)
            candidates = [path for table in tables for path in table.paths(prefix)]
            after = decide(candidates, multipath_relax=self._multipath_relax)
            if candidates:
                self._decisions[prefix] = after
            else:
                self._decisions.pop(prefix, None)
            if after.multipath != before.multipath:
                changed.add(prefix)
        return changed

    def decision(self, prefix: Prefix) -> Decision:
        """What was decided on a prefix; an empty decision where nobody told of it."""
        return self._decisions.get(prefix, _NO_PATHS)

    def prefixes(self) -> AbstractSet[Prefix]:
        """The prefixes somebody told of, usable or not: a view that follows the table."""
        return self._decisions.keys()
