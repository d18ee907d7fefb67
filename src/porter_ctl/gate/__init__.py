"""What may happen now: small machines between planning and announcing.

Time goes in as `now`, seconds on the caller's monotonic clock; deadlines come out as one number.
A gate delays only a yes: what has lost its authority or its endpoints passes at once; but what a
node loses in great number, all at once, is kept a while (`porter_ctl.gate.guard`).
"""

from __future__ import annotations

from porter_ctl.gate.chain import Chain, Gate
from porter_ctl.gate.completeness import Completeness
from porter_ctl.gate.damping import Damping
from porter_ctl.gate.dataplane import DataplaneGate
from porter_ctl.gate.evidence import (
    Connected,
    ConnectQuery,
    Evidence,
    HealthQuery,
    Healthy,
    KindQuery,
    KindStands,
    Query,
    SyncQuery,
    SyncRefused,
    SyncTimes,
)
from porter_ctl.gate.guard import CONFIRM_DELETE, EffectGuard, Facts
from porter_ctl.gate.kinds import Kinds
from porter_ctl.gate.session_guard import SessionGuard
from porter_ctl.gate.vacancy import Vacancy

__all__ = [
    "CONFIRM_DELETE",
    "Chain",
    "Completeness",
    "ConnectQuery",
    "Connected",
    "Damping",
    "DataplaneGate",
    "EffectGuard",
    "Evidence",
    "Facts",
    "Gate",
    "HealthQuery",
    "Healthy",
    "KindQuery",
    "KindStands",
    "Kinds",
    "Query",
    "SessionGuard",
    "SyncQuery",
    "SyncRefused",
    "SyncTimes",
    "Vacancy",
]
