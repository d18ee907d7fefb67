"""`porter_ctl.lab.traffic`: clients that never pause count what they get, and what they do not."""

from __future__ import annotations

import asyncio

from porter_ctl.lab.traffic import Traffic
from tests.support.eventually import eventually


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.0 200 OK\r\n\r\nnode1 web-1a\n")
    await writer.drain()
    writer.close()


async def test_answers_are_counted_by_node_and_what_is_lost_is_seen() -> None:
    traffic = Traffic()
    server = await asyncio.start_server(_answer, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    traffic.start(port)
    await eventually(lambda: traffic.answers.by_node["node1"] >= 3)
    before = traffic.answers.failed
    server.close()
    await server.wait_closed()
    await eventually(lambda: traffic.answers.failed >= 1)
    traffic.stop()

    assert before == 0


async def test_whoever_starts_again_counts_anew_and_a_stop_ends_it() -> None:
    traffic = Traffic()
    server = await asyncio.start_server(_answer, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    async with server:
        traffic.start(port)
        await eventually(lambda: traffic.answers.by_node["node1"] >= 1)
        first = traffic.answers
        traffic.start(port)
        await eventually(lambda: traffic.answers.by_node["node1"] >= 1)
        traffic.stop()
        traffic.stop()

    assert traffic.answers is not first
