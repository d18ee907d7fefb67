"""A router that speaks and does not listen: it sends OPEN and KEEPALIVEs, and never reads.

    python deaf_router.py ADDRESS PORT ASN

Its kernel takes what fits into the smallest receive buffer there is; then the window is zero.
"""

from __future__ import annotations

import socket
import struct
import sys
import threading
import time

_MARKER = b"\xff" * 16
_HOLD = 9
_KEEPALIVE = _MARKER + struct.pack("!HB", 19, 4)
_IPV6_UNICAST = bytes((1, 4, 0, 2, 0, 1))  # the capability, RFC 4760 §8
_TCP_WINDOW_CLAMP = 10


def opening(asn: int) -> bytes:
    """An OPEN of that AS with IPv6 routes (RFC 4271 §4.2)."""
    parameters = bytes((2, len(_IPV6_UNICAST))) + _IPV6_UNICAST
    body = struct.pack("!BHH4sB", 4, asn, _HOLD, b"\x0a\x0a\x0a\x0a", len(parameters)) + parameters
    return _MARKER + struct.pack("!HB", 19 + len(body), 1) + body


def speak(connection: socket.socket, asn: int) -> None:
    """Keep a session up without reading a word of it."""
    try:
        connection.sendall(opening(asn) + _KEEPALIVE)
        while True:
            time.sleep(_HOLD / 3)
            connection.sendall(_KEEPALIVE)
    except OSError:
        connection.close()


def main() -> None:
    """Serve until killed."""
    address, port, asn = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    listener.setsockopt(socket.IPPROTO_TCP, _TCP_WINDOW_CLAMP, 1)
    listener.bind((address, port))
    listener.listen()
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=speak, args=(connection, asn), daemon=True).start()


if __name__ == "__main__":
    main()
