"""`porter_ctl.plan.peers`: which sessions a node has, and why not the others."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING

import pytest

from porter_bgp.config import Connection, ListenConfig, PeerType
from porter_bgp.wire import IPV4_UNICAST, IPV6_UNICAST
from porter_ctl.api import Secret
from porter_ctl.plan import NodeFacts, Reason, Speaking, resolve_peers
from porter_ctl.plan.inputs import ConfigSnapshot
from tests.porter_ctl.plan.world import Cluster, config, make, peer

if TYPE_CHECKING:
    from porter_ctl.api import Resource

ALL_IPV4 = "0.0.0.0"  # noqa: S104 - compared with, not bound to
FACTS = NodeFacts(
    name="a",
    labels={"rack": "1"},
    addresses=(ip_address("2001:db8::a"), ip_address("10.0.0.1")),
)
HERE = [{"matchExpressions": [{"key": "rack", "operator": "In", "values": ["1", "3"]}]}]
THERE = [{"matchLabels": {"rack": "2"}}]
AUTH = {"secretRef": {"name": "bgp"}}


def speaking(*objects: Resource, facts: NodeFacts = FACTS) -> Speaking:
    return resolve_peers(ConfigSnapshot.of(Cluster(*objects), "kube-system"), facts)


def secret(password: bytes, namespace: str = "kube-system") -> Secret:
    bare = make(Secret, f"{namespace}/bgp")
    return Secret(metadata=bare.metadata, data={"password": password})


def test_a_peer_gets_what_its_spec_says() -> None:
    one = peer(
        "tor",
        "10.0.0.254",
        port=1179,
        source={"address": "10.0.0.1"},
        connection="Passive",
        timers={"holdSeconds": 30, "connectSeconds": 2},
        multihop={"ttl": 4},
        families=["ipv4-unicast", "ipv6-unicast"],
        localASN=64999,
        nextHop={"ipv6": "2001:db8::9"},
        maxPrefixes={"limit": 7},
        shutdownMessage="maintenance",
        adminState="Down",
    )

    found = speaking(config(), one).peers["tor"]

    session, tcp = found.session, found.tcp
    assert (session.local_asn, session.local_as, session.peer_asn) == (64512, 64999, 65000)
    assert session.families == (IPV4_UNICAST, IPV6_UNICAST)
    assert (session.hold_time, session.keepalive_time) == (30, None)
    assert (session.connection, session.admin_up) == (Connection.PASSIVE, False)
    assert session.shutdown_message == "maintenance"
    assert (tcp.remote, tcp.port, tcp.source) == (
        IPv4Address("10.0.0.254"),
        1179,
        IPv4Address("10.0.0.1"),
    )
    assert (tcp.connect_timeout, tcp.ttl, tcp.gtsm_hops) == (2, 4, None)
    assert (found.next_hop_ipv4, found.next_hop_ipv6) == (None, IPv6Address("2001:db8::9"))
    assert found.max_prefixes.limit == 7


def test_defaults_are_the_peer_address_own_family_and_no_loopback() -> None:
    session = speaking(config(), peer("six", "2001:db8::1")).peers["six"].session

    assert session.families == (IPV6_UNICAST,)
    assert session.loopback is False


def test_a_peer_on_loopback_may_have_loopback_next_hops() -> None:
    assert speaking(config(), peer("lab", "127.0.0.1")).peers["lab"].session.loopback is True


@pytest.mark.parametrize(
    ("spec", "send", "limits"),
    [
        ({}, None, {"tor": 1}),
        ({"addPath": {"mode": "None"}}, None, {"tor": 1}),
        ({"addPath": {"mode": "Send"}}, {IPV4_UNICAST}, {}),
        ({"addPath": {"mode": "Send", "maxPaths": 8}}, {IPV4_UNICAST}, {"tor": 8}),
        (
            {"addPath": {"mode": "Send"}, "families": ["ipv4-unicast", "ipv6-unicast"]},
            {IPV4_UNICAST, IPV6_UNICAST},
            {},
        ),
    ],
)
def test_several_paths_are_offered_where_that_is_asked_for(
    spec: dict[str, object], send: set[object] | None, limits: dict[str, int]
) -> None:
    found = speaking(config(), peer("tor", "10.0.0.254", age=0, **spec))

    offered = found.peers["tor"].session.add_path
    assert (offered.send if offered is not None else None) == send
    assert offered is None or not offered.receive
    assert found.max_paths == limits


@pytest.mark.parametrize(("mode", "seconds"), [("Enabled", 30), ("Disabled", None)])
def test_graceful_restart_is_offered_as_configured(mode: str, seconds: int | None) -> None:
    restart = {"mode": mode, "restartSeconds": 30}

    found = speaking(config(gracefulRestart=restart), peer("tor", "10.0.0.254"))

    offered = found.peers["tor"].session.graceful_restart
    assert (offered.restart_time if offered is not None else None) == seconds


def test_a_peer_type_stands_for_any_number_of_that_kind() -> None:
    one = peer("tor", "10.0.0.254", asn=None, peerType="External")

    session = speaking(config(), one).peers["tor"].session

    assert (session.peer_asn, session.peer_type) == (None, PeerType.EXTERNAL)


@pytest.mark.parametrize(
    ("spec", "addresses", "identifier"),
    [
        ({"routerID": "192.0.2.7"}, ("10.0.0.1",), "192.0.2.7"),
        ({}, ("2001:db8::a", "10.0.0.1"), "10.0.0.1"),
        ({}, ("2001:db8::a",), "202.35.76.85"),
    ],
    ids=["configured", "the IPv4 InternalIP", "made of the node's name"],
)
def test_the_router_id(spec: dict[str, str], addresses: tuple[str, ...], identifier: str) -> None:
    facts = NodeFacts(name="a", addresses=tuple(map(ip_address, addresses)))

    found = speaking(config(**spec), peer("tor", "10.0.0.254"), facts=facts)

    assert str(found.peers["tor"].session.router_id) == identifier


def test_of_the_configs_that_select_a_node_the_highest_priority_counts() -> None:
    found = speaking(
        config(asn=1),
        config("low", asn=2, nodeSelectors=HERE),
        config("high", asn=3, nodeSelectors=HERE, priority=5),
        config("elsewhere", asn=4, nodeSelectors=THERE, priority=9),
        peer("tor", "10.0.0.254"),
    )

    assert found.peers["tor"].session.local_asn == 3


def test_default_is_for_those_that_no_other_selects() -> None:
    found = speaking(
        config(asn=1, priority=100),
        config("mine", asn=2, nodeSelectors=HERE),
        peer("tor", "10.0.0.254"),
    )

    assert found.peers["tor"].session.local_asn == 2


def test_without_a_config_there_are_no_sessions() -> None:
    found = speaking(peer("tor", "10.0.0.254"))

    assert found.peers == {}
    assert [verdict.reason for verdict in found.verdicts] == [Reason.NO_CONFIG]


def test_a_peer_for_other_nodes_is_nothing_here() -> None:
    found = speaking(config(), peer("tor", "10.0.0.254", nodeSelectors=THERE))

    assert (found.peers, found.verdicts) == ({}, ())


def test_of_two_peers_with_one_address_the_older_wins() -> None:
    found = speaking(
        config(), peer("a-younger", "10.0.0.254", age=2), peer("older", "10.0.0.254", age=1)
    )

    assert list(found.peers) == ["older"]
    verdict = found.verdicts[0]
    assert (verdict.reason, verdict.subject) == (Reason.CONFLICTING, "BGPPeer/a-younger")


def test_two_peers_with_one_address_on_different_nodes_are_well() -> None:
    found = speaking(
        config(),
        peer("here", "10.0.0.254", age=2, nodeSelectors=HERE),
        peer("there", "10.0.0.254", age=1, nodeSelectors=THERE),
    )

    assert (list(found.peers), found.verdicts) == (["here"], ())


def test_a_password_is_read_from_the_secret() -> None:
    found = speaking(config(), secret(b"s3cret"), peer("tor", "10.0.0.254", auth=AUTH))

    assert found.peers["tor"].tcp.md5_password == b"s3cret"
    assert "s3cret" not in repr(found)


@pytest.mark.parametrize(
    "secrets",
    [(), (secret(b""),), (secret(b"s3cret", "default"),)],
    ids=["no Secret", "an empty password", "a Secret in another namespace"],
)
def test_without_its_password_a_session_does_not_start(secrets: tuple[Secret, ...]) -> None:
    found = speaking(
        config(), *secrets, peer("tor", "10.0.0.254", auth=AUTH), peer("open", "10.0.0.253")
    )

    assert list(found.peers) == ["open"]
    assert [verdict.reason for verdict in found.verdicts] == [Reason.SECRET_MISSING]


def test_a_peer_that_cannot_be_leaves_the_others_alone() -> None:
    long = secret(b"x" * 81)

    found = speaking(
        config(), long, peer("tor", "10.0.0.254", auth=AUTH), peer("open", "10.0.0.253")
    )

    assert list(found.peers) == ["open"]
    verdict = found.verdicts[0]
    assert (verdict.reason, verdict.subject) == (Reason.INVALID, "BGPPeer/tor")
    assert "md5_password" in verdict.message


@pytest.mark.parametrize(
    ("spec", "peers", "sockets"),
    [
        ({}, (peer("tor", "10.0.0.254"),), ()),
        ({}, (peer("tor", "10.0.0.254", connection="Passive"),), ((ALL_IPV4, 179),)),
        (
            {},
            (peer("six", "2001:db8::1", connection="PassiveOnly"),),
            (("::", 179),),
        ),
        (
            {},
            (
                peer(
                    "tor",
                    "10.0.0.254",
                    connection="Passive",
                    source={"address": "10.0.0.1"},
                ),
            ),
            (("10.0.0.1", 179),),
        ),
        ({"listen": {"port": 1179}}, (), ((ALL_IPV4, 1179), ("::", 1179))),
        ({"listen": {"addresses": ["10.0.0.1"]}}, (), (("10.0.0.1", 179),)),
    ],
    ids=["nobody", "a passive peer", "a passive IPv6 peer", "its source", "all", "one address"],
)
def test_who_is_listened_for(
    spec: dict[str, object], peers: tuple[Resource, ...], sockets: tuple[tuple[str, int], ...]
) -> None:
    found = speaking(config(**spec), *peers)

    assert found.speaker.listen == tuple(
        ListenConfig(address=ip_address(address), port=port) for address, port in sockets
    )
