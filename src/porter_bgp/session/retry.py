"""When to try again after a connection has ended, and until when to refuse the peer's."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from porter_bgp.session.event import DownReason
from porter_bgp.wire import CeaseSubcode, ErrorCode

if TYPE_CHECKING:
    from porter_bgp.config import DialConfig
    from porter_bgp.session.event import SessionDown

_SOON = frozenset({CeaseSubcode.COLLISION_RESOLUTION, CeaseSubcode.ADMINISTRATIVE_RESET})
_LATE = frozenset(
    {
        CeaseSubcode.MAXIMUM_PREFIXES,
        CeaseSubcode.PEER_DECONFIGURED,
        CeaseSubcode.CONNECTION_REJECTED,
        CeaseSubcode.OUT_OF_RESOURCES,
    }
)
_ON_PURPOSE = frozenset({DownReason.CONFIG_CHANGED, DownReason.COLLISION})


class Retry(NamedTuple):
    """What follows an end, in seconds before jitter.

    Attributes:
        delay: Until we dial; 0 is at once.
        held: The part of it in which the peer's connections are refused.
    """

    delay: float
    held: float = 0.0


class RetryPolicy:
    """The back-off of one session: it doubles until a session proves stable."""

    def __init__(self) -> None:
        self._delay = 0.0

    def after(self, down: SessionDown, dial: DialConfig, *, lasted: float, graceful: bool) -> Retry:
        """When to try again.

        Args:
            down: How it ended.
            dial: The configured bounds.
            lasted: Seconds for which the session was Established; 0 if it never was.
            graceful: Graceful restart had been negotiated.
        """
        if lasted >= dial.stable_after:
            self._delay = 0.0
        subcode = _cease(down)
        if subcode in _SOON or down.reason in _ON_PURPOSE:
            return Retry(dial.first)
        if subcode in _LATE:
            return Retry(dial.rejected, held=dial.rejected if down.sent else 0.0)
        if graceful and down.reason is DownReason.CONNECTION_LOST and lasted >= dial.first:
            self._delay = 0.0
            return Retry(0.0)  # the peer restarts: its routes wait for us, and ours for it
        self._delay = min(max(2 * self._delay, dial.first), dial.limit)
        held = dial.first if down.reason is DownReason.PROTOCOL_ERROR else 0.0
        return Retry(self._delay, held)


def _cease(down: SessionDown) -> int | None:
    """The subcode of the Cease that ended it, also from within a Hard Reset."""
    notification = down.notification and (down.notification.inner or down.notification)
    if notification is None or notification.code != ErrorCode.CEASE:
        return None
    return notification.subcode
