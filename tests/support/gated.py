"""A node as the gates see it: plans go in, time goes on, and what is announced is written down."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple

from porter_bgp.rib import Path, RouteAttributes
from porter_bgp.wire import Prefix
from porter_ctl.plan import PrefixPlan, Reason, Serving, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from porter_ctl.gate import Gate

    Paths = Mapping[str, tuple[Path, ...]]

PLAIN = RouteAttributes()
SERVING = Serving(holders=frozenset({"web"}), in_status=True)


def prefix(number: int) -> Prefix:
    """One of 65536 host routes."""
    return Prefix.of(ip_address(0xC6120000 + number))


def yes(number: int = 1, *peers: str, attributes: RouteAttributes = PLAIN) -> PrefixPlan:
    """A prefix goes to these peers, or to the one there is."""
    paths = {peer: (Path(0, attributes),) for peer in peers or ("tor",)}
    return PrefixPlan(prefix=prefix(number), paths=paths, serving=SERVING)


def no(number: int, *reasons: Reason, unready: bool = False) -> PrefixPlan:
    """A prefix goes to nobody, for these reasons."""
    verdicts = tuple(Verdict(reason=reason, message=str(reason)) for reason in reasons)
    return PrefixPlan(prefix=prefix(number), verdicts=verdicts, serving=SERVING, unready=unready)


class Said(NamedTuple):
    """An announcement, or with no paths a withdrawal."""

    at: float
    prefix: Prefix
    paths: Paths


class Passage:
    """The gate that is none: what an execution without one looks like."""

    def admit(self, wanted: PrefixPlan, now: float) -> PrefixPlan:
        del now
        return wanted

    def next_deadline(self) -> float | None:
        return None

    def handle_timeout(self, now: float) -> Iterable[Prefix]:
        del now
        return ()


class Node:
    """Drives one gate as the reconciler does.

    Attributes:
        now: The time.
        plans: What is wanted, by prefix.
        admitted: What the gate made of it.
        announced: What is announced.
        log: What a router has heard, in order; repetitions are not heard.
    """

    def __init__(self, now: float = 1000.0) -> None:
        self.gate: Gate = Passage()
        self.now = now
        self.plans: dict[Prefix, PrefixPlan] = {}
        self.admitted: dict[Prefix, PrefixPlan] = {}
        self.announced: dict[Prefix, Paths] = {}
        self.log: list[Said] = []

    def told(self, prefix: Prefix) -> Paths:
        """What is announced of one."""
        return self.announced.get(prefix, {})

    def want(self, *plans: PrefixPlan) -> None:
        """These are the plans now."""
        for plan in plans:
            self.plans[plan.prefix] = plan
            self.admit(plan.prefix)

    def admit(self, *prefixes: Prefix) -> None:
        """Have the gate asked about these."""
        for one in prefixes:
            admitted = self.admitted[one] = self.gate.admit(self.plans[one], self.now)
            if admitted.paths != self.told(one):
                self.log.append(Said(self.now, one, admitted.paths))
            self.announced[one] = admitted.paths

    def wait(self, seconds: float) -> None:
        """Let time pass, keeping every deadline on the way."""
        until = self.now + seconds
        while (deadline := self.gate.next_deadline()) is not None and deadline <= until:
            self.now = max(self.now, deadline)
            self.admit(*self.gate.handle_timeout(self.now))
        self.now = until

    def there(self) -> set[int]:
        """The numbers of what is announced to anyone."""
        return {int(one.address) - 0xC6120000 for one, paths in self.announced.items() if paths}
