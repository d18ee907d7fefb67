"""Whose routes stay when a session has ended: the receiving speaker's side of graceful restart.

RFC 4724 §4.2, and RFC 8538 §4 for sessions that end with a NOTIFICATION.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from porter_bgp.session.event import DownReason
from porter_bgp.wire import CeaseSubcode, ErrorCode

if TYPE_CHECKING:
    from porter_bgp.fsm import Negotiated
    from porter_bgp.session.event import SessionDown
    from porter_bgp.wire import AddressFamily

_HARD_RESET = (ErrorCode.CEASE, CeaseSubcode.HARD_RESET)


def retained(down: SessionDown, negotiated: Negotiated) -> frozenset[AddressFamily]:
    """The families of which the peer's routes are kept, as stale, for its restart time.

    Args:
        down: How the session ended. It was Established.
        negotiated: What held on it.
    """
    told = down.notification
    if down.reason is DownReason.RESTARTING:  # we go, and nobody is left to keep them
        return frozenset()
    if told is not None and (not negotiated.hard_reset or (told.code, told.subcode) == _HARD_RESET):
        return frozenset()
    return negotiated.retained


def still_retained(negotiated: Negotiated) -> frozenset[AddressFamily]:
    """The families whose stale routes stay once the peer is back, until its End-of-RIB.

    Those of which its OPEN says that their forwarding went on (the F bit).
    """
    theirs = negotiated.graceful_restart
    if theirs is None:
        return frozenset()
    return negotiated.families & {family for family, forwarding in theirs.families if forwarding}
