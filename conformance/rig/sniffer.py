"""Prints every TCP segment that comes or goes on one port, one JSON line each, until SIGTERM.

Run by its path inside a namespace:

    python sniffer.py INTERFACE PORT

Times are of the monotonic clock, the same in every namespace; octets are spelled in hexadecimal.
"""

from __future__ import annotations

import json
import socket
import struct
import sys
import time

_ALL = 0x0003  # ETH_P_ALL: also what this host sends
_IPV4, _IPV6, _TCP = 0x0800, 0x86DD, 6
_SO_RCVBUFFORCE = 33  # asm-generic/socket.h: root may have more than the system's limit
_RECEIVE_OCTETS = 8 << 20


def main(interface: str, port: int) -> None:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL)) as sock:
        sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_OCTETS)
        sock.bind((interface, 0))
        print(json.dumps({"listening": interface}), flush=True)
        while True:
            frame = sock.recv(0xFFFF + 14)
            at = time.monotonic()
            segment = read(frame)
            if segment and port in {segment["source_port"], segment["target_port"]}:
                print(json.dumps({"at": at, **segment}), flush=True)


def read(frame: bytes) -> dict[str, str | int]:
    """The TCP segment in an Ethernet frame; empty where there is none."""
    (kind,) = struct.unpack_from("!H", frame, 12)
    if kind == _IPV4 and frame[14 + 9] == _TCP:
        family, start, addresses = socket.AF_INET, 14 + (frame[14] & 15) * 4, frame[26:34]
        end = 14 + int.from_bytes(frame[16:18])
    elif kind == _IPV6 and frame[14 + 6] == _TCP:
        family, start, addresses = socket.AF_INET6, 54, frame[22:54]
        end = 54 + int.from_bytes(frame[18:20])
    else:
        return {}
    source_port, target_port, sequence = struct.unpack_from("!HHI", frame, start)
    data = start + (frame[start + 12] >> 4) * 4
    half = len(addresses) // 2
    return {
        "source": socket.inet_ntop(family, addresses[:half]),
        "target": socket.inet_ntop(family, addresses[half:]),
        "source_port": source_port,
        "target_port": target_port,
        "sequence": sequence,
        "flags": frame[start + 13],
        "data": frame[data:end].hex(),
    }


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
