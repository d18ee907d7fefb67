"""Places between two writes where a test may have the process die.

`PORTER_CRASH_AT` names one of them. The process then ends there and then, as by SIGKILL: no
clean-up runs, no octet is flushed. In production the variable is not set.
"""

from __future__ import annotations

import os

EXIT_STATUS = 9


def crash_point(label: str) -> None:
    """End the process here if it was asked for."""
    if os.environ.get("PORTER_CRASH_AT") == label:
        os._exit(EXIT_STATUS)
