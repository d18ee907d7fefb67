"""When a process that has just begun stops waiting for the API and goes on from the last-good file.

The routers keep what the last process announced for the restart time. A quarter of that, and never
more than 10 s, may be spent on waiting; less where the API has refused or been silent for 5 s. But
while lists come in, the truth is on its way and is worth waiting for.
"""

from __future__ import annotations

PATIENCE = 5.0  # seconds without progress
LONGEST = 10.0  # seconds since the process began
PROGRESSING = 1.0  # seconds for which progress counts as going on


class Fallback:
    """One decision, made once or never. `now` is seconds on the caller's monotonic clock.

    Args:
        process_start: When the process began.
        restart_seconds: For how long routers keep our routes without a session; 0 where they do
            not, and there is nothing to be in time for.
    """

    def __init__(self, process_start: float, restart_seconds: float) -> None:
        share = restart_seconds / 4 if restart_seconds else LONGEST
        self._latest = process_start + min(LONGEST, share)
        self._quiet_since = process_start
        self._progressing = False
        self._synced = False

    def progress(self, now: float) -> None:
        """Something of a list has come in."""
        self._quiet_since, self._progressing = now, True

    def refused(self) -> None:
        """The API cannot be reached, or answers no list: what had come in is not going on."""
        self._progressing = False

    def synced(self) -> None:
        """All that planning reads is there: the file is not needed any more."""
        self._synced = True

    def next_deadline(self) -> float | None:
        """When `due` will say yes if nothing happens before; None: never."""
        if self._synced:
            return None
        latest = self._latest
        if self._progressing:
            latest = max(latest, self._quiet_since + PROGRESSING)
        return min(latest, self._quiet_since + PATIENCE)

    def due(self, now: float) -> bool:
        """Whether the file is to be used from now on."""
        deadline = self.next_deadline()
        return deadline is not None and now >= deadline
