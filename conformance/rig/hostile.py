"""A peer that sends damaged messages, connection after connection; what it heard, a line each.

Run in a namespace, from the root of the repository:

    python -m conformance.rig.hostile listen|ADDRESS COUNT MESSAGES SEED

It listens as a router does, or dials ADDRESS, until COUNT connections were answered with an OPEN.
"""

from __future__ import annotations

import json
import socket
import struct
import sys
import time
from contextlib import suppress
from random import Random

from porter_bgp.wire import KEEPALIVE, MAX_EXTENDED_MESSAGE, Framer, MessageType
from tests.support.damage import OPENS, damaged

_PORT = 179
_PATIENCE = 0.3  # seconds for an answer, or for the other end to close
_AGAIN = 0.005  # seconds until the next dial


def main(whom: str, count: int, messages: int, seed: int) -> None:
    random = Random(seed)  # noqa: S311 - a seed makes it repeatable
    listener = socket.create_server(("0.0.0.0", _PORT)) if whom == "listen" else None  # noqa: S104 - any
    answered = 0
    while answered < count:
        try:
            sock = listener.accept()[0] if listener else socket.create_connection((whom, _PORT), 2)
        except OSError:  # refused for a moment after what we did before
            time.sleep(_AGAIN)
            continue
        with sock:
            heard = attack(sock, random, messages)
        if MessageType.OPEN.name in heard:
            answered += 1
            sys.stdout.write(json.dumps({"heard": heard}) + "\n")
            sys.stdout.flush()


def attack(sock: socket.socket, random: Random, messages: int) -> list[str]:
    """One connection: into some state, then the damage, then some end. Returns what was heard."""
    sock.settimeout(_PATIENCE)
    stage = random.choice((0, 1, 2, 2, 2))
    opening = (random.choice(OPENS[:2]), KEEPALIVE)[:stage]
    octets = b"".join((*opening, *(damaged(random) for _ in range(messages))))
    largest = random.choice((1 << 20, 1 << 20, 1000, 50))
    heard = b""
    with suppress(OSError):
        if random.random() < 0.5:
            heard = sock.recv(4096)  # their OPEN
        while octets:
            size = random.randint(1, largest)
            sock.sendall(octets[:size])
            octets = octets[size:]
        if random.random() < 0.3:
            sock.shutdown(socket.SHUT_WR)
    with suppress(OSError):
        while chunk := sock.recv(65536):
            heard += chunk
    if random.random() < 0.3:  # no goodbye
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    framer = Framer()
    framer.feed(heard)
    kinds = []
    while (frame := framer.next_frame(MAX_EXTENDED_MESSAGE)) is not None:
        kinds.append(frame[0].name)
    return kinds


if __name__ == "__main__":
    _whom, *_numbers = sys.argv[1:]
    main(_whom, *map(int, _numbers))
