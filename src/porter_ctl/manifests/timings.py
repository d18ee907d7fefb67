"""How long the directory is watched before it is believed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """All in seconds.

    Attributes:
        poll: Between two looks at the directory, and at the lock of whoever leads.
        still: So long a file's size, mtime and inode must stand still before it is read.
        gone: So long after it was first found missing, an object that is still missing is gone.
        orphaned: So long a status may stand without the object it is about.
        lock: The longest a write waits for another process's write.
    """

    poll: float = 0.25
    still: float = 0.2
    gone: float = 1.0
    orphaned: float = 5.0
    lock: float = 2.0
