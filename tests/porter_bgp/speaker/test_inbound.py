"""`porter_bgp.speaker.inbound`: how much a peer may send, when that changes while it sends."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import pytest

from porter_bgp.config import MaxPrefixes, PeerConfig, SessionConfig, TcpConfig
from porter_bgp.speaker.inbound import Inbound
from porter_bgp.wire import IPV4_UNICAST, NlriField, PathAttributes, Prefix, Update, nlri_key

if TYPE_CHECKING:
    from porter_bgp.wire import AddressFamily

CONFIG = PeerConfig(
    session=SessionConfig(local_asn=64512, router_id=IPv4Address("192.0.2.1"), peer_asn=65000),
    tcp=TcpConfig(remote=IPv4Address("203.0.113.1")),
)
FOUR = [Prefix.parse(f"198.51.100.{last}") for last in range(4)]


def inbound(limit: int) -> Inbound:
    """One that has heard of four prefixes."""
    config = replace(CONFIG, max_prefixes=MaxPrefixes(limit=limit))
    touched: list[object] = []
    made = Inbound("tor", config, asyncio.get_running_loop(), touched.append)
    told = NlriField.of(IPV4_UNICAST, [nlri_key(p) for p in FOUR], add_path=False)
    made.apply(Update(attributes=PathAttributes(next_hop=IPv4Address("203.0.113.1")), nlri=told))
    assert not touched
    return made


@pytest.mark.parametrize(
    ("before", "after", "over", "said"),
    [
        (4, 3, {IPV4_UNICAST}, 1),
        (3, 4, set(), 1),
        (4, 5, set(), 0),
        (3, 2, {IPV4_UNICAST}, 1),
    ],
)
async def test_another_limit_counts_at_once(
    before: int,
    after: int,
    over: set[AddressFamily],
    said: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    peer = inbound(before)

    peer.limit(after)

    assert peer.over_limit == over
    assert len(caplog.records) == said
