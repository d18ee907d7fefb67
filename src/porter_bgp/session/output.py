"""What the shell is to do, in order: dial, write, close."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

ConnId: TypeAlias = int
"""Names one TCP connection, or the attempt at one; never used twice by a session."""


@dataclass(frozen=True, slots=True)
class Dial:
    """Open a TCP connection, then report `Session.dialed` or `Session.dial_failed`."""

    conn: ConnId


@dataclass(frozen=True, slots=True)
class Write:
    """Send these octets, in order."""

    conn: ConnId
    data: bytes


@dataclass(frozen=True, slots=True)
class Close:
    """Close the connection, or give up the dial; nothing is to be reported of it any more.

    What was written goes first, unless `reset`: then whatever the peer has not taken is dropped.
    """

    conn: ConnId
    reset: bool = False


Output: TypeAlias = Dial | Write | Close
