"""`porter_bgp.rib.decision`: RFC 4271 §9.1.2, rule by rule."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address
from itertools import permutations
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porter_bgp.rib import Candidate, Reason, Source, decide
from porter_bgp.wire import (
    AsPath,
    AsPathSegment,
    AsPathSegmentType,
    Origin,
    PathAttributes,
    WellKnownCommunity,
)

if TYPE_CHECKING:
    from random import Random

US, OUR_ID = 65000, IPv4Address("192.0.2.254")
NEXT_HOP = IPv4Address("198.51.100.1")


def via(*asns: int) -> AsPath:
    return AsPath((AsPathSegment(AsPathSegmentType.AS_SEQUENCE, asns),))


def source(number: int, *, external: bool = True) -> Source:
    return Source(
        peer=f"peer-{number}",
        external=external,
        local_asn=US,
        local_id=OUR_ID,
        peer_id=IPv4Address(number),
        address=IPv4Address(f"203.0.113.{number}"),
    )


def path(attributes: PathAttributes, number: int = 1, *, external: bool = True) -> Candidate:
    return Candidate(source(number, external=external), 0, attributes)


PLAIN = PathAttributes(as_path=via(65001), next_hop=NEXT_HOP)
SHUTDOWN = replace(PLAIN, communities=(WellKnownCommunity.GRACEFUL_SHUTDOWN,))
SET = AsPathSegment(AsPathSegmentType.AS_SET, (65002, 65003, 65004))

# The better path, the worse one (from peers 2 and 1, so that the tie-breakers would have it the
# other way), and the rule that settles it.
RULES = {
    "a higher local preference": (
        path(replace(PLAIN, local_pref=101), 2, external=False),
        path(replace(PLAIN, local_pref=100), 1, external=False),
        Reason.LOCAL_PREFERENCE,
    ),
    "no local preference counts 100": (
        path(PLAIN, 2),
        path(replace(PLAIN, local_pref=99), 1, external=False),
        Reason.LOCAL_PREFERENCE,
    ),
    "a local preference of 0 is one": (
        path(PLAIN, 2),
        path(replace(PLAIN, local_pref=0), 1, external=False),
        Reason.LOCAL_PREFERENCE,
    ),
    "an external path about to go is the last resort": (
        path(replace(PLAIN, as_path=via(65001, 65001)), 2),
        path(SHUTDOWN, 1),
        Reason.LOCAL_PREFERENCE,
    ),
    "an internal path about to go says so by its local preference alone": (
        path(replace(SHUTDOWN, local_pref=100), 2, external=False),
        path(replace(PLAIN, local_pref=50), 1, external=False),
        Reason.LOCAL_PREFERENCE,
    ),
    "a shorter AS_PATH": (
        path(PLAIN, 2),
        path(replace(PLAIN, as_path=via(65001, 65001)), 1),
        Reason.AS_PATH_LENGTH,
    ),
    "an AS_SET counts one": (
        path(replace(PLAIN, as_path=AsPath((*via(65001).segments, SET))), 2),
        path(replace(PLAIN, as_path=via(65001, 65002, 65003)), 1),
        Reason.AS_PATH_LENGTH,
    ),
    "origin IGP before EGP": (
        path(PLAIN, 2),
        path(replace(PLAIN, origin=Origin.EGP), 1),
        Reason.ORIGIN,
    ),
    "origin EGP before INCOMPLETE": (
        path(replace(PLAIN, origin=Origin.EGP), 2),
        path(replace(PLAIN, origin=Origin.INCOMPLETE), 1),
        Reason.ORIGIN,
    ),
    "a lower MED through the same AS": (
        path(replace(PLAIN, med=1), 2),
        path(replace(PLAIN, med=2), 1),
        Reason.MULTI_EXIT_DISC,
    ),
    "no MED is the lowest": (
        path(PLAIN, 2),
        path(replace(PLAIN, med=1), 1),
        Reason.MULTI_EXIT_DISC,
    ),
    "an external peer before an internal one": (
        path(PLAIN, 2),
        path(PLAIN, 1, external=False),
        Reason.INTERNAL,
    ),
    "the AS_PATH of the best one, without multipath-relax": (
        path(PLAIN, 1),
        path(replace(PLAIN, as_path=via(65002)), 2),
        Reason.AS_PATH_CONTENT,
    ),
}


@pytest.mark.parametrize(("better", "worse", "reason"), RULES.values(), ids=RULES)
def test_the_better_path_wins_by_its_rule(
    better: Candidate, worse: Candidate, reason: Reason
) -> None:
    for candidates in permutations((better, worse)):
        decision = decide(candidates, multipath_relax=False)

        assert decision.multipath == (better,)
        assert decision.best == better
        assert decision.losers == ((worse, reason),)


TIES = {
    "the lower BGP Identifier": (path(PLAIN, 1), path(PLAIN, 2)),
    "the originator's identifier stands for the reflector's": (
        path(replace(PLAIN, originator_id=IPv4Address(1)), 9, external=False),
        path(replace(PLAIN, originator_id=IPv4Address(2)), 1, external=False),
    ),
    "fewer reflections": (
        path(replace(PLAIN, originator_id=OUR_ID + 1, cluster_list=(OUR_ID,)), 9, external=False),
        path(
            replace(PLAIN, originator_id=OUR_ID + 1, cluster_list=(OUR_ID, OUR_ID)),
            1,
            external=False,
        ),
    ),
    "the lower address of the peer": (
        path(PLAIN, 1),
        Candidate(replace(source(1), address=IPv4Address("203.0.113.2")), 0, PLAIN),
    ),
    "IPv4 before IPv6": (
        path(PLAIN, 1),
        Candidate(replace(source(1), address=IPv6Address("::1")), 0, PLAIN),
    ),
    "the lower path identifier": (
        Candidate(source(1), 1, PLAIN),
        Candidate(source(1), 2, PLAIN),
    ),
}


@pytest.mark.parametrize(("first", "second"), TIES.values(), ids=TIES)
def test_paths_that_tie_are_used_together_in_one_order(first: Candidate, second: Candidate) -> None:
    for candidates in permutations((first, second)):
        decision = decide(candidates, multipath_relax=False)

        assert (decision.multipath, decision.losers) == ((first, second), ())


def test_med_is_not_compared_between_neighbouring_ases() -> None:
    paths = (
        path(replace(PLAIN, med=9), 1),
        path(replace(PLAIN, med=1, as_path=via(65002)), 2),
        path(replace(PLAIN, med=10), 3),
    )

    decision = decide(paths, multipath_relax=True)

    assert decision.multipath == paths[:2]
    assert decision.losers == ((paths[2], Reason.MULTI_EXIT_DISC),)


def test_multipath_relax_uses_as_paths_of_one_length_together() -> None:
    paths = (path(PLAIN, 1), path(replace(PLAIN, as_path=via(65002)), 2))

    assert decide(paths, multipath_relax=True).multipath == paths
    assert decide(paths, multipath_relax=False).multipath == paths[:1]


LOOPS = {
    "our AS in its AS_PATH": (
        path(replace(PLAIN, as_path=via(65001, US, 65002))),
        Reason.AS_LOOP,
    ),
    "our AS in an AS_SET": (
        path(
            replace(
                PLAIN,
                as_path=AsPath(
                    (*via(65001).segments, AsPathSegment(AsPathSegmentType.AS_SET, (1, US)))
                ),
            )
        ),
        Reason.AS_LOOP,
    ),
    "ourselves as its originator": (
        path(replace(PLAIN, originator_id=OUR_ID), external=False),
        Reason.ORIGINATOR_LOOP,
    ),
}


@pytest.mark.parametrize(("loop", "reason"), LOOPS.values(), ids=LOOPS)
def test_what_has_been_here_before_is_never_used(loop: Candidate, reason: Reason) -> None:
    decision = decide([loop], multipath_relax=True)

    assert (decision.multipath, decision.losers) == ((), ((loop, reason),))
    assert decision.best is None


@pytest.mark.parametrize("multipath_relax", [True, False])
def test_of_no_paths_none_is_best(multipath_relax: bool) -> None:  # noqa: FBT001  a column
    decision = decide([], multipath_relax=multipath_relax)

    assert (decision.best, decision.multipath, decision.losers) == (None, (), ())


CANDIDATES = st.builds(
    Candidate,
    st.builds(source, st.integers(1, 3), external=st.booleans()),
    st.integers(0, 2),
    st.builds(
        PathAttributes,
        origin=st.sampled_from(Origin),
        as_path=st.lists(st.integers(US, US + 2), min_size=1, max_size=2).map(lambda a: via(*a)),
        next_hop=st.just(NEXT_HOP),
        med=st.none() | st.integers(0, 2),
        local_pref=st.none() | st.integers(99, 101),
        communities=st.sampled_from([(), (WellKnownCommunity.GRACEFUL_SHUTDOWN,)]),
    ),
)


@given(
    st.lists(CANDIDATES, max_size=6, unique_by=lambda c: (c.source, c.path_id)),
    st.randoms(use_true_random=False),
    st.booleans(),
)
def test_every_path_wins_or_has_its_reason_in_whatever_order_they_come(
    candidates: list[Candidate],
    random: Random,
    relax: bool,  # noqa: FBT001  Hypothesis draws it
) -> None:
    shuffled = list(candidates)
    random.shuffle(shuffled)

    decision = decide(candidates, multipath_relax=relax)

    others = [loser for loser, _ in decision.losers]
    assert sorted(map(repr, [*decision.multipath, *others])) == sorted(map(repr, candidates))
    assert decide(shuffled, multipath_relax=relax).multipath == decision.multipath
    assert (decision.best is None) == all(
        US in segment.asns for c in candidates for segment in c.attributes.as_path.segments
    )
