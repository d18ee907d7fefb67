"""How often a test repeats itself: fully by itself, in short where many tests share the time."""

from __future__ import annotations

import os


def repetitions(full: int, short: int) -> int:
    """`full`, or `short` when PORTER_SHORT=1."""
    return short if os.environ.get("PORTER_SHORT") == "1" else full
