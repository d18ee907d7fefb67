"""Adj-RIB-In: what one peer has told and not taken back (RFC 4271 §3.2).

Kept where the configuration says Accept; nothing is judged here. Which path is used is decided
by `porter_bgp.rib.decision`. Paths of a peer that restarts may stay as *stale* ones until it has
told them again (RFC 4724 §4.2); they are as good as others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from porter_bgp.rib.decision import Candidate
from porter_bgp.wire import nlri_key, split_key

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet

    from porter_bgp.rib.decision import Source
    from porter_bgp.wire import AddressFamily, NlriKey, PathAttributes, Prefix, Update


class AdjRibIn:
    """The paths of one peer, of all its families.

    Attributes:
        source: The session they came over; a later one takes over what is stale of an earlier.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self._paths: dict[Prefix, dict[int, PathAttributes]] = {}
        self._stale: dict[AddressFamily, set[NlriKey]] = {}

    def apply(self, update: Update) -> set[Prefix]:
        """Do what an UPDATE says, and return the prefixes it spoke of.

        What it withdraws and announces at once is announced (RFC 4271 §4.3).
        """
        touched: set[Prefix] = set()
        for family, keys in update.withdrawn_keys():
            self._refreshed(family, keys)
            touched |= self._remove(family, keys)
        for family, keys, attributes in update.announced():
            self._refreshed(family, keys)
            for path_id, prefix in (split_key(family, key) for key in keys):
                touched.add(prefix)
                self._paths.setdefault(prefix, {})[path_id] = attributes
        return touched

    def hold(self, families: AbstractSet[AddressFamily]) -> set[Prefix]:
        """The session is lost: keep the paths of these families, as stale ones.

        Those that were stale already go, and all of other families (RFC 4724 §4.2).

        Returns:
            The prefixes that lost a path.
        """
        lost: set[Prefix] = set()
        for family in tuple(self._stale):
            lost |= self.sweep(family)
        for prefix, paths in tuple(self._paths.items()):
            if prefix.family in families:
                stale = self._stale.setdefault(prefix.family, set())
                stale.update(nlri_key(prefix, path_id) for path_id in paths)
            else:
                lost.add(prefix)
                del self._paths[prefix]
        return lost

    def sweep(self, family: AddressFamily) -> set[Prefix]:
        """Drop the paths of a family that are still stale: the prefixes that lost one."""
        return self._remove(family, self._stale.pop(family, set()))

    def stale(self) -> dict[AddressFamily, int]:
        """How many paths are stale, by family; families without any are left out."""
        return {family: len(keys) for family, keys in self._stale.items() if keys}

    def prefixes(self) -> AbstractSet[Prefix]:
        """The prefixes the peer has a path to: a view that follows the table."""
        return self._paths.keys()

    def paths(self, prefix: Prefix) -> list[Candidate]:
        """The peer's paths to one prefix: several only with ADD-PATH (RFC 7911)."""
        paths = self._paths.get(prefix, {})
        return [Candidate(self.source, path_id, told) for path_id, told in paths.items()]

    def _refreshed(self, family: AddressFamily, keys: Iterable[NlriKey]) -> None:
        if stale := self._stale.get(family):
            stale.difference_update(keys)

    def _remove(self, family: AddressFamily, keys: Iterable[NlriKey]) -> set[Prefix]:
        touched: set[Prefix] = set()
        for path_id, prefix in (split_key(family, key) for key in keys):
            touched.add(prefix)
            paths = self._paths.get(prefix, {})
            paths.pop(path_id, None)
            if not paths:
                self._paths.pop(prefix, None)
        return touched
