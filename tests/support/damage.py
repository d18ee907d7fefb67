"""Real messages, damaged: cut, doubled, glued together, or noise."""

from __future__ import annotations

import struct
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

from porter_bgp.config import AddPathConfig, GracefulRestartConfig
from porter_bgp.fsm import RestartFacts, local_open
from porter_bgp.wire import (
    IPV4_UNICAST,
    IPV6_UNICAST,
    KEEPALIVE,
    CeaseSubcode,
    Codec,
    Notification,
    Prefix,
    RouteRefreshMessage,
    encode_message,
    hard_reset,
    update_message,
)
from tests.support.pair import B_CONFIG

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from porter_bgp.config import SessionConfig

BOTH = (IPV4_UNICAST, IPV6_UNICAST)


def rich(config: SessionConfig) -> SessionConfig:
    """The same session with everything offered."""
    return replace(
        config,
        families=BOTH,
        graceful_restart=GracefulRestartConfig(),
        add_path=AddPathConfig(send=frozenset(BOTH), receive=frozenset({IPV6_UNICAST})),
        extended_next_hop=True,
    )


OPENS = [
    encode_message(local_open(config, RestartFacts()), Codec())
    for config in (B_CONFIG, rich(B_CONFIG), replace(B_CONFIG, local_asn=4200000001))
]
NLRI = b"".join(Prefix.of(IPv4Address("198.51.100.0") + i).nlri for i in range(50))
NLRI6 = b"".join(Prefix.of(IPv6Address("2001:db8::") + i).nlri for i in range(20))
BASE = bytes.fromhex("40010100 4002060201 0000fdea 400304 c0000202")
ATTRIBUTES = [
    BASE,
    BASE
    + bytes.fromhex("800404 00000064  c00808 fdea0001 ffff0000  c0200c 0000fdea0000000100000002"),
    BASE
    + bytes.fromhex(
        "c01008 0002fdea00000001  c01a00  e0ff03 010203  400600 c0070800 00fdea c0000201"
    ),
    bytes.fromhex(
        "40010100 40020402 01 fdea 400304 c0000202  c01106 0201 0000fdea  c01208 0000fdea c0000201"
    ),
    bytes.fromhex("40010102 400200 400304 c0000202 400504 00000064 c02304 0000fdea"),
]
REACH6 = bytes.fromhex("000201 10 20010db8000000000000000000000002 00") + NLRI6
UPDATES = [
    *(update_message(b"", attributes, NLRI) for attributes in ATTRIBUTES),
    update_message(NLRI, b"", b""),
    update_message(NLRI, BASE, NLRI),
    update_message(b"", b"", b""),
    update_message(b"", b"\x90\x0e" + struct.pack("!H", len(REACH6)) + REACH6 + BASE, b""),
    update_message(b"", b"\x90\x0f" + struct.pack("!H", 3 + len(NLRI6)) + b"\0\2\1" + NLRI6, b""),
    update_message(b"", b"\x80\x0f\x03\0\2\1", b""),
]
NOTES = [
    encode_message(note, Codec())
    for note in (
        Notification.cease(CeaseSubcode.ADMINISTRATIVE_SHUTDOWN, "räumen"),
        Notification.cease(CeaseSubcode.COLLISION_RESOLUTION),
        hard_reset(Notification.cease(CeaseSubcode.MAXIMUM_PREFIXES)),
        Notification(2, 1, b"\x00\x04"),
    )
]
REFRESHES = [
    encode_message(RouteRefreshMessage(family, subtype), Codec())
    for family in BOTH
    for subtype in (0, 1, 2, 9)
]
REAL = [*OPENS, *UPDATES, *UPDATES, *NOTES, *REFRESHES, KEEPALIVE]


def _flip(random: Random, data: bytearray) -> None:
    for _ in range(random.choice((1, 1, 1, 2, 3, 8))):
        data[random.randrange(19, len(data) + 1) % len(data)] = random.randrange(256)


def _insert(random: Random, data: bytearray) -> None:
    at = random.randrange(19, len(data) + 1)
    data[at:at] = random.randbytes(random.choice((1, 2, 4, 30)))


def _delete(random: Random, data: bytearray) -> None:
    at = random.randrange(19, len(data) + 1)
    del data[at : at + random.choice((1, 2, 4, 30))]


def _repeat(random: Random, data: bytearray) -> None:
    at = random.randrange(19, len(data) + 1)
    data += data[at:] * random.choice((1, 2, 20))


def _extreme(random: Random, data: bytearray) -> None:
    at = random.randrange(19, len(data) + 1) % len(data)
    data[at : at + 2] = random.choice((b"\x00\x00", b"\xff\xff", b"\x00\xff", b"\x80\x00"))


def _splice(random: Random, data: bytearray) -> None:
    other = random.choice(REAL)
    data[random.randrange(19, len(data) + 1) :] = other[random.randrange(19, len(other) + 1) :]


def _noise(random: Random, data: bytearray) -> None:
    data[19:] = random.randbytes(random.choice((0, 1, 4, 10, 23, 100, 1000)))


def _header(random: Random, data: bytearray) -> None:
    data[random.randrange(19)] = random.randrange(256)


def _nothing(random: Random, data: bytearray) -> None:
    del random, data


DAMAGES: list[Callable[[Random, bytearray], None]] = [
    _flip,
    _flip,
    _flip,
    _insert,
    _delete,
    _repeat,
    _extreme,
    _extreme,
    _splice,
    _noise,
    _nothing,
]


def damaged(random: Random) -> bytes:
    """A message whose header fits its body, mostly; the type may be another's."""
    data = bytearray(random.choice(REAL))
    random.choice(DAMAGES)(random, data)
    if random.random() < 0.05:
        data[18:19] = bytes((random.randrange(7),))
    data[16:18] = struct.pack("!H", min(len(data), 0xFFFF))
    if random.random() < 0.03:
        _header(random, data)
    return bytes(data)
