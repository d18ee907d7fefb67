"""`porter_ctl.plan.status` and `node_status`: what each object says of itself."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, ip_address

import msgspec
import pytest

from porter_bgp.fsm import State
from porter_bgp.view import DownView, FamilyView, PeerView, SpeakerView
from porter_bgp.wire import IPV4_UNICAST
from porter_ctl.api import VIP, BGPNode, Condition, Fault, NodeException, NodeSession, SessionState
from porter_ctl.plan import (
    LAST_HOLDER,
    ConfigSnapshot,
    Context,
    NodeFacts,
    NodeReport,
    PrefixPlan,
    Reason,
    Verdict,
    bgp_advertisement_status,
    bgp_config_status,
    bgp_node_status,
    bgp_peer_status,
    compile_context,
    exception_of,
    foremost,
    merged,
    node_sessions,
    vip_pool_status,
    vip_status,
)
from tests.porter_ctl.plan.world import (
    AT,
    Cluster,
    advertisement,
    config,
    make,
    node,
    peer,
    pool,
    prefix,
    service,
    vip,
)

LATER = "2026-01-02T00:00:00Z"
FAULT = Fault(
    path="spec.addresses[0]",
    value="x",
    message="'x' is not an IP address",
    remedy="write one",
)


def said(conditions: tuple[Condition, ...]) -> dict[str, tuple[str, str]]:
    return {one.type: (one.status.value, one.reason) for one in conditions}


def test_a_pool_says_how_full_it_is() -> None:
    lab = pool("lab", "192.0.2.10-192.0.2.19", "2001:db8::/64", exclude=["192.0.2.19"])
    cluster = Cluster(lab, service("web"), service("api"), vip("203.0.113.1", "default/x"))
    cluster.allocate("default/web", "default/api")

    status = vip_pool_status(lab, (), cluster.ledger(), AT)

    assert status.usage == "2/9, 0/2^64"
    assert said(status.conditions) == {
        "Accepted": ("True", "Accepted"),
        "NoOverlap": ("True", "Accepted"),
    }
    assert status.accepted == lab.spec


def test_a_pool_that_overlaps_an_older_one_says_with_which() -> None:
    younger = pool("younger", "192.0.2.15-192.0.2.30", age=2)
    cluster = Cluster(pool("older", "192.0.2.10-192.0.2.19", age=1), younger)

    status = vip_pool_status(younger, (), cluster.ledger(), AT)

    assert said(status.conditions)["NoOverlap"] == ("False", "Overlap")
    assert status.conditions[1].message == (
        "spec.addresses: 192.0.2.15-192.0.2.19 belongs to the older VIPPool/older; this pool gives "
        "nothing of it; take it out of one of the two pools"
    )


def test_a_pool_over_a_node_says_which() -> None:
    lab = pool("lab", "192.0.2.10")
    cluster = Cluster(lab, node("a", "192.0.2.10"))

    status = vip_pool_status(lab, (), cluster.ledger(), AT)

    assert said(status.conditions)["NoOverlap"] == ("False", "Conflicting")
    assert "192.0.2.10 is the address of Node/a" in status.conditions[1].message


def test_a_faulty_spec_is_told_with_path_and_remedy_and_the_accepted_one_kept() -> None:
    good = pool("lab", "192.0.2.10")
    standing = msgspec.structs.replace(
        good, status=msgspec.structs.replace(good.status, accepted=good.spec)
    )

    status = vip_pool_status(standing, (FAULT,), Cluster(standing).ledger(), AT)

    assert status.accepted == good.spec
    assert said(status.conditions)["Accepted"] == ("False", "Invalid")
    assert status.conditions[0].message == (
        "spec.addresses[0]: 'x' is not an IP address; write one. "
        "the last accepted spec stays in use"
    )


def test_many_faults_are_told_in_part() -> None:
    quarantined = msgspec.structs.replace(config(), spec=None)

    status = bgp_config_status(quarantined, (FAULT,) * 10, (), AT)

    message = status.conditions[0].message
    assert message.count("spec.addresses[0]") == 8
    assert message.endswith("and 2 more. nothing of it is in use")
    assert status.accepted is None


def test_a_config_in_use_says_so() -> None:
    status = bgp_config_status(config(), (), (), AT)

    assert said(status.conditions) == {"Accepted": ("True", "Accepted")}
    assert status.accepted == config().spec


def test_the_default_config_lists_the_withheld_nodes() -> None:
    nodes = [node("a", conditions={"NetworkUnavailable": "True"}), node("b")]

    first = bgp_config_status(config(), (), nodes, AT)
    standing = msgspec.structs.replace(config(), status=first)

    assert [(one.node, one.reason, one.since) for one in first.withheld] == [
        ("a", "NetworkUnavailable", AT)
    ]
    assert bgp_config_status(standing, (), nodes, LATER) == first
    assert bgp_config_status(config("other"), (), nodes, AT).withheld == ()


@pytest.mark.parametrize(
    ("one", "holder", "assigned", "in_pool"),
    [
        (vip("192.0.2.10", "default/web"), "default/web", "Allocated", "True"),
        (
            vip("192.0.2.10", "default/web", "default/dns", "default/x"),
            "default/web (+2)",
            "Allocated",
            "True",
        ),
        (
            vip("192.0.2.10", releasedAt=AT, annotations={LAST_HOLDER: "default/web"}),
            "",
            "AddressResting",
            "True",
        ),
        (vip("192.0.2.10"), "", "NotAllocated", "True"),
        (vip("203.0.113.1", "default/web"), "default/web", "Allocated", "False"),
    ],
    ids=["held", "shared", "resting", "reserved", "outside every pool"],
)
def test_a_vip_says_who_has_it(one: VIP, holder: str, assigned: str, in_pool: str) -> None:
    pools = Cluster(pool("lab", "192.0.2.10")).ledger().pools

    status = vip_status(one, pools, AT)

    assert status.holder == holder
    assert said(status.conditions)["Assigned"][1] == assigned
    assert said(status.conditions)["InPool"][0] == in_pool


def test_a_faulty_vip_says_so_until_it_is_well_and_its_holder_stands() -> None:
    held = vip("192.0.2.10", "default/web")
    held = msgspec.structs.replace(held, status=vip_status(held, {}, AT))
    faulty = msgspec.structs.replace(held, spec=None)

    told = vip_status(faulty, {}, AT, (FAULT,))
    well = vip_status(msgspec.structs.replace(held, status=told), {}, LATER)

    assert "Accepted" not in said(held.status.conditions)
    assert said(told.conditions)["Accepted"] == ("False", "Invalid")
    assert told.conditions[-1].message.endswith(
        "who has the address keeps it, and nobody else gets it"
    )
    assert told.holder == "default/web"
    assert said(well.conditions)["Accepted"] == ("True", "Accepted")


def test_an_advertisement_that_yields_says_to_which() -> None:
    mine = Verdict(
        reason=Reason.CONFLICTING, message="spec.med", subject="BGPAdvertisement/younger"
    )
    other = Verdict(reason=Reason.CONFLICTING, message="x", subject="BGPAdvertisement/another")

    status = bgp_advertisement_status(advertisement("younger"), (), (mine, other, mine), AT)

    assert said(status.conditions)["NoConflict"] == ("False", "Conflicting")
    assert status.conditions[1].message == "spec.med"


def reporting(name: str, *sessions: NodeSession) -> BGPNode:
    bare = make(BGPNode, name)
    return msgspec.structs.replace(
        bare, status=msgspec.structs.replace(bare.status, sessions=sessions)
    )


UP = NodeSession(peer="tor", state=SessionState.ESTABLISHED)
OTHER = NodeSession(peer="core", state=SessionState.ESTABLISHED)


def down(reason: Reason, message: str = "why") -> NodeSession:
    return NodeSession(peer="tor", reason=reason, message=message)


@pytest.mark.parametrize(
    ("nodes", "sessions", "reason", "established"),
    [
        ((), "0/0", "", ("False", "NodeNotSelected")),
        ((reporting("a", UP, OTHER), reporting("b", UP)), "2/2", "", ("True", "AllPaths")),
        (
            (reporting("a", UP), reporting("b", down(Reason.SECRET_MISSING))),
            "1/2",
            "SecretMissing",
            ("False", "SecretMissing"),
        ),
        (
            (
                reporting("a", down(Reason.SESSION_DOWN)),
                reporting("b", down(Reason.SESSION_DOWN)),
                reporting("c", down(Reason.CONFLICTING)),
            ),
            "0/3",
            "SessionDown",
            ("False", "SessionDown"),
        ),
    ],
    ids=["selected nowhere", "all up", "one down", "the most frequent reason"],
)
def test_a_peer_says_on_how_many_nodes_it_is_up(
    nodes: tuple[BGPNode, ...], sessions: str, reason: str, established: tuple[str, str]
) -> None:
    status = bgp_peer_status(peer("tor", "10.0.0.254"), (), nodes, AT)

    assert (status.sessions, status.reason) == (sessions, reason)
    assert said(status.conditions)["Established"] == established


@pytest.mark.parametrize(
    ("reports", "sessions", "reason", "established"),
    [
        ({"a": UP, "dead": UP}, "1/2", "NoReport", ("Unknown", "NoReport")),
        ({"a": UP, "dead": down(Reason.SESSION_DOWN)}, "1/2", "NoReport", ("Unknown", "NoReport")),
        (
            {"a": down(Reason.SECRET_MISSING), "b": down(Reason.SECRET_MISSING), "dead": UP},
            "0/3",
            "SecretMissing",
            ("False", "SecretMissing"),
        ),
    ],
    ids=["up as far as is known", "what a dead node said", "down where it is known"],
)
def test_a_peer_is_up_only_where_somebody_lives_to_say_so(
    reports: dict[str, NodeSession], sessions: str, reason: str, established: tuple[str, str]
) -> None:
    nodes = [reporting(name, session) for name, session in reports.items()]

    status = bgp_peer_status(peer("tor", "10.0.0.254"), (), nodes, AT, {"a", "b"}.__contains__)

    assert (status.sessions, status.reason) == (sessions, reason)
    assert said(status.conditions)["Established"] == established


def test_a_reason_of_a_newer_version_is_a_session_that_is_down() -> None:
    nodes = (reporting("a", NodeSession(peer="tor", reason="MoonInTheWay", message="so it is")),)

    status = bgp_peer_status(peer("tor", "10.0.0.254"), (), nodes, AT)

    assert said(status.conditions)["Established"] == ("False", "SessionDown")
    assert status.reason == "MoonInTheWay"


def test_a_peer_that_yields_to_an_older_one_says_so() -> None:
    nodes = (reporting("a", down(Reason.CONFLICTING, "BGPPeer/older has it")),)

    status = bgp_peer_status(peer("tor", "10.0.0.254"), (), nodes, AT)

    assert said(status.conditions)["NoConflict"] == ("False", "Conflicting")
    assert status.conditions[1].message == "on Node/a: BGPPeer/older has it"


SINGLE = NodeSession(
    peer="tor",
    state=SessionState.ESTABLISHED,
    reason=Reason.ADD_PATH_NOT_NEGOTIATED,
    message="it takes one path",
)
SEND = {"addPath": {"mode": "Send"}}


@pytest.mark.parametrize(
    ("spec", "session", "expected", "reason"),
    [
        ({}, UP, None, ""),
        (SEND, UP, ("True", "Accepted"), ""),
        (SEND, SINGLE, ("False", "AddPathNotNegotiated"), "AddPathNotNegotiated"),
        ({}, SINGLE, ("False", "AddPathNotNegotiated"), "AddPathNotNegotiated"),
    ],
    ids=["one path is all it is told", "negotiated", "refused by the router", "not offered"],
)
def test_a_peer_that_is_told_several_paths_and_takes_one_says_so(
    spec: dict[str, object], session: NodeSession, expected: tuple[str, str] | None, reason: str
) -> None:
    status = bgp_peer_status(
        peer("tor", "10.0.0.254", age=0, **spec), (), (reporting("a", session),), AT
    )

    assert said(status.conditions).get("AddPath") == expected
    assert (status.sessions, status.reason) == ("1/1", reason)
    assert reason == "" or "on 1 of 1 nodes, such as a: it takes" in status.conditions[-1].message


def peer_view(name: str, state: State, *, failure: str = "") -> PeerView:
    return PeerView(
        name=name,
        remote=ip_address("10.0.0.254"),
        port=179,
        local=None,
        state=state,
        established_at=1.0 if state is State.ESTABLISHED else None,
        peer_asn=65000,
        peer_id=None,
        hold_time=90,
        families={},
        last_down=DownView(reason="X", text=failure, at=1.0) if failure else None,
        flaps=0,
    )


def view(*peers: PeerView) -> SpeakerView:
    return SpeakerView(
        now=2.0,
        peers={one.name: one for one in peers},
        prefixes=0,
        listening=(),
        listen_error=None,
    )


def context() -> Context:
    cluster = Cluster(
        config(),
        peer("tor", "10.0.0.254", age=1),
        peer("core", "10.0.0.253", age=1),
        peer("spare", "10.0.0.252", age=1),
        peer("copy", "10.0.0.254", age=2),
    )
    facts = NodeFacts(name="a", addresses=(IPv4Address("10.0.0.1"),))
    return compile_context(ConfigSnapshot.of(cluster, "kube-system"), facts)


def test_a_node_says_in_a_line_how_it_stands() -> None:
    seen = view(
        peer_view("tor", State.ESTABLISHED),
        peer_view("core", State.ACTIVE, failure="connection refused"),
    )
    report = NodeReport(
        context=context(), view=seen, desired=312, announced=311, pod_uid="p", incarnation="i"
    )

    status = bgp_node_status(make(BGPNode, "a"), report, AT)

    assert status.summary == "1/4 peers, 311/312 VIPs"
    assert (status.pod_uid, status.incarnation) == ("p", "i")
    assert [(one.peer, one.state, one.reason) for one in status.sessions] == [
        ("copy", SessionState.IDLE, "Conflicting"),
        ("core", SessionState.ACTIVE, "SessionDown"),
        ("spare", SessionState.IDLE, "SessionDown"),
        ("tor", SessionState.ESTABLISHED, ""),
    ]
    assert status.sessions[1].message == "connection refused"
    assert said(status.conditions) == {
        "Announcing": ("True", "Accepted"),
        "DataplaneVerified": ("True", "Accepted"),
    }


def test_a_node_without_a_config_and_without_kube_proxy_says_so() -> None:
    bare = compile_context(ConfigSnapshot(), NodeFacts(name="a"))
    report = NodeReport(
        context=bare, view=view(), desired=0, announced=0, dataplane_unverified=True
    )

    status = bgp_node_status(make(BGPNode, "a"), report, AT)

    assert said(status.conditions) == {
        "Announcing": ("False", "NoConfig"),
        "DataplaneVerified": ("False", "DataplaneUnverified"),
    }


@pytest.mark.parametrize(
    ("spec", "negotiated", "reason"),
    [
        ({"type": "Nodes"}, False, "AddPathNotNegotiated"),
        ({"type": "Nodes"}, True, ""),
        ({"type": "Self"}, False, ""),
    ],
    ids=["one path where several are told", "negotiated", "one path is all there is"],
)
def test_a_session_without_add_path_says_so_where_it_is_needed(
    spec: dict[str, str], *, negotiated: bool, reason: str
) -> None:
    cluster = Cluster(
        config(),
        peer("tor", "10.0.0.254"),
        advertisement("all", nextHop=spec),
        node("a", "10.0.0.1"),
        node("b", "10.0.0.2"),
    )
    facts = NodeFacts.of("a", cluster.nodes["a"])
    speaker = compile_context(ConfigSnapshot.of(cluster, "kube-system"), facts)
    family = FamilyView(
        wanted=0,
        advertised=0,
        pending=0,
        received=0,
        over_limit=False,
        end_of_rib_sent=True,
        end_of_rib_received=True,
        add_path=negotiated,
    )
    seen = replace(peer_view("tor", State.ESTABLISHED), families={IPV4_UNICAST: family})

    (session,) = node_sessions(speaker, view(seen))

    assert (session.state, session.reason) == (SessionState.ESTABLISHED, reason)
    assert ("BGPPeer/tor to Send" in session.message) == (reason != "")


def test_a_node_that_is_the_last_resort_says_so_and_announces() -> None:
    leaving = NodeFacts(name="a", annotations={"porter.network/drain": "true"})
    last = compile_context(ConfigSnapshot(configs=(config(),)), leaving)
    report = NodeReport(context=last, view=view(), desired=0, announced=0)

    status = bgp_node_status(make(BGPNode, "a"), report, AT)

    assert said(status.conditions)["Announcing"] == ("True", "LastDraining")


@pytest.mark.parametrize(
    ("trouble", "expected"),
    [("", None), ("the Lease is held by 'x'; delete it", ("False", "LeaseUnusable"))],
)
def test_a_lease_that_nobody_can_have_is_told_of(
    trouble: str, expected: tuple[str, str] | None
) -> None:
    report = NodeReport(
        context=context(), view=view(), desired=0, announced=0, lease_trouble=trouble
    )

    status = bgp_node_status(make(BGPNode, "a"), report, AT)

    assert said(status.conditions).get("LeaseUsable") == expected


def test_only_so_many_exceptions_fit() -> None:
    many = tuple(
        NodeException(prefix=f"192.0.2.{n}/32", reason="DataplaneNotReady") for n in range(70)
    )
    report = NodeReport(context=context(), view=view(), desired=70, announced=0, exceptions=many)

    status = bgp_node_status(make(BGPNode, "a"), report, AT)

    assert (len(status.exceptions), status.exceptions_omitted) == (64, 6)


@pytest.mark.parametrize(
    ("reasons", "reported"),
    [
        ((), None),
        ((Reason.NO_LOCAL_ENDPOINT,), None),
        ((Reason.DATAPLANE_NOT_READY,), "DataplaneNotReady"),
        ((Reason.NO_NEXT_HOP, Reason.LAST_TERMINATING), "LastTerminating"),
        ((Reason.LAST_WITHHELD, Reason.LAST_DRAINING, Reason.PATH_LIMIT), None),
    ],
)
def test_an_exception_is_what_one_would_not_expect(
    reasons: tuple[Reason, ...], reported: str | None
) -> None:
    verdicts = tuple(Verdict(reason=reason, message="m") for reason in reasons)

    found = exception_of(PrefixPlan(prefix=prefix("192.0.2.10"), verdicts=verdicts))

    assert (found.reason if found else None) == reported


@pytest.mark.parametrize(("subject", "told"), [("tor", "tor"), ("Node/b", "")])
def test_an_exception_names_the_peer_it_is_about(subject: str, told: str) -> None:
    verdict = Verdict(reason=Reason.NO_NEXT_HOP, message="m", subject=subject)

    found = exception_of(PrefixPlan(prefix=prefix("192.0.2.10"), verdicts=(verdict,)))

    assert found is not None
    assert found.peer == told


def test_the_foremost_verdict_is_the_first_in_the_order_of_the_rules() -> None:
    late = Verdict(reason=Reason.NO_PEER, message="")
    early = Verdict(reason=Reason.STATUS_PENDING, message="")

    assert foremost((late, early)) == early
    assert foremost(()) is None


def test_the_time_of_a_condition_is_that_of_its_last_change_of_status() -> None:
    first = bgp_config_status(config(), (), (), AT)
    standing = msgspec.structs.replace(config(), status=first)

    same = bgp_config_status(standing, (), (), LATER)
    worse = bgp_config_status(standing, (FAULT,), (), LATER)

    assert same == first
    assert worse.conditions[0].last_transition_time == LATER


def test_conditions_that_are_no_more_go_and_those_of_others_stay() -> None:
    before = (
        msgspec.convert({"type": "ours/A", "status": "True"}, Condition),
        msgspec.convert({"type": "theirs/B", "status": "True"}, Condition),
    )

    assert merged(before, (), at=AT, ours="ours/") == before[1:]
