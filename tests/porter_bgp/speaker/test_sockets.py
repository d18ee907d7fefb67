"""`porter_bgp.speaker`: what its peers' configuration makes of the sockets."""

from __future__ import annotations

import asyncio
import socket
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
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from porter_bgp.config import Address

LOOPBACK = IPv4Address("127.0.0.1")


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
