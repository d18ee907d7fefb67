"""One connection: octets to events through the framing, the machine's actions to octets.

Which connection stays where there are two is asked in `porter_bgp.session.arbiter`; when to dial
again, and what the owner is told, in `porter_bgp.session.session`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, assert_never

from porter_bgp.fsm import (
    Fsm,
    Options,
    RestartFacts,
    State,
    Timer,
    action,
    event,
    local_open,
    max_receive,
    negotiate,
)
from porter_bgp.session.event import RefreshReceived, UpdateReceived
from porter_bgp.session.output import Close, Dial, Write
from porter_bgp.wire import (
    KEEPALIVE,
    MAX_EXTENDED_MESSAGE,
    MAX_MESSAGE,
    Codec,
    ErrorCode,
    Framer,
    Keepalive,
    MessageType,
    Notification,
    Open,
    OpenSubcode,
    ProtocolError,
    RouteRefreshMessage,
    RouteRefreshSubtype,
    Update,
    decode_message,
    encode_message,
)

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable, Iterator, Mapping

    from porter_bgp.config import SessionConfig
    from porter_bgp.fsm import Actions
    from porter_bgp.session.counters import Counters
    from porter_bgp.session.output import ConnId, Output
    from porter_bgp.wire import Message

_PLAIN = Codec()  # how OPEN and NOTIFICATION are written, whatever was negotiated
_TYPE_AT = 18  # of the type in a message's header, RFC 4271 §4.1
_WRONG_VERSION = (ErrorCode.OPEN_MESSAGE, OpenSubcode.UNSUPPORTED_VERSION)
_FAULTS: Mapping[int, Callable[[Notification], event.Event]] = {
    ErrorCode.OPEN_MESSAGE: event.BgpOpenMsgErr,
    ErrorCode.UPDATE_MESSAGE: event.UpdateMsgErr,
    ErrorCode.ROUTE_REFRESH: event.RouteRefreshMsgErr,
}
_TOO_EARLY: Mapping[MessageType, event.Event] = {
    MessageType.UPDATE: event.UpdateMsg(),
    MessageType.ROUTE_REFRESH: event.RouteRefreshMsg(),
}


@dataclass(slots=True)
class Common:
    """What the connections of one session share.

    Attributes:
        outputs: What the shell is to do; connections append.
        counters: What is counted over all of them.
        ids: Names for TCP connections.
        jitter: The factor for one start of a timer, 0.75 to 1.
        facts: What the next OPEN says about a restart.
    """

    outputs: deque[Output]
    counters: Counters
    ids: Iterator[ConnId]
    jitter: Callable[[], float]
    facts: RestartFacts


class Received(NamedTuple):
    """What happened to a connection.

    Attributes:
        event: The same for the machine.
        delivery: What it means to the owner, should the machine deliver it.
        notification: The peer's NOTIFICATION, if it is one.
        detail: What was wrong, for people.
    """

    event: event.Event
    delivery: UpdateReceived | RefreshReceived | None = None
    notification: Notification | None = None
    detail: str = ""


class Turn(NamedTuple):
    """What the machine made of one event.

    Attributes:
        before: The state until then.
        after: The state since.
        actions: What was done.
    """

    before: State
    after: State
    actions: Actions

    @property
    def sent(self) -> Notification | None:
        """The NOTIFICATION sent, if one was."""
        notes = [a.notification for a in self.actions if isinstance(a, action.SendNotification)]
        return notes[0] if notes else None

    @property
    def comes_up(self) -> bool:
        """Whether the session is now Established, and was not."""
        return self.after is State.ESTABLISHED and self.before is not State.ESTABLISHED

    @property
    def delivers(self) -> bool:
        """Whether the message is for the owner."""
        return action.Deliver() in self.actions

    @property
    def ends(self) -> bool:
        """Whether the connection, or the attempt at one, is over."""
        closed = any(isinstance(a, action.CloseConnection) for a in self.actions)
        return closed and self.after in {State.IDLE, State.ACTIVE}


class Connection:
    """One connection, or the wait for one.

    Attributes:
        config: What our OPEN says, or will say.
        fsm: The state machine.
        conn: The TCP connection, or the dial; None where there is neither.
        inbound: The peer dialled.
        late: It was accepted while the session was Established on another one.
        parked: The peer's OPEN, which waits for another connection's fate.
        verdict_at: Until when it waits.
    """

    def __init__(self, config: SessionConfig, common: Common) -> None:
        self.config = config
        self.fsm = Fsm(_options(config), common.jitter)
        self.conn: ConnId | None = None
        self.inbound = False
        self.late = False
        self.parked: Received | None = None
        self.verdict_at: float | None = None
        self._common = common
        self._framer = Framer()
        self._ours: Open | None = None
        self._acked = 0

    @property
    def state(self) -> State:
        """The machine's state."""
        return self.fsm.state

    @property
    def committed(self) -> bool:
        """Whether our OPEN was built: the configuration is fixed from then on."""
        return self._ours is not None

    def configure(self, config: SessionConfig) -> None:
        """Take `config`, unless committed."""
        if not self.committed:
            self.config = config
            self.fsm.options = _options(config)

    def accept(self, *, late: bool) -> ConnId:
        """Become the end of a connection that the peer dialled."""
        self.conn = next(self._common.ids)
        self.inbound = True
        self.late = late
        return self.conn

    def lose(self) -> None:
        """The TCP connection is gone: there is nothing left to close."""
        self.conn = None

    def handle(self, happened: event.Event, now: float) -> Turn:
        """Let the machine answer `happened`, and do what it says."""
        before = self.state
        actions = self.fsm.handle(happened, now)
        for step in actions:
            self._do(step)
        return Turn(before, self.state, actions)

    def send(self, message: bytes, now: float) -> None:
        """Write one message of the owner; the KeepaliveTimer begins anew."""
        self._write(message)
        self.fsm.spoke(now)

    def progress(self, acked: int, queued: int, now: float) -> None:
        """Judge whether the peer takes what we send (RFC 9687 §3.2): `Session.progress`."""
        negotiated = self.fsm.negotiated
        if negotiated is None or not negotiated.hold_time:
            return
        timers = self.fsm.timers
        if not queued:
            timers.stop(Timer.SEND_HOLD)
        elif acked > self._acked or not timers.running(Timer.SEND_HOLD):
            default = max(480, 2 * negotiated.hold_time)  # RFC 9687 §3.1
            timers.start(Timer.SEND_HOLD, self.config.send_hold_time or default, now)
        self._acked = acked

    def park(self, received: Received, until: float) -> None:
        """Let the peer's OPEN wait, and all that comes after it."""
        self.parked, self.verdict_at = received, until

    def take_parked(self) -> Received | None:
        """The OPEN that waited, to be received now."""
        parked, self.parked, self.verdict_at = self.parked, None, None
        return parked

    def next_deadline(self) -> float | None:
        """The earliest of the machine's, and of the wait's end."""
        deadlines = (self.fsm.timers.next_deadline(), self.verdict_at)
        return min((at for at in deadlines if at is not None), default=None)

    def take_expiry(self, now: float) -> event.Event | None:
        """What is due first, to be handled next."""
        if self.verdict_at is not None and self.verdict_at <= now:
            self.take_parked()
            return event.OpenCollisionDump()
        return self.fsm.take_expiry(now)

    @property
    def overfull(self) -> bool:
        """Whether more octets wait than a patient peer sends."""
        return self._framer.buffered > MAX_EXTENDED_MESSAGE

    def feed(self, data: bytes) -> None:
        """Take octets from the peer."""
        self._framer.feed(data)

    def read(self) -> Received | None:
        """The next message, or what is wrong with it; None until more octets come.

        After a fault where the next message begins is unknown: the machine closes.
        """
        try:
            return self._read()
        except ProtocolError as error:
            fault = _FAULTS.get(error.code, event.BgpHeaderErr)
            return Received(fault(Notification.of(error)), detail=str(error))

    def _read(self) -> Received | None:
        longest = MAX_MESSAGE if self._ours is None else max_receive(self._ours)
        frame = self._framer.next_frame(longest)
        if frame is None:
            return None
        kind, body = frame
        self._common.counters.received[kind] += 1
        if kind in _TOO_EARLY and self.state is not State.ESTABLISHED:
            return Received(_TOO_EARLY[kind])
        negotiated = self.fsm.negotiated
        message = decode_message(kind, body, _PLAIN if negotiated is None else negotiated.codec)
        return self._received(message)

    def _received(self, message: Message) -> Received:
        match message:
            case Open():
                return Received(self._accepted(message))
            case Keepalive():
                return Received(event.KeepAliveMsg())
            case Notification():
                other = (message.code, message.subcode) == _WRONG_VERSION
                known = event.NotifMsgVerErr() if other else event.NotifMsg()
                return Received(known, notification=message)
            case Update():
                self._count(message)
                return Received(event.UpdateMsg(), UpdateReceived(message))
            case RouteRefreshMessage():
                return Received(event.RouteRefreshMsg(), self._refresh(message))
            case _:
                assert_never(message)

    def _accepted(self, theirs: Open) -> event.Event:
        negotiated = negotiate(self._our_open(), theirs, self.config)
        if self.fsm.timers.running(Timer.DELAY_OPEN):
            return event.BgpOpenWithDelayOpenTimer(negotiated)
        return event.BgpOpen(negotiated)

    def _count(self, update: Update) -> None:
        counters = self._common.counters
        counters.ignored += len(update.ignored)
        for fault in update.faults:
            counters.faults[fault.verdict] += 1

    def _refresh(self, message: RouteRefreshMessage) -> RefreshReceived | None:
        """None where it is to be ignored: RFC 2918 §4, RFC 7313 §5."""
        negotiated = self.fsm.negotiated
        if negotiated is not None and message.family in negotiated.families:
            marks = RouteRefreshSubtype if negotiated.enhanced_route_refresh else _REQUESTS
            if message.subtype in set(marks):
                return RefreshReceived(message.family, message.subtype)
        self._common.counters.ignored += 1
        return None

    def _our_open(self) -> Open:
        if self._ours is None:
            self._ours = local_open(self.config, self._common.facts)
        return self._ours

    def _do(self, step: action.Action) -> None:
        match step:
            case action.Dial():
                self.conn = next(self._common.ids)
                self._common.outputs.append(Dial(self.conn))
            case action.SendOpen():
                self._write(encode_message(self._our_open(), _PLAIN))
            case action.SendKeepalive():
                self._write(KEEPALIVE)
            case action.SendNotification():
                self._write(encode_message(step.notification, _PLAIN))
            case action.CloseConnection():
                self._close(reset=step.reset)
            case action.Deliver():
                pass  # the owner's: `Turn.delivers`
            case _:
                assert_never(step)

    def _write(self, data: bytes) -> None:
        if self.conn is not None:
            self._common.counters.sent[MessageType(data[_TYPE_AT])] += 1
            self._common.outputs.append(Write(self.conn, data))

    def _close(self, *, reset: bool) -> None:
        if self.conn is not None:
            self._common.outputs.append(Close(self.conn, reset=reset))
            self.conn = None


_REQUESTS = (RouteRefreshSubtype.REQUEST,)


def _options(config: SessionConfig) -> Options:
    return Options(
        initial_hold_time=config.initial_hold_time, delay_open_time=config.delay_open_time
    )
