"""One peer: its session, its sockets and its tables, driven by one timer.

The session decides, this module does: it dials, writes and closes what `Session.next_output` says,
and feeds back what sockets and the clock report. What the peer is to have is `Outbound`'s, what it
sends `Inbound`'s.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Protocol, assert_never

from porter_bgp.config import PeerType
from porter_bgp.rib import Source
from porter_bgp.session import (
    Close,
    Dial,
    RefreshReceived,
    RestartFacts,
    Session,
    SessionDown,
    SessionEstablished,
    UpdateReceived,
    Write,
    retained,
)
from porter_bgp.speaker.inbound import Inbound
from porter_bgp.speaker.next_hop import export_facts
from porter_bgp.speaker.outbound import Outbound
from porter_bgp.speaker.paced import Paced
from porter_bgp.speaker.progress import Progress
from porter_bgp.transport.errors import describe
from porter_bgp.transport.tcp import dial, welcome
from porter_bgp.wire import RouteRefreshSubtype

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Set as AbstractSet

    from porter_bgp.config import PeerConfig, SpeakerConfig
    from porter_bgp.session import ConnId, Negotiated, SessionEvent, Stop
    from porter_bgp.transport.tcp import TcpConnection
    from porter_bgp.wire import Prefix

log = logging.getLogger(__name__)

_NEIGHBOUR_TTL = 1  # an external peer is one hop away unless configured otherwise
_NEWS_SECONDS = 0.05  # between two tellings of what was acknowledged


class Hearing(Protocol):
    """Whom a peer tells what happened: the speaker."""

    def changed(self, name: str) -> None:
        """The state of this peer, or what it has acknowledged, is another."""

    def received_routes(self, prefixes: AbstractSet[Prefix]) -> None:
        """Accepted routes to these prefixes came or went."""


class Peer:
    """One peer of a speaker.

    Attributes:
        name: As given to `Speaker.configure`.
        config: As given there last.
        outbound: What it is to have.
        inbound: What it sends.
        connection: The one that is Established; None without.
        progress: What it acknowledges on that; None without.
        established_at: When; None without.
        down: Why it last went down or failed to come up; None while it never has.
        last_error: What the socket said when a connection or dial last failed; empty for nothing.
    """

    def __init__(
        self,
        name: str,
        config: PeerConfig,
        shared: SpeakerConfig,
        *,
        jitter: Callable[[], float],
        hear: Hearing,
        introduced: bool = False,
    ) -> None:
        self.name = name
        self.config = config
        self.session = Session(config.session, jitter=jitter)
        self.connection: TcpConnection | None = None
        self.progress: Progress | None = None
        self.established_at: float | None = None
        self.down: SessionDown | None = None
        self.last_error = ""
        self._shared = shared
        self._hear = hear
        self._loop = asyncio.get_running_loop()
        self._links: dict[ConnId, _Link] = {}
        self._dials: dict[ConnId, asyncio.Task[None]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._negotiated: Negotiated | None = None
        self._facts = RestartFacts()
        self._news = Paced(self._loop, lambda: hear.changed(name), seconds=_NEWS_SECONDS)
        self._late = False
        self.inbound = Inbound(name, config, self._loop, hear.received_routes)
        self.outbound = Outbound(
            config.session.families,
            self._loop,
            self,
            on_introduced=self._introduced,
            introduced=introduced,
        )

    def start(self) -> None:
        """Begin to have a session with the peer."""
        self.session.start(self._loop.time())
        self.turn()

    def stop(self, how: Stop) -> None:
        """End the session in this way; `start` begins anew."""
        self.session.stop(self._loop.time(), how)
        self.turn()

    def dispose(self) -> None:
        """Let go of the loop and of every socket. The peer is not used again."""
        self.outbound.close()
        self.inbound.dispose()
        self._news.stop()
        if self.progress is not None:
            self.progress.stop()
        if self._timer is not None:
            self._timer.cancel()
        for task in self._dials.values():
            task.cancel()
        for link in list(self._links.values()):
            link.closed = True  # its end is none of the session's: it would dial again
            link.connection.close()

    @property
    def at_rest(self) -> bool:
        """Whether no connection is open or being dialled."""
        return not self._links and not self._dials

    def reconfigure(self, config: PeerConfig, shared: SpeakerConfig) -> bool:
        """Take a new configuration where no new peer is needed for it; False: one is needed."""
        before, session = self.config, self.config.session
        tcp = replace(before.tcp, connect_timeout=config.tcp.connect_timeout)
        if config.tcp != tcp or config.import_policy is not before.import_policy:
            return False
        if config.session.families != session.families:
            return False
        if self.session.reconfigure(config.session) is not None:
            return False
        self.config, self._shared = config, shared
        self.inbound.limit(config.max_prefixes.limit)
        if self.connection is not None and self._negotiated is not None:
            self._learn(self._negotiated, self.connection)
        self.turn()
        return True

    def restart_facts(self, facts: RestartFacts) -> None:
        """What the next OPEN says of our own restart; R only until End-of-RIB went once."""
        self._facts = facts
        restarting = facts.restarting and not self.outbound.introduced
        self.session.restart_facts(replace(facts, restarting=restarting))

    @property
    def retains(self) -> bool:
        """Whether the peer keeps our routes if we go without a word."""
        return self._negotiated is not None and self._negotiated.peer_retains

    # Connections

    def accept(self, connection: TcpConnection) -> None:
        """The peer has dialled."""
        conn = self.session.accepted(self._loop.time())
        if conn is None:
            log.info("peer %s: one more connection refused", self.name)
            connection.close(reset=True)
            return
        link = self._links[conn] = _Link(self, conn, connection)
        try:
            welcome(connection, self.config.tcp, ttl=self._default_ttl)
        except OSError as error:  # no session without the protection that is asked for
            log.warning("peer %s: connection refused: %s", self.name, describe(error))
            self.turn()  # our OPEN goes nowhere
            connection.close(reset=True)
            self.connection_lost(conn, error)
            return
        self._dials[conn] = self._loop.create_task(self._open(link))

    async def _dial(self, conn: ConnId) -> None:
        try:
            connection = await dial(self.config.tcp, ttl=self._default_ttl)
        except OSError as error:
            del self._dials[conn]
            self.last_error = describe(error)
            self.session.dial_failed(conn, self._loop.time())
            self.turn()
            return
        link = self._links[conn] = _Link(self, conn, connection)
        await self._open(link)
        self.session.dialed(conn, self._loop.time())
        self.turn()

    async def _open(self, link: _Link) -> None:
        await link.connection.open(link)
        del self._dials[link.conn]
        self.turn()

    def data_received(self, conn: ConnId, data: bytes) -> None:
        """Octets came on a connection."""
        self.session.receive_data(conn, data, self._loop.time())
        self.turn()

    def connection_lost(self, conn: ConnId, error: OSError | None) -> None:
        """A connection is gone."""
        link = self._links.pop(conn)
        if not link.closed:
            self.last_error = describe(error)
            self.session.connection_lost(conn, self._loop.time())
            self.turn()

    def writable(self) -> None:
        """A connection takes octets again."""
        self.outbound.resume()

    # The session's wishes

    def turn(self) -> None:
        """Do what the session wants, hear what it says, and set the one timer."""
        while True:
            while (output := self.session.next_output()) is not None:
                self._perform(output)
            event = self.session.next_event()
            if event is None:
                break
            self._take(event)
        self._set_timer()

    def _perform(self, output: Dial | Write | Close) -> None:
        match output:
            case Dial():
                self._dials[output.conn] = self._loop.create_task(self._dial(output.conn))
            case Write():
                connection = self._links[output.conn].connection
                connection.write(output.data)
                if connection is self.connection and self.progress is not None:
                    self.progress.wrote()
            case Close():
                if task := self._dials.pop(output.conn, None):
                    task.cancel()
                if link := self._links.get(output.conn):
                    link.closed = True
                    link.connection.close(reset=output.reset)
            case _:
                assert_never(output)

    def _take(self, event: SessionEvent) -> None:
        match event:
            case SessionEstablished():
                self._established(event)
            case SessionDown():
                self._lost(event)
            case UpdateReceived():
                self.inbound.apply(event.update)
            case RefreshReceived():
                if event.subtype == RouteRefreshSubtype.REQUEST:  # not the peer's own BoRR or EoRR
                    self.outbound.refresh(event.family)
            case _:
                assert_never(event)

    def _established(self, event: SessionEstablished) -> None:
        negotiated, connection = event.negotiated, self._links[event.conn].connection
        self.connection, self._negotiated = connection, negotiated
        self.established_at = event.at
        self.progress = Progress(self._loop, connection, partial(self._looked, event.conn))
        source = Source(
            peer=self.name,
            external=negotiated.external,
            local_asn=self.config.session.shown_asn,
            local_id=self.config.session.router_id,
            peer_id=negotiated.peer_id,
            address=connection.remote,
        )
        self.inbound.open(negotiated, source)
        self._learn(negotiated, connection)
        self.outbound.open(negotiated.codec)
        log.info("peer %s: Established with %s", self.name, connection.remote)
        self._hear.changed(self.name)

    def _lost(self, event: SessionDown) -> None:
        self.down = event
        if not event.established:
            log.info("peer %s: %s (%s)", self.name, event.text, self.last_error)
            self._hear.changed(self.name)
            return
        if self.progress is not None:
            self.progress.stop()
        negotiated, self._negotiated = self._negotiated, None
        self.established_at = self.connection = self.progress = None
        self._late = False
        self.outbound.close()
        self.inbound.close(frozenset() if negotiated is None else retained(event, negotiated))
        log.warning("peer %s: %s", self.name, event.text)
        self._hear.changed(self.name)

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if (deadline := self.session.next_deadline()) is not None:
            self._timer = self._loop.call_at(deadline, self._timeout)

    def _timeout(self) -> None:
        self._timer = None
        self.session.handle_timeout(self._loop.time())
        self.turn()

    def _learn(self, negotiated: Negotiated, connection: TcpConnection) -> None:
        facts = export_facts(self.config, self._shared, negotiated, connection.local)
        self.outbound.learn(facts)

    # The pump's stream, and what the peer has acknowledged of it

    @property
    def ready(self) -> bool:
        """Whether the Established connection takes octets now (`Stream`)."""
        return self.connection is not None and not self.connection.paused

    @property
    def offset(self) -> int:
        """Octets written on it so far (`Stream`)."""
        return 0 if self.connection is None else self.connection.written

    def send(self, message: bytes) -> None:
        """Write one message (`Stream`)."""
        self.session.send(message, self._loop.time())
        self.turn()

    def _introduced(self) -> None:
        self.restart_facts(self._facts)

    def _looked(self, conn: ConnId, acknowledged: int) -> None:
        if self.connection is None or self.progress is None or self._negotiated is None:
            return
        now, since = self._loop.time(), self.progress.since
        self.session.progress(conn, acknowledged, self.connection.written - acknowledged, now)
        third = self._negotiated.hold_time / 3
        late = since is not None and 0 < third < now - since
        if self.outbound.acknowledge(acknowledged) or late != self._late:
            self._news.ask()
        self._late = late
        self.turn()

    @property
    def _default_ttl(self) -> int | None:
        session = self.config.session
        if session.peer_asn is None:
            external = session.peer_type is PeerType.EXTERNAL
        else:
            external = session.external_to(session.peer_asn)
        return _NEIGHBOUR_TTL if external else None


class _Link:
    """One connection, seen from its socket."""

    def __init__(self, peer: Peer, conn: ConnId, connection: TcpConnection) -> None:
        self.connection = connection
        self.conn = conn
        self.closed = False
        self._peer = peer

    def data_received(self, data: bytes) -> None:
        self._peer.data_received(self.conn, data)

    def connection_lost(self, error: OSError | None) -> None:
        self._peer.connection_lost(self.conn, error)

    def writable(self) -> None:
        self._peer.writable()
