"""What does this peer say and expect? One BGP session over up to two connections, without I/O.

`Session` is the whole of it: its module says how a shell drives it.
"""

from __future__ import annotations

from porter_bgp.fsm import Negotiated, RestartFacts, State
from porter_bgp.session.counters import Counters
from porter_bgp.session.event import (
    DownReason,
    RefreshReceived,
    SessionDown,
    SessionEstablished,
    SessionEvent,
    UpdateReceived,
)
from porter_bgp.session.output import Close, ConnId, Dial, Output, Write
from porter_bgp.session.retain import retained, still_retained
from porter_bgp.session.session import REJECTED, PendingReset, Session
from porter_bgp.session.stop import Stop

__all__ = [
    "REJECTED",
    "Close",
    "ConnId",
    "Counters",
    "Dial",
    "DownReason",
    "Negotiated",
    "Output",
    "PendingReset",
    "RefreshReceived",
    "RestartFacts",
    "Session",
    "SessionDown",
    "SessionEstablished",
    "SessionEvent",
    "State",
    "Stop",
    "UpdateReceived",
    "Write",
    "retained",
    "still_retained",
]
