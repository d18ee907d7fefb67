"""Opens new TCP connections at a steady rate, asks for a page, and records what came of each.

Run by its path inside a client's namespace, one JSON line a probe on standard output:

    python prober.py ADDRESS PORT RATE COUNT TIMEOUT

TCP reports an ICMP "time exceeded" and an "unreachable" with the same error, and may hide the
first; so the prober also reads ICMP itself and matches it to the probe by its source port.
"""

from __future__ import annotations

import asyncio
import errno
import json
import signal
import socket
import struct
import sys
import time
from contextlib import suppress

_REQUEST = b"GET / HTTP/1.1\r\nHost: vip\r\nConnection: close\r\n\r\n"
_UNREACHABLE = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EACCES}
_V4 = {3: "unreachable", 11: "ttl-exceeded"}
_V6 = {1: "unreachable", 3: "ttl-exceeded"}
_TOTAL_RETRANS = struct.Struct("100xI")  # in struct tcp_info, linux/tcp.h


class Prober:
    """One target, `count` probes at most, `rate` a second."""

    def __init__(self, address: str, port: int, timeout: float) -> None:
        self._family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._target = (address, port)
        self._timeout = timeout
        self._icmp: dict[int, str] = {}

    async def run(self, rate: float, count: int) -> None:
        loop = asyncio.get_running_loop()
        listener = self._listen()
        loop.add_reader(listener, self._hear, listener)
        ended = asyncio.Event()
        loop.add_signal_handler(signal.SIGTERM, ended.set)
        probes: set[asyncio.Task[None]] = set()
        begin = time.monotonic()
        for number in range(count):
            with suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), begin + number / rate - time.monotonic())
            if ended.is_set():
                break
            probe = asyncio.create_task(self._probe(number))
            probes.add(probe)
            probe.add_done_callback(probes.discard)
        if probes:
            await asyncio.wait(probes, timeout=self._timeout + 1)
        loop.remove_reader(listener)
        listener.close()

    async def _probe(self, number: int) -> None:
        began = time.monotonic()
        source, outcome, node, resent = 0, "", "", 0
        connection = socket.socket(self._family, socket.SOCK_STREAM)
        connection.setblocking(False)  # noqa: FBT003 - the socket's own signature
        try:
            connection.bind(("::" if self._family is socket.AF_INET6 else "0.0.0.0", 0))  # noqa: S104 - any source
            source = connection.getsockname()[1]
            self._icmp.pop(source, None)
            async with asyncio.timeout(self._timeout):
                await asyncio.get_running_loop().sock_connect(connection, self._target)
                resent = _resent(connection)
                node = await self._ask(connection)
            outcome = "answered" if node else "closed"
        except ConnectionRefusedError:
            outcome = "refused"
        except (ConnectionResetError, BrokenPipeError):
            outcome = "reset"
        except TimeoutError:
            outcome = "timeout"
        except OSError as error:
            outcome = "unreachable" if error.errno in _UNREACHABLE else f"error {error.errno}"
        finally:
            connection.close()
        icmp = self._icmp.pop(source, "")
        if icmp and outcome in {"unreachable", "timeout", "refused"}:
            outcome = icmp
        record = {
            "number": number,
            "at": began,
            "seconds": round(time.monotonic() - began, 6),
            "outcome": outcome,
            "node": node,
            "icmp": icmp,
            "resent": resent,
        }
        sys.stdout.write(json.dumps(record) + "\n")
        sys.stdout.flush()

    async def _ask(self, connection: socket.socket) -> str:
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(connection, _REQUEST)
        answer = b""
        while chunk := await loop.sock_recv(connection, 4096):
            answer += chunk
        return answer.partition(b"\r\n\r\n")[2].decode().strip()

    def _listen(self) -> socket.socket:
        protocol = socket.IPPROTO_ICMPV6 if self._family is socket.AF_INET6 else socket.IPPROTO_ICMP
        listener = socket.socket(self._family, socket.SOCK_RAW, protocol)
        listener.setblocking(False)  # noqa: FBT003 - the socket's own signature
        return listener

    def _hear(self, listener: socket.socket) -> None:
        with suppress(BlockingIOError, struct.error, IndexError):
            while True:
                packet = listener.recv(2048)
                if self._family is socket.AF_INET6:
                    kind, inner = _V6.get(packet[0]), packet[8 + 40 :]
                else:
                    head = (packet[0] & 15) * 4
                    kind, quoted = _V4.get(packet[head]), packet[head + 8 :]
                    inner = quoted[(quoted[0] & 15) * 4 :]
                if kind:
                    (source,) = struct.unpack_from("!H", inner)
                    self._icmp[source] = kind


def _resent(connection: socket.socket) -> int:
    """How many segments the kernel had to send again so far: until here, SYNs."""
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TOTAL_RETRANS.size)
    (count,) = _TOTAL_RETRANS.unpack(info)
    return int(count)


if __name__ == "__main__":
    _address, _port, _rate, _count, _timeout = sys.argv[1:]
    asyncio.run(Prober(_address, int(_port), float(_timeout)).run(float(_rate), int(_count)))
