"""What follows from this event, on one connection? The state machine of RFC 4271 §8 without I/O.

`Fsm.handle` answers every event in every state with actions; `negotiate` turns two OPENs into what
holds between two speakers. Which of two connections stays, and when to dial again, is for
`porter_bgp.session`.
"""

from __future__ import annotations

from porter_bgp.fsm.action import Action, Actions
from porter_bgp.fsm.event import Event
from porter_bgp.fsm.fsm import Fsm
from porter_bgp.fsm.machine import Options
from porter_bgp.fsm.negotiate import Negotiated, RestartFacts, local_open, max_receive, negotiate
from porter_bgp.fsm.state import State
from porter_bgp.fsm.table import TABLE
from porter_bgp.fsm.timers import Timer, Timers

__all__ = [
    "TABLE",
    "Action",
    "Actions",
    "Event",
    "Fsm",
    "Negotiated",
    "Options",
    "RestartFacts",
    "State",
    "Timer",
    "Timers",
    "local_open",
    "max_receive",
    "negotiate",
]
