"""Socket options a BGP speaker needs on Linux, one function an option.

Which of them a peer gets is `porter_bgp.config.TcpConfig`'s to say and
`porter_bgp.transport.tcp`'s to apply. None of them needs a capability.
"""

from __future__ import annotations

import socket
import struct
from ipaddress import IPv4Address, IPv6Address

Address = IPv4Address | IPv6Address

_IP_MINTTL = 21  # linux/in.h
_IPV6_MINHOPCOUNT = 73  # linux/in6.h
_TCP_MD5SIG = 14  # linux/tcp.h
_TCP_NOTSENT_LOWAT = 25  # linux/tcp.h
_BYTES_ACKED = struct.Struct("=120xQ")  # struct tcp_info up to tcpi_bytes_acked, Linux 4.1
_SOCKADDR_STORAGE_OCTETS = 128
_MD5_KEY = struct.Struct("=BBHI80s")  # struct tcp_md5sig after its address: flags, prefix, length
MD5_KEY_MAX_OCTETS = 80
CS6 = 0xC0  # RFC 4594 §3.2: the class of routing protocols, as a TOS octet


def set_md5_key(sock: socket.socket, peer: Address, key: bytes) -> None:
    """Sign every segment to and from `peer` with `key` (RFC 2385).

    On a listener this must stand before the peer's SYN arrives. An empty key removes it.

    Raises:
        OSError: ENOPROTOOPT where the kernel has no TCP-MD5, EINVAL for a key over 80 octets.
    """
    address = _sockaddr_storage(sock.family, peer)
    value = address + _MD5_KEY.pack(0, 0, len(key), 0, key)
    sock.setsockopt(socket.IPPROTO_TCP, _TCP_MD5SIG, value)


def set_ttl(sock: socket.socket, hops: int) -> None:
    """Send with this TTL or hop limit: 1 reaches the next hop only."""
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, hops)
    else:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, hops)


def set_minimum_ttl(sock: socket.socket, ttl: int) -> None:
    """Drop received segments whose TTL or hop limit is below `ttl` (RFC 5082)."""
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_MINHOPCOUNT, ttl)
    else:
        sock.setsockopt(socket.IPPROTO_IP, _IP_MINTTL, ttl)


def set_device(sock: socket.socket, interface: str) -> None:
    """Use this interface only, in both directions."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode() + b"\x00")


def set_class_of_service(sock: socket.socket) -> None:
    """Mark what we send as network control (CS6)."""
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, CS6)
    else:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, CS6)


def set_no_delay(sock: socket.socket) -> None:
    """Send each message at once: what we write is already as full as it gets."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def set_unsent_limit(sock: socket.socket, octets: int) -> None:
    """Take no more octets than this beyond what is on the wire.

    Without it the kernel swallows megabytes for a peer that never reads, and "written" means
    nothing.
    """
    sock.setsockopt(socket.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, octets)


def acknowledged_octets(sock: socket.socket) -> int | None:
    """How many octets the peer's kernel has acknowledged, the SYN of one that dialled included.

    None where the kernel does not say.
    """
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES_ACKED.size)
    if len(info) < _BYTES_ACKED.size:
        return None
    (octets,) = _BYTES_ACKED.unpack(info)
    return int(octets)


def set_reuse_address(sock: socket.socket) -> None:
    """Listen again at once after a restart."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)


def set_ipv6_only(sock: socket.socket) -> None:
    """Leave IPv4 to the IPv4 listener."""
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)


def reset_on_close(sock: socket.socket) -> None:
    """Close with RST, dropping what was not sent."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _sockaddr_storage(family: int, peer: Address) -> bytes:
    if family == socket.AF_INET6:
        packed = (
            peer.packed
            if isinstance(peer, IPv6Address)
            else b"\x00" * 10 + b"\xff\xff" + peer.packed
        )
        address = struct.pack("=HHI16sI", family, 0, 0, packed, 0)
    else:
        address = struct.pack("=HH4s", family, 0, peer.packed)
    return address.ljust(_SOCKADDR_STORAGE_OCTETS, b"\x00")
