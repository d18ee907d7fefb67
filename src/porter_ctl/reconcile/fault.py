"""Rules that a test may have the process break, to see that the rule is what keeps a promise.

`PORTER_FAULT` names one of them. In production the variable is not set.
"""

from __future__ import annotations

import os
from enum import StrEnum


class Fault(StrEnum):
    """A rule, broken."""

    EARLY_END_OF_RIB = "early-end-of-rib"
    CEASE_AT_EXIT = "cease-at-exit"


def broken(rule: Fault) -> bool:
    """Whether the process was asked to break it."""
    return os.environ.get("PORTER_FAULT") == rule
