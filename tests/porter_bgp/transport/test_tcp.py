"""`porter_bgp.transport.tcp`: real sockets on loopback."""

from __future__ import annotations

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest

from porter_bgp.config import ListenConfig, TcpConfig
from porter_bgp.transport.errors import describe
from porter_bgp.transport.tcp import Listener, TcpConnection, dial, welcome
from tests.support.eventually import eventually
from tests.support.exhausted import no_descriptors

V4 = IPv4Address("127.0.0.1")


class Recorder:
    """A receiver that keeps what it hears."""

    def __init__(self) -> None:
        self.received = b""
        self.lost: list[OSError | None] = []
        self.news = asyncio.Event()
        self.resumed = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self.received += data
        self.news.set()

    def connection_lost(self, error: OSError | None) -> None:
        self.lost.append(error)
        self.news.set()

    def writable(self) -> None:
        self.resumed.set()

    async def hear(self) -> None:
        await asyncio.wait_for(self.news.wait(), 5)
        self.news.clear()


class Pair:
    """A listener and the connections it accepted."""

    def __init__(self, address: IPv4Address | IPv6Address = V4) -> None:
        self.accepted: asyncio.Queue[TcpConnection] = asyncio.Queue()
        self.listener = Listener(self.accepted.put_nowait)
        self.listener.listen([ListenConfig(address=address, port=0)])
        self.config = TcpConfig(remote=address, port=self.listener.ports[0])


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
async def test_octets_travel_both_ways(address: str) -> None:
    pair = Pair(ip_address(address))
    ours, theirs = Recorder(), Recorder()
    dialled = await dial(pair.config, ttl=1)
    await dialled.open(ours)
    accepted = await pair.accepted.get()
    welcome(accepted, pair.config, ttl=1)
    await accepted.open(theirs)

    dialled.write(b"to them")
    accepted.write(b"to us")
    await ours.hear()
    await theirs.hear()

    assert (theirs.received, ours.received) == (b"to them", b"to us")
    assert (dialled.remote, accepted.local) == (ip_address(address), ip_address(address))
    dialled.close()
    accepted.close()
    await ours.hear()
    pair.listener.close()


@pytest.mark.parametrize(("reset", "error"), [(False, type(None)), (True, ConnectionResetError)])
async def test_end_is_told_to_both_sides_once(*, reset: bool, error: type) -> None:
    pair = Pair()
    ours, theirs = Recorder(), Recorder()
    dialled = await dial(pair.config, ttl=None)
    await dialled.open(ours)
    accepted = await pair.accepted.get()
    await accepted.open(theirs)

    dialled.close(reset=reset)
    dialled.close()
    await ours.hear()
    await theirs.hear()

    assert ours.lost == [None]
    assert [type(lost) for lost in theirs.lost] == [error]
    pair.listener.close()


async def test_a_peer_that_does_not_read_pauses_us_within_kilobytes() -> None:
    pair = Pair()
    ours, theirs = Recorder(), Recorder()
    dialled = await dial(pair.config, ttl=None)
    await dialled.open(ours)
    accepted = await pair.accepted.get()
    written = 0
    while not dialled.paused:
        dialled.write(bytes(4096))
        written += 4096
        await asyncio.sleep(0)
    at_pause = written

    await accepted.open(theirs)
    await asyncio.wait_for(ours.resumed.wait(), 5)

    assert not dialled.paused
    assert at_pause < 1024 * 1024
    dialled.close(reset=True)
    await theirs.hear()
    pair.listener.close()


class Counting(Listener):
    """Counts how often it was tried to accept."""

    tries = 0

    def _accept(self, listener: socket.socket) -> None:
        self.tries += 1
        super()._accept(listener)


@pytest.mark.parametrize("closed", [False, True])
async def test_who_comes_while_nothing_can_be_opened_waits_and_the_loop_does_not_spin(
    monkeypatch: pytest.MonkeyPatch, *, closed: bool
) -> None:
    monkeypatch.setattr("porter_bgp.transport.tcp._REST", 0.1)
    accepted: list[TcpConnection] = []
    listener = Counting(accepted.append)
    listener.listen([ListenConfig(address=V4, port=0)])
    with socket.socket() as peer:
        with no_descriptors():
            peer.connect((str(V4), listener.ports[0]))
            for _ in range(20):
                await asyncio.sleep(0)
        tries = listener.tries
        if closed:
            listener.close()
            listener.listen([ListenConfig(address=V4, port=0)])
            peer.close()
            (await dial(TcpConfig(remote=V4, port=listener.ports[0]), ttl=None)).close()
        await eventually(lambda: bool(accepted))

    assert tries == 1
    assert (listener.tries, len(accepted)) == (2, 1)
    accepted[0].close()
    listener.close()


async def test_source_address_is_used() -> None:
    pair = Pair()
    config = TcpConfig(remote=V4, port=pair.config.port, source=IPv4Address("127.0.0.9"))

    dialled = await dial(config, ttl=None)
    accepted = await pair.accepted.get()

    assert accepted.remote == IPv4Address("127.0.0.9")
    dialled.close()
    accepted.close()
    pair.listener.close()


async def test_gtsm_admits_a_neighbour_and_nobody_farther() -> None:
    pair = Pair()
    near, far = Recorder(), Recorder()
    strict = TcpConfig(remote=V4, port=pair.config.port, gtsm_hops=1)
    dialled = await dial(strict, ttl=None)
    await dialled.open(near)
    accepted = await pair.accepted.get()
    welcome(accepted, TcpConfig(remote=V4, ttl=64), ttl=None)  # its segments look far away
    await accepted.open(far)

    dialled.write(b"from near")
    await far.hear()
    accepted.write(b"from far")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(near.news.wait(), 0.2)

    assert far.received == b"from near"
    accepted.close(reset=True)
    dialled.close(reset=True)
    pair.listener.close()


@pytest.mark.parametrize(
    ("theirs", "admitted"), [(b"secret", True), (b"wrong", False), (None, False)]
)
async def test_md5_key_of_a_listener_admits_only_who_has_it(
    *, theirs: bytes | None, admitted: bool
) -> None:
    pair = Pair()
    pair.listener.protect({V4: b"secret"})
    config = TcpConfig(remote=V4, port=pair.config.port, md5_password=theirs, connect_timeout=0.3)

    if admitted:
        (await dial(config, ttl=None)).close()
        (await pair.accepted.get()).close()
    else:
        with pytest.raises(TimeoutError):
            await dial(config, ttl=None)
    pair.listener.close()


async def test_md5_key_taken_back_admits_without() -> None:
    pair = Pair()
    pair.listener.protect({V4: b"secret"})

    pair.listener.protect({})
    dialled = await dial(pair.config, ttl=None)

    assert dialled.remote == V4
    dialled.close()
    (await pair.accepted.get()).close()
    pair.listener.close()


async def test_refusal_is_described() -> None:
    pair = Pair()
    pair.listener.close()

    with pytest.raises(ConnectionRefusedError) as caught:
        await dial(pair.config, ttl=None)

    assert describe(caught.value).startswith("connection refused")


DESCRIBED = {
    "closed by the peer": None,
    "no answer: check address, TCP MD5 password, and the distance in hops": TimeoutError(),
    "something new": OSError("something new"),
    "No space left on device": OSError(28, "No space left on device"),
}


@pytest.mark.parametrize(("text", "error"), DESCRIBED.items(), ids=DESCRIBED)
def test_any_error_has_a_sentence(text: str, error: OSError | None) -> None:
    assert describe(error) == text


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
async def test_acknowledged_octets_are_counted_from_the_first_one_written(address: str) -> None:
    pair = Pair(ip_address(address))
    dialled = await dial(pair.config, ttl=None)
    accepted = await pair.accepted.get()
    at_first = (dialled.acknowledged, accepted.acknowledged)
    await dialled.open(Recorder())
    await accepted.open(Recorder())

    dialled.write(b"octets")
    accepted.write(b"some more octets")
    await eventually(lambda: accepted.acknowledged == 16)
    await eventually(lambda: dialled.acknowledged == 6)

    assert at_first == (0, 0)
    assert (dialled.written, accepted.written) == (6, 16)
    dialled.close(reset=True)
    accepted.close(reset=True)
    pair.listener.close()


async def test_what_was_not_read_does_not_turn_a_close_into_a_reset() -> None:
    pair = Pair()
    ours, theirs = Recorder(), Recorder()
    dialled = await dial(pair.config, ttl=None)
    await dialled.open(ours)
    accepted = await pair.accepted.get()
    await accepted.open(theirs)

    accepted.write(bytes(3000))
    dialled.write(b"last words")
    dialled.close()
    await theirs.hear()
    await eventually(lambda: bool(theirs.lost))

    assert theirs.received == b"last words"
    assert theirs.lost == [None]
    pair.listener.close()
