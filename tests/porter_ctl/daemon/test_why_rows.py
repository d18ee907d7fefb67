"""`porter_ctl.daemon.why_rows` and `why_headline`: from what a node says to the one answer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from porter_bgp.rib import Path, RouteAttributes
from porter_bgp.wire import Prefix
from porter_ctl.api import NodeSession, SessionState
from porter_ctl.daemon.why_headline import headline
from porter_ctl.daemon.why_rows import Answer, Sight, answers_of, left_out_of, with_remedy
from porter_ctl.plan import PrefixPlan, Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

VIP = Prefix.parse("198.51.100.7/32")
PATHS = (Path(0, RouteAttributes()),)
UP = NodeSession(peer="tor", state=SessionState.ESTABLISHED)
DOWN = NodeSession(
    peer="tor", state=SessionState.ACTIVE, reason=Reason.SESSION_DOWN, message="refused"
)


def verdict(reason: Reason, subject: str = "") -> Verdict:
    return Verdict(reason=reason, message=f"because {reason}", subject=subject)


def sight(
    session: NodeSession | None = UP,
    *,
    acknowledged: bool | None = True,
    left_out: Mapping[str, Verdict] | None = None,
) -> Sight:
    return Sight(
        name="n1",
        sessions=None if session is None else {session.peer: session},
        peers=("tor",),
        left_out=left_out or {},
        acknowledged=None if acknowledged is None else lambda _: acknowledged,
    )


def plan(*verdicts: Verdict, told: bool = True) -> PrefixPlan:
    return PrefixPlan(prefix=VIP, paths={"tor": PATHS} if told else {}, verdicts=verdicts)


LAST = verdict(Reason.LAST_DRAINING)
NO_PEER = verdict(Reason.NO_PEER)
SECRET = verdict(Reason.SECRET_MISSING, "BGPPeer/tor")
ONE_PATH = NodeSession(
    peer="tor",
    state=SessionState.ESTABLISHED,
    reason=Reason.ADD_PATH_NOT_NEGOTIATED,
    message="one path a prefix",
)
ROWS = {
    "all is well": (sight(), plan(), Reason.ALL_PATHS, True),
    "another node whose session is up": (sight(acknowledged=None), plan(), Reason.ALL_PATHS, True),
    "not acknowledged": (sight(acknowledged=False), plan(), Reason.NOT_ACKNOWLEDGED, False),
    "a session that is down": (sight(DOWN), plan(), Reason.SESSION_DOWN, False),
    "a node that has not reported": (sight(None), plan(), Reason.NO_REPORT, None),
    "announced last": (sight(), plan(LAST), Reason.LAST_DRAINING, True),
    "kept by a guard": (sight(), plan(verdict(Reason.HELD_BY_GUARD)), Reason.HELD_BY_GUARD, True),
    "one path only": (sight(ONE_PATH), plan(), Reason.ADD_PATH_NOT_NEGOTIATED, True),
    "an endpoint that is missing": (
        sight(),
        plan(verdict(Reason.NO_ENDPOINT), told=False),
        Reason.NO_ENDPOINT,
        False,
    ),
    "no next hop towards this peer": (
        sight(),
        plan(verdict(Reason.NO_NEXT_HOP, "tor"), told=False),
        Reason.NO_NEXT_HOP,
        False,
    ),
    "a verdict on another peer": (
        sight(),
        plan(verdict(Reason.NO_NEXT_HOP, "other"), told=False),
        Reason.NO_PEER,
        False,
    ),
    "a verdict on another object": (
        sight(),
        plan(verdict(Reason.CONFLICTING, "BGPAdvertisement/all")),
        Reason.ALL_PATHS,
        True,
    ),
    "the gate waits, and the plan would be last": (
        sight(),
        plan(LAST, verdict(Reason.DATAPLANE_NOT_READY), told=False),
        Reason.DATAPLANE_NOT_READY,
        False,
    ),
    "no peer, since its Secret is missing": (
        sight(left_out={"tor": SECRET}),
        plan(NO_PEER, told=False),
        Reason.SECRET_MISSING,
        False,
    ),
    "its Secret is missing, but there is no endpoint either": (
        sight(left_out={"tor": SECRET}),
        plan(verdict(Reason.NO_ENDPOINT), told=False),
        Reason.NO_ENDPOINT,
        False,
    ),
}


@pytest.mark.parametrize(("node", "planned", "reason", "yes"), ROWS.values(), ids=ROWS)
def test_a_node_answers_for_its_peer(
    node: Sight,
    planned: PrefixPlan,
    reason: Reason,
    yes: bool | None,  # noqa: FBT001 - a column of the table
) -> None:
    (answer,) = answers_of(node, planned)

    assert (answer.node, answer.peer, answer.prefix) == ("n1", "tor", str(VIP))
    assert (answer.verdict.reason, answer.yes) == (reason, yes)


def test_a_node_without_peers_answers_once() -> None:
    (answer,) = answers_of(replace(sight(), peers=()), plan(told=False))

    assert (answer.peer, answer.verdict.reason) == ("", Reason.NO_PEER)
    assert answer.verdict.remedy == "create a BGPPeer that selects the node"


def test_a_reason_of_a_newer_version_is_told_as_what_it_is_about() -> None:
    newer = NodeSession(peer="tor", state=SessionState.IDLE, reason="QuantumFlux")
    (answer,) = answers_of(sight(newer), plan())

    assert answer.verdict.reason is Reason.SESSION_DOWN


def test_peers_that_are_left_out_are_known_by_name() -> None:
    assert left_out_of((SECRET, verdict(Reason.NO_CONFIG))) == {"tor": SECRET}


def test_a_remedy_names_the_node_and_never_replaces_one() -> None:
    given = Verdict(reason=Reason.LAST_DRAINING, message="so", remedy="as it says")

    assert with_remedy(LAST, "n1").remedy == "porter undrain n1, or undo what drains it"
    assert with_remedy(given, "n1") is given


def answer(reason: Reason, *, node: str = "n1", yes: bool | None = False) -> Answer:
    return Answer(node=node, peer="tor", prefix=str(VIP), verdict=verdict(reason), yes=yes)


GOOD = answer(Reason.ALL_PATHS, yes=True)
HEADLINES = {
    "all say yes": ([GOOD], True, Reason.ALL_PATHS, "Well"),
    "one is rightly left out": (
        [GOOD, answer(Reason.NODE_EXCLUDED, node="n2")],
        True,
        Reason.ALL_PATHS,
        "Well",
    ),
    "one of two is last": (
        [GOOD, answer(Reason.LAST_DRAINING, yes=True)],
        True,
        Reason.ALL_PATHS,
        "Well",
    ),
    "all are last": (
        [answer(Reason.LAST_DRAINING, yes=True), answer(Reason.LAST_WITHHELD, yes=True)],
        True,
        Reason.LAST_WITHHELD,
        "Wrong",
    ),
    "one session is down": (
        [GOOD, answer(Reason.SESSION_DOWN, node="n2")],
        True,
        Reason.SOME_PATHS,
        "Wrong",
    ),
    "all sessions are down": ([answer(Reason.SESSION_DOWN)], True, Reason.SESSION_DOWN, "Wrong"),
    "a node has not reported": (
        [GOOD, answer(Reason.NO_REPORT, node="n2", yes=None)],
        True,
        Reason.SOME_PATHS,
        "Unknown",
    ),
    "no node has reported": (
        [answer(Reason.NO_REPORT, yes=None)],
        True,
        Reason.NO_REPORT,
        "Unknown",
    ),
    "excluded here, and a session is down there": (
        [answer(Reason.NODE_EXCLUDED), answer(Reason.SESSION_DOWN, node="n2")],
        True,
        Reason.SESSION_DOWN,
        "Wrong",
    ),
    "no endpoint here, others not known": (
        [answer(Reason.NO_LOCAL_ENDPOINT)],
        False,
        Reason.NO_LOCAL_ENDPOINT,
        "Unknown",
    ),
    "no endpoint on any node": (
        [answer(Reason.NO_LOCAL_ENDPOINT), answer(Reason.NO_LOCAL_ENDPOINT, node="n2")],
        True,
        Reason.NO_LOCAL_ENDPOINT,
        "Wrong",
    ),
}


@pytest.mark.parametrize(
    ("answers", "complete", "reason", "state"), HEADLINES.values(), ids=HEADLINES
)
def test_many_verdicts_have_one_headline(
    answers: list[Answer],
    complete: bool,  # noqa: FBT001 - a column of the table
    reason: Reason,
    state: str,
) -> None:
    found = headline("default/web", answers, complete=complete)

    assert (found.verdict.reason, found.state) == (reason, state)


def test_some_paths_name_the_worst_and_count_what_should_be() -> None:
    rows = [GOOD, answer(Reason.SESSION_DOWN, node="n2"), answer(Reason.NODE_EXCLUDED, node="n3")]
    found = headline("default/web", rows, complete=True)

    assert found.verdict.message == (
        "default/web is announced on 1 of 2 paths; Node/n2 to tor: SessionDown: because SessionDown"
    )
