"""Announce one prefix to one router, until Ctrl-C.

python examples/announce_one_prefix.py 192.0.2.1 64512 203.0.113.7/32 65000
"""

from __future__ import annotations

import asyncio
import sys
from ipaddress import IPv4Address, ip_address

import porter_bgp as bgp
from porter_bgp.speaker.speaker import Speaker


async def main(router: str, local_asn: int, prefix: str, router_asn: int, port: int = 179) -> None:
    """Have a session with the router and tell it of the prefix, next hop ourselves."""
    session = bgp.SessionConfig(
        local_asn=local_asn,
        router_id=IPv4Address("192.0.2.200"),
        peer_asn=router_asn,
        loopback=ip_address(router).is_loopback,
    )
    peer = bgp.PeerConfig(session=session, tcp=bgp.TcpConfig(remote=ip_address(router), port=port))
    speaker = Speaker()
    speaker.configure({"router": peer})
    route = bgp.RouteAttributes(communities=(bgp.parse_community("64512:100"),))
    speaker.announce(bgp.Prefix.parse(prefix), {"router": (bgp.Path(0, route),)})
    speaker.tables_complete({"router"})
    await speaker.run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])))
