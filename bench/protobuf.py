"""The little of the protocol buffers encoding that driving GoBGP takes."""

from __future__ import annotations

_VARINT, _LENGTH_DELIMITED = 0, 2


def varint(number: int) -> bytes:
    """A number, seven bits an octet, the lowest first."""
    octets = bytearray()
    while number > 0x7F:
        octets.append(number & 0x7F | 0x80)
        number >>= 7
    octets.append(number)
    return bytes(octets)


def field(number: int, value: int | bytes) -> bytes:
    """One field of a message: a number, or octets (a string, or a message by itself)."""
    if isinstance(value, int):
        return varint(number << 3 | _VARINT) + varint(value)
    return varint(number << 3 | _LENGTH_DELIMITED) + varint(len(value)) + value


def first_number(message: bytes) -> int:
    """Field 1 of a message that holds numbers only, of which it is the first; 0 if absent."""
    if message[:1] != varint(1 << 3 | _VARINT):
        return 0
    number = 0
    for at, octet in enumerate(message[1:]):
        number |= (octet & 0x7F) << 7 * at
        if octet < 0x80:
            break
    return number
