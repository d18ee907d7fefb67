"""The ways in which we end a session, and what the peer is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from porter_bgp.session.event import DownReason
from porter_bgp.wire import CeaseSubcode, ErrorCode, Notification, hard_reset

if TYPE_CHECKING:
    from porter_bgp.fsm import Negotiated
    from porter_bgp.wire import AddressFamily


@dataclass(frozen=True, slots=True)
class Stop:
    """How to end a session.

    Attributes:
        reason: What is reported.
        cease: What the peer is told; None closes without a word, so that it keeps our routes for
            the restart time (RFC 4724 §4).
        leaving: The peer must not keep our routes, whatever was negotiated (RFC 8538 §3).
        final: The session stays down until it is started; else it comes up again by itself.
    """

    RESTART: ClassVar[Stop]

    reason: DownReason
    cease: Notification | None = None
    leaving: bool = False
    final: bool = True

    @classmethod
    def leave(cls, text: str = "") -> Stop:
        """We go, and our routes with us: Cease 6/2 with the operator's words (RFC 9003)."""
        cease = Notification.cease(CeaseSubcode.ADMINISTRATIVE_SHUTDOWN, text)
        return cls(DownReason.LEFT, cease, leaving=True)

    @classmethod
    def admin_down(cls, text: str = "") -> Stop:
        """The configuration holds the session in Idle: Cease 6/2."""
        cease = Notification.cease(CeaseSubcode.ADMINISTRATIVE_SHUTDOWN, text)
        return cls(DownReason.ADMIN_DOWN, cease, leaving=True, final=False)

    @classmethod
    def deconfigured(cls) -> Stop:
        """The peer is none of ours any more: Cease 6/3."""
        cease = Notification.cease(CeaseSubcode.PEER_DECONFIGURED)
        return cls(DownReason.DECONFIGURED, cease, leaving=True)

    @classmethod
    def admin_reset(cls, text: str = "") -> Stop:
        """Once down and up again, on the operator's word: Cease 6/4."""
        cease = Notification.cease(CeaseSubcode.ADMINISTRATIVE_RESET, text)
        return cls(DownReason.ADMIN_RESET, cease, final=False)

    @classmethod
    def config_changed(cls) -> Stop:
        """Once down and up again, for a configuration that needs it: Cease 6/6."""
        cease = Notification.cease(CeaseSubcode.OTHER_CONFIGURATION_CHANGE)
        return cls(DownReason.CONFIG_CHANGED, cease, final=False)

    @classmethod
    def max_prefixes(cls, family: AddressFamily, limit: int) -> Stop:
        """The peer sent more than `limit` prefixes of `family`: Cease 6/1 (RFC 4486 §4)."""
        data = family.afi.to_bytes(2) + family.safi.to_bytes(1) + limit.to_bytes(4)
        cease = Notification(ErrorCode.CEASE, CeaseSubcode.MAXIMUM_PREFIXES, data)
        return cls(DownReason.MAX_PREFIXES, cease, leaving=True, final=False)

    @classmethod
    def out_of_resources(cls) -> Stop:
        """We cannot carry the session now: Cease 6/8."""
        cease = Notification.cease(CeaseSubcode.OUT_OF_RESOURCES)
        return cls(DownReason.OUT_OF_RESOURCES, cease, final=False)

    @classmethod
    def bfd_down(cls) -> Stop:
        """BFD says that the peer cannot be reached: Cease 6/10 (RFC 9384)."""
        cease = Notification.cease(CeaseSubcode.BFD_DOWN)
        return cls(DownReason.BFD_DOWN, cease, leaving=True, final=False)

    def answer(self, negotiated: Negotiated | None) -> Notification | None:
        """What the peer is told on a connection where this was negotiated."""
        if self.cease is None or negotiated is None:
            return self.cease
        return hard_reset(self.cease) if self.leaving and negotiated.hard_reset else self.cease


Stop.RESTART = Stop(DownReason.RESTARTING)
