"""What may happen now: small machines between planning and announcing.

Time goes in as `now`, seconds on the caller's monotonic clock; deadlines come out as one number.
A gate delays only a yes: what has lost its authority or its endpoints passes at once.
"""

from __future__ import annotations

from porter_ctl.gate.chain import Chain, Gate
from porter_ctl.gate.completeness import Completeness
from porter_ctl.gate.dataplane import DataplaneGate
from porter_ctl.gate.evidence import (
    Connected,
    ConnectQuery,
    Evidence,
    HealthQuery,
    Healthy,
    Query,
    SyncQuery,
    SyncRefused,
    SyncTimes,
)

__all__ = [
    "Chain",
    "Completeness",
    "ConnectQuery",
    "Connected",
    "DataplaneGate",
    "Evidence",
    "Gate",
    "HealthQuery",
    "Healthy",
    "Query",
    "SyncQuery",
    "SyncRefused",
    "SyncTimes",
]
