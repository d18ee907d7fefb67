"""A speaker that announces host routes, on the public API of porter_bgp alone.

    python -m bench.speaker PORT COUNT SOCKET

It holds all of its routes before it dials, and says `held` then; it runs until it is ended. Each
line over the Unix socket, `ADDRESS COMMUNITY`, announces a route again with that community.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from ipaddress import IPv4Address

import porter_bgp as bgp
from porter_bgp.speaker.speaker import Speaker

FIRST = int(IPv4Address("198.18.0.0"))


def peer(port: int) -> bgp.PeerConfig:
    """A router on loopback."""
    here, router = IPv4Address("127.0.0.2"), IPv4Address("127.0.0.1")
    session = bgp.SessionConfig(
        local_asn=64512,
        router_id=here,
        peer_asn=65000,
        families=(bgp.IPV4_UNICAST,),
        dial=bgp.DialConfig(first=0.02, limit=0.02, rejected=0.02, passive_after=0.02),
        loopback=True,
    )
    tcp = bgp.TcpConfig(remote=router, port=port, source=here)
    return bgp.PeerConfig(session=session, tcp=tcp)


async def run(port: int, count: int, changes: str) -> None:
    """Announce `count` routes to the router, then what comes over the socket."""
    speaker = Speaker()

    async def take(lines: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        async for line in lines:
            address, community = line.decode().split()
            attributes = bgp.RouteAttributes(communities=(int(community),))
            prefix = bgp.Prefix.of(IPv4Address(address))
            speaker.announce(prefix, {"router": (bgp.Path(0, attributes),)})

    paths = {"router": (bgp.Path(0, bgp.RouteAttributes()),)}
    for number in range(count):
        speaker.announce(bgp.Prefix.of(IPv4Address(FIRST + number)), paths)
    speaker.configure({"router": peer(port)})
    speaker.tables_complete({"router"})
    gc.freeze()
    async with await asyncio.start_unix_server(take, changes):
        print("held", flush=True)
        await speaker.run()


if __name__ == "__main__":
    asyncio.run(run(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
