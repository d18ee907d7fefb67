"""`porter_ctl.lab.forwarder` between clients and servers that answer with their address."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from porter_ctl.lab.clients import ask
from porter_ctl.lab.forwarder import Forwarder
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

VIP = "198.51.100.1"
HOPS = ("127.0.0.11", "127.0.0.12", "127.0.0.13")


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    body = f"{writer.get_extra_info('sockname')[0]} server"
    writer.write(f"HTTP/1.0 200 OK\r\n\r\n{body}".encode())
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


@asynccontextmanager
async def forwarding(*hops: str) -> AsyncIterator[tuple[Forwarder, list[str], int]]:
    """A forwarder and its next hops, which a test may change; all three serve."""
    now = list(hops)
    async with contextlib.AsyncExitStack() as stack:
        port = 0
        for hop in HOPS:
            server = await asyncio.start_server(answer, hop, port)
            await stack.enter_async_context(server)
            port = server.sockets[0].getsockname()[1]
        forwarder = Forwarder(lambda _: now, port=port)
        stack.push_async_callback(forwarder.close)
        await forwarder.open((VIP,))
        yield forwarder, now, forwarder.port_of(VIP)


async def test_flows_reach_all_next_hops_and_are_counted() -> None:
    async with forwarding(*HOPS) as (forwarder, _, port):
        answers = await ask(port, 60)

    assert (set(answers.by_node), answers.failed) == (set(HOPS), 0)
    assert forwarder.counts.by_hop == answers.by_node


async def test_flows_follow_the_next_hops_as_they_change() -> None:
    async with forwarding(*HOPS) as (_, now, port):
        now.remove(HOPS[1])
        answers = await ask(port, 30)

    assert set(answers.by_node) == {HOPS[0], HOPS[2]}


@pytest.mark.parametrize(
    "hops", [(), ("127.0.0.99",)], ids=["there is no next hop", "nobody serves at the next hop"]
)
async def test_a_flow_without_a_way_is_refused(hops: tuple[str, ...]) -> None:
    async with forwarding(*hops) as (forwarder, _, port):
        answers = await ask(port, 2)

    assert (answers.by_node, answers.failed) == ({}, 2)
    assert forwarder.counts.refused == 2


async def test_a_vip_keeps_its_port() -> None:
    async with forwarding(*HOPS) as (forwarder, _, port):
        await asyncio.gather(forwarder.open((VIP, "198.51.100.2")), forwarder.open((VIP,)))

        assert forwarder.port_of(VIP) == port
        assert forwarder.port_of("198.51.100.2") != port
        assert forwarder.url(VIP) == f"http://127.0.0.1:{port}/"


async def test_closing_ends_flows_that_are_open() -> None:
    async with forwarding(*HOPS) as (forwarder, _, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await eventually(lambda: forwarder.counts.by_hop.total() == 1)
        await forwarder.close()
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

        assert forwarder.counts.refused == 0
