"""Guard by effect: a node does not lose many of its prefixes at once, whatever the cause.

If more than a fifth of what the node announces would go within 10 s, and that is at least five
prefixes or all there are, then all of it is kept, what went first in these 10 s included, and
loudly so (`HeldByGuard`): for 60 s; while the kind behind it cannot be listed, until 60 s after it
can; for unready endpoints until 60 s after the own Node is Ready again, and 10 min at most. Which
causes count, and what is kept how, stands in `porter_ctl.gate.causes`; all of them pass if somebody
says so, or when this node leaves.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import islice
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from porter_ctl.gate.agenda import Agenda
from porter_ctl.gate.causes import cause_of, last_resort
from porter_ctl.gate.kinds import HOLD
from porter_ctl.plan import Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from porter_bgp.rib import Path
    from porter_bgp.wire import Prefix
    from porter_ctl.gate.causes import Cause
    from porter_ctl.gate.evidence import KindStands
    from porter_ctl.gate.kinds import Kinds
    from porter_ctl.plan import PrefixPlan

    Paths = Mapping[str, tuple[Path, ...]]

WINDOW = 10.0  # seconds in which losses count together
CONFIRM_DELETE = "porter.network/confirm-delete"
LONGEST_UNREADY = 600.0  # seconds for which unready endpoints are kept
MANY = 5  # prefixes
SLICE = 1000  # prefixes
_REMEDY = "look at what has changed; if it is meant, annotate the BGPConfig with " + CONFIRM_DELETE


class Facts(NamedTuple):
    """What the guards have to know of this node besides plans.

    Attributes:
        node_ready: Its Node is Ready.
        confirmed: Somebody has said that what goes is to go.
        leaving: Porter is leaving it, for good as far as it knows.
    """

    node_ready: bool = True
    confirmed: bool = False
    leaving: bool = False


@dataclass(slots=True)
class _Loss:
    at: float  # when it would have gone
    paths: Paths
    cause: Cause
    due: float = field(default=-inf)  # when it is looked at again


class EffectGuard:
    """Keeps what goes along with too much else.

    Args:
        kinds: What is known of the kinds behind it.
    """

    def __init__(self, kinds: Kinds) -> None:
        self._kinds = kinds
        self._facts = Facts()
        self._foreseen: set[Prefix] = set()  # to be admitted within these seconds
        self._foreseen_at: float | None = None  # None: not known until the next look
        self._ready_since = -inf
        self._announced: dict[Prefix, Paths] = {}
        self._kept: dict[Prefix, _Loss] = {}
        # Of the last 10 s, by cause: what was kept, what passed, and what passed as unready.
        self._recent_kept: dict[Prefix, _Loss] = {}
        self._passed: dict[Prefix, _Loss] = {}
        self._passed_unready: dict[Prefix, _Loss] = {}
        self._timeouts: Agenda[Prefix] = Agenda()

    @property
    def kept(self) -> int:
        """How many prefixes are kept."""
        return len(self._kept)

    @property
    def alarm(self) -> Verdict | None:
        """What there is to say of all that is kept; None while nothing is."""
        if not self._kept:
            return None
        return Verdict(
            reason=Reason.HELD_BY_GUARD,
            message=f"{len(self._kept)} of the {len(self._announced)} prefixes that this node "
            "announces would have gone within a few seconds, and are kept for a while",
            remedy=_REMEDY,
        )

    @property
    def told(self) -> Mapping[Prefix, Paths]:
        """All that is announced, as it was when it was last wanted."""
        return self._announced

    def announced(self, prefix: Prefix) -> Paths:
        """Return what is announced of a prefix, as it was when it was last wanted."""
        return self._announced.get(prefix, {})

    def baseline(self, announced: Mapping[Prefix, Paths]) -> None:
        """Take it that this was announced before; each is to be admitted then."""
        self._announced.update((prefix, paths) for prefix, paths in announced.items() if paths)

    def learn(self, facts: Facts, now: float) -> frozenset[Prefix]:
        """Take what is known of the node now; return the prefixes to admit again."""
        before, self._facts = self._facts, facts
        if facts == before:
            return frozenset()
        if facts.node_ready and not before.node_ready:
            self._ready_since = now
        if not facts.node_ready and before.node_ready:
            self._forget_old(now)
            if self._too_many(0, vacant=False):
                self._restore(now)
        return frozenset(self._kept)

    def evidence(self, item: KindStands, now: float) -> frozenset[Prefix]:
        """Take what a kind's listing has shown; return the prefixes to admit again."""
        if not self._kinds.evidence(item, now):
            return frozenset()
        return frozenset(p for p, loss in self._kept.items() if loss.cause.kind is item.kind)

    def foresee(self, wanted: Iterable[PrefixPlan], now: float | None = None) -> None:
        """Take all that is about to be admitted: the first of many is kept like the last.

        Each counts until it is admitted in whatever way, and for 10 s; what is kept has counted.

        Args:
            wanted: All of it; what was foreseen before and is not in it is not to come any more.
            now: The time; None for that of the next call that has one.
        """
        self._foreseen_at = now
        self._foreseen = {
            plan.prefix
            for plan in wanted
            if plan.prefix in self._announced
            and plan.prefix not in self._kept
            and (cause := cause_of(plan)) is not None
            and not cause.unready
        }

    def admit(self, wanted: PrefixPlan, now: float) -> PrefixPlan:
        """Let `wanted` pass, or keep what was announced."""
        prefix = wanted.prefix
        foreseen = self._take_foreseen(prefix, now) if self._foreseen else 0
        if wanted.paths:
            if self._kept or self._passed or self._passed_unready:
                self._forget(prefix)
            self._announced[prefix] = wanted.paths
            return wanted
        reasons = {verdict.reason for verdict in wanted.verdicts}
        if Reason.DAMPED in reasons and prefix in self._kept:
            return self._keep(wanted, self._kept[prefix])  # it is about to come back
        cause = cause_of(wanted)
        if cause is None or self._facts.confirmed or self._facts.leaving:
            self._forget(prefix)
            return wanted
        loss = self._lost(prefix, cause, now, foreseen=foreseen)
        if loss is None:
            return wanted
        if now >= self._over(loss):
            self._forget(prefix)
            return wanted
        return self._keep(wanted, loss)

    def next_deadline(self) -> float | None:
        """Return when something has been kept for long enough."""
        return self._timeouts.next()

    def handle_timeout(self, now: float) -> frozenset[Prefix]:
        """Return the prefixes to admit again; where they are many, not all of them at once."""
        self._forget_old(now)
        self._forget_foreseen(now)
        due = islice(self._timeouts.due(now), SLICE)
        return frozenset(prefix for prefix in due if prefix in self._kept)

    # What goes

    def _lost(self, prefix: Prefix, cause: Cause, now: float, *, foreseen: int) -> _Loss | None:
        """Return the loss if it is one to keep the prefix for."""
        loss = self._kept.get(prefix)
        if loss is not None:
            if loss.cause != cause:
                self._release(loss)
                loss.cause = cause
                self._claim(loss, now)
            return loss
        paths = self._announced.get(prefix)
        if paths is None:
            return None
        loss = _Loss(now, paths, cause)
        if self._trips(cause, now, foreseen=foreseen):
            self._hold(prefix, loss, now)
            self._restore(now)
            return loss
        del self._announced[prefix]
        (self._passed_unready if cause.unready else self._passed)[prefix] = loss
        return None

    def _trips(self, cause: Cause, now: float, *, foreseen: int) -> bool:
        if cause.unready:
            return not self._facts.node_ready
        self._forget_old(now)
        return self._too_many(1 + foreseen, vacant=cause.vacant)

    def _too_many(self, more: int, *, vacant: bool) -> bool:
        losses = more + len(self._recent_kept) + len(self._passed)
        total = len(self._announced) + len(self._passed) + len(self._passed_unready)
        if not self._facts.node_ready:
            losses += len(self._passed_unready)
        return losses * 5 > total and (losses >= MANY or (losses == total and not vacant))

    def _take_foreseen(self, prefix: Prefix, now: float) -> int:
        """Count a prefix as admitted; return how many others are still to go."""
        self._forget_foreseen(now)
        self._foreseen.discard(prefix)
        return len(self._foreseen)

    def _forget_foreseen(self, now: float) -> None:
        if self._foreseen_at is None:
            self._foreseen_at = now
        elif now >= self._foreseen_at + WINDOW:
            self._foreseen.clear()

    def _forget_old(self, now: float) -> None:
        for window in (self._recent_kept, self._passed, self._passed_unready):
            while window:
                prefix, loss = next(iter(window.items()))
                if now < loss.at + WINDOW:
                    break
                del window[prefix]

    # What is kept

    def _hold(self, prefix: Prefix, loss: _Loss, now: float) -> None:
        self._announced[prefix] = loss.paths
        self._kept[prefix] = self._recent_kept[prefix] = loss
        self._claim(loss, now)

    def _restore(self, now: float) -> None:
        """Keep also what has passed in these seconds."""
        windows = [self._passed] if self._facts.node_ready else [self._passed, self._passed_unready]
        for window in windows:
            for prefix, loss in window.items():
                self._hold(prefix, loss, now)
                self._timeouts.add(now, prefix)
            window.clear()

    def _keep(self, wanted: PrefixPlan, loss: _Loss) -> PrefixPlan:
        over = self._over(loss)
        if over not in {loss.due, inf}:
            loss.due = over
            self._timeouts.add(over, wanted.prefix)
        paths = last_resort(loss.paths) if loss.cause.as_last else loss.paths
        return replace(wanted, paths=paths, verdicts=(_kept(wanted.prefix), *wanted.verdicts))

    def _over(self, loss: _Loss) -> float:
        if loss.cause.unready:
            longest = loss.at + LONGEST_UNREADY
            return min(longest, self._ready_since + HOLD) if self._facts.node_ready else longest
        if loss.cause.kind is None:
            return loss.at + HOLD
        return self._kinds.over(loss.cause.kind, loss.at)

    def _forget(self, prefix: Prefix) -> None:
        self._announced.pop(prefix, None)
        for window in (self._recent_kept, self._passed, self._passed_unready):
            if window:
                window.pop(prefix, None)
        loss = self._kept.pop(prefix, None) if self._kept else None
        if loss is not None:
            self._release(loss)

    def _claim(self, loss: _Loss, now: float) -> None:
        if loss.cause.kind is not None:
            self._kinds.hold(loss.cause.kind, now)

    def _release(self, loss: _Loss) -> None:
        if loss.cause.kind is not None:
            self._kinds.release(loss.cause.kind)


def _kept(prefix: Prefix) -> Verdict:
    return Verdict(
        reason=Reason.HELD_BY_GUARD,
        message=f"{prefix} would go together with many others, and is kept for a while",
        remedy=_REMEDY,
    )
