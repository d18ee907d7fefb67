"""What BGP speakers said on a link: every message, read from the segments that passed there."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from conformance.rig.objects import number, parse, text
from porter_bgp.wire import (
    IPV4_UNICAST,
    IPV6_UNICAST,
    MAX_EXTENDED_MESSAGE,
    Codec,
    Framer,
    Notification,
    Open,
    Update,
    decode_message,
    format_community,
    split_key,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.rig.hosts import Host
    from conformance.rig.objects import Json
    from porter_bgp.wire import Message

Kind = Literal["open", "announce", "withdraw", "end-of-rib", "notification", "other"]

_SNIFFER = Path(__file__).with_name("sniffer.py")
_CODEC = Codec(families=frozenset({IPV4_UNICAST, IPV6_UNICAST}), max_receive=MAX_EXTENDED_MESSAGE)
_MARKER = b"\xff" * 16
_SYN = 0x02
_WRAP = 1 << 32
_HALF = 1 << 31


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One thing that a speaker said: a message, or one route of an UPDATE.

    Attributes:
        at: When its last octet passed, in seconds of the monotonic clock.
        source: Whose address it came from.
        target: Whose it went to.
        prefix: Of a route that comes or goes.
        communities: Of a route that comes, as `65535:0`.
        notification: Code and subcode, those inside a Hard Reset included: `6/2`, `6/9 6/2`.
    """

    at: float
    source: str
    target: str
    kind: Kind = "other"
    prefix: str = ""
    communities: tuple[str, ...] = ()
    notification: str = ""


class Capture:
    """Listens on one interface of a host from its making until `stop`; the whole rig's clock.

    A session that was there before is heard from the first whole message on. Path identifiers are
    not understood.
    """

    def __init__(self, host: Host, interface: str = "eth0", port: int = 179) -> None:
        name = f"capture-{len(host.processes)}"
        self._process = host.spawn(name, sys.executable, str(_SNIFFER), interface, str(port))
        self._process.require(lambda: bool(self._lines()), timeout=10, what="the capture listens")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._process.stop()

    def said(self, *, since: float = 0.0, source: str = "", target: str = "") -> list[Said]:
        """What was said so far, in the order it was; of one speaker or to one, where named."""
        streams: dict[tuple[str, ...], _Stream] = {}
        heard: list[Said] = []
        for line in self._lines()[1:]:
            segment = parse(line)
            flow = tuple(
                text(segment, key) for key in ("source", "source_port", "target", "target_port")
            )
            stream = streams.setdefault(flow, _Stream())
            if number(segment, "flags") & _SYN:
                stream = streams[flow] = _Stream()
            here = Said(at=float(text(segment, "at")), source=flow[0], target=flow[2])
            for message in stream.take(segment):
                heard += _said(message, here)
        return [
            one
            for one in heard
            if one.at >= since and source in {"", one.source} and target in {"", one.target}
        ]

    def _lines(self) -> list[str]:
        """The whole lines printed so far."""
        printed = self._process.log.read_text()
        return printed[: printed.rfind("\n") + 1].splitlines()


@dataclass(slots=True)
class _Stream:
    """One direction of one connection, put in order."""

    framer: Framer = field(default_factory=Framer)
    expected: int | None = None
    early: dict[int, bytes] = field(default_factory=dict)
    in_step: bool = False  # the last octet fed was the end of a message, or began one

    def take(self, segment: Json) -> Iterator[Message]:
        """Take one segment; the messages that are complete with it."""
        sequence, data = number(segment, "sequence"), bytes.fromhex(text(segment, "data"))
        if number(segment, "flags") & _SYN:
            self.expected, self.in_step = (sequence + 1) % _WRAP, True
        if not data:
            return
        if not self.in_step:
            start = data.find(_MARKER)
            if start < 0:
                return
            sequence, data, self.in_step = sequence + start, data[start:], True
        self.early[sequence] = data
        self._feed(sequence if self.expected is None else self.expected)
        while (frame := self.framer.next_frame(MAX_EXTENDED_MESSAGE)) is not None:
            yield decode_message(*frame, _CODEC)

    def _feed(self, expected: int) -> None:
        """Feed what follows, without what was sent twice."""
        while self.early:
            overlaps = {
                sequence: (expected - sequence + _HALF) % _WRAP - _HALF for sequence in self.early
            }
            first = max(overlaps, key=lambda sequence: overlaps[sequence])
            if overlaps[first] < 0:  # a gap
                break
            data = self.early.pop(first)[overlaps[first] :]
            self.framer.feed(data)
            expected = (expected + len(data)) % _WRAP
        self.expected = expected


def _said(message: Message, here: Said) -> Iterator[Said]:
    match message:
        case Open():
            yield replace(here, kind="open")
        case Notification():
            notes = [message] if message.inner is None else [message, message.inner]
            words = " ".join(f"{note.code}/{note.subcode}" for note in notes)
            yield replace(here, kind="notification", notification=words)
        case Update() if message.end_of_rib is not None:
            yield replace(here, kind="end-of-rib")
        case Update():
            yield from _routes(message, here)
        case _:
            yield here


def _routes(update: Update, here: Said) -> Iterator[Said]:
    for family, keys in update.withdrawn_keys():
        for key in keys:
            yield replace(here, kind="withdraw", prefix=str(split_key(family, key)[1]))
    for family, keys, attributes in update.announced():
        communities = tuple(map(format_community, attributes.communities))
        for key in keys:
            prefix = str(split_key(family, key)[1])
            yield replace(here, kind="announce", prefix=prefix, communities=communities)
