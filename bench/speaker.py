"""A speaker that announces host routes, on the public API of porter_bgp alone.

    python -m bench.speaker --port 1179 --count 10000

It holds all of its routes before it dials, and says `held` then; it runs until it is ended.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
from ipaddress import IPv4Address

import porter_bgp as bgp
from porter_bgp.speaker.speaker import Speaker

FIRST = int(IPv4Address("198.18.0.0"))
ROUTER = IPv4Address("127.0.0.1")


def peer(port: int) -> bgp.PeerConfig:
    """A router on loopback."""
    session = bgp.SessionConfig(
        local_asn=64512,
        router_id=IPv4Address("127.0.0.2"),
        peer_asn=65000,
        families=(bgp.IPV4_UNICAST,),
        dial=bgp.DialConfig(first=0.02, limit=0.02, rejected=0.02, passive_after=0.02),
        loopback=True,
    )
    tcp = bgp.TcpConfig(remote=ROUTER, port=port, source=IPv4Address("127.0.0.2"))
    return bgp.PeerConfig(session=session, tcp=tcp)


async def run(port: int, count: int) -> None:
    """Announce `count` routes to the router."""
    speaker = Speaker()
    paths = {"router": (bgp.Path(0, bgp.RouteAttributes()),)}
    for number in range(count):
        speaker.announce(bgp.Prefix.of(IPv4Address(FIRST + number)), paths)
    speaker.configure({"router": peer(port)})
    speaker.tables_complete({"router"})
    gc.freeze()
    print("held", flush=True)
    await speaker.run()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--count", type=int, default=10_000)
    arguments = parser.parse_args()
    asyncio.run(run(arguments.port, arguments.count))
