"""The router's forwarding plane: each VIP's port 80 stands on a port of loopback.

A flow is spread over the next hops that the Loc-RIB has at that moment, by its addresses and
ports, and connected to the next hop. A flow that there is no way for is reset.
"""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from typing import TYPE_CHECKING

from porter_ctl.lab.flows import Flow, FlowCounts, choose

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

VIP_PORT = 80
_LOOPBACK = "127.0.0.1"
_CHUNK = 65536


class Forwarder:
    """Forwards to VIPs.

    Attributes:
        counts: What became of the flows.
    """

    def __init__(self, next_hops: Callable[[str], Sequence[str]], *, port: int) -> None:
        """Forward nothing yet.

        Args:
            next_hops: Those of a VIP, asked once a flow.
            port: Where the nodes serve.
        """
        self.counts = FlowCounts()
        self._next_hops = next_hops
        self._port = port
        self._servers: dict[str, asyncio.Server] = {}
        self._flows: set[asyncio.Task[None]] = set()
        self._opening = asyncio.Lock()

    async def open(self, vips: Iterable[str]) -> None:
        """Have a port for each of these; one that there once is stays the VIP's."""
        async with self._opening:
            for vip in vips:
                if vip not in self._servers:
                    accept = partial(self._accept, vip)
                    self._servers[vip] = await asyncio.start_server(accept, _LOOPBACK, 0)

    def port_of(self, vip: str) -> int:
        """The port of loopback that leads to port 80 of a VIP that was opened."""
        port: int = self._servers[vip].sockets[0].getsockname()[1]
        return port

    def url(self, vip: str) -> str:
        """What a client on this machine asks in place of `http://VIP/`."""
        return f"http://{_LOOPBACK}:{self.port_of(vip)}/"

    async def close(self) -> None:
        """End every flow and give the ports back."""
        for server in self._servers.values():
            server.close()
        for flow in self._flows:
            flow.cancel()
        await asyncio.gather(*self._flows, return_exceptions=True)

    def _accept(self, vip: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        flow = asyncio.create_task(self._forward(vip, reader, writer))
        self._flows.add(flow)
        flow.add_done_callback(self._flows.discard)

    async def _forward(
        self, vip: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        source, source_port = writer.get_extra_info("peername")[:2]
        hops = self._next_hops(vip)
        try:
            if not hops:
                self.counts.refuse()
                return
            hop = choose(Flow(source, source_port, vip, VIP_PORT), hops)
            try:
                back, forth = await asyncio.open_connection(hop, self._port)
            except OSError:
                self.counts.refuse()
                return
            self.counts.took(hop)
            with contextlib.suppress(OSError):
                try:
                    await asyncio.gather(_copy(reader, forth), _copy(back, writer))
                finally:
                    forth.transport.abort()
                writer.close()
                await writer.wait_closed()
        finally:
            writer.transport.abort()  # a reset, unless all was said


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(_CHUNK):
        sink.write(data)
        await sink.drain()
    if sink.can_write_eof():
        sink.write_eof()
