"""`porter_ctl.plan.expectation`: sums with a memory, and nodes that share them."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

import pytest

from porter_bgp.rib import Path, RouteAttributes
from porter_bgp.wire import IPV4_UNICAST, Prefix
from porter_ctl.api import Holder
from porter_ctl.plan import ConfigSnapshot, NodeFacts, PrefixPlan, compile_context
from porter_ctl.plan.digest import bucket, term, total
from porter_ctl.plan.expectation import (
    HISTORY_SECONDS,
    Channel,
    Claim,
    Group,
    Plans,
    Sums,
    regroup,
    selection,
)
from tests.porter_ctl.plan import world

if TYPE_CHECKING:
    from porter_ctl.plan import Context

WEB = Prefix.parse("192.0.2.1/32")
PLACE = bucket(WEB)
OLD, NEW = Path(0, RouteAttributes()), Path(0, RouteAttributes(med=1))
TOR1, TOR2 = (Channel(name, IPV4_UNICAST, every=False) for name in ("tor1", "tor2"))
BOTH = frozenset({TOR1, TOR2})


def plan(*paths: Path, peers: tuple[str, ...] = ("tor1", "tor2")) -> PrefixPlan:
    return PrefixPlan(prefix=WEB, paths=dict.fromkeys(peers, paths) if paths else {})


def value(path: Path, *peers: str) -> int:
    return sum(term(WEB, peer, path) for peer in peers) % 2**64


def test_a_value_is_known_until_it_changed_and_for_two_minutes_more() -> None:
    sums = Sums()
    sums.add(3, 7, 10.0)

    assert sums.until(3, 7, 10.0) == inf
    assert sums.until(3, 0, 10.0 + HISTORY_SECONDS - 1) == 10.0
    assert sums.until(3, 0, 10.0 + HISTORY_SECONDS) is None
    assert sums.until(3, 8, 10.0) is None


def test_a_value_that_returns_is_that_of_now() -> None:
    sums = Sums()
    sums.add(3, 7, 1.0)
    sums.add(3, -7, 2.0)
    sums.add(3, 0, 3.0)

    assert sums.until(3, 0, 3.0) == inf
    assert sums.until(3, 7, 3.0) == 2.0
    assert sums.values(3, 3.0) == [0, 7]


def test_memory_is_bounded_by_time() -> None:
    sums = Sums()
    for step in range(1000):
        sums.add(3, 1, step * 10.0)

    assert len(sums.values(3, 9990.0)) <= 13
    assert sums.until(3, 995, 9990.0) == 9950.0


def test_any_choice_of_channels_has_its_own_sums() -> None:
    plans = Plans()
    early = plans.view(BOTH)
    plans.put(plan(OLD), 1.0)
    late = plans.view(frozenset({TOR2}))
    plans.put(plan(NEW), 2.0)

    assert early.until(PLACE, value(NEW, "tor1", "tor2"), 2.0) == inf
    assert early.until(PLACE, value(OLD, "tor1", "tor2"), 2.0) == 2.0
    assert late.until(PLACE, value(NEW, "tor2"), 2.0) == inf
    assert late.until(PLACE, value(OLD, "tor2"), 2.0) == 2.0
    assert plans.view(BOTH) is early


def test_what_peers_hear_of_one_change_is_one_change() -> None:
    plans = Plans()
    view = plans.view(BOTH)
    plans.put(plan(OLD), 1.0)

    plans.put(plan(NEW), 2.0)

    assert view.until(PLACE, value(OLD, "tor1") + value(NEW, "tor2"), 2.0) is None


def test_where_one_path_is_taken_only_the_first_is_expected() -> None:
    first, second = Path(1, RouteAttributes()), Path(2, RouteAttributes())
    plans = Plans()

    plans.put(plan(first, second, peers=("tor1",)), 1.0)

    one = plans.view(frozenset({TOR1}))
    every = plans.view(frozenset({TOR1._replace(every=True)}))
    assert one.until(PLACE, term(WEB, "tor1", first), 1.0) == inf
    assert every.until(PLACE, total(WEB, "tor1", (first, second)), 1.0) == inf


def test_equal_plans_are_no_change_and_keep_their_time() -> None:
    plans = Plans()

    assert plans.put(plan(OLD), 1.0)
    assert not plans.put(plan(OLD), 2.0)
    assert plans.by_prefix[WEB].changed == 1.0
    assert plans.put(plan(), 3.0)
    assert plans.view(BOTH).until(PLACE, 0, 3.0) == inf


def test_a_prefix_that_is_dropped_leaves_nothing_but_memory() -> None:
    plans = Plans()
    view = plans.view(BOTH)
    plans.put(plan(OLD), 1.0)

    assert plans.drop(WEB, 2.0)
    assert not plans.drop(WEB, 3.0)
    assert view.until(PLACE, 0, 3.0) == inf
    assert view.until(PLACE, value(OLD, "tor1", "tor2"), 3.0) == 2.0


def test_sums_that_nobody_reports_by_are_forgotten() -> None:
    plans = Plans()
    view = plans.view(BOTH)

    plans.keep_views([frozenset({TOR1})])

    assert plans.view(BOTH) is not view


# Groups


def context(name: str, address: str = "198.51.100.11", **labels: str) -> Context:
    snapshot = ConfigSnapshot(
        configs=(world.config(),),
        peers=(world.peer("tor", "198.51.100.1"),),
        advertisements=(
            world.advertisement("all", nodeSelectors=[{"matchLabels": {"rack": "a"}}]),
        ),
    )
    return compile_context(snapshot, NodeFacts.of(name, world.node(name, address, labels=labels)))


def grouped(before: list[Group], contexts: dict[str, Context]) -> list[Group]:
    reduced = {name: selection(one) for name, one in contexts.items()}
    return regroup(before, contexts, reduced)


def test_names_addresses_and_router_ids_do_not_divide() -> None:
    one, two = context("n1", rack="a"), context("n2", "198.51.100.12", rack="a", zone="z")

    assert one != two
    assert selection(one) == selection(two)


@pytest.mark.parametrize(
    "other",
    [
        context("n2", rack="b"),
        context("n2", "2001:db8::2", rack="a"),
        context("n2", rack="a", **{"node.kubernetes.io/exclude-from-external-load-balancers": ""}),
    ],
    ids=["another selection", "another family of addresses", "excluded"],
)
def test_what_plans_depend_on_divides(other: Context) -> None:
    assert selection(context("n1", rack="a")) != selection(other)


def test_who_stays_together_keeps_the_group_and_who_leaves_gets_another() -> None:
    together = grouped([], {name: context(name, rack="a") for name in ("n1", "n2", "n3")})
    (group,) = together
    group.stale = False

    apart = grouped(
        together, {"n1": context("n1", rack="b"), **{n: context(n, rack="a") for n in ("n2", "n3")}}
    )

    assert [one.nodes for one in apart] == [{"n2", "n3"}, {"n1"}]
    assert apart[0] is group
    assert [one.stale for one in apart] == [False, True]


def test_a_group_under_a_new_context_keeps_its_history() -> None:
    (group,) = grouped([], {"n1": context("n1", rack="a")})
    group.stale = False

    (after,) = grouped([group], {"n1": context("n1", rack="b")})

    assert after is group
    assert after.stale


HELD = (Holder(namespace="default", name="web", uid="u"),)
OTHERS = (Holder(namespace="default", name="api", uid="v"),)
SUCCESSORS: dict[str, tuple[Claim, Claim, bool]] = {
    "a release": (Claim(HELD, None, 4), Claim((), "1", 5), False),
    "a grant": (Claim((), "1", 5), Claim(HELD, None, 6), True),
    "another holder": (Claim(HELD, None, 4), Claim(OTHERS, None, 6), True),
    "a grant and a release in one": (Claim((), "1", 5), Claim((), "2", 7), True),
    "a release, a grant and a release in one": (Claim(HELD, None, 4), Claim((), "3", 7), True),
    "a release where nobody counts": (Claim(HELD, None), Claim((), "1"), False),
}


@pytest.mark.parametrize("case", SUCCESSORS)
def test_a_claim_tells_whether_a_grant_may_lie_before_it(case: str) -> None:
    before, after, expected = SUCCESSORS[case]

    assert after.may_follow_a_grant(before) is expected
