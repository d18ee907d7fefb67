"""`Speaker.acknowledged`: only what the peer's kernel has taken counts as told."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from ipaddress import IPv4Address
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from porter_bgp.fsm import Timer
from porter_bgp.rib import Path, RouteAttributes
from porter_bgp.speaker.speaker import Speaker
from porter_bgp.transport import sockopt
from porter_bgp.wire import (
    IPV4_UNICAST,
    IPV6_UNICAST,
    KEEPALIVE,
    Codec,
    FourOctetAs,
    Multiprotocol,
    Open,
    Prefix,
    encode_message,
)
from tests.porter_bgp.speaker.loopback import (
    LOOPBACK,
    OTHER,
    PLAIN,
    ROUTER_ASN,
    V4,
    V6,
    next_hops,
    node,
    node_side,
    router,
    running,
    seen,
)
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

NODE = "127.0.0.11"
MANY = [Prefix.of(IPv4Address(0xC6120000 + number)) for number in range(20_000)]
DIFFERENT = Path(0, RouteAttributes(communities=(7,)))


class Raw:
    """A peer that says OPEN and KEEPALIVE, and reads only when told to."""

    def __init__(self, listener: socket.socket, *, hold_time: int) -> None:
        self._listener = listener
        self._hold_time = hold_time
        self.sock: socket.socket | None = None

    async def accept(self) -> None:
        loop = asyncio.get_running_loop()
        self.sock, _ = await loop.sock_accept(self._listener)
        capabilities = (
            FourOctetAs(ROUTER_ASN),
            Multiprotocol(IPV4_UNICAST),
            Multiprotocol(IPV6_UNICAST),
        )
        theirs = Open(
            my_as=ROUTER_ASN,
            hold_time=self._hold_time,
            bgp_identifier=IPv4Address("192.0.2.100"),
            capabilities=capabilities,
        )
        await loop.sock_sendall(self.sock, encode_message(theirs, Codec()) + KEEPALIVE)

    async def read(self) -> None:
        """Read whatever comes."""
        assert self.sock is not None
        while await asyncio.get_running_loop().sock_recv(self.sock, 65536):
            pass


@asynccontextmanager
async def raw_peer(speaker: Speaker, *, hold_time: int = 0) -> AsyncIterator[Raw]:
    """One with the smallest of receive buffers, Established."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        listener.bind((str(LOOPBACK), 0))
        listener.listen()
        listener.settimeout(0.0)
        config = node_side(NODE, listener.getsockname()[1])
        session = replace(config.session, hold_time=hold_time)
        raw = Raw(listener, hold_time=hold_time)
        speaker.configure({"tor": replace(config, session=session)})
        await raw.accept()
        await eventually(lambda: seen(speaker).established)
        assert raw.sock is not None
        with raw.sock:
            yield raw


def is_acknowledged(speaker: Speaker, prefix: Prefix, path: Path) -> bool:
    return speaker.acknowledged("tor", prefix) == (path,)


async def test_a_reader_acknowledges_within_a_tenth_of_a_second() -> None:
    async with router(NODE) as (tor, port), node(NODE, port) as speaker:
        await eventually(lambda: seen(tor, NODE).established)
        await eventually(lambda: seen(speaker).unacknowledged_since is None)
        loop, took = asyncio.get_running_loop(), list[float]()

        for path in (DIFFERENT, PLAIN) * 3:
            before = loop.time()
            for prefix in (V4, V6):
                speaker.announce(prefix, {"tor": (path,)})
            assert speaker.acknowledged("tor", V4) == ()
            for prefix in (V4, V6):
                await eventually(partial(is_acknowledged, speaker, prefix, path))
            took.append(loop.time() - before)

        assert min(took) < 0.1  # of several, since a machine may be busy
        assert next_hops(tor, V4) == {NODE}
        assert speaker.take_changes() == {"tor": {V4, V6}}
        assert speaker.take_changes() == {}
        assert seen(speaker).unacknowledged_since is None


async def test_what_a_peer_does_not_read_is_never_acknowledged() -> None:
    async with running() as speaker, raw_peer(speaker) as raw:
        for prefix in MANY:
            speaker.announce(prefix, {"tor": (PLAIN,)})
        await eventually(lambda: seen(speaker).families[IPV4_UNICAST].pending < len(MANY))
        loop = asyncio.get_running_loop()
        until = loop.time() + 1.0
        await eventually(lambda: loop.time() > until)
        stuck = [prefix for prefix in MANY if not speaker.acknowledged("tor", prefix)]
        advertised = [prefix for prefix in MANY if speaker.advertised("tor", prefix)]
        view = seen(speaker)

        reading = asyncio.create_task(raw.read())
        await eventually(lambda: seen(speaker).families[IPV4_UNICAST].pending == 0)
        await eventually(lambda: seen(speaker).unacknowledged_since is None)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)

        assert len(MANY) - len(stuck) < len(advertised) < len(MANY)
        assert view.unacknowledged_since is not None
        assert view.unacknowledged_since < until
        assert all(speaker.acknowledged("tor", prefix) for prefix in MANY)
        assert speaker.take_changes()["tor"] >= set(stuck)


async def test_a_peer_that_stops_reading_is_told_of_after_a_third_of_the_hold_time() -> None:
    told: list[bool] = []
    speaker = Speaker(on_change=lambda name: told.append(seen(speaker, name).established))
    run = asyncio.create_task(speaker.run())
    await eventually(lambda: speaker.view().now > 0)
    async with raw_peer(speaker, hold_time=3) as raw:
        for prefix in MANY:
            speaker.announce(prefix, {"tor": (PLAIN,)})
        await eventually(lambda: seen(speaker).unacknowledged_since is not None)
        loop = asyncio.get_running_loop()
        since = loop.time()
        await eventually(lambda: loop.time() > since + 0.5)
        told.clear()

        await eventually(lambda: bool(told))
        late = loop.time() - since
        established = speaker._peers["tor"].session._arbiter.established()

        assert told == [True]
        assert 0.9 < late < 2.5
        assert raw.sock is not None
        assert established is not None
        assert established.fsm.timers.running(Timer.SEND_HOLD)  # RFC 9687
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)


@pytest.mark.parametrize("paths", [(DIFFERENT,), ()], ids=["replaced", "withdrawn"])
async def test_what_is_planned_otherwise_counts_no_more(paths: tuple[Path, ...]) -> None:
    async with router(NODE) as (_, port), node(NODE, port) as speaker:
        speaker.announce(V4, {"tor": (PLAIN,)})
        await eventually(lambda: speaker.acknowledged("tor", V4) == (PLAIN,))
        speaker.take_changes()

        speaker.announce(V4, {"tor": paths})

        assert speaker.acknowledged("tor", V4) == ()
        assert speaker.planned(V4) == {"tor": paths}
        assert speaker.take_changes() == {"tor": {V4}}
        await eventually(lambda: speaker.acknowledged("tor", V4) == paths)


async def test_a_lost_session_acknowledges_nothing_and_the_next_one_all_again() -> None:
    async with running() as speaker:
        async with router(NODE) as (_, port):
            speaker.configure({"tor": node_side(NODE, port)})
            speaker.announce(V4, {"tor": (PLAIN,)})
            speaker.announce(V6, {"tor": (PLAIN,)})
            await eventually(lambda: speaker.acknowledged("tor", V6) == (PLAIN,))
            await eventually(lambda: speaker.acknowledged("tor", V4) == (PLAIN,))
            speaker.take_changes()
        await eventually(lambda: not seen(speaker).established)

        assert speaker.acknowledged("tor", V4) == ()
        assert speaker.take_changes() == {"tor": {V4, V6}}
        assert seen(speaker).unacknowledged_since is None


async def test_a_removed_peer_acknowledges_nothing_and_is_told_of_once() -> None:
    async with router(NODE) as (_, port), node(NODE, port) as speaker:
        speaker.announce(V4, {"tor": (PLAIN,)})
        await eventually(lambda: speaker.acknowledged("tor", V4) == (PLAIN,))
        speaker.take_changes()

        speaker.configure({})

        assert speaker.acknowledged("tor", V4) == ()
        assert speaker.take_changes() == {"tor": {V4}}
        assert speaker.take_changes() == {}


async def test_a_peer_that_needs_another_session_starts_from_nothing() -> None:
    async with router(NODE, "127.0.0.12") as (_, port), node(NODE, port) as speaker:
        speaker.announce(V4, {"tor": (PLAIN,)})
        speaker.announce(OTHER, {"nobody": (PLAIN,)})
        await eventually(lambda: speaker.acknowledged("tor", V4) == (PLAIN,))
        speaker.take_changes()

        speaker.configure({"tor": node_side("127.0.0.12", port)})
        lost, gone = speaker.acknowledged("tor", V4), speaker.take_changes()
        await eventually(lambda: speaker.acknowledged("tor", V4) == (PLAIN,))

        assert (lost, gone) == ((), {"tor": {V4}})
        assert speaker.take_changes() == {"tor": {V4}}


async def test_where_the_kernel_does_not_say_nothing_is_acknowledged_and_nobody_blamed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sockopt, "acknowledged_octets", lambda _: None)
    async with router(NODE) as (tor, port), node(NODE, port) as speaker:
        speaker.announce(V4, {"tor": (PLAIN,)})
        await eventually(lambda: next_hops(tor, V4) == {NODE})

        assert speaker.acknowledged("tor", V4) == ()
        assert seen(speaker).unacknowledged_since is None
        assert seen(speaker).established


async def test_news_of_acknowledgements_are_paced() -> None:
    told: list[float] = []
    loop = asyncio.get_running_loop()
    speaker = Speaker(on_change=lambda _: told.append(loop.time()))
    run = asyncio.create_task(speaker.run())
    await eventually(lambda: speaker.view().now > 0)
    async with router(NODE) as (_, port):
        speaker.configure({"tor": node_side(NODE, port)})
        await eventually(lambda: seen(speaker).established)
        told.clear()
        started = loop.time()
        number = 0
        while loop.time() < started + 0.5:
            number += 1
            path = Path(0, RouteAttributes(med=number))
            speaker.announce(V4, {"tor": (path,)})
            await asyncio.sleep(0)
        await eventually(lambda: speaker.acknowledged("tor", V4) == (path,))
        at_once = len(told)
        await eventually(lambda: len(told) > at_once or loop.time() > told[-1] + 0.2)

        gaps = [later - earlier for earlier, later in pairwise(told)]
        assert number > 20
        assert 2 < len(told) < 20
        assert min(gaps) > 0.04
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)
