"""`porter_ctl.record.values`: what is taken apart comes together again, and nothing else does."""

from __future__ import annotations

from dataclasses import dataclass, fields
from ipaddress import IPv4Address, IPv6Address, ip_address

import msgspec
import pytest

from porter_bgp.config import (
    Connection,
    DialConfig,
    ImportPolicy,
    ListenConfig,
    MaxPrefixAction,
    MaxPrefixes,
    PeerConfig,
    PeerType,
    SessionConfig,
    SpeakerConfig,
    TcpConfig,
)
from porter_bgp.rib import SELF, RouteAttributes
from porter_bgp.wire import IPV4_UNICAST
from porter_ctl.record.values import Plain, plain, restored
from tests.support.kept import LAST, PLAIN, RICH, SPEAKER, peer

LINK_LOCAL = PeerConfig(
    session=SessionConfig(
        local_asn=64512,
        router_id=IPv4Address("10.0.0.1"),
        peer_type=PeerType.EXTERNAL,
        hold_time=0,
        send_hold_time=600,
        delay_open_time=1.5,
        connection=Connection.PASSIVE_ONLY,
        dial=DialConfig(first=0.25),
        local_as=64999,
        admin_up=False,
        shutdown_message="zürück",
        own_addresses=frozenset({ip_address("10.0.0.1"), ip_address("2001:db8::1")}),
    ),
    tcp=TcpConfig(remote=ip_address("fe80::1%eth0"), interface="eth0", gtsm_hops=1),
    import_policy=ImportPolicy.ACCEPT,
    max_prefixes=MaxPrefixes(limit=5, action=MaxPrefixAction.CEASE),
    next_hop_ipv6=IPv6Address("2001:db8::9"),
)
LISTENING = SpeakerConfig(listen=(ListenConfig(address=ip_address("::"), port=0),))


@pytest.mark.parametrize(
    "value", [PLAIN, LAST, RICH, SPEAKER, LISTENING, peer(1), peer(2, b"\x00\xff"), LINK_LOCAL]
)
def test_a_value_comes_back_from_json_as_it_was(value: object) -> None:
    there = msgspec.json.decode(msgspec.json.encode(plain(value)))

    assert restored(type(value), there) == value
    assert hash(restored(type(value), there)) == hash(value)


def test_a_field_that_is_not_there_has_its_default() -> None:
    assert restored(RouteAttributes, {"med": 1}) == RouteAttributes(med=1)
    assert restored(RouteAttributes, {}).next_hop is SELF


def broken(kind: str, **changes: Plain) -> object:
    whole = plain({"peer": peer(1), "route": RICH}[kind])
    assert isinstance(whole, dict)
    return whole | changes


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (RouteAttributes, None),
        (RouteAttributes, []),
        (RouteAttributes, broken("route", surprise=1)),
        (RouteAttributes, broken("route", med=-1)),
        (RouteAttributes, broken("route", med="1")),
        (RouteAttributes, broken("route", med=True)),
        (RouteAttributes, broken("route", prepend=None)),
        (RouteAttributes, broken("route", next_hop="nobody")),
        (RouteAttributes, broken("route", communities=3)),
        (RouteAttributes, broken("route", large_communities=[[1, 2]])),
        (RouteAttributes, broken("route", large_communities=["1:2:3"])),
        (RouteAttributes, broken("route", extended_communities=["AAAA!"])),
        (PeerConfig, broken("peer", session=None)),
        (PeerConfig, {"tcp": broken("peer")}),
        (PeerConfig, broken("peer", tcp={"remote": "10.0.0.256"})),
        (PeerConfig, broken("peer", import_policy="Believe")),
        (PeerConfig, {}),
    ],
)
def test_what_is_no_such_value_is_refused(kind: type, value: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        restored(kind, value)


def test_whole_numbers_do_for_seconds() -> None:
    assert restored(TcpConfig, {"remote": "10.0.0.1", "connect_timeout": 3}).connect_timeout == 3.0


def test_what_has_no_plain_form_is_our_own_mistake() -> None:
    with pytest.raises(TypeError, match="object has no plain form"):
        plain((1, object()))


def test_a_type_that_is_not_in_the_table_is_refused() -> None:
    with pytest.raises(ValueError, match="fits no"):
        restored(Odd, {"items": {}})


@dataclass(frozen=True)
class Odd:
    items: dict[str, int]


def test_every_family_is_the_one_it_was() -> None:
    families = restored(SessionConfig, plain(peer(1).session)).families

    assert families[0] == IPV4_UNICAST
    assert families[0].bits == 32


def test_no_secret_but_the_password_hides_in_a_configuration() -> None:
    hidden = [field.name for field in fields(TcpConfig) if not field.repr]

    assert hidden == ["md5_password"]
