"""At most two connections to one peer, and which of them stays (RFC 4271 §6.8, RFC 6286 §2.3).

A verdict is asked for when a valid OPEN arrives: on the *newcomer*, while there is another one.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from porter_bgp.fsm import State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from porter_bgp.fsm import Negotiated
    from porter_bgp.session.connection import Connection
    from porter_bgp.session.output import ConnId


class Outcome(Enum):
    """What becomes of two connections."""

    WAIT = "both go on: the other one's OPEN decides"
    PARK = "the newcomer waits a moment for the peer's own verdict, then it goes"
    KEEP_NEWCOMER = "the other one goes"
    KEEP_OTHER = "the newcomer goes"
    REPLACE = "the peer restarted: the newcomer takes the other one's place"


class Arbiter:
    """The connections of one session."""

    def __init__(self) -> None:
        self._connections: list[Connection] = []

    def __iter__(self) -> Iterator[Connection]:
        """Over a copy: connections may come and go meanwhile."""
        return iter(tuple(self._connections))

    def __len__(self) -> int:
        return len(self._connections)

    def add(self, connection: Connection) -> None:
        """Take another connection: there are never more than two."""
        self._connections.append(connection)

    def remove(self, connection: Connection) -> None:
        """Forget a connection."""
        self._connections.remove(connection)

    def clear(self) -> None:
        """Forget all of them."""
        self._connections.clear()

    def find(self, conn: ConnId) -> Connection | None:
        """The connection of that name."""
        return next((c for c in self._connections if c.conn == conn), None)

    def other(self, connection: Connection) -> Connection | None:
        """The one beside `connection`."""
        return next((c for c in self._connections if c is not connection), None)

    def established(self) -> Connection | None:
        """The one that carries the session."""
        return next((c for c in self._connections if c.state is State.ESTABLISHED), None)

    def waiting(self) -> Connection | None:
        """The one that waits for the peer, or for the time to dial, without a connection."""
        found = (c for c in self._connections if c.state is State.ACTIVE and c.conn is None)
        return next(found, None)

    def overtaken(self) -> Connection | None:
        """One without the peer's OPEN that a new connection may replace.

        The peer gave up one that it dialled if it dials anew; any beside an Established one has
        lost.
        """
        lost = self.established() is not None
        found = (c for c in self._connections if c.state.rank <= State.OPEN_SENT.rank)
        return next((c for c in found if lost or c.inbound), None)


def judge(newcomer: Connection, other: Connection, negotiated: Negotiated) -> Outcome:
    """What becomes of two connections when a valid OPEN arrives on the newcomer.

    Args:
        newcomer: The connection it arrived on.
        other: The other one.
        negotiated: What the OPENs on the newcomer agree on.
    """
    match other.state:
        case State.ESTABLISHED:
            if not newcomer.late:
                # Both were opened at once. By RFC 4271 §6.8 the newcomer goes; but a peer for whom
                # the other one is not yet Established keeps, by the same section, perhaps the
                # newcomer. So that not both go, the peer may speak first.
                return Outcome.PARK
            known = other.fsm.negotiated
            graceful = known is not None and known.graceful_restart is not None
            return Outcome.REPLACE if graceful else Outcome.KEEP_OTHER  # RFC 4724 §5
        case State.OPEN_CONFIRM:
            return _by_identifier(newcomer, other, negotiated)
        case State.OPEN_SENT:
            return Outcome.WAIT
        case _:
            return Outcome.KEEP_NEWCOMER


def _by_identifier(newcomer: Connection, other: Connection, negotiated: Negotiated) -> Outcome:
    """Keep what the speaker with the higher BGP Identifier, then AS number, has dialled."""
    if newcomer.inbound == other.inbound:
        return Outcome.KEEP_NEWCOMER  # whoever dialled twice has given up the first
    ours = (negotiated.ours.bgp_identifier, negotiated.ours.asn)
    theirs = (negotiated.peer_id, negotiated.peer_asn)
    return Outcome.KEEP_NEWCOMER if (ours < theirs) == newcomer.inbound else Outcome.KEEP_OTHER
