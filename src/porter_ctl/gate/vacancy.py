"""A moment's patience with endpoints that have left all slices.

Endpoints move between slices, and for a moment they are in none. So a prefix that would go because
no endpoint is left in any slice stays for 100 ms. It is the only wait before a no: endpoints that
are there and not ready are not waited for, nor is anything else that is missing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from porter_ctl.gate.agenda import Agenda
from porter_ctl.plan import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from porter_bgp.rib import Path
    from porter_bgp.wire import Prefix
    from porter_ctl.plan import PrefixPlan

WAIT = 0.1  # seconds
_VACANT = frozenset({Reason.NO_ENDPOINT, Reason.NO_LOCAL_ENDPOINT})


class Vacancy:
    """Delays the loss of what has no endpoint left.

    Args:
        announced: What is announced of a prefix now.
    """

    def __init__(self, announced: Callable[[Prefix], Mapping[str, tuple[Path, ...]]]) -> None:
        self._announced = announced
        self._since: dict[Prefix, float] = {}  # also after the wait, while it is still announced
        self._timeouts: Agenda[Prefix] = Agenda()

    def admit(self, wanted: PrefixPlan, now: float) -> PrefixPlan:
        """Let pass what does not go for want of endpoints, or has waited."""
        prefix = wanted.prefix
        paths = self._announced(prefix) if _vacant(wanted) else {}
        if not paths:
            if self._since:
                self._since.pop(prefix, None)
            return wanted
        since = self._since.setdefault(prefix, now)
        if now >= since + WAIT:
            return wanted
        self._timeouts.add(since + WAIT, prefix)
        return replace(wanted, paths=paths)

    def next_deadline(self) -> float | None:
        """Return when a wait is over."""
        return self._timeouts.next()

    def handle_timeout(self, now: float) -> frozenset[Prefix]:
        """Return the prefixes that have waited."""
        return frozenset(prefix for prefix in self._timeouts.due(now) if prefix in self._since)


def _vacant(wanted: PrefixPlan) -> bool:
    if wanted.paths or wanted.unready or not wanted.verdicts:
        return False
    return all(verdict.reason in _VACANT for verdict in wanted.verdicts)
