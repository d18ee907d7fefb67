"""`porter_bgp.config`: a config that exists can be run."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

import pytest

from porter_bgp.config import (
    AddPathConfig,
    Connection,
    DialConfig,
    GracefulRestartConfig,
    ListenConfig,
    MaxPrefixes,
    PeerConfig,
    PeerType,
    SessionConfig,
    SpeakerConfig,
    TcpConfig,
)
from porter_bgp.wire import IPV4_UNICAST, IPV6_UNICAST

if TYPE_CHECKING:
    from collections.abc import Callable

ID = IPv4Address("192.0.2.1")
V4, V6 = IPv4Address("192.0.2.2"), IPv6Address("2001:db8::2")


def session(**changes: object) -> SessionConfig:
    fields: dict[str, object] = {"local_asn": 65001, "router_id": ID, "peer_asn": 65002}
    make: Callable[..., SessionConfig] = SessionConfig
    return make(**fields | changes)


def tcp(**changes: object) -> TcpConfig:
    make: Callable[..., TcpConfig] = TcpConfig
    return make(**{"remote": V4} | changes)


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "AS 0": (lambda: session(local_asn=0), "local_asn: 0 is no AS number"),
    "AS beyond four octets": (lambda: session(peer_asn=1 << 32), "peer_asn: 4294967296 is no"),
    "AS_TRANS": (lambda: session(local_as=23456), "local_as: 23456 is no AS number"),
    "identifier 0.0.0.0": (lambda: session(router_id=IPv4Address(0)), "router_id: 0.0.0.0"),
    "no idea of the peer": (lambda: session(peer_asn=None), "peer_asn: neither a number nor"),
    "type against number": (lambda: session(peer_type=PeerType.INTERNAL), "peer_type: AS 65002"),
    "hold time 2": (lambda: session(hold_time=2), "hold_time: 2 is not in 3 to 65535"),
    "hold time 65536": (lambda: session(hold_time=65536), "hold_time: 65536 is not in"),
    "minimum 2": (lambda: session(min_hold_time=2), "min_hold_time: 2 is not in"),
    "minimum above ours": (lambda: session(min_hold_time=91), "min_hold_time: more than"),
    "keepalive 0": (lambda: session(keepalive_time=0), "keepalive_time: 0 is not in"),
    "send hold too short": (lambda: session(send_hold_time=179), "send_hold_time: 179 is not in"),
    "send hold without hold": (
        lambda: session(hold_time=0, send_hold_time=5),
        "send_hold_time: 5 is not in",
    ),
    "initial hold 0": (lambda: session(initial_hold_time=0), "initial_hold_time: 0 is not in"),
    "delay as long": (lambda: session(delay_open_time=240), "delay_open_time: 240 s is out"),
    "no family": (lambda: session(families=()), "families: at least one"),
    "a family twice": (lambda: session(families=(IPV4_UNICAST,) * 2), "families: at least one"),
    "paths of a family not offered": (
        lambda: session(add_path=AddPathConfig(send=frozenset({IPV6_UNICAST}))),
        "add_path: ipv6-unicast is not",
    ),
    "long farewell": (lambda: session(shutdown_message="é" * 128), "shutdown_message: more than"),
    "restart time 4096": (lambda: GracefulRestartConfig(restart_time=4096), "restart_time: 4096"),
    "limit 0": (lambda: MaxPrefixes(limit=0), "limit: 0 is not in"),
    "first dial beyond the limit": (lambda: DialConfig(first=61), "first: 61 s is not between"),
    "no wait at all": (lambda: DialConfig(first=0), "first: 0 s is not between"),
    "rejected sooner": (lambda: DialConfig(rejected=0.5), "rejected: 0.5 s is less than"),
    "port 0 to dial": (lambda: tcp(port=0), "port: 0 is not in"),
    "nobody's address": (lambda: tcp(remote=IPv4Address(0)), "remote: 0.0.0.0 is no peer's"),
    "everybody's address": (lambda: tcp(remote=IPv6Address("ff02::1")), "remote: ff02::1 is no"),
    "source of another family": (lambda: tcp(source=V6), "source: 2001:db8::2 is not of"),
    "link-local without interface": (
        lambda: tcp(remote=IPv6Address("fe80::1")),
        "interface: a link-local address needs one",
    ),
    "dial without time": (lambda: tcp(connect_timeout=0), "connect_timeout: 0 s is not in"),
    "ttl 256": (lambda: tcp(ttl=256), "ttl: 256 is not in"),
    "255 hops": (lambda: tcp(gtsm_hops=255), "gtsm_hops: 255 is not in"),
    "both": (lambda: tcp(gtsm_hops=1, ttl=2), "gtsm_hops: excludes ttl"),
    "empty password": (lambda: tcp(md5_password=b""), "md5_password: 0 octets is not in"),
    "long password": (lambda: tcp(md5_password=b"x" * 81), "md5_password: 81 octets is not in"),
    "listening twice": (
        lambda: SpeakerConfig(listen=(ListenConfig(address=V4),) * 2),
        "listen: the same address",
    ),
    "port beyond": (lambda: ListenConfig(address=V4, port=65536), "port: 65536 is not in"),
}


@pytest.mark.parametrize(("make", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_run_cannot_exist(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match="^" + message.replace("(", r"\(")):
        make()


def test_the_least_that_is_needed() -> None:
    peer = PeerConfig(session=session(), tcp=tcp())

    assert peer.session.hold_time == 90
    assert peer.session.connection is Connection.ACTIVE
    assert peer.max_prefixes.limit == 1000
    assert SpeakerConfig().listen == ()


@pytest.mark.parametrize(
    "make",
    [
        lambda: session(hold_time=0),
        lambda: session(hold_time=0, send_hold_time=6),
        lambda: session(send_hold_time=180, keepalive_time=10),
        lambda: session(peer_asn=None, peer_type=PeerType.EXTERNAL),
        lambda: session(peer_asn=65001, peer_type=PeerType.INTERNAL),
        lambda: tcp(remote=IPv6Address("fe80::1"), interface="eth0"),
        lambda: tcp(remote=IPv6Address("fe80::1%eth0")),
        lambda: tcp(gtsm_hops=1, md5_password=b"x" * 80, source=V4),
        lambda: tcp(ttl=255),
    ],
)
def test_what_can_be_run_can_exist(make: Callable[[], object]) -> None:
    assert make() == make()


def test_a_password_is_not_shown() -> None:
    assert "s3cret" not in repr(PeerConfig(session=session(), tcp=tcp(md5_password=b"s3cret")))


@pytest.mark.parametrize(
    ("config", "asn", "admitted", "external"),
    [
        (session(), 65002, True, True),
        (session(), 65003, False, True),
        (session(local_as=65010, peer_asn=65010), 65010, True, False),
        (session(peer_asn=None, peer_type=PeerType.EXTERNAL), 65003, True, True),
        (session(peer_asn=None, peer_type=PeerType.EXTERNAL), 65001, False, False),
        (session(peer_asn=None, peer_type=PeerType.INTERNAL), 65001, True, False),
    ],
)
def test_who_may_be_the_peer(
    config: SessionConfig, asn: int, *, admitted: bool, external: bool
) -> None:
    assert (config.admits(asn), config.external_to(asn)) == (admitted, external)
