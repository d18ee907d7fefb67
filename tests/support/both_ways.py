"""One message and its octets, read both ways and in every damaged form (after h11's `tr`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from porter_bgp.wire.errors import ProtocolError
from porter_bgp.wire.framing import HEADER_LENGTH, Framer
from porter_bgp.wire.iana import MessageType
from porter_bgp.wire.message import decode_message, encode_message

if TYPE_CHECKING:
    from porter_bgp.wire.codec import Codec
    from porter_bgp.wire.message import Message

GARBAGE = b"\x00garbage behind the message\xff"


def frames(framer: Framer, codec: Codec) -> list[tuple[MessageType, bytes]]:
    """All messages that are complete by now."""
    found = []
    while (one := framer.next_frame(codec.max_receive)) is not None:
        found.append(one)
    return found


def both_ways(message: Message, octets: bytes, codec: Codec) -> None:
    """Assert that the two are the same thing, and that damage to the octets is met in order.

    The octets are read whole, octet by octet, followed by garbage, and cut at every length: as a
    stream that waits for its rest, and as a body that claims to be complete.
    """
    assert encode_message(message, codec) == octets
    kind, body = MessageType(octets[18]), octets[HEADER_LENGTH:]
    assert decode_message(kind, body, codec) == message
    _reads_octet_by_octet(octets, codec)
    _leaves_garbage_alone(octets, codec)
    for length in range(len(body)):
        _is_met(kind, body[:length], codec)
    _is_met(kind, body + b"\x00", codec)


def _reads_octet_by_octet(octets: bytes, codec: Codec) -> None:
    framer = Framer()
    for position in range(len(octets)):
        assert frames(framer, codec) == []
        framer.feed(octets[position : position + 1])
    assert frames(framer, codec) == [(octets[18], octets[HEADER_LENGTH:])]
    assert framer.buffered == 0


def _leaves_garbage_alone(octets: bytes, codec: Codec) -> None:
    framer = Framer()
    framer.feed(octets + GARBAGE)
    assert framer.next_frame(codec.max_receive) == (octets[18], octets[HEADER_LENGTH:])
    assert framer.buffered == len(GARBAGE)


def _is_met(kind: MessageType, body: bytes, codec: Codec) -> None:
    """A damaged body is a value or a declared error; the value is one that can be sent."""
    try:
        message = decode_message(kind, body, codec)
    except ProtocolError:
        return
    encode_message(message, codec)
