"""Gates one behind the other: what all of them admit may happen now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from porter_bgp.wire import Prefix
    from porter_ctl.plan import PrefixPlan


class Gate(Protocol):
    """One machine. `now` is seconds on the caller's monotonic clock."""

    def admit(self, wanted: PrefixPlan, now: float) -> PrefixPlan:
        """Return what of `wanted` may be announced now, with a verdict for what may not."""

    def next_deadline(self) -> float | None:
        """Return when `handle_timeout` is due; None while nothing is."""

    def handle_timeout(self, now: float) -> Iterable[Prefix]:
        """Let time pass; return the prefixes to plan and to admit again."""


class Chain:
    """Several gates as one, asked in their order; a gate sees what the former ones admitted."""

    def __init__(self, *gates: Gate) -> None:
        self._gates = gates

    def admit(self, wanted: PrefixPlan, now: float) -> PrefixPlan:
        """Return what every gate admits."""
        for gate in self._gates:
            wanted = gate.admit(wanted, now)
        return wanted

    def next_deadline(self) -> float | None:
        """Return the earliest deadline of all gates."""
        deadlines = [gate.next_deadline() for gate in self._gates]
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def handle_timeout(self, now: float) -> frozenset[Prefix]:
        """Let time pass in all gates."""
        return frozenset(prefix for gate in self._gates for prefix in gate.handle_timeout(now))
