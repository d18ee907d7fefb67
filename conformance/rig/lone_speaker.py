"""The library's speaker alone, without a controller: a process that dials again almost at once.

Run in a namespace, from the root of the repository:

    python -m conformance.rig.lone_speaker ASN ROUTER_ID PREFIX NAME=ADDRESS,ASN[,passive] ...

It announces one prefix to every peer, and ends at SIGTERM.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from ipaddress import IPv4Address, ip_address

from porter_bgp.config import (
    AddPathConfig,
    Connection,
    DialConfig,
    GracefulRestartConfig,
    ListenConfig,
    PeerConfig,
    SessionConfig,
    SpeakerConfig,
    TcpConfig,
)
from porter_bgp.rib import Path, RouteAttributes
from porter_bgp.speaker.speaker import Speaker
from porter_bgp.wire import IPV4_UNICAST, IPV6_UNICAST, Prefix

_FAMILIES = (IPV4_UNICAST, IPV6_UNICAST)
_EAGER = DialConfig(first=0.01, limit=0.01, rejected=0.01, stable_after=0.01, passive_after=3600)


async def speak(asn: int, router_id: IPv4Address, prefix: Prefix, peers: list[str]) -> None:
    """Announce `prefix` to `peers` until SIGTERM."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    everywhere = ListenConfig(address=IPv4Address(0))
    speaker = Speaker(SpeakerConfig(listen=(everywhere,)))
    speaker.configure(dict(_peer(asn, router_id, words) for words in peers))
    running = asyncio.create_task(speaker.run())
    names = {words.partition("=")[0] for words in peers}
    speaker.announce(prefix, {name: (Path(0, RouteAttributes()),) for name in names})
    speaker.tables_complete(names)
    await ended.wait()
    await speaker.leave()
    await running


def _peer(asn: int, router_id: IPv4Address, words: str) -> tuple[str, PeerConfig]:
    name, _, rest = words.partition("=")
    address, peer_asn, *passive = rest.split(",")
    session = SessionConfig(
        local_asn=asn,
        router_id=router_id,
        peer_asn=int(peer_asn),
        families=_FAMILIES,
        hold_time=9,
        graceful_restart=GracefulRestartConfig(),
        add_path=AddPathConfig(send=frozenset(_FAMILIES)),
        connection=Connection.PASSIVE_ONLY if passive else Connection.ACTIVE,
        dial=_EAGER,
    )
    return name, PeerConfig(session=session, tcp=TcpConfig(remote=ip_address(address)))


if __name__ == "__main__":
    _asn, _router_id, _prefix, *_peers = sys.argv[1:]
    asyncio.run(speak(int(_asn), IPv4Address(_router_id), Prefix.parse(_prefix), _peers))
