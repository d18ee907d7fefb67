"""`porter_bgp.transport.sockopt`: each option is read back from a real socket or seen to act."""

from __future__ import annotations

import socket
import struct
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

import pytest

from porter_bgp.transport import sockopt

if TYPE_CHECKING:
    from collections.abc import Callable

IP_MINTTL = 21
IPV6_MINHOPCOUNT = 73
TCP_NOTSENT_LOWAT = 25

CASES: dict[str, tuple[int, Callable[[socket.socket], None], int, int, int]] = {
    "IPv4 TTL": (
        socket.AF_INET,
        lambda sock: sockopt.set_ttl(sock, 3),
        socket.IPPROTO_IP,
        socket.IP_TTL,
        3,
    ),
    "IPv6 hop limit": (
        socket.AF_INET6,
        lambda sock: sockopt.set_ttl(sock, 3),
        socket.IPPROTO_IPV6,
        socket.IPV6_UNICAST_HOPS,
        3,
    ),
    "IPv4 least TTL": (
        socket.AF_INET,
        lambda sock: sockopt.set_minimum_ttl(sock, 254),
        socket.IPPROTO_IP,
        IP_MINTTL,
        254,
    ),
    "IPv6 least hop limit": (
        socket.AF_INET6,
        lambda sock: sockopt.set_minimum_ttl(sock, 254),
        socket.IPPROTO_IPV6,
        IPV6_MINHOPCOUNT,
        254,
    ),
    "IPv4 class": (
        socket.AF_INET,
        sockopt.set_class_of_service,
        socket.IPPROTO_IP,
        socket.IP_TOS,
        0xC0,
    ),
    "IPv6 class": (
        socket.AF_INET6,
        sockopt.set_class_of_service,
        socket.IPPROTO_IPV6,
        socket.IPV6_TCLASS,
        0xC0,
    ),
    "no delay": (
        socket.AF_INET,
        sockopt.set_no_delay,
        socket.IPPROTO_TCP,
        socket.TCP_NODELAY,
        1,
    ),
    "unsent limit": (
        socket.AF_INET,
        lambda sock: sockopt.set_unsent_limit(sock, 4096),
        socket.IPPROTO_TCP,
        TCP_NOTSENT_LOWAT,
        4096,
    ),
    "reuse of the address": (
        socket.AF_INET,
        sockopt.set_reuse_address,
        socket.SOL_SOCKET,
        socket.SO_REUSEADDR,
        1,
    ),
    "IPv6 only": (
        socket.AF_INET6,
        sockopt.set_ipv6_only,
        socket.IPPROTO_IPV6,
        socket.IPV6_V6ONLY,
        1,
    ),
}


@pytest.mark.parametrize(("family", "change", "level", "name", "value"), CASES.values(), ids=CASES)
def test_option_is_in_force(
    family: int, change: Callable[[socket.socket], None], level: int, name: int, value: int
) -> None:
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        change(sock)

        assert sock.getsockopt(level, name) == value


def test_device_is_bound() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        sockopt.set_device(sock, "lo")

        bound = sock.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16)

    assert bound.rstrip(b"\x00") == b"lo"


def test_close_sends_a_reset() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        accepted, _ = server.accept()
        sockopt.reset_on_close(client)
        client.close()

        with accepted, pytest.raises(ConnectionResetError):
            accepted.recv(1)


@pytest.mark.parametrize(
    ("family", "host", "peer"),
    [
        (socket.AF_INET, "127.0.0.1", IPv4Address("127.0.0.1")),
        (socket.AF_INET6, "::1", IPv6Address("::1")),
    ],
    ids=["IPv4", "IPv6"],
)
@pytest.mark.parametrize(("theirs", "opens"), [(b"same", True), (b"other", False)])
def test_md5_key_admits_only_who_has_it(
    *,
    family: socket.AddressFamily,
    host: str,
    peer: IPv4Address | IPv6Address,
    theirs: bytes,
    opens: bool,
) -> None:
    with socket.create_server((host, 0), family=family) as server, socket.socket(family) as client:
        sockopt.set_md5_key(server, peer, b"same")
        sockopt.set_md5_key(client, peer, theirs)
        client.settimeout(0.3)

        if opens:
            client.connect(server.getsockname())
        else:
            with pytest.raises(TimeoutError):
                client.connect(server.getsockname())


def test_md5_key_of_81_octets_is_refused() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock,
        pytest.raises((OSError, struct.error)),
    ):
        sockopt.set_md5_key(sock, IPv4Address("127.0.0.1"), b"k" * 81)


def test_acknowledged_octets_hold_the_syn_of_who_dialled() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as dialled,
        server.accept()[0] as accepted,
    ):
        assert sockopt.acknowledged_octets(dialled) == 1
        assert sockopt.acknowledged_octets(accepted) == 0


def test_a_kernel_that_does_not_know_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockopt, "_BYTES_ACKED", struct.Struct("=1000xQ"))  # beyond what it tells
    with socket.socket() as sock:
        assert sockopt.acknowledged_octets(sock) is None
