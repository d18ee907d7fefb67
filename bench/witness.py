"""A passive BGP peer that holds a table and then stamps every change of it.

    python -m bench.witness --address 127.0.0.1 --count 10000

It prints `port N`, then `holds COUNT` once it was told so many distinct host routes, then a line
for each route of each UPDATE: `+c6120001 T` where it is announced, `-c6120001 T` where it is
withdrawn; T is in seconds on the machine's monotonic clock. It runs until it is ended.
"""

from __future__ import annotations

import argparse
import socket
import time

from bench.raw_peer import (
    KEEPALIVE,
    OPEN,
    OPEN_TYPE,
    READ_OCTETS,
    UPDATE_TYPE,
    host_routes,
    withdrawn_routes,
)

_KEEPALIVE_SECONDS = 20.0


class Table:
    """What was told so far; speaks up once that is much enough."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._routes: set[bytes] = set()
        self._full = False

    def take(self, update: bytes, at: float) -> None:
        """Take the body of an UPDATE in, which was read at this time."""
        gone, come = withdrawn_routes(update), host_routes(update)
        if self._full:
            lines = [f"-{route[1:].hex()} {at}\n" for route in gone]
            lines += [f"+{route[1:].hex()} {at}\n" for route in come]
            print("".join(lines), end="", flush=True)
            return
        self._routes.difference_update(gone)
        self._routes.update(come)
        if len(self._routes) == self._count:
            self._full = True
            print("holds", self._count, flush=True)


def serve(sock: socket.socket, table: Table) -> None:
    """Speak to one speaker until it leaves."""
    sock.settimeout(_KEEPALIVE_SECONDS)
    sock.sendall(OPEN)
    alive = time.monotonic()
    buffer = b""
    while True:
        try:
            data = sock.recv(READ_OCTETS)
        except TimeoutError:
            data = None
        now = time.monotonic()
        if now - alive >= _KEEPALIVE_SECONDS:
            alive = now
            sock.sendall(KEEPALIVE)
        if data is None:
            continue
        if not data:
            raise SystemExit("the speaker left")
        buffer += data
        at = 0
        while len(buffer) - at >= 19:
            end = at + int.from_bytes(buffer[at + 16 : at + 18])
            if len(buffer) < end:
                break
            kind, body, at = buffer[at + 18], buffer[at + 19 : end], end
            if kind == OPEN_TYPE:
                sock.sendall(KEEPALIVE)
            elif kind == UPDATE_TYPE and len(body) > 4:
                table.take(body, now)
        buffer = buffer[at:]


def main() -> None:
    """Listen, and serve one speaker."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--count", type=int, required=True)
    arguments = parser.parse_args()
    listener = socket.socket()
    listener.bind((arguments.address, 0))
    print("port", listener.getsockname()[1], flush=True)
    listener.listen()
    sock, _ = listener.accept()
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    serve(sock, Table(arguments.count))


if __name__ == "__main__":
    main()
