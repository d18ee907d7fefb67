"""`porter_bgp.speaker`: what its peers' configuration makes of the sockets."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from dataclasses import replace
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import pytest

from porter_bgp.config import (
    Connection,
    ListenConfig,
    PeerConfig,
    PeerType,
    SessionConfig,
    SpeakerConfig,
    TcpConfig,
)
from porter_bgp.speaker.speaker import Speaker
from porter_bgp.transport import sockopt
from tests.porter_bgp.speaker.loopback import node, router, router_side, seen
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from porter_bgp.config import Address

LOOPBACK = IPv4Address("127.0.0.1")
NODE = "127.0.0.11"


def session(peer_type: PeerType, connection: Connection = Connection.ACTIVE) -> SessionConfig:
    return SessionConfig(
        local_asn=64512, router_id=LOOPBACK, peer_type=peer_type, connection=connection
    )


@pytest.mark.parametrize("peer_type", PeerType)
async def test_only_an_external_peer_without_as_number_must_be_a_neighbour(
    peer_type: PeerType,
) -> None:
    speaker = Speaker()
    running = asyncio.create_task(speaker.run())
    with socket.create_server((str(LOOPBACK), 0)) as server:
        server.settimeout(0.0)
        tcp = TcpConfig(remote=LOOPBACK, port=server.getsockname()[1])
        speaker.configure({"tor": PeerConfig(session=session(peer_type), tcp=tcp)})
        accepted, _ = await asyncio.get_running_loop().sock_accept(server)
        await eventually(lambda: bool(speaker._peers["tor"]._links))

        (link,) = speaker._peers["tor"]._links.values()
        ttl = link.connection.sock.getsockopt(socket.IPPROTO_IP, socket.IP_TTL)

        accepted.close()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert (ttl == 1) == (peer_type is PeerType.EXTERNAL)


async def test_without_the_protection_asked_for_there_is_no_session() -> None:
    async with router(NODE) as (tor, port), node(NODE, port) as speaker:
        await eventually(lambda: seen(speaker).established)
        plain = router_side(NODE)
        bound = replace(plain.tcp, interface="nonesuch")  # no socket can be bound to that

        tor.configure({NODE: replace(plain, tcp=bound)})
        await eventually(lambda: seen(tor, NODE).last_down is not None)
        await eventually(lambda: seen(speaker).flaps == 1 and not seen(speaker).established)
        await eventually(lambda: not tor._peers[NODE]._links)
        down = seen(tor, NODE).last_down
        tor.configure({NODE: plain})
        await eventually(lambda: seen(speaker).established)

        assert down is not None
        assert down.text == "the connection was lost: no such interface"
        assert seen(tor, NODE).flaps == 0


class Kernel:
    """Takes TCP MD5 keys, or not."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.refuses = False
        self.keys: list[bytes] = []
        monkeypatch.setattr(sockopt, "set_md5_key", self.set_md5_key)
        monkeypatch.setattr("porter_bgp.speaker.speaker._LISTEN_AGAIN", 0.1)

    def set_md5_key(self, sock: socket.socket, peer: Address, key: bytes) -> None:
        del sock, peer
        if self.refuses:
            raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))
        self.keys.append(key)


@pytest.mark.parametrize("elsewhere", [False, True])
async def test_keys_that_cannot_be_set_close_the_listener_until_they_can(
    monkeypatch: pytest.MonkeyPatch,
    elsewhere: bool,  # noqa: FBT001 - a column
) -> None:
    kernel = Kernel(monkeypatch)
    async with router(NODE) as (tor, port):
        kernel.refuses = True
        plain = router_side(NODE)
        config = replace(plain, tcp=replace(plain.tcp, md5_password=b"a key"))
        listen = ListenConfig(address=LOOPBACK, port=0 if elsewhere else port)

        tor.configure({NODE: config}, SpeakerConfig(listen=(listen,)))
        closed = tor.view()
        kernel.refuses = False
        await eventually(lambda: bool(tor.view().listening))

        assert (closed.listening, closed.listen_error) == ((), "Cannot allocate memory")
        assert kernel.keys == [b"a key"]
        assert tor.view().listen_error is None


async def test_keys_are_on_a_socket_before_it_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    listening: list[int] = []

    def see(sock: socket.socket, peer: Address, key: bytes) -> None:
        assert (peer, key) == (LOOPBACK, b"a key")
        listening.append(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))

    monkeypatch.setattr(sockopt, "set_md5_key", see)
    speaker = Speaker()
    running = asyncio.create_task(speaker.run())
    await eventually(lambda: speaker.view().now > 0)

    peer = PeerConfig(
        session=session(PeerType.EXTERNAL, Connection.PASSIVE_ONLY),
        tcp=TcpConfig(remote=LOOPBACK, md5_password=b"a key"),
    )
    listen = ListenConfig(address=LOOPBACK, port=0)
    speaker.configure({"tor": peer}, SpeakerConfig(listen=(listen,)))

    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert listening == [0]
