"""Which routes stand in messages that the peer has not acknowledged.

A message is known by where it ends in the stream of octets that the session is; what the peer's
kernel has acknowledged is one number in the same stream. Sending costs one entry a message: which
one a route stands in is looked up only where somebody asks.
"""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from porter_bgp.wire import NlriKey


class InFlight:
    """The unacknowledged messages of one session with the routes of one family."""

    def __init__(self) -> None:
        self._messages: deque[tuple[int, Collection[NlriKey]]] = deque()
        self._ends: dict[NlriKey, int] = {}  # of the last message that a route stands in
        self._indexed = 0  # so many messages, from the front, are in there

    def __contains__(self, key: NlriKey) -> bool:
        return bool(self._messages) and key in self._index()

    def sent(self, keys: Collection[NlriKey], end: int) -> None:
        """A message that ends at this octet of the stream tells of these routes."""
        self._messages.append((end, keys))

    def acknowledge(self, octets: int) -> set[NlriKey]:
        """So many octets of the stream are acknowledged: the routes that no longer wait."""
        messages = self._messages
        done: set[NlriKey] = set()
        if not messages or messages[0][0] > octets:
            return done
        if messages[-1][0] <= octets:
            done.update(*(keys for _, keys in messages))
            messages.clear()
            self._ends, self._indexed = {}, 0
            return done
        ends = self._index()
        while messages[0][0] <= octets:
            end, keys = messages.popleft()
            self._indexed -= 1
            done.update(key for key in keys if ends[key] == end)
        for key in done:
            del ends[key]
        return done

    def _index(self) -> dict[NlriKey, int]:
        if self._indexed < len(self._messages):
            for end, keys in islice(self._messages, self._indexed, None):
                self._ends.update(dict.fromkeys(keys, end))
            self._indexed = len(self._messages)
        return self._ends
