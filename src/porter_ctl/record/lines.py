"""The last-good file as octets: one record a line, each with a checksum of all up to it.

    octets  field
    8       CRC-32 of the records up to and with this one, in hexadecimal
    1       Space
    ...     The record: JSON on one line
    1       Line feed

A line without its line feed is one whose writer was killed at it: it was never there. Any other
fault means that the file is not what was written, and none of it is to be believed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from zlib import crc32

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FORMAT = 1
PathId = Annotated[int, msgspec.Meta(ge=0, le=0xFFFF_FFFF)]
_HEAD = 9  # octets before the record


class Header(msgspec.Struct, frozen=True, tag="header"):
    """Whose file it is; always the first record.

    Attributes:
        format: The version of what is described here.
        node: The node's name.
        boot_id: The kernel's id of the boot in which it was written.
    """

    format: int
    node: str
    boot_id: str


class Configure(msgspec.Struct, frozen=True, tag="configure", forbid_unknown_fields=True):
    """What the speaker is: all peers. Those not in it lose their paths.

    Attributes:
        speaker: A SpeakerConfig, plain.
        peers: By name, a PeerConfig each, plain, without its password.
        secret: The peers that have one.
        last: Why the node announces last; empty if it does not.
    """

    speaker: object
    peers: dict[str, object]
    secret: tuple[str, ...]
    last: str


class Paths(msgspec.Struct, frozen=True, tag="paths", forbid_unknown_fields=True):
    """What peers are told of the prefixes that are put with this number.

    Attributes:
        number: Later records mean it by this.
        peers: By name, a path each: path identifier and RouteAttributes, plain.
    """

    number: int
    peers: dict[str, list[tuple[PathId, object]]]


class Put(msgspec.Struct, frozen=True, tag="put", forbid_unknown_fields=True):
    """A prefix is announced.

    Attributes:
        prefix: As text.
        paths: The number of its Paths.
        served: The UIDs of the Services for which it has passed the dataplane gate.
    """

    prefix: str
    paths: int
    served: tuple[str, ...]


class Remove(msgspec.Struct, frozen=True, tag="remove", forbid_unknown_fields=True):
    """A prefix is announced to nobody any more."""

    prefix: str


class Confirm(msgspec.Struct, frozen=True, tag="confirm", forbid_unknown_fields=True):
    """All kinds were in step with the API at this time, in seconds of Unix."""

    at: float


Record = Header | Configure | Paths | Put | Remove | Confirm

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Record] = msgspec.json.Decoder(Record)


class DamagedError(ValueError):
    """What is read is not what was written; the message says where and what."""


def encode_record(record: Record) -> bytes:
    """Return the record as JSON: the inverse of `decode_record`."""
    return _encoder.encode(record)


def decode_record(octets: bytes) -> Record:
    """Return the record that the JSON stands for.

    Raises:
        DamagedError: It stands for none.
    """
    try:
        return _decoder.decode(octets)
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"no record: {error}") from error


def frame(records: Iterable[bytes], checksum: int) -> tuple[bytes, int]:
    """Return the lines of encoded records that follow a line of this checksum, and the last's."""
    lines = []
    for record in records:
        checksum = crc32(record, checksum)
        lines.append(b"%08x %b\n" % (checksum, record))
    return b"".join(lines), checksum


class Line(msgspec.Struct, frozen=True):
    """A whole line as read.

    Attributes:
        number: Its number, the first being 1.
        record: What it says.
        end: How many octets of the file end with it.
        checksum: Its own.
    """

    number: int
    record: Record
    end: int
    checksum: int


def read_lines(octets: bytes) -> Iterator[Line]:
    """Yield the whole lines; what follows the last line feed does not count.

    Raises:
        DamagedError: A whole line has not the checksum it should have, or is no record.
    """
    end, checksum, number = 0, 0, 0
    while (stop := octets.find(b"\n", end)) >= 0:
        number += 1
        record = octets[end + _HEAD : stop]
        checksum = crc32(record, checksum)
        if octets[end : end + _HEAD] != b"%08x " % checksum:
            raise DamagedError(f"line {number} has not the checksum it should have")
        end = stop + 1
        try:
            yield Line(number, decode_record(record), end, checksum)
        except DamagedError as error:
            raise DamagedError(f"line {number} is {error}") from error
