"""`porter_ctl.gate.chain`: several gates as one."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest

from porter_bgp.rib import Path, RouteAttributes
from porter_bgp.wire import Prefix
from porter_ctl.gate import Chain
from porter_ctl.plan import PrefixPlan

if TYPE_CHECKING:
    from collections.abc import Iterable

PREFIX = Prefix.of(ip_address("192.0.2.10"))
PLAN = PrefixPlan(
    prefix=PREFIX,
    paths={name: (Path(0, RouteAttributes()),) for name in ("one", "two", "three")},
)


class Without:
    """Holds the paths of one peer back until a time."""

    def __init__(self, peer: str, until: float | None) -> None:
        self.peer = peer
        self.until = until

    def admit(self, wanted: PrefixPlan, now: float) -> PrefixPlan:
        if self.until is None or now >= self.until:
            return wanted
        paths = {name: paths for name, paths in wanted.paths.items() if name != self.peer}
        return replace(wanted, paths=paths)

    def next_deadline(self) -> float | None:
        return self.until

    def handle_timeout(self, now: float) -> Iterable[Prefix]:
        return (PREFIX,) if self.until is not None and now >= self.until else ()


CHAIN = Chain(Without("one", 5.0), Without("two", 9.0), Without("three", None))


@pytest.mark.parametrize(
    ("now", "peers"), [(1.0, ["three"]), (5.0, ["one", "three"]), (9.0, ["one", "two", "three"])]
)
def test_only_what_all_gates_admit_passes(now: float, peers: list[str]) -> None:
    assert list(CHAIN.admit(PLAN, now).paths) == peers


def test_the_earliest_deadline_counts() -> None:
    assert CHAIN.next_deadline() == 5.0
    assert Chain().next_deadline() is None


def test_a_timeout_gathers_what_the_gates_want_planned_again() -> None:
    assert CHAIN.handle_timeout(1.0) == frozenset()
    assert CHAIN.handle_timeout(6.0) == {PREFIX}
