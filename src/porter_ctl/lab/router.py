"""The router: a passive speaker of Porter's own library that believes what its nodes say.

Its Loc-RIB keeps every path that is as good as the best one; with next hop self that is one next
hop a node.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address
from typing import TYPE_CHECKING

from porter_bgp.config import (
    AddPathConfig,
    Connection,
    GracefulRestartConfig,
    ImportPolicy,
    ListenConfig,
    PeerConfig,
    PeerType,
    SessionConfig,
    SpeakerConfig,
    TcpConfig,
)
from porter_bgp.speaker.speaker import Speaker
from porter_bgp.wire import IPV4_UNICAST
from porter_bgp.wire.community import format_community

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

ADDRESS = IPv4Address("127.0.0.1")
ASN = 65000
_LOOK_AGAIN = 0.1  # seconds between looks where nothing tells of a change


@dataclass(frozen=True, slots=True)
class Route:
    """What the Loc-RIB has for one prefix.

    Attributes:
        next_hops: Of its paths, in numeric order.
        communities: Of all its paths, in numeric order, as `65000:100`.
        told_by: The nodes that told the paths.
    """

    next_hops: tuple[str, ...]
    communities: tuple[str, ...]
    told_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SessionSight:
    """One session as the router sees it.

    Attributes:
        established_at: When it came up, on the router's clock; None: it is not up.
        flaps: How often it was lost.
    """

    established_at: float | None
    flaps: int


@dataclass(frozen=True, slots=True)
class RestartSight:
    """What the router makes of a node's restart.

    Attributes:
        kept_for: Seconds for which it still keeps the routes of a node without a session; None:
            there are none to keep.
        ended: The node has said all on its present session (End-of-RIB).
    """

    kept_for: float | None
    ended: bool


class Router:
    """The lab's router; it exists from `running` on."""

    def __init__(self, nodes: Mapping[str, str], *, multipath: bool = True) -> None:
        """Prepare it.

        Args:
            nodes: The address of each node, by name.
            multipath: Whether it forwards over all paths of its Loc-RIB, or over the best alone.
        """
        self._multipath = multipath
        self._changed = asyncio.Event()
        listen = (ListenConfig(address=ADDRESS, port=0),)
        self._speaker = Speaker(
            SpeakerConfig(listen=listen),
            on_change=lambda _: self._changed.set(),
            on_received=self._changed.set,
        )
        self._speaker.configure({name: _peer(address) for name, address in nodes.items()})

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Listen, and have sessions, until left."""
        task = asyncio.create_task(self._speaker.run(), name="the router")
        try:
            while not self._speaker.view().listening and not task.done():  # noqa: ASYNC110 - a turn
                await asyncio.sleep(0)
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._speaker.view().listening[0]

    def table(self) -> dict[str, Route]:
        """The Loc-RIB: the prefixes to which there is a way."""
        self._speaker.take_received()
        found: dict[str, Route] = {}
        for prefix in sorted(self._speaker.received()):
            candidates = self._speaker.paths(prefix)
            tellers = {path.source.peer for path in candidates}
            paths = [path.attributes for path in candidates]
            hops = {path.next_hop for path in paths if path.next_hop is not None}
            communities = {community for path in paths for community in path.communities}
            if hops:
                found[str(prefix)] = Route(
                    next_hops=tuple(map(str, sorted(hops, key=int))),
                    communities=tuple(map(format_community, sorted(communities))),
                    told_by=tuple(sorted(tellers)),
                )
        return found

    def next_hops(self, prefix: str) -> tuple[str, ...]:
        """The next hops it forwards over, as of the last `table`."""
        route = self.table().get(prefix)
        hops = () if route is None else route.next_hops
        return hops if self._multipath else hops[:1]

    def sessions(self) -> dict[str, SessionSight]:
        """The session with each node."""
        return {
            name: SessionSight(established_at=peer.established_at, flaps=peer.flaps)
            for name, peer in self._speaker.view().peers.items()
        }

    def restarts(self) -> dict[str, RestartSight]:
        """What it makes of each node's restart."""
        view = self._speaker.view()
        return {
            name: RestartSight(
                kept_for=peer.restarting_until and max(0.0, peer.restarting_until - view.now),
                ended=peer.established
                and all(family.end_of_rib_received for family in peer.families.values()),
            )
            for name, peer in view.peers.items()
        }

    async def until(self, true: Callable[[], Awaitable[bool]], *, seconds: float) -> bool:
        """Look whenever something may have changed; whether it came true within that time."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while True:
            self._changed.clear()
            if await true():
                return True
            left = deadline - loop.time()
            if left <= 0:
                return False
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(left, _LOOK_AGAIN)):
                    await self._changed.wait()


def _peer(address: str) -> PeerConfig:
    session = SessionConfig(
        local_asn=ASN,
        router_id=ADDRESS,
        peer_asn=None,
        peer_type=PeerType.EXTERNAL,
        connection=Connection.PASSIVE_ONLY,
        graceful_restart=GracefulRestartConfig(),
        add_path=AddPathConfig(receive=frozenset({IPV4_UNICAST})),
        loopback=True,
    )
    return PeerConfig(
        session=session,
        tcp=TcpConfig(remote=ip_address(address)),
        import_policy=ImportPolicy.ACCEPT,
    )
