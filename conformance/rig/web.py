"""An HTTP backend that answers any request with its name: one process a pod.

Run by its path, so that it starts in 0.1 s: python web.py NAME PORT
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys


async def serve(name: str, port: int) -> None:
    """Answer on all addresses, both families, until SIGTERM."""
    body = f"{name}\n".encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    answer = head.encode() + body

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(5):
                await reader.readuntil(b"\r\n\r\n")
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError, TimeoutError):
            pass  # the client went away or was not one
        finally:
            writer.close()

    listener = socket.create_server(
        ("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=512
    )
    server = await asyncio.start_server(respond, sock=listener)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    await ended.wait()
    server.close()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2])))
