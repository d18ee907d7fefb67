"""A router and nodes, each a speaker of its own, on loopback."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING

from porter_bgp.config import (
    Connection,
    DialConfig,
    ImportPolicy,
    ListenConfig,
    MaxPrefixes,
    PeerConfig,
    SessionConfig,
    SpeakerConfig,
    TcpConfig,
)
from porter_bgp.rib import Path, RouteAttributes
from porter_bgp.session import RestartFacts
from porter_bgp.speaker.speaker import Speaker
from porter_bgp.wire import IPV4_UNICAST, IPV6_UNICAST, Prefix
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from porter_bgp.config import AddPathConfig, GracefulRestartConfig
    from porter_bgp.view import PeerView

LOOPBACK = IPv4Address("127.0.0.1")
BOTH = (IPV4_UNICAST, IPV6_UNICAST)
ROUTER_ASN, NODE_ASN = 65000, 64512
V4, OTHER, V6 = map(Prefix.parse, ("198.51.100.1/32", "198.51.100.2/32", "2001:db8::1/128"))
FAST = DialConfig(first=0.01, limit=0.02, rejected=0.02, passive_after=0.1)
PLAIN = Path(0, RouteAttributes())
FACTS = RestartFacts(restarting=True, forwarding=dict.fromkeys(BOTH, True), notification=True)


def router_side(
    node: str,
    *,
    policy: ImportPolicy = ImportPolicy.ACCEPT,
    limit: int = 1_000_000,
    graceful: GracefulRestartConfig | None = None,
    add_path: AddPathConfig | None = None,
) -> PeerConfig:
    session = SessionConfig(
        local_asn=ROUTER_ASN,
        router_id=IPv4Address("192.0.2.100"),
        peer_asn=NODE_ASN,
        families=BOTH,
        connection=Connection.PASSIVE_ONLY,
        dial=FAST,
        graceful_restart=graceful,
        add_path=add_path,
        loopback=True,
    )
    return PeerConfig(
        session=session,
        tcp=TcpConfig(remote=ip_address(node)),
        import_policy=policy,
        max_prefixes=MaxPrefixes(limit=limit),
    )


def node_side(
    node: str,
    port: int,
    *,
    graceful: GracefulRestartConfig | None = None,
    add_path: AddPathConfig | None = None,
) -> PeerConfig:
    session = SessionConfig(
        local_asn=NODE_ASN,
        router_id=IPv4Address(node),
        peer_asn=ROUTER_ASN,
        families=BOTH,
        dial=FAST,
        graceful_restart=graceful,
        add_path=add_path,
        loopback=True,
    )
    source = ip_address(node)
    tcp = TcpConfig(remote=LOOPBACK, port=port, source=source)
    return PeerConfig(session=session, tcp=tcp, next_hop_ipv6=IPv6Address("::1"))


@asynccontextmanager
async def running(config: SpeakerConfig | None = None) -> AsyncIterator[Speaker]:
    speaker = Speaker(config)
    task = asyncio.create_task(speaker.run())
    await eventually(lambda: speaker.view().now > 0)
    try:
        yield speaker
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def router(
    *nodes: str,
    port: int = 0,
    policy: ImportPolicy = ImportPolicy.ACCEPT,
    limit: int = 1_000_000,
    graceful: GracefulRestartConfig | None = None,
    add_path: AddPathConfig | None = None,
) -> AsyncIterator[tuple[Speaker, int]]:
    listen = ListenConfig(address=LOOPBACK, port=port)
    async with running(SpeakerConfig(listen=(listen,))) as speaker:
        speaker.restart_facts(FACTS)
        speaker.configure(
            {
                node: router_side(
                    node, policy=policy, limit=limit, graceful=graceful, add_path=add_path
                )
                for node in nodes
            }
        )
        yield speaker, speaker.view().listening[0]


@asynccontextmanager
async def node(
    address: str,
    port: int,
    *,
    graceful: GracefulRestartConfig | None = None,
    add_path: AddPathConfig | None = None,
    facts: RestartFacts | None = None,
) -> AsyncIterator[Speaker]:
    async with running() as speaker:
        speaker.restart_facts(facts or FACTS)
        speaker.configure({"tor": node_side(address, port, graceful=graceful, add_path=add_path)})
        yield speaker


def seen(speaker: Speaker, name: str = "tor") -> PeerView:
    return speaker.view().peers[name]


def next_hops(speaker: Speaker, prefix: Prefix) -> set[str]:
    speaker.take_received()
    return {str(path.attributes.next_hop) for path in speaker.paths(prefix)}
