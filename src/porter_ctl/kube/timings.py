"""How long the client waits, for what."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """All in seconds.

    Attributes:
        connect: From the call to an open connection.
        request: A whole request that is not a watch, the connection included.
        idle: A watch that says nothing for so long is dead. The API server sends a bookmark about
            once a minute.
        watch: The shortest and longest time a watch is asked to last.
        first_pause: The upper end of the first pause after a failure; it doubles up to `pause`.
        pause: The longest pause after a failure.
        healthy: A watch that lasted so long forgets earlier failures.
        older: So long a complete list is refused that is older than what we hold; then the API
            server went back in time for good (it was restored), and is believed.
        event: The longest an Event may take.
        silence: So long no Event is tried after one failed.
    """

    connect: float = 5.0
    request: float = 30.0
    idle: float = 90.0
    watch: tuple[int, int] = (240, 300)
    first_pause: float = 0.2
    pause: float = 30.0
    healthy: float = 60.0
    older: float = 60.0
    event: float = 2.0
    silence: float = 30.0
