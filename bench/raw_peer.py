"""A passive BGP peer that only time-stamps what it reads: the same one for every speaker.

    python -m bench.raw_peer --count 10000 [--closed]

It prints `port N`; with `--closed` it listens only once a line comes in on standard input. When
it has read `count` routes it prints `established T first T last T` and ends; times are seconds on
the machine's monotonic clock. Established is when the speaker's KEEPALIVE was read.
"""

from __future__ import annotations

import argparse
import socket
import sys
import time
from dataclasses import dataclass, field

MARKER = b"\xff" * 16
KEEPALIVE = MARKER + b"\x00\x13\x04"
OPEN_TYPE, UPDATE_TYPE, KEEPALIVE_TYPE = 1, 2, 4
# AS 65000, hold time 90 s, identifier 127.0.0.1; IPv4 unicast, four-octet AS numbers.
OPEN_BODY = bytes.fromhex("04 fde8 005a 7f000001 0e 02 0c 0104 00010001 4104 0000fde8")
OPEN = MARKER + (19 + len(OPEN_BODY)).to_bytes(2) + b"\x01" + OPEN_BODY
HOST_ROUTE_OCTETS = 5
READ_OCTETS = 1 << 18


@dataclass
class Seen:
    """What has been read, and when."""

    established: float = 0.0
    first: float = 0.0
    last: float = 0.0
    routes: set[bytes] = field(default_factory=set)


def host_routes(update: bytes) -> list[bytes]:
    """The IPv4 host routes that an UPDATE's body announces."""
    at = 2 + int.from_bytes(update[:2])
    at += 2 + int.from_bytes(update[at : at + 2])
    return [update[i : i + HOST_ROUTE_OCTETS] for i in range(at, len(update), HOST_ROUTE_OCTETS)]


def withdrawn_routes(update: bytes) -> list[bytes]:
    """The IPv4 host routes that an UPDATE's body withdraws."""
    end = 2 + int.from_bytes(update[:2])
    return [update[i : i + HOST_ROUTE_OCTETS] for i in range(2, end, HOST_ROUTE_OCTETS)]


def serve(sock: socket.socket, count: int) -> Seen:
    """Speak to one speaker until it has announced `count` routes."""
    seen, buffer = Seen(), b""
    sock.sendall(OPEN)
    while len(seen.routes) < count:
        data = sock.recv(READ_OCTETS)
        now = time.monotonic()
        if not data:
            raise SystemExit(f"the speaker left after {len(seen.routes)} routes")
        buffer += data
        at = 0
        while len(buffer) - at >= 19:
            end = at + int.from_bytes(buffer[at + 16 : at + 18])
            if len(buffer) < end:
                break
            kind, body, at = buffer[at + 18], buffer[at + 19 : end], end
            if kind == OPEN_TYPE:
                sock.sendall(KEEPALIVE)
            elif kind == KEEPALIVE_TYPE and not seen.established:
                seen.established = now
            elif kind == UPDATE_TYPE and len(body) > 4:
                seen.routes.update(host_routes(body))
                seen.first, seen.last = seen.first or now, now
        buffer = buffer[at:]
    return seen


def main() -> None:
    """Listen, serve one speaker, print what was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--closed", action="store_true")
    arguments = parser.parse_args()
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 0))
    print("port", listener.getsockname()[1], flush=True)
    if arguments.closed:
        sys.stdin.readline()
    listener.listen()
    sock, _ = listener.accept()
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    seen = serve(sock, arguments.count)
    print("established", seen.established, "first", seen.first, "last", seen.last, flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    main()
