"""Where one message ends and the next begins (RFC 4271 §4.1 and §6.1).

    octets  field
    16      Marker, all ones
    2       Length of the whole message, 19 and up
    1       Type

This module checks what the header alone can tell. Bodies are read by the module of their type.
"""

from __future__ import annotations

import struct

from porter_bgp.wire.codec import MAX_EXTENDED_MESSAGE, MAX_MESSAGE
from porter_bgp.wire.errors import MessageHeaderError
from porter_bgp.wire.iana import MessageHeaderSubcode, MessageType

HEADER_LENGTH = 19
MARKER = b"\xff" * 16
_HEADER = struct.Struct("!HB")

# Shortest and longest length of each type in octets, whatever was negotiated: RFC 4271 §6.1,
# RFC 2918 §3, RFC 8654 §4. A NOTIFICATION too short is the receiver's to make sense of: it is
# the peer's last word and gets no answer.
_LENGTHS = {
    MessageType.OPEN: (29, MAX_MESSAGE),
    MessageType.UPDATE: (23, MAX_EXTENDED_MESSAGE),
    MessageType.NOTIFICATION: (19, MAX_EXTENDED_MESSAGE),
    MessageType.KEEPALIVE: (19, 19),
    MessageType.ROUTE_REFRESH: (23, MAX_EXTENDED_MESSAGE),
}
_TYPES = {kind.value: kind for kind in MessageType}


def frame(kind: MessageType, body: bytes) -> bytes:
    """A message: its header, then `body`.

    Raises:
        MessageHeaderError: It would be longer than such a message may ever be.
    """
    length = HEADER_LENGTH + len(body)
    if length > _LENGTHS[kind][1]:
        raise _bad_length(kind.name, length)
    return MARKER + _HEADER.pack(length, kind) + body


class Framer:
    """Cuts a stream of octets into messages, in time linear in its length however it comes."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def buffered(self) -> int:
        """How many octets wait for the rest of their message."""
        return len(self._buffer)

    def feed(self, data: bytes) -> None:
        """Take more octets, as many as came."""
        self._buffer += data

    def next_frame(self, max_length: int = MAX_MESSAGE) -> tuple[MessageType, bytes] | None:
        """The next message's type and body, or None until more octets come.

        Args:
            max_length: The longest message taken now, in octets (RFC 8654 §4).

        Raises:
            MessageHeaderError: The header breaks RFC 4271 §6.1. Nothing is consumed, since
                where the next message begins is now unknown.
        """
        buffer = self._buffer
        if len(buffer) < HEADER_LENGTH:
            return None
        if not buffer.startswith(MARKER):
            raise MessageHeaderError(
                MessageHeaderSubcode.CONNECTION_NOT_SYNCHRONIZED, "the marker is not all ones"
            )
        length, number = _HEADER.unpack_from(buffer, len(MARKER))
        kind = _checked(length, number, max_length)
        if length > len(buffer):
            return None
        body = bytes(memoryview(buffer)[HEADER_LENGTH:length])
        del buffer[:length]  # moves the start, not the octets behind it
        return kind, body


def _checked(length: int, number: int, max_length: int) -> MessageType:
    if not HEADER_LENGTH <= length <= max_length:
        raise _bad_length("message", length)
    kind = _TYPES.get(number)
    if kind is None:
        raise MessageHeaderError(
            MessageHeaderSubcode.BAD_MESSAGE_TYPE, f"message type {number}", data=bytes((number,))
        )
    shortest, longest = _LENGTHS[kind]
    if not shortest <= length <= longest:
        raise _bad_length(kind.name, length)
    return kind


def _bad_length(what: str, length: int) -> MessageHeaderError:
    return MessageHeaderError(
        MessageHeaderSubcode.BAD_MESSAGE_LENGTH,
        f"{what} of {length} octets",
        data=min(length, 0xFFFF).to_bytes(2),
    )
