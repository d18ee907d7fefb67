"""Two sessions back to back in memory: no socket, no loop, and time as numbers.

What one end writes lies in the `Pair`'s hands until it is delivered: whole or in pieces, late, or
never. Each pending thing (a dial, a write, an end of stream) is a `Choice`, so that a test may go
through all orders in which they can happen.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, NamedTuple

from porter_bgp.config import SessionConfig
from porter_bgp.session import Close, Dial, Session, Write

if TYPE_CHECKING:
    from collections.abc import Callable

    from porter_bgp.session import ConnId, SessionEvent

A_CONFIG = SessionConfig(local_asn=65001, router_id=IPv4Address("192.0.2.1"), peer_asn=65002)
B_CONFIG = SessionConfig(local_asn=65002, router_id=IPv4Address("192.0.2.2"), peer_asn=65001)


class Choice(NamedTuple):
    """Something that may happen next: `what` at `end`, on its connection `conn`."""

    what: str
    end: str
    conn: ConnId


@dataclass
class Link:
    """One TCP connection.

    Attributes:
        conns: What each end calls it; an end that closed it is gone.
        ways: Octets on their way to each end; None is the end of the stream.
        dead: Nothing arrives any more, and nobody is told.
    """

    conns: dict[str, ConnId]
    ways: dict[str, deque[bytes | None]] = field(
        default_factory=lambda: {"a": deque(), "b": deque()}
    )
    dead: bool = False


class End:
    """One session, what it told its owner, and what it wrote."""

    def __init__(self, config: SessionConfig, jitter: Callable[[], float]) -> None:
        self.session = Session(config, jitter=jitter)
        self.events: list[SessionEvent] = []
        self.written: list[bytes] = []
        self.closed: list[Close] = []
        self.dials: list[ConnId] = []
        self.refusing = False

    def told(self, kind: type[SessionEvent]) -> list[SessionEvent]:
        """The events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]


class Pair:
    """Two ends and what lies between them."""

    def __init__(
        self,
        a: SessionConfig = A_CONFIG,
        b: SessionConfig = B_CONFIG,
        *,
        jitter: float = 1.0,
        skew: float = 0.0,
    ) -> None:
        self.now = 0.0
        self.configs = (a, b)
        self.ends = {"a": End(a, lambda: jitter), "b": End(b, lambda: jitter - skew)}
        self.links: list[Link] = []

    @property
    def a(self) -> Session:
        return self.ends["a"].session

    @property
    def b(self) -> Session:
        return self.ends["b"].session

    def start(self) -> None:
        """Start both; nothing has arrived anywhere yet."""
        for end in self.ends.values():
            end.session.start(self.now)
        self.pump()

    def up(self) -> Pair:
        """Start `b`, whose dial nobody answers, then `a`, and let everything arrive."""
        self.b.start(self.now)
        self.pump()
        self.settle()
        self.a.start(self.now)
        self.pump()
        self.settle()
        return self

    def pump(self) -> None:
        """Do what both sessions ask for."""
        for name, end in self.ends.items():
            while (output := end.session.next_output()) is not None:
                match output:
                    case Dial():
                        end.dials.append(output.conn)
                    case Write():
                        end.written.append(output.data)
                        self._carry(name, output.conn, output.data)
                    case Close():
                        end.closed.append(output)
                        self._close(name, output.conn)
            while (event := end.session.next_event()) is not None:
                end.events.append(event)

    def choices(self) -> list[Choice]:
        """Everything that may happen next, in a fixed order."""
        dials = [Choice("dial", name, c) for name, end in self.ends.items() for c in end.dials]
        arrivals = [
            Choice("arrive", name, link.conns[name])
            for link in self.links
            for name in link.conns
            if link.ways[name] and not link.dead
        ]
        return dials + arrivals

    def take(self, choice: Choice) -> None:
        """Let it happen."""
        if choice.what == "dial":
            self._connect(choice)
        else:
            link = self._link(choice.end, choice.conn)
            data = link.ways[choice.end].popleft()
            session = self.ends[choice.end].session
            if data is None:
                del link.conns[choice.end]
                session.connection_lost(choice.conn, self.now)
            else:
                session.receive_data(choice.conn, data, self.now)
        self.pump()

    def settle(self) -> None:
        """Let everything happen that is under way, in the order of `choices`."""
        for _ in range(1000):
            choices = self.choices()
            if not choices:
                return
            self.take(choices[0])
        raise AssertionError("the two ends never come to rest")

    def advance(self, seconds: float, *, settle: bool = True) -> None:
        """Let time pass, from deadline to deadline."""
        until = self.now + seconds
        while (at := self._next_deadline()) is not None and at <= until:
            self.now = max(self.now, at)
            for end in self.ends.values():
                end.session.handle_timeout(self.now)
            self.pump()
            if settle:
                self.settle()
        self.now = until

    def cut(self) -> None:
        """Every link goes dead without a word."""
        for link in self.links:
            link.dead = True

    def break_links(self) -> None:
        """Both ends lose every connection: a reset in between."""
        for link in self.links:
            for name, conn in tuple(link.conns.items()):
                del link.conns[name]
                self.ends[name].session.connection_lost(conn, self.now)
        self.pump()

    def deliver(self, end: str, data: bytes) -> None:
        """Octets for `end` that its peer never wrote."""
        for link in self.links:
            if end in link.conns:
                self.ends[end].session.receive_data(link.conns[end], data, self.now)
        self.pump()

    def live(self) -> list[Link]:
        """The links that both ends still hold."""
        return [link for link in self.links if len(link.conns) == 2]

    def _next_deadline(self) -> float | None:
        deadlines = (end.session.next_deadline() for end in self.ends.values())
        return min((at for at in deadlines if at is not None), default=None)

    def _connect(self, choice: Choice) -> None:
        dialer, other = self.ends[choice.end], _other(choice.end)
        dialer.dials.remove(choice.conn)
        answer = None
        if not self.ends[other].refusing:
            answer = self.ends[other].session.accepted(self.now)
        if answer is None:
            dialer.session.dial_failed(choice.conn, self.now)
            return
        self.links.append(Link({choice.end: choice.conn, other: answer}))
        dialer.session.dialed(choice.conn, self.now)

    def _carry(self, name: str, conn: ConnId, data: bytes | None) -> None:
        self._link(name, conn).ways[_other(name)].append(data)

    def _close(self, name: str, conn: ConnId) -> None:
        end = self.ends[name]
        if conn in end.dials:
            end.dials.remove(conn)
            return
        link = self._link(name, conn)
        link.ways[_other(name)].append(None)
        link.ways[name].clear()
        del link.conns[name]

    def _link(self, name: str, conn: ConnId) -> Link:
        return next(link for link in self.links if link.conns.get(name) == conn)


def _other(name: str) -> str:
    return "b" if name == "a" else "a"
