"""Adj-RIB-In: what one peer has told and not taken back (RFC 4271 §3.2).

Kept where the configuration says Accept; nothing is judged here. Which path is used is decided
by `porter_bgp.rib.decision`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from porter_bgp.rib.decision import Candidate
from porter_bgp.wire import split_key

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from porter_bgp.rib.decision import Source
    from porter_bgp.wire import PathAttributes, Prefix, Update


class AdjRibIn:
    """The paths that came over one session, of all its families. It ends with the session."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._paths: dict[Prefix, dict[int, PathAttributes]] = {}

    def apply(self, update: Update) -> set[Prefix]:
        """Do what an UPDATE says, and return the prefixes it spoke of.

        What it withdraws and announces at once is announced (RFC 4271 §4.3).
        """
        touched: set[Prefix] = set()
        for family, keys in update.withdrawn_keys():
            for path_id, prefix in (split_key(family, key) for key in keys):
                touched.add(prefix)
                paths = self._paths.get(prefix, {})
                paths.pop(path_id, None)
                if not paths:
                    self._paths.pop(prefix, None)
        for family, keys, attributes in update.announced():
            for path_id, prefix in (split_key(family, key) for key in keys):
                touched.add(prefix)
                self._paths.setdefault(prefix, {})[path_id] = attributes
        return touched

    def prefixes(self) -> AbstractSet[Prefix]:
        """The prefixes the peer has a path to: a view that follows the table."""
        return self._paths.keys()

    def paths(self, prefix: Prefix) -> list[Candidate]:
        """The peer's paths to one prefix: several only with ADD-PATH (RFC 7911)."""
        paths = self._paths.get(prefix, {})
        return [Candidate(self._source, path_id, told) for path_id, told in paths.items()]
