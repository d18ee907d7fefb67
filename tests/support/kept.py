"""What a node may have kept: peers, prefixes and paths for the tests of the last-good file."""

from __future__ import annotations

from ipaddress import IPv4Address, ip_address

from porter_bgp.config import (
    AddPathConfig,
    GracefulRestartConfig,
    PeerConfig,
    SessionConfig,
    SpeakerConfig,
    TcpConfig,
)
from porter_bgp.rib import Path, RouteAttributes
from porter_bgp.wire import IPV4_UNICAST, IPV6_UNICAST, LargeCommunity, Prefix

NODE, BOOT = "node-a", "00000000-0000-0000-0000-00000000000a"
AT = 1_800_000_000.0  # seconds of Unix
SPEAKER = SpeakerConfig(node_addresses=(ip_address("10.0.0.1"), ip_address("2001:db8::1")))
PLAIN = RouteAttributes()
LAST = RouteAttributes(communities=(0xFFFF0000,), local_pref=0, prepend=3)
RICH = RouteAttributes(
    next_hop=ip_address("2001:db8::7"),
    communities=(1, 2),
    large_communities=(LargeCommunity(4_200_000_001, 2, 3),),
    extended_communities=(b"\x00\x02\xff\x00\x00\x00\x00\x01",),
    med=0xFFFF_FFFF,
    local_pref=200,
    prepend=1,
)


def peer(number: int, password: bytes | None = None) -> PeerConfig:
    """One peer; the numbers tell them apart."""
    return PeerConfig(
        session=SessionConfig(
            local_asn=64512,
            router_id=IPv4Address("10.0.0.1"),
            peer_asn=65000 + number,
            families=(IPV4_UNICAST, IPV6_UNICAST),
            graceful_restart=GracefulRestartConfig(restart_time=60 + number),
            add_path=AddPathConfig(send=frozenset({IPV4_UNICAST})),
        ),
        tcp=TcpConfig(remote=ip_address(f"10.0.1.{number}"), md5_password=password),
    )


def prefix(number: int) -> Prefix:
    """One of 256 host routes."""
    return Prefix.of(ip_address(f"192.0.2.{number}"))


def paths(*names: str, attributes: RouteAttributes = PLAIN) -> dict[str, tuple[Path, ...]]:
    """The same path to each of these peers."""
    return {name: (Path(0, attributes),) for name in names}
