"""A prefix that flaps is announced again at most once a second (`Damped`).

After ten changes of its plan within 10 s a prefix is damped until not more than ten are that young.
What goes, goes at once, for all peers or for some; only what comes, or comes with other attributes,
waits for a second after the last time, and then what is true by then is said.

Only what flaps is remembered, and that for 10 s after its last change: what was announced before
the first is for another to tell. A first announcement begins nothing.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from porter_ctl.gate.agenda import Agenda
from porter_ctl.plan import Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from porter_bgp.rib import Path
    from porter_bgp.wire import Prefix
    from porter_ctl.plan import PrefixPlan

    Paths = Mapping[str, tuple[Path, ...]]

CHANGES = 10
WINDOW = 10.0  # seconds
INTERVAL = 1.0  # seconds between two announcements of a damped prefix


@dataclass(slots=True)
class _Flap:
    wanted: Paths
    said: Paths
    said_at: float = float("-inf")
    changes: deque[float] = field(default_factory=lambda: deque(maxlen=CHANGES + 1))

    def damped(self, now: float) -> bool:
        return len(self.changes) > CHANGES and now < self.changes[0] + WINDOW


class Damping:
    """Delays announcements of what flaps.

    Args:
        announced: What is announced of a prefix now.
    """

    def __init__(self, announced: Callable[[Prefix], Paths]) -> None:
        self._announced = announced
        self._flaps: dict[Prefix, _Flap] = {}  # the one that has been calm for longest first
        self._timeouts: Agenda[Prefix] = Agenda()

    @property
    def flapping(self) -> int:
        """How many prefixes are remembered."""
        return len(self._flaps)

    def admit(self, wanted: PrefixPlan, now: float) -> PrefixPlan:
        """Let a loss pass, and what is announced only in its time."""
        self._forget_calm(now)
        flap = self._followed(wanted, now)
        if flap is None:
            return wanted
        if wanted.paths and wanted.paths != flap.said and now < flap.said_at + INTERVAL:
            left = _left(flap.said, wanted.paths)
            if flap.damped(now) and left != wanted.paths:
                flap.said = left
                self._timeouts.add(flap.said_at + INTERVAL, wanted.prefix)
                return replace(wanted, paths=left, verdicts=(_damped(wanted), *wanted.verdicts))
        if wanted.paths != flap.said:
            flap.said = wanted.paths
            if wanted.paths:
                flap.said_at = now
        return wanted

    def next_deadline(self) -> float | None:
        """Return when something that waits may be announced."""
        return self._timeouts.next()

    def handle_timeout(self, now: float) -> frozenset[Prefix]:
        """Return the prefixes that need not wait any more."""
        due = frozenset(self._timeouts.due(now))
        self._forget_calm(now)
        return due

    def _followed(self, wanted: PrefixPlan, now: float) -> _Flap | None:
        flap = self._flaps.get(wanted.prefix) if self._flaps else None
        if flap is None:
            before = self._announced(wanted.prefix)
            if not before or before == wanted.paths:
                return None
            flap = _Flap(before, before)
        if wanted.paths != flap.wanted:
            flap.wanted = wanted.paths
            flap.changes.append(now)
            self._flaps.pop(wanted.prefix, None)
            self._flaps[wanted.prefix] = flap
        return flap

    def _forget_calm(self, now: float) -> None:
        while self._flaps:
            prefix, flap = next(iter(self._flaps.items()))
            if now < flap.changes[-1] + WINDOW:
                return
            del self._flaps[prefix]


def _left(said: Paths, wanted: Paths) -> dict[str, tuple[Path, ...]]:
    """Return of what was said what is still wanted, if with other attributes."""
    left = {}
    for peer, paths in said.items():
        ids = {path.path_id for path in wanted.get(peer, ())}
        if kept := tuple(path for path in paths if path.path_id in ids):
            left[peer] = kept
    return left


def _damped(wanted: PrefixPlan) -> Verdict:
    return Verdict(
        reason=Reason.DAMPED,
        message=f"{wanted.prefix} changes too often: it is announced at most once a second",
        remedy="look at why the endpoints of its Service come and go",
    )
