"""What does this peer say and expect, over up to two connections?

`Session` decides everything and does nothing: octets and time go in, outputs, events and one
deadline come out. The shell around it obeys four rules:

1. After every call it takes `next_output` until None, doing what it says, then `next_event` until
   None, then arms one timer for `next_deadline`. Queues are bounded only if it does.
2. Of a connection that it was told to close it reports nothing more; anything it does report of
   one that the session no longer knows is ignored.
3. At a deadline it first reads what the socket holds and gives it to `receive_data`; only then it
   calls `handle_timeout`, with a `now` that is not earlier. Otherwise a loop that stalled would
   take a peer for dead whose KEEPALIVE has long arrived.
4. `now` is one monotonic clock's for all calls and never goes back.

Which routes to announce, and what to do with those that come, is for `porter_bgp.rib`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, fields
from itertools import count
from typing import TYPE_CHECKING

from porter_bgp.config import Connection as Mode
from porter_bgp.fsm import RestartFacts, State, event
from porter_bgp.session.arbiter import Arbiter, Outcome, judge
from porter_bgp.session.connection import Common, Connection, Received
from porter_bgp.session.counters import Counters
from porter_bgp.session.describe import describe
from porter_bgp.session.event import DownReason, SessionDown, SessionEstablished
from porter_bgp.session.retry import Retry, RetryPolicy
from porter_bgp.session.stop import Stop
from porter_bgp.wire import CeaseSubcode, Codec, Notification, encode_message

if TYPE_CHECKING:
    from collections.abc import Callable

    from porter_bgp.config import SessionConfig
    from porter_bgp.fsm import Negotiated
    from porter_bgp.session.connection import Turn
    from porter_bgp.session.event import SessionEvent
    from porter_bgp.session.output import ConnId, Output

REJECTED = encode_message(Notification.cease(CeaseSubcode.CONNECTION_REJECTED), Codec())
"""Cease 6/5, for a connection that nobody here wants: written by the shell before it closes."""

_AT_ONCE = 0.0
_VERDICT = 1.0  # seconds for the peer to resolve a collision: some round trips
# Changes of these need no reset: the next OPEN, or the next attempt, reads them.
_FREE = frozenset(
    {
        "admin_up",
        "connection",
        "delay_open_time",
        "dial",
        "hold_time",
        "initial_hold_time",
        "keepalive_time",
        "min_hold_time",
        "own_addresses",
        "send_hold_time",
        "shutdown_message",
    }
)


@dataclass(frozen=True, slots=True)
class PendingReset:
    """What of a new configuration holds only from the next session on.

    Attributes:
        fields: Names of `SessionConfig`, in its order.
    """

    fields: tuple[str, ...]


class Session:
    """One BGP session with one peer.

    Attributes:
        negotiated: What holds while Established, else None.
        counters: What was counted since the session was made.
        established_at: Since when it is Established, else None.
        last_down: Why it last ended, or did not come up.
    """

    negotiated: Negotiated | None

    def __init__(self, config: SessionConfig, *, jitter: Callable[[], float]) -> None:
        """Make a session that is not started.

        Args:
            config: As wanted.
            jitter: Returns the factor for one start of a timer, 0.75 to 1 (RFC 4271 §10).
        """
        self.negotiated = None
        self.counters = Counters()
        self.established_at: float | None = None
        self.last_down: SessionDown | None = None
        self._config = config
        self._arbiter = Arbiter()
        self._policy = RetryPolicy()
        self._outputs: deque[Output] = deque()
        self._events: deque[SessionEvent] = deque()
        self._common = Common(self._outputs, self.counters, count(1), jitter, RestartFacts())
        self._started = False
        self._changed = False

    @property
    def state(self) -> State:
        """That of the connection which came furthest; Idle without any."""
        return max((c.state for c in self._arbiter), key=lambda s: s.rank, default=State.IDLE)

    def start(self, now: float) -> None:
        """Come up, and stay up until `stop`; held in Idle while the configuration says so."""
        self._started = True
        self._apply(now)

    def stop(self, now: float, how: Stop) -> None:
        """End as `how` says; most ways are final until `start`."""
        self._started = self._started and not how.final
        for connection in sorted(self._arbiter, key=lambda c: c.state.rank):
            answer = how.answer(connection.fsm.negotiated)
            end = event.ManualStop(answer) if how.final else event.AutomaticStop(answer)
            self._handle(connection, Received(end), now, how.reason)
        if not self._wanted:
            self._arbiter.clear()

    def dialed(self, conn: ConnId, now: float) -> None:
        """The dial `conn` has succeeded."""
        self._happened(conn, event.TcpCrAcked(), now)

    def dial_failed(self, conn: ConnId, now: float) -> None:
        """The dial `conn` was refused, or took too long."""
        self.connection_lost(conn, now)

    def accepted(self, now: float) -> ConnId | None:
        """The peer has dialled us: the connection's name, or None to refuse it.

        There is one connection beside the first, until an OPEN on it decides which stays. Refused
        are all while the session is held down, and a third one.
        """
        if self._arbiter.waiting() is None and len(self._arbiter) == 2:
            self._drop_overtaken(now)
        connection = self._arbiter.waiting()
        if connection is None:
            if len(self._arbiter) != 1 or self.state is State.IDLE:
                return None
            connection = Connection(self._config, self._common)
            connection.handle(event.AutomaticStartPassive(), now)
            self._arbiter.add(connection)
        conn = connection.accept(late=self._arbiter.established() is not None)
        self._handle(connection, Received(event.TcpConnectionConfirmed()), now)
        return conn

    def receive_data(self, conn: ConnId, data: bytes, now: float) -> None:
        """Take octets from the peer, however they are cut. Nothing in them raises."""
        connection = self._arbiter.find(conn)
        if connection is None:
            return
        connection.feed(data)
        if connection.parked is not None and connection.overfull:
            self._handle(connection, Received(event.OpenCollisionDump()), now)
        self._read(connection, now)

    def connection_lost(self, conn: ConnId, now: float) -> None:
        """The peer has closed or reset the connection, or the network has."""
        connection = self._arbiter.find(conn)
        if connection is not None:
            connection.lose()
            self._handle(connection, Received(event.TcpConnectionFails()), now)

    def progress(self, conn: ConnId, acked: int, queued: int, now: float) -> None:
        """Say whether the peer takes what we send (RFC 9687); every few seconds is enough.

        Args:
            conn: The connection.
            acked: Octets acknowledged on it since it opened.
            queued: Octets sent or waiting and not yet acknowledged.
            now: The time.
        """
        connection = self._arbiter.established()
        if connection is not None and connection.conn == conn:
            connection.progress(acked, queued, now)

    def restart_facts(self, facts: RestartFacts) -> None:
        """Say what the next OPEN is to tell about our restart."""
        self._common.facts = facts

    def reconfigure(self, config: SessionConfig) -> PendingReset | None:
        """Take another configuration: what can hold now, holds from the next `handle_timeout` on.

        One that may succeed where the one before failed does not wait for the time to dial again.

        Returns:
            What waits for the next session, `stop` with `Stop.config_changed` for instance; None if
            nothing does. The same configuration again gives the same answer.
        """
        self._changed = True
        if _differences(self._config, config) - _FREE:
            self._forget_failures()
        self._config = config
        for connection in self._arbiter:
            connection.configure(config)
        waiting = set[str]().union(*(_differences(c.config, config) for c in self._arbiter))
        names = tuple(f.name for f in fields(config) if f.name in waiting - _FREE)
        return PendingReset(names) if names else None

    def send(self, message: bytes, now: float) -> None:
        """Send one message, an UPDATE or ROUTE-REFRESH with its header; lost unless Established."""
        connection = self._arbiter.established()
        if connection is not None:
            connection.send(message, now)

    def next_output(self) -> Output | None:
        """What to do next, if anything."""
        return self._outputs.popleft() if self._outputs else None

    def next_event(self) -> SessionEvent | None:
        """What happened next, if anything."""
        return self._events.popleft() if self._events else None

    def next_deadline(self) -> float | None:
        """When to call `handle_timeout`, if ever; a time long past means now."""
        if self._changed:
            return _AT_ONCE
        deadlines = [c.next_deadline() for c in self._arbiter]
        return min((at for at in deadlines if at is not None), default=None)

    def handle_timeout(self, now: float) -> None:
        """Do what is due. First `receive_data` what has arrived: rule 3 above."""
        if self._changed:
            self._apply(now)
        for connection in self._arbiter:
            while (expiry := connection.take_expiry(now)) is not None:
                self._handle(connection, Received(expiry), now)

    @property
    def _wanted(self) -> bool:
        return self._started and self._config.admin_up

    @property
    def _restarting(self) -> bool:
        """Whether the peer keeps our routes for us and may not dial before it drops them."""
        return self._common.facts.restarting and not self.counters.established

    def _apply(self, now: float) -> None:
        """Bring what runs in line with what is wanted."""
        self._changed = False
        if not self._wanted:
            if self._started:
                self.stop(now, Stop.admin_down(self._config.shutdown_message))
            return
        waiting = self._arbiter.waiting()
        if waiting is not None:
            mode = self._config.connection
            if (waiting.fsm.retry_after is None) == (mode is Mode.PASSIVE_ONLY):
                return
            self._arbiter.remove(waiting)
        elif len(self._arbiter):
            return
        self._begin(Retry(_AT_ONCE), now)

    def _forget_failures(self) -> None:
        self._policy = RetryPolicy()
        for connection in self._arbiter:
            if connection.conn is None:
                self._arbiter.remove(connection)

    def _begin(self, retry: Retry, now: float) -> None:
        """Try, or wait, with a new machine."""
        connection = Connection(self._config, self._common)
        self._arbiter.add(connection)
        dial, fsm = self._config.dial, connection.fsm
        match self._config.connection:
            case Mode.PASSIVE_ONLY:
                fsm.retry_after = None
            case Mode.PASSIVE if not self._restarting:
                fsm.retry_after = max(retry.delay, dial.passive_after)
            case _:
                fsm.retry_after = retry.delay
        if retry.held:
            fsm.hold_idle(retry.held, now)
        elif fsm.retry_after == 0:
            self._handle(connection, Received(event.AutomaticStart()), now)
        else:
            self._handle(connection, Received(event.AutomaticStartPassive()), now)

    def _drop_overtaken(self, now: float) -> None:
        overtaken = self._arbiter.overtaken()
        if overtaken is not None:
            self._handle(overtaken, Received(event.TcpConnectionFails()), now)

    def _happened(self, conn: ConnId, what: event.Event, now: float) -> None:
        connection = self._arbiter.find(conn)
        if connection is not None:
            self._handle(connection, Received(what), now)

    def _read(self, connection: Connection, now: float) -> None:
        while connection.conn is not None and connection.parked is None:
            received = connection.read()
            if received is None:
                return
            self._receive(connection, received, now)

    def _receive(self, connection: Connection, received: Received, now: float) -> None:
        happened = received.event
        if isinstance(happened, event.BgpOpen | event.BgpOpenWithDelayOpenTimer):
            early = connection.state.rank <= State.OPEN_SENT.rank
            outcome = self._collide(connection, happened.negotiated, now) if early else None
            if outcome is Outcome.PARK:
                connection.park(received, now + _VERDICT)
            if outcome in {Outcome.PARK, Outcome.KEEP_OTHER}:
                return
        turn = self._handle(connection, received, now)
        if turn.delivers and received.delivery is not None:
            self._events.append(received.delivery)

    def _collide(
        self, connection: Connection, negotiated: Negotiated, now: float
    ) -> Outcome | None:
        """Resolve a collision, if there is one."""
        other = self._arbiter.other(connection)
        if other is None:
            return None
        outcome = judge(connection, other, negotiated)
        if outcome is Outcome.KEEP_OTHER:
            self._handle(connection, Received(event.OpenCollisionDump()), now)
        elif outcome is Outcome.KEEP_NEWCOMER:
            self._handle(other, Received(event.OpenCollisionDump()), now)
        elif outcome is Outcome.REPLACE:
            gone = Received(event.TcpConnectionFails())
            self._handle(other, gone, now, DownReason.PEER_RESTARTED)
        return outcome

    def _handle(
        self,
        connection: Connection,
        received: Received,
        now: float,
        reason: DownReason | None = None,
    ) -> Turn:
        negotiated, conn = connection.fsm.negotiated, connection.conn
        turn = connection.handle(received.event, now)
        if turn.ends:
            self._ended(connection, describe(turn, received, now, reason), negotiated)
        elif turn.comes_up and negotiated is not None and conn is not None:
            self.negotiated = negotiated
            self.established_at = now
            self.counters.established += 1
            self._events.append(SessionEstablished(negotiated=negotiated, conn=conn, at=now))
        return turn

    def _ended(
        self, connection: Connection, down: SessionDown, negotiated: Negotiated | None
    ) -> None:
        self._arbiter.remove(connection)
        lasted = 0.0
        if down.established and self.established_at is not None:
            lasted = down.at - self.established_at
            self.negotiated = self.established_at = None
            self.counters.flaps += 1
        elif len(self._arbiter):
            return  # the other one goes on: nothing has happened to the session
        else:
            self.counters.failures += 1
        self.last_down = down
        self._events.append(down)
        for other in self._arbiter:
            parked = other.take_parked()
            if parked is not None:
                self._receive(other, parked, down.at)
                self._read(other, down.at)
        if self._wanted and not len(self._arbiter):
            graceful = negotiated is not None and negotiated.graceful_restart is not None
            dial = self._config.dial
            retry = self._policy.after(down, dial, lasted=lasted, graceful=graceful)
            self._begin(retry, down.at)


def _differences(before: SessionConfig, after: SessionConfig) -> set[str]:
    names = (field.name for field in fields(after))
    return {name for name in names if getattr(before, name) != getattr(after, name)}
