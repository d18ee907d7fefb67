"""TCP connections to peers: dialled or accepted, with the options their `TcpConfig` asks for.

This module moves octets and reports; it knows no message and decides nothing. Nothing is buffered
here: `write` hands octets to a kernel that takes only what it is about to send, and whoever writes
waits for `writable` once `paused` is true.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING, Protocol

from porter_bgp.transport import sockopt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from porter_bgp.config import ListenConfig, TcpConfig

Address = IPv4Address | IPv6Address

UNSENT_OCTETS = 32 * 1024  # what the kernel holds beyond the wire: some ten full messages
_BACKLOG = 128
_DRAINED_OCTETS = 256 * 1024
_EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_REST = 1.0  # seconds without accepting, after the system had no descriptor or memory for one more
_DRAINS = 8  # a peer that never stops gets its RST


class Receiver(Protocol):
    """Who hears of one connection."""

    def data_received(self, data: bytes) -> None:
        """Octets came."""

    def connection_lost(self, error: OSError | None) -> None:
        """The connection is gone: once, also after our own `close`. None: in good order."""

    def writable(self) -> None:
        """What was written is with the kernel: more may be."""


class TcpConnection(asyncio.Protocol):
    """One open connection.

    Attributes:
        local: Our end's address.
        remote: The peer's address.
        paused: The kernel takes no more for now.
        written: Octets given to `write`.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.local = _address_of(sock.getsockname()[0])
        self.remote = _address_of(sock.getpeername()[0])
        self.paused = False
        self.written = 0
        self.sock = sock
        self._handshake = sockopt.acknowledged_octets(sock)  # where it was dialled, the SYN is one
        self._transport: asyncio.Transport | None = None
        self._early = b""  # written before the transport was there
        self._closed = False
        self._receiver: Receiver | None = None

    async def open(self, receiver: Receiver) -> None:
        """Begin to read, reporting to `receiver`."""
        self._receiver = receiver
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: self, sock=self.sock)

    def write(self, data: bytes) -> None:
        """Send octets; those written before `open` has returned go first."""
        self.written += len(data)
        if self._transport is None:
            self._early += data
        else:
            self._transport.write(data)

    @property
    def acknowledged(self) -> int | None:
        """How many of the octets written the peer's kernel has acknowledged; None: nobody knows."""
        octets = sockopt.acknowledged_octets(self.sock)
        return None if octets is None or self._handshake is None else octets - self._handshake

    def close(self, *, reset: bool = False) -> None:
        """Close, after what was written has gone; with `reset` at once, dropping it."""
        self._closed = True
        if self._receiver is None:
            self.sock.close()
        elif self._transport is None:
            return  # `open` is under way, and closes it
        elif reset:
            sockopt.reset_on_close(self.sock)
            self._transport.abort()
        else:
            self._transport.close()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio."""
        if isinstance(transport, asyncio.Transport):
            transport.set_write_buffer_limits(high=0)
            self._transport = transport
            if self._early:
                transport.write(self._early)
            if self._closed:
                transport.close()

    def data_received(self, data: bytes) -> None:
        """Called by asyncio."""
        if self._receiver is not None:
            self._receiver.data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio, which closes the socket next."""
        if exc is None:
            self._drain()
        self._transport = None
        receiver, self._receiver = self._receiver, None
        if receiver is not None:
            receiver.connection_lost(exc if isinstance(exc, OSError) else None)

    def pause_writing(self) -> None:
        """Called by asyncio."""
        self.paused = True

    def resume_writing(self) -> None:
        """Called by asyncio."""
        self.paused = False
        if self._receiver is not None:
            self._receiver.writable()

    def _drain(self) -> None:
        """Drop what was not read: closing over it would send an RST, and cut off our last words."""
        with suppress(OSError):
            for _ in range(_DRAINS):
                if not self.sock.recv(_DRAINED_OCTETS):
                    return


async def dial(config: TcpConfig, *, ttl: int | None) -> TcpConnection:
    """Connect to a peer.

    Args:
        config: Whom, from where, and with which options.
        ttl: Hops to send with where `config` names none; None leaves it to the kernel.

    Raises:
        OSError: It did not succeed; TimeoutError after `config.connect_timeout` seconds.
    """
    loop = asyncio.get_running_loop()
    sock = socket.socket(_family_of(config.remote), socket.SOCK_STREAM)
    try:
        sock.settimeout(0.0)
        _apply(sock, config, ttl)
        if config.md5_password is not None:
            sockopt.set_md5_key(sock, config.remote, config.md5_password)
        if config.source is not None:
            sock.bind(_sockaddr(config.source, 0))
        async with asyncio.timeout(config.connect_timeout):
            await loop.sock_connect(sock, _sockaddr(config.remote, config.port, config.interface))
        return TcpConnection(sock)
    except BaseException:
        sock.close()
        raise


class Listener:
    """Sockets that accept connections and hand them to `accepted` before a single octet is read."""

    def __init__(self, accepted: Callable[[TcpConnection], None]) -> None:
        self._accepted = accepted
        self._sockets: list[socket.socket] = []
        self._keys: dict[Address, bytes] = {}

    @property
    def ports(self) -> list[int]:
        """The ports listened on, in the order given to `listen`."""
        return [sock.getsockname()[1] for sock in self._sockets]

    def protect(self, keys: dict[Address, bytes]) -> None:
        """Accept these peers only with these TCP MD5 keys; all others without one.

        Raises:
            OSError: The kernel has no TCP MD5.
        """
        for peer in self._keys.keys() - keys.keys():
            self._set_key(peer, b"")
        for peer, key in keys.items():
            self._set_key(peer, key)
        self._keys = dict(keys)

    def listen(self, configs: Iterable[ListenConfig]) -> None:
        """Listen on each of these; keys given to `protect` before are in force from the first SYN.

        Raises:
            OSError: An address or port is not to be had.
        """
        loop = asyncio.get_running_loop()
        for config in configs:
            sock = socket.socket(_family_of(config.address), socket.SOCK_STREAM)
            self._sockets.append(sock)
            sock.settimeout(0.0)
            sockopt.set_reuse_address(sock)
            if isinstance(config.address, IPv6Address):
                sockopt.set_ipv6_only(sock)
            sockopt.set_ttl(sock, 255)  # a SYN-ACK has to pass the peer's GTSM as well
            sockopt.set_unsent_limit(sock, UNSENT_OCTETS)
            for peer, key in self._keys.items():
                if _family_of(peer) == sock.family:
                    sockopt.set_md5_key(sock, peer, key)
            sock.bind(_sockaddr(config.address, config.port))
            sock.listen(_BACKLOG)
            loop.add_reader(sock.fileno(), self._accept, sock)

    def close(self) -> None:
        """Stop listening; connections stay."""
        loop = asyncio.get_running_loop()
        for sock in self._sockets:
            loop.remove_reader(sock.fileno())
            sock.close()
        self._sockets.clear()

    def _accept(self, listener: socket.socket) -> None:
        try:
            sock, _ = listener.accept()
        except OSError as error:  # else it is gone again between SYN and accept
            if error.errno in _EXHAUSTED:
                self._rest(listener)
            return
        try:
            sock.settimeout(0.0)
            connection = TcpConnection(sock)
        except OSError:  # gone again since
            sock.close()
            return
        self._accepted(connection)

    def _rest(self, listener: socket.socket) -> None:
        """Leave in the queue for a while what cannot be accepted, or the loop would spin."""
        loop = asyncio.get_running_loop()
        loop.remove_reader(listener.fileno())
        loop.call_later(_REST, self._resume, listener)

    def _resume(self, listener: socket.socket) -> None:
        if listener in self._sockets:
            asyncio.get_running_loop().add_reader(listener.fileno(), self._accept, listener)

    def _set_key(self, peer: Address, key: bytes) -> None:
        for sock in self._sockets:
            if _family_of(peer) == sock.family:
                sockopt.set_md5_key(sock, peer, key)


def welcome(connection: TcpConnection, config: TcpConfig, *, ttl: int | None) -> None:
    """Give an accepted connection the options of the peer it turned out to be."""
    _apply(connection.sock, config, ttl)


def _apply(sock: socket.socket, config: TcpConfig, ttl: int | None) -> None:
    sockopt.set_no_delay(sock)
    sockopt.set_class_of_service(sock)
    sockopt.set_unsent_limit(sock, UNSENT_OCTETS)
    if config.interface is not None:
        sockopt.set_device(sock, config.interface)
    if config.gtsm_hops is not None:
        sockopt.set_ttl(sock, 255)
        sockopt.set_minimum_ttl(sock, 256 - config.gtsm_hops)  # RFC 5082 §3
    elif (hops := config.ttl or ttl) is not None:
        sockopt.set_ttl(sock, hops)


def _family_of(address: Address) -> socket.AddressFamily:
    return socket.AF_INET if isinstance(address, IPv4Address) else socket.AF_INET6


def _sockaddr(
    address: Address, port: int, interface: str | None = None
) -> tuple[str, int] | tuple[str, int, int, int]:
    if isinstance(address, IPv4Address):
        return str(address), port
    scope = socket.if_nametoindex(interface) if interface and address.is_link_local else 0
    return str(address), port, 0, scope


def _address_of(text: str) -> Address:
    address = ip_address(text)
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
