"""`examples/`: what a newcomer reads first does what it says."""

from __future__ import annotations

import asyncio
import sys
from ipaddress import IPv4Address
from pathlib import Path

import porter_bgp as bgp
from porter_bgp.speaker.speaker import Speaker
from tests.support.eventually import eventually

EXAMPLE = Path(__file__).parent.parent / "examples" / "announce_one_prefix.py"
LOOPBACK = IPv4Address("127.0.0.1")


async def test_one_prefix_is_announced_with_its_community() -> None:
    session = bgp.SessionConfig(
        local_asn=65000,
        router_id=IPv4Address("192.0.2.100"),
        peer_asn=64512,
        connection=bgp.Connection.PASSIVE_ONLY,
        loopback=True,
    )
    peer = bgp.PeerConfig(
        session=session,
        tcp=bgp.TcpConfig(remote=LOOPBACK),
        import_policy=bgp.ImportPolicy.ACCEPT,
    )
    listen = bgp.ListenConfig(address=LOOPBACK, port=0)
    router = Speaker(bgp.SpeakerConfig(listen=(listen,)))
    router.configure({"example": peer})
    running = asyncio.create_task(router.run())
    await eventually(lambda: router.view().listening != ())
    port = router.view().listening[0]
    code = (
        f"import asyncio, runpy; asyncio.run(runpy.run_path({str(EXAMPLE)!r})['main']"
        f"('127.0.0.1', 64512, '203.0.113.7/32', 65000, {port}))"
    )
    example = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
    prefix = bgp.Prefix.parse("203.0.113.7/32")

    await eventually(lambda: bool(router.take_received() or router.paths(prefix)), seconds=20)

    (path,) = router.paths(prefix)
    assert path.attributes.communities == (bgp.parse_community("64512:100"),)
    assert path.attributes.next_hop == LOOPBACK
    example.terminate()
    await example.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
