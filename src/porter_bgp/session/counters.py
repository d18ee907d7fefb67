"""What a session has counted since it was made."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from porter_bgp.wire import MessageType, Verdict


@dataclass(slots=True)
class Counters:
    """Counts that only grow; read them, or copy them, at any time.

    Attributes:
        received: Messages by type, well formed or not.
        sent: Messages by type.
        faults: Faults of received UPDATEs by verdict (RFC 7606).
        ignored: Messages, or families in UPDATEs, that were not negotiated.
        established: How often the session came up.
        flaps: How often it was lost, or ended, after that.
        failures: Attempts that ended before the session was up.
    """

    received: Counter[MessageType] = field(default_factory=Counter)
    sent: Counter[MessageType] = field(default_factory=Counter)
    faults: Counter[Verdict] = field(default_factory=Counter)
    ignored: int = 0
    established: int = 0
    flaps: int = 0
    failures: int = 0
