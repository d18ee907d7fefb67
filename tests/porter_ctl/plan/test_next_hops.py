"""`porter_ctl.plan.next_hops` and `routes`: a speaker that tells a path by each node."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porter_bgp.config import SpeakerConfig
from porter_bgp.rib import SELF
from porter_bgp.wire import IPV4_UNICAST
from porter_ctl.plan import Memory, NodeFacts, Reason, Routes, plan_node
from porter_ctl.plan.next_hops import path_ids
from porter_ctl.plan.routes import RouteTable, Said
from tests.porter_ctl.plan.world import (
    AT,
    Cluster,
    advertisement,
    config,
    endpoints,
    node,
    peer,
    prefix,
    service,
    uid_of,
    vip,
)

if TYPE_CHECKING:
    from random import Random

    from porter_bgp.rib import Path
    from porter_ctl.api import Resource
    from porter_ctl.plan import PrefixPlan

    Change = Resource | Memory | str | None

VIP, VIP6 = "192.0.2.10", "2001:db8:ffff::10"
EXCLUDED = {"node.kubernetes.io/exclude-from-external-load-balancers": ""}
GRACEFUL_SHUTDOWN = 0xFFFF0000
HASH_OF_A = 0xCA234C55
SPEAKER = [{"matchLabels": {"speaker": "true"}}]
NODES = {"type": "Nodes", "speakerNodeSelectors": SPEAKER}
BOTH = ["ipv4-unicast", "ipv6-unicast"]
A = node("a", "10.0.0.1", "2001:db8::1", labels={"speaker": "true", "rack": "1"})
B = node("b", "10.0.0.2", "2001:db8::2", labels={"rack": "1"})
C = node("c", "10.0.0.3", "2001:db8::3", labels={"rack": "2"})
SOUND: dict[str, Resource] = {
    "a": A,
    "b": B,
    "c": C,
    "config": config(),
    "peer": peer("tor", "10.0.0.254", families=BOTH, addPath={"mode": "Send"}),
    "advertisement": advertisement("nodes", nextHop=NODES),
    "vip": vip(VIP, "default/web"),
    "service": service("web", VIP),
    "endpoints": endpoints("web", b="ready"),
}
OBJECTS = tuple(SOUND.values())


def plan_of(*others: Resource, **changed: Change) -> PrefixPlan:
    """The plan of the VIP on node a, or on `at`, with these objects changed or added."""
    given_: dict[str, Change] = {**SOUND, **changed}
    at, memory = given_.pop("at", "a"), given_.pop("memory", None)
    assert isinstance(at, str)
    assert memory is None or isinstance(memory, Memory)
    objects = [one for one in given_.values() if one is not None]
    cluster = Cluster(*(one for one in objects if not isinstance(one, str | Memory)), *others)
    return plan_node(cluster, at, memory=memory).prefixes[prefix(VIP)]


def next_hops(paths: tuple[Path, ...]) -> list[tuple[str, bool]]:
    """The next hops in their order, and whether each is the last resort."""
    return [
        (str(one.attributes.next_hop), GRACEFUL_SHUTDOWN in one.attributes.communities)
        for one in paths
    ]


@dataclass(frozen=True)
class Case:
    """What of the objects is another, and what comes of it."""

    hops: str = ""
    reasons: tuple[Reason, ...] = ()
    changed: dict[str, Change] = field(default_factory=dict)


def local(**words: str) -> dict[str, Change]:
    return {
        "service": service("web", VIP, externalTrafficPolicy="Local"),
        "endpoints": endpoints("web", **words),
    }


def withholding(name: str) -> Resource:
    one = {"node": name, "reason": "NetworkUnavailable", "since": AT}
    return config(status={"withheld": [one]})


CUT_OFF = node("a", "10.0.0.1", labels=A.metadata.labels, conditions={"NetworkUnavailable": "True"})
DRAINED = {"porter.network/drain": "true"}
LEAVING = node("a", "10.0.0.1", labels=A.metadata.labels, annotations=DRAINED)
# The hops by the last number of their addresses; those that are the last resort in brackets.
CASES = {
    "every node, whoever has the endpoint": Case("1 2 3"),
    "a node that is gone": Case("1 3", changed={"b": None}),
    "nodes that the advertisement selects": Case(
        "1 2",
        changed={
            "advertisement": advertisement(
                "nodes", nextHop=NODES, nodeSelectors=[{"matchLabels": {"rack": "1"}}]
            )
        },
    ),
    "an excluded node": Case("1 3", changed={"b": node("b", "10.0.0.2", labels=EXCLUDED)}),
    "an excluded node, which the BGPConfig ignores": Case(
        "1 2 3",
        changed={
            "b": node("b", "10.0.0.2", labels=EXCLUDED),
            "config": config(excludeLabel="Ignore"),
        },
    ),
    "the speaker is excluded: it speaks for the others": Case(
        "2 3", changed={"a": node("a", "10.0.0.1", labels={"speaker": "true", **EXCLUDED})}
    ),
    "the speakers are drained": Case(
        "", (Reason.NODE_DRAINED,), {"config": config(adminState="Drained")}
    ),
    "a node without an address of the family": Case(
        "1 3", (Reason.NO_NEXT_HOP,), {"b": node("b", "2001:db8::2")}
    ),
    "nobody can be the next hop": Case(
        "",
        (Reason.NO_NEXT_HOP,),
        {
            "advertisement": advertisement(
                "nodes", nextHop=NODES, nodeSelectors=[{"matchLabels": {"rack": "9"}}]
            )
        },
    ),
    "no endpoint": Case("", (Reason.NO_ENDPOINT,), {"endpoints": None}),
    "only terminating endpoints": Case(
        "(1) (2) (3)", (Reason.LAST_TERMINATING,), {"endpoints": endpoints("web", b="serving")}
    ),
    "a draining node comes last": Case("2 3 (1)", changed={"a": LEAVING}),
    "a withheld node comes last": Case(
        "2 3 (1)", changed={"a": CUT_OFF, "config": withholding("a")}
    ),
    "a node on the list that is well": Case("1 2 3", changed={"config": withholding("b")}),
    "all nodes leave": Case(
        "(1) (2) (3)",
        (Reason.LAST_DRAINING,),
        {
            name: node(name, f"10.0.0.{n}", labels={"speaker": "true"}, annotations=DRAINED)
            for n, name in enumerate("abc", 1)
        },
    ),
    "Local: the nodes with endpoints": Case("2 3", changed=local(b="ready", c="ready ready")),
    "Local: one of them terminates": Case("3 (2)", changed=local(b="serving", c="ready")),
    "Local: all of them terminate": Case(
        "(2) (3)", (Reason.LAST_TERMINATING,), local(b="serving", c="serving")
    ),
    "Local: none is ready": Case("", (Reason.NO_LOCAL_ENDPOINT,), local(b="other")),
    "Local: on a node that does not exist": Case("", (Reason.NO_LOCAL_ENDPOINT,), local(z="ready")),
    "a router that takes few paths": Case(
        "1 2",
        (Reason.PATH_LIMIT,),
        {"peer": peer("tor", "10.0.0.254", addPath={"mode": "Send", "maxPaths": 2})},
    ),
    "a router that takes few paths is not told the last resort": Case(
        "2 3",
        (Reason.PATH_LIMIT,),
        {
            "peer": peer("tor", "10.0.0.254", addPath={"mode": "Send", "maxPaths": 2}),
            "a": CUT_OFF,
            "config": withholding("a"),
        },
    ),
    "a router that takes one path": Case("1", changed={"peer": peer("tor", "10.0.0.254")}),
    "all of the family are for another peer": Case(
        "",
        (Reason.NO_PEER,),
        {"advertisement": advertisement("nodes", nextHop=NODES, peers=["core"])},
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_speaker_tells_of_the_nodes_that_can_take_traffic(case: Case) -> None:
    plan = plan_of(**case.changed)

    found = [
        f"({hop[-1]})" if last else hop[-1] for hop, last in next_hops(plan.paths.get("tor", ()))
    ]
    assert " ".join(found) == case.hops
    assert tuple(one.reason for one in plan.verdicts) == case.reasons


def test_a_node_that_does_not_speak_says_nothing_of_it() -> None:
    plan = plan_of(at="b")

    assert plan.paths == {}
    assert [one.reason for one in plan.verdicts] == [Reason.NODE_NOT_SELECTED]


def test_a_path_is_known_by_the_address_of_its_node() -> None:
    plan = plan_of()

    assert [one.path_id for one in plan.paths["tor"]] == [0x0A000001, 0x0A000002, 0x0A000003]
    assert len({one.attributes.prepend for one in plan.paths["tor"]}) == 1


def test_ipv6_prefixes_have_ipv6_next_hops_and_the_same_path_identifiers() -> None:
    cluster = Cluster(
        *SOUND.values(),
        vip(VIP6, "default/six"),
        service("six", VIP6),
        endpoints("six", "IPv6", a="ready"),
    )

    paths = plan_node(cluster, "a").prefixes[prefix(VIP6)].paths["tor"]

    assert [(one.path_id, str(one.attributes.next_hop)) for one in paths] == [
        (0x0A000001, "2001:db8::1"),
        (0x0A000002, "2001:db8::2"),
        (0x0A000003, "2001:db8::3"),
    ]


def test_only_what_speaks_of_nodes_follows_nodes() -> None:
    cluster = Cluster(*OBJECTS)

    speaker, other = (plan_node(cluster, name).context for name in "ab")

    assert (speaker.follows_nodes, other.follows_nodes) == (True, False)
    assert (speaker.needs_add_path("tor"), speaker.needs_add_path("core")) == (True, False)
    assert not other.needs_add_path("tor")


def test_another_node_changes_the_context_of_who_tells_of_it_and_of_nobody_else() -> None:
    before = Cluster(*OBJECTS)
    after = Cluster(*OBJECTS, node("x", "10.0.0.9"))

    changed = {
        name: plan_node(before, name).context != plan_node(after, name).context for name in "ab"
    }

    assert changed == {"a": True, "b": False}


def test_what_has_to_serve_does_not_include_the_health_of_endpoints_elsewhere() -> None:
    one = service("web", VIP, externalTrafficPolicy="Local", healthCheckNodePort=30001)

    serving = plan_of(service=one).serving

    assert serving is not None
    assert (serving.tcp_port, serving.health_check_port) == (80, None)


def test_local_routes_without_endpoints_stay_where_that_is_asked_for() -> None:
    keep = advertisement("nodes", nextHop=NODES, endpoints={"whenNone": "Keep"})
    told = Memory(announced={prefix(VIP): frozenset({uid_of("default/web")})})

    kept = plan_of(memory=told, advertisement=keep, **local())
    moved = plan_of(memory=told, advertisement=keep, **local(c="ready"))

    assert [hop[-1] for hop, _ in next_hops(kept.paths["tor"])] == ["1", "2", "3"]
    assert [hop[-1] for hop, _ in next_hops(moved.paths["tor"])] == ["3"]


def test_local_endpoints_that_are_not_ready_are_told_from_none() -> None:
    assert plan_of(**local(b="other")).unready
    assert not plan_of(**local(z="other")).unready
    assert not plan_of(**local()).unready


def test_several_advertisements_of_nodes_add_up_node_by_node() -> None:
    racks = [
        advertisement(
            f"rack-{n}",
            age=n,
            nextHop=NODES,
            nodeSelectors=[{"matchLabels": {"rack": str(n)}}],
            communities={"standard": [f"65001:{n}"]},
        )
        for n in (1, 2)
    ]
    everyone = advertisement("all", age=3, nextHop=NODES, communities={"standard": ["65001:9"]})

    plan = plan_of(*racks, advertisement=everyone)

    found = [[c & 0xFFFF for c in one.attributes.communities] for one in plan.paths["tor"]]
    assert found == [[1, 9], [1, 9], [2, 9]]
    assert plan.verdicts == ()


@pytest.mark.parametrize(
    ("older", "younger", "hops"),
    [
        ("Self", "Nodes", [SELF]),
        ("Nodes", "Self", [ip_address(f"10.0.0.{n}") for n in (1, 2, 3)]),
    ],
)
def test_of_self_and_nodes_to_one_peer_the_older_counts(
    older: str, younger: str, hops: list[object]
) -> None:
    first = advertisement("first", age=1, nextHop={"type": older})
    second = advertisement(
        "second", age=2, nextHop={"type": younger}, communities={"standard": ["65001:2"]}
    )

    plan = plan_of(second, advertisement=first)

    assert [one.attributes.next_hop for one in plan.paths["tor"]] == hops
    assert {one.attributes.communities for one in plan.paths["tor"]} == {()}
    (verdict,) = plan.verdicts
    assert (verdict.reason, verdict.subject) == (Reason.CONFLICTING, "BGPAdvertisement/second")
    assert verdict.message == (
        f"spec.nextHop.type: {younger} is not the {older} of the older BGPAdvertisement/first, "
        "which counts where both apply"
    )


def test_self_and_nodes_to_different_peers_are_well() -> None:
    own = advertisement("own", age=1, peers=["core"])
    of_nodes = advertisement("nodes", age=2, peers=["tor"], nextHop=NODES)

    plan = plan_of(peer("core", "10.0.0.253"), own, advertisement=of_nodes)

    assert {name: len(paths) for name, paths in plan.paths.items()} == {"tor": 3, "core": 1}
    assert plan.verdicts == ()


def test_a_speaker_about_to_leave_is_the_last_resort_as_next_hop_only() -> None:
    own = advertisement("own", age=1, peers=["core"])
    of_nodes = advertisement("nodes", age=2, peers=["tor"], nextHop=NODES)

    plan = plan_of(peer("core", "10.0.0.253"), own, advertisement=of_nodes, a=LEAVING)

    assert next_hops(plan.paths["core"]) == [(str(SELF), True)]
    assert next_hops(plan.paths["tor"]) == [
        ("10.0.0.2", False),
        ("10.0.0.3", False),
        ("10.0.0.1", True),
    ]
    assert [one.reason for one in plan.verdicts] == [Reason.LAST_DRAINING]


def test_of_combinations_without_end_only_so_many_are_remembered() -> None:
    rules = plan_node(Cluster(*OBJECTS), "a").context.rules
    table = RouteTable(rules, {}, SpeakerConfig(), {})

    def routes(nth: int) -> Routes:
        return table.routes(frozenset({Said(0, last=False, hops=((nth, False),))}), IPV4_UNICAST)

    first = routes(0)
    again = routes(0)
    for nth in range(5000):
        routes(nth)
    later = routes(0)

    assert again is first
    assert later == first
    assert later is not first


# Path identifiers


def facts(name: str, *addresses: str) -> NodeFacts:
    return NodeFacts(name=name, addresses=tuple(map(ip_address, addresses)))


@pytest.mark.parametrize(
    ("nodes", "ids"),
    [
        ([facts("a", "10.0.0.1"), facts("b", "10.0.0.2")], {"a": 0x0A000001, "b": 0x0A000002}),
        ([facts("a", "2001:db8::1", "10.0.0.1")], {"a": 0x0A000001}),
        ([facts("a", "2001:db8::1")], {"a": HASH_OF_A}),
        ([facts("a", "0.0.0.0")], {"a": HASH_OF_A}),  # noqa: S104 - not bound to
        ([facts("a")], {"a": HASH_OF_A}),
        ([facts("b", "10.0.0.1"), facts("a", "10.0.0.1")], {"a": 0x0A000001, "b": 0x0A000002}),
        (
            [facts("b", "10.0.0.1"), facts("a", "10.0.0.1"), facts("c", "10.0.0.2")],
            {"a": 0x0A000001, "c": 0x0A000002, "b": 0x0A000003},
        ),
        (
            [facts("a"), facts("b", str(ip_address(HASH_OF_A)))],
            {"b": HASH_OF_A, "a": HASH_OF_A + 1},
        ),
        (
            [facts("a", "255.255.255.255"), facts("b", "255.255.255.255")],
            {"a": 0xFFFFFFFF, "b": 1},
        ),
        ([], {}),
    ],
    ids=[
        "the IPv4 address as a number",
        "whatever else it has",
        "without one, of the name",
        "an address that is none",
        "without any",
        "one address on two nodes",
        "who comes too late takes nobody else's",
        "a made up one yields to an address",
        "0 is left out",
        "no nodes",
    ],
)
def test_path_identifiers(nodes: list[NodeFacts], ids: dict[str, int]) -> None:
    assert path_ids(nodes) == ids


@given(
    st.dictionaries(
        st.text("abc", min_size=1, max_size=3),
        st.lists(st.sampled_from(["10.0.0.1", "10.0.0.2", "10.0.0.3", "::1"]), max_size=2),
        max_size=12,
    ),
    st.randoms(),
)
def test_whatever_the_nodes_each_has_one_of_its_own_in_any_order(
    given_: dict[str, list[str]], random: Random
) -> None:
    nodes = [facts(name, *addresses) for name, addresses in given_.items()]
    shuffled = random.sample(nodes, len(nodes))

    found = path_ids(nodes)

    assert found == path_ids(shuffled)
    assert found.keys() == given_.keys()
    assert len(set(found.values())) == len(nodes)
    assert 0 not in found.values()
