"""A BGP speaker: peers, sockets and tables together, on asyncio.

    speaker = Speaker(SpeakerConfig())
    running = asyncio.create_task(speaker.run())
    speaker.configure({"tor": PeerConfig(...)})
    speaker.announce(Prefix.parse("192.0.2.1/32"), {"tor": (Path(0, RouteAttributes()),)})
    speaker.tables_complete({"tor"})

`configure` and `announce` state the whole truth, of the few peers and of one prefix; the speaker
finds the difference. Nothing here raises for what a peer or the network does: that is seen in
`view`, and `on_change` says when to look.
"""

from __future__ import annotations

import asyncio
import logging
import random
from dataclasses import replace
from typing import TYPE_CHECKING

from porter_bgp.config import SpeakerConfig
from porter_bgp.rib import LocRib
from porter_bgp.session import RestartFacts, Stop
from porter_bgp.speaker.peer import Peer
from porter_bgp.speaker.sight import see_peer
from porter_bgp.transport.errors import describe
from porter_bgp.transport.tcp import Listener, TcpConnection
from porter_bgp.view import SpeakerView

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from collections.abc import Set as AbstractSet

    from porter_bgp.config import PeerConfig
    from porter_bgp.rib import Candidate, Path
    from porter_bgp.wire import PathAttributes, Prefix

log = logging.getLogger(__name__)

PeerName = str

_LISTEN_AGAIN = 5.0  # seconds after a socket could not be had
_LEAVE_SECONDS = 2.0  # for the last words to reach the peers
_REST_SECONDS = 0.5  # for the rest of what a peer that keeps our routes is to have
_LOOK_AGAIN = 0.005  # seconds between two looks at what has gone out
_REPLACED = replace(Stop.config_changed(), final=True)  # another session takes its place


def _jitter() -> float:
    return random.uniform(0.75, 1.0)  # noqa: S311 - RFC 4271 §10 asks for spread, not secrecy


class Speaker:
    """A BGP speaker.

    Args:
        config: What all peers share; `configure` may replace it.
        on_change: Called, in the loop, when a session came up, went down or failed to come up;
            and, at most every 50 ms a peer, when routes were acknowledged or the peer has long
            acknowledged nothing (a third of the hold time), or does so again.
        on_received: Called, in the loop, when accepted routes came or went.
    """

    def __init__(
        self,
        config: SpeakerConfig | None = None,
        *,
        on_change: Callable[[PeerName], None] | None = None,
        on_received: Callable[[], None] | None = None,
        jitter: Callable[[], float] = _jitter,
    ) -> None:
        self._config = config or SpeakerConfig()
        self._on_change = on_change
        self._on_received = on_received
        self._jitter = jitter
        self._loop: asyncio.AbstractEventLoop | None = None
        self._peers: dict[PeerName, Peer] = {}
        self._wanted: dict[PeerName, PeerConfig] = {}
        self._leaving: set[Peer] = set()
        self._routes: dict[Prefix, Mapping[PeerName, tuple[Path, ...]]] = {}
        self._complete: set[PeerName] = set()
        self._facts = RestartFacts()
        self._lost: dict[PeerName, set[Prefix]] = {}  # with peers, since `take_changes`
        self._touched: set[Prefix] = set()
        self._loc_rib = LocRib()
        self._listener = Listener(self._accept)
        self._listening: tuple[int, ...] = ()
        self._listen_error: str | None = None
        self._listen_timer: asyncio.TimerHandle | None = None
        self._ended = asyncio.Event()

    async def run(self) -> None:
        """Have sessions until `close`. Cancelled, it closes every connection without a word."""
        self._loop = asyncio.get_running_loop()
        try:
            self._listen_anew()
            self._apply()
            await self._ended.wait()
        finally:
            self._dispose()

    async def close(self, how: Stop = Stop.RESTART, *, seconds: float = _LEAVE_SECONDS) -> None:
        """End every session in this way, wait for the last words to go, and let `run` return."""
        for peer in self._peers.values():
            peer.stop(how)
        await self._until(lambda: all(peer.at_rest for peer in self._peers.values()), seconds)
        self._ended.set()

    async def restart(self, *, seconds: float = _LEAVE_SECONDS) -> None:
        """End every session for a moment, let `run` return, and be back as another process.

        A peer that keeps our routes meanwhile (`PeerView.graceful_restart`) is left without a word
        (RFC 4724 §4), and so is one without a session, which may keep them too: a NOTIFICATION
        would end that. It is told first what it was to be told, for half a second at most, or it
        would keep also what was taken back. All others are left as `leave` does it.

        Args:
            seconds: Until the withdrawals are given up, and again until the last words are.
        """
        peers = self._peers.values()
        await self._until(
            lambda: not any(peer.retains and peer.outbound.pending for peer in peers),
            min(seconds, _REST_SECONDS),
        )
        staying = {peer.name for peer in peers if peer.retains or peer.connection is None}
        for name in staying:
            self._peers[name].stop(Stop.RESTART)
        for prefix, paths in list(self._routes.items()):
            self.announce(prefix, {name: paths[name] for name in paths.keys() & staying})
        leaving = [peer for name, peer in self._peers.items() if name not in staying]
        await self._until(lambda: not any(peer.outbound.pending for peer in leaving), seconds)
        for peer in leaving:
            peer.stop(Stop.leave())
        await self.close(Stop.RESTART, seconds=seconds)

    async def leave(self, text: str = "", *, seconds: float = _LEAVE_SECONDS) -> None:
        """Withdraw everything, then end every session with Cease 6/2 and `text` (RFC 9003)."""
        for prefix in list(self._routes):
            self.announce(prefix, {})
        await self._until(
            lambda: not any(peer.outbound.pending for peer in self._peers.values()), seconds
        )
        await self.close(Stop.leave(text), seconds=seconds)

    def configure(
        self, peers: Mapping[PeerName, PeerConfig], shared: SpeakerConfig | None = None
    ) -> None:
        """Have exactly these peers, and what they share. Idempotent.

        A peer whose change needs another session gets one; all others keep theirs. After it, the
        caller announces every prefix again, and says for which peers the tables are complete.
        """
        shared, before = shared or self._config, self._config
        self._config, self._wanted = shared, dict(peers)
        if self._loop is not None:
            if self._protect() and shared.listen != before.listen:
                self._listen()
            self._apply()

    def announce(self, prefix: Prefix, paths: Mapping[PeerName, tuple[Path, ...]]) -> None:
        """Replace everything said of a prefix, to every peer; {} withdraws it from all."""
        before = self._routes.get(prefix, {})
        if paths:
            self._routes[prefix] = paths
        else:
            self._routes.pop(prefix, None)
        for name in before.keys() | paths.keys():
            if (peer := self._peers.get(name)) is not None:
                peer.outbound.announce(prefix, paths.get(name, ()))

    def planned(self, prefix: Prefix) -> Mapping[PeerName, tuple[Path, ...]]:
        """What is announced of a prefix now, to each peer."""
        return self._routes.get(prefix, {})

    def prefixes(self) -> AbstractSet[Prefix]:
        """What is announced to anyone: a view that follows."""
        return self._routes.keys()

    def tables_complete(self, peers: AbstractSet[PeerName]) -> None:
        """All that these peers are to have has been announced: End-of-RIB may go to them."""
        self._complete |= peers
        for name in peers & self._peers.keys():
            self._peers[name].outbound.complete()

    def restart_facts(self, facts: RestartFacts) -> None:
        """What the next OPENs say of our own restart (RFC 4724 §4.1), read when one is built.

        `facts.restarting` goes to each peer only until our End-of-RIB of every family went to it
        once. Said before `configure`, it also has passive sessions dial until they first were up.
        """
        self._facts = facts
        for peer in self._peers.values():
            peer.restart_facts(facts)

    def acknowledged(self, name: PeerName, prefix: Prefix) -> tuple[Path, ...]:
        """The planned paths of a prefix that a peer's kernel has acknowledged on this session.

        A path that is planned otherwise by now, or is not told to this peer, is none of them; ()
        without a session.
        """
        peer = self._peers.get(name)
        return () if peer is None else peer.outbound.acknowledged(prefix)

    def take_changes(self) -> Mapping[PeerName, AbstractSet[Prefix]]:
        """The prefixes of which `acknowledged` may say something else since this was last asked.

        They were acknowledged, replaced or withdrawn, or the session or the peer is gone.
        """
        changes, self._lost = self._lost, {}
        for name, peer in self._peers.items():
            if changed := peer.outbound.take_changes():
                changes[name] = changes.get(name, set()) | changed
        return changes

    def take_received(self) -> AbstractSet[Prefix]:
        """The prefixes whose multipath set is another since this was last asked."""
        touched, self._touched = self._touched, set()
        received = (peer.inbound.table for peer in self._peers.values())
        tables = [table for table in received if table is not None]
        return self._loc_rib.reconsider(touched, tables)

    def received(self) -> AbstractSet[Prefix]:
        """The prefixes that peers told of and that were accepted, as of `take_received`."""
        return self._loc_rib.prefixes()

    def paths(self, prefix: Prefix) -> tuple[Candidate, ...]:
        """The received paths to use together, the best first, as of `take_received`."""
        return self._loc_rib.decision(prefix).multipath

    def advertised(self, name: PeerName, prefix: Prefix) -> tuple[tuple[int, PathAttributes], ...]:
        """What a peer was told of a prefix on the present session.

        Each with the path identifier that it is planned with, whether or not the peer sees that.
        """
        peer = self._peers.get(name)
        return () if peer is None else peer.outbound.advertised(prefix)

    def view(self) -> SpeakerView:
        """Everything but the routes."""
        return SpeakerView(
            now=0.0 if self._loop is None else self._loop.time(),
            peers={name: see_peer(peer) for name, peer in self._peers.items()},
            prefixes=len(self._routes),
            listening=self._listening,
            listen_error=self._listen_error,
        )

    # Peers

    def _apply(self) -> None:
        for name in self._peers.keys() - self._wanted.keys():
            self._remove(name, Stop.deconfigured())
        for name, config in self._wanted.items():
            peer = self._peers.get(name)
            if peer is None:
                self._add(name, config)
            elif not peer.reconfigure(config, self._config):
                self._remove(name, _REPLACED)
                self._complete.discard(name)
                self._add(name, config, introduced=peer.outbound.introduced)
        self._complete &= self._wanted.keys()

    def _add(self, name: PeerName, config: PeerConfig, *, introduced: bool = False) -> None:
        peer = Peer(
            name, config, self._config, jitter=self._jitter, hear=self, introduced=introduced
        )
        self._peers[name] = peer
        peer.restart_facts(self._facts)
        for prefix, paths in self._routes.items():
            if name in paths:
                peer.outbound.announce(prefix, paths[name])
        if name in self._complete:
            peer.outbound.complete()
        peer.start()

    def _remove(self, name: PeerName, how: Stop) -> None:
        peer = self._peers.pop(name)
        peer.stop(how)
        peer.inbound.forget()
        self._lost.setdefault(name, set()).update(peer.outbound.take_changes())
        if not peer.at_rest:
            self._leaving.add(peer)
            self._running_loop.call_later(_LEAVE_SECONDS, self._forget, peer)

    def _forget(self, peer: Peer) -> None:
        self._leaving.discard(peer)
        peer.dispose()

    def changed(self, name: PeerName) -> None:
        """A peer's state, or what it has acknowledged, is another (`Hearing`)."""
        if self._on_change is not None:
            self._on_change(name)

    def received_routes(self, prefixes: AbstractSet[Prefix]) -> None:
        """Accepted routes to these came or went (`Hearing`)."""
        self._touched |= prefixes
        if self._on_received is not None:
            self._on_received()

    # Sockets

    def _listen_anew(self) -> None:
        if self._protect():
            self._listen()

    def _listen(self) -> None:
        self._listener.close()
        self._stop_listen_timer()
        try:
            self._listener.listen(self._config.listen)
        except OSError as error:
            self._cannot_listen(error)
        else:
            self._listen_error = None
            self._listening = tuple(self._listener.ports)

    def _protect(self) -> bool:
        """Give the sockets that listen, or will, the peers' keys: no SYN comes in before them.

        Where that cannot be, nobody listens for a while; whether it was done is returned.
        """
        keys = {
            config.tcp.remote: config.tcp.md5_password
            for config in self._wanted.values()
            if config.tcp.md5_password is not None
        }
        try:
            self._listener.protect(keys)
        except OSError as error:
            self._cannot_listen(error)
            return False
        return True

    def _cannot_listen(self, error: OSError) -> None:
        self._listener.close()
        self._listening = ()
        self._listen_error = describe(error)
        log.error("cannot listen: %s", self._listen_error)
        self._stop_listen_timer()
        self._listen_timer = self._running_loop.call_later(_LISTEN_AGAIN, self._listen_anew)

    def _stop_listen_timer(self) -> None:
        if self._listen_timer is not None:
            self._listen_timer.cancel()
            self._listen_timer = None

    def _accept(self, connection: TcpConnection) -> None:
        for peer in self._peers.values():
            if peer.config.tcp.remote == connection.remote:
                peer.accept(connection)
                return
        log.info("refused a connection from %s: no such peer", connection.remote)
        connection.close(reset=True)

    # Ending

    async def _until(self, done: Callable[[], bool], seconds: float) -> None:
        until = self._running_loop.time() + seconds
        while not done() and self._running_loop.time() < until:  # noqa: ASYNC110 - bounded, at the end
            await asyncio.sleep(_LOOK_AGAIN)

    def _dispose(self) -> None:
        self._listener.close()
        self._stop_listen_timer()
        for peer in (*self._peers.values(), *self._leaving):
            peer.dispose()

    @property
    def _running_loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            raise RuntimeError("the speaker does not run yet: await Speaker.run first")
        return self._loop
