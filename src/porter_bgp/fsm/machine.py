"""What the cells of the table act on: one connection's state, its timers and the moves they share.

A cell changes the machine and returns what its connection is to do. `down` is the RFC's "drops the
TCP connection, releases all BGP resources, ..., changes its state to Idle".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from porter_bgp.fsm.action import (
    Actions,
    CloseConnection,
    Dial,
    SendKeepalive,
    SendNotification,
    SendOpen,
)
from porter_bgp.fsm.state import State
from porter_bgp.fsm.timers import Timer, Timers
from porter_bgp.wire.iana import ErrorCode, FsmSubcode, MessageType
from porter_bgp.wire.notification import Notification

if TYPE_CHECKING:
    from collections.abc import Callable

    from porter_bgp.fsm.negotiate import Negotiated


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The session attributes of RFC 4271 §8.1.1 that are ours to set, in seconds.

    Attributes:
        connect_retry_time: How long a dial may take before it is begun anew.
        initial_hold_time: How long the peer's OPEN may take: never 0.
        delay_open_time: How long our OPEN waits for the peer's; 0: not at all.
    """

    connect_retry_time: float = 120.0
    initial_hold_time: float = 240.0
    delay_open_time: float = 0.0


class Machine:
    """One connection's state machine without its table.

    Attributes:
        state: Changed by cells alone.
        timers: Changed by cells, and by the owner for the back-off (`retry_after`) and RFC 9687.
        connect_retry_counter: Connections ended by a fault since the last start.
        passive: PassiveTcpEstablishment: wait in Active after Idle was held.
        retry_after: Seconds for which Active waits before it dials; None: it never does.
        negotiated: What the OPENs agreed on; None before the peer's.
    """

    def __init__(self, options: Options, jitter: Callable[[], float]) -> None:
        self.options = options
        self.state = State.IDLE
        self.timers = Timers(jitter)
        self.connect_retry_counter = 0
        self.passive = False
        self.retry_after: float | None = None
        self.negotiated: Negotiated | None = None

    def dial(self, now: float) -> Actions:
        """Dial, and be in Connect."""
        self.timers.stop_all()
        self.timers.start(Timer.CONNECT_RETRY, self.options.connect_retry_time, now)
        self.state = State.CONNECT
        return (Dial(),)

    def listen(self, now: float) -> None:
        """Wait in Active for the peer, or for the time to dial."""
        self.timers.stop_all()
        if self.retry_after is not None:
            self.timers.start(Timer.CONNECT_RETRY, self.retry_after, now)
        self.state = State.ACTIVE

    def hold_idle(self, seconds: float, now: float) -> None:
        """Stay in Idle for so long, then wait for the peer: DampPeerOscillations."""
        self.passive = True
        self.timers.start(Timer.IDLE_HOLD, seconds, now)
        if self.retry_after is not None:
            self.retry_after = max(self.retry_after - seconds, 0.0)

    def send_open(self, now: float) -> Actions:
        """Send our OPEN and wait for the peer's."""
        self.timers.stop_all()
        self.timers.start(Timer.HOLD, self.options.initial_hold_time, now)
        self.state = State.OPEN_SENT
        return (SendOpen(),)

    def confirm(self, negotiated: Negotiated, now: float) -> Actions:
        """The peer's OPEN is fine: say so, with the timers agreed on (RFC 4271 §8.2.2)."""
        self.negotiated = negotiated
        self.timers.stop_all()
        self.state = State.OPEN_CONFIRM
        self.heard(now)
        return self.keep_alive(now)

    def keep_alive(self, now: float) -> Actions:
        """Send a KEEPALIVE."""
        self.spoke(now)
        return (SendKeepalive(),)

    def spoke(self, now: float) -> None:
        """Restart the KeepaliveTimer: a KEEPALIVE or an UPDATE was sent."""
        if self.negotiated is not None and self.negotiated.keepalive_time:
            self.timers.start(Timer.KEEPALIVE, self.negotiated.keepalive_time, now)

    def heard(self, now: float) -> None:
        """Restart the HoldTimer: the peer sent a message."""
        if self.negotiated is not None and self.negotiated.hold_time:
            self.timers.start(Timer.HOLD, self.negotiated.hold_time, now)

    def down(
        self, answer: Notification | None = None, *, counted: bool = True, reset: bool = False
    ) -> Actions:
        """End in Idle: send `answer` where there is one, and close.

        Args:
            answer: The last message the peer gets.
            counted: Whether this adds to the ConnectRetryCounter.
            reset: Close without waiting for the peer to take what was sent.
        """
        self.timers.stop_all()
        self.negotiated = None
        self.state = State.IDLE
        self.connect_retry_counter += counted
        close = CloseConnection(reset=reset)
        return (close,) if answer is None else (SendNotification(answer), close)

    def stop(self, answer: Notification | None) -> Actions:
        """End in Idle on the operator's word: the ConnectRetryCounter begins anew."""
        self.connect_retry_counter = 0
        return self.down(answer, counted=False)

    def confused(self, message_type: MessageType | None = None) -> Actions:
        """End with Finite State Machine Error, its subcode the state's (RFC 6608)."""
        subcode = _FSM_SUBCODES.get(self.state, FsmSubcode.UNSPECIFIC)
        data = b"" if message_type is None else bytes([message_type])
        return self.down(Notification(ErrorCode.FSM, subcode, data))


_FSM_SUBCODES = {
    State.OPEN_SENT: FsmSubcode.UNEXPECTED_IN_OPEN_SENT,
    State.OPEN_CONFIRM: FsmSubcode.UNEXPECTED_IN_OPEN_CONFIRM,
    State.ESTABLISHED: FsmSubcode.UNEXPECTED_IN_ESTABLISHED,
}
