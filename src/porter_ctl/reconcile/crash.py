"""Places between two writes where a test may have the process die.

`PORTER_CRASH_AT` names one of them, "allocate.vip-created" or, for the third time that the process
comes by, "allocate.vip-created:3". It then ends there and then, as by SIGKILL: no clean-up runs, no
octet is flushed. In production the variable is not set.
"""

from __future__ import annotations

import os
from collections import Counter

EXIT_STATUS = 9
# Every await of the allocator after which it may write again.
LABELS = (
    "allocate.service-read",
    "allocate.vip-created",
    "allocate.vip-replaced",
    "allocate.vip-released",
    "allocate.vip-deleted",
    "allocate.vip-read",
    "allocate.status-written",
    "allocate.event-told",
    "allocate.node-introduced",
    "allocate.compared",
)
_met: Counter[str] = Counter()


def crash_point(label: str) -> None:
    """End the process here if it was asked for.

    Args:
        label: One of `LABELS`.
    """
    wanted, _, nth = os.environ.get("PORTER_CRASH_AT", "").partition(":")
    if wanted != label:
        return
    _met[label] += 1
    if _met[label] == int(nth or 1):
        os._exit(EXIT_STATUS)
