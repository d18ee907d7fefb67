"""Passwords apart from the configuration they belong to: they never touch a disk.

Their file is one JSON object, base64 by peer. Whoever writes it gives it to nobody else to read.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from porter_bgp.config import PeerConfig

MAX_OCTETS = 80  # of a TCP MD5 key, the kernel's bound
_decoder = msgspec.json.Decoder(dict[str, bytes])


def encode_passwords(passwords: Mapping[str, bytes]) -> bytes:
    """Return the octets of the file."""
    return msgspec.json.encode(passwords)


def decode_passwords(octets: bytes) -> dict[str, bytes]:
    """Return the passwords by peer: the inverse of `encode_passwords`.

    Raises:
        ValueError: It is no such file, or one of them cannot be a password.
    """
    passwords = _decoder.decode(octets)
    for name, password in passwords.items():
        if not 1 <= len(password) <= MAX_OCTETS:
            raise ValueError(f"what is kept for {name} is no password")
    return passwords


def without_passwords(
    peers: Mapping[str, PeerConfig],
) -> tuple[dict[str, PeerConfig], dict[str, bytes]]:
    """Take the passwords out of configurations: both by peer."""
    secret = {
        name: peer.tcp.md5_password
        for name, peer in peers.items()
        if peer.tcp.md5_password is not None
    }
    bare = {
        name: replace(peer, tcp=replace(peer.tcp, md5_password=None)) if name in secret else peer
        for name, peer in peers.items()
    }
    return bare, secret


def with_password(peer: PeerConfig, password: bytes) -> PeerConfig:
    """Return the configuration with its password of 1 to 80 octets."""
    return replace(peer, tcp=replace(peer.tcp, md5_password=password))
