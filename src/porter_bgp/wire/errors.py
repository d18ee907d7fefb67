"""What can be wrong with received octets, each fault with the NOTIFICATION it earns.

An error in the protocol is an exception (`ProtocolError` and its kin): it ends the session. A
malformed path attribute mostly does not: it is a value with a verdict (`AttributeFault`, RFC 7606).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar

from porter_bgp.wire.iana import ErrorCode, UpdateSubcode


class ProtocolError(ValueError):
    """A rule of the protocol is broken.

    Caught while receiving, it ends the session with NOTIFICATION `code`/`subcode`/`data`;
    raised anywhere else it is our own mistake. `Session.receive_data` alone draws that line.
    """

    code: ClassVar[ErrorCode]

    def __init__(self, subcode: int, reason: str, *, data: bytes = b"") -> None:
        super().__init__(reason)
        self.subcode = subcode
        self.data = data


class MessageHeaderError(ProtocolError):
    """RFC 4271 §6.1; subcodes are `MessageHeaderSubcode`."""

    code = ErrorCode.MESSAGE_HEADER


class OpenMessageError(ProtocolError):
    """RFC 4271 §6.2; subcodes are `OpenSubcode`."""

    code = ErrorCode.OPEN_MESSAGE


class UpdateMessageError(ProtocolError):
    """RFC 4271 §6.3, where RFC 7606 leaves nothing milder; subcodes are `UpdateSubcode`."""

    code = ErrorCode.UPDATE_MESSAGE


class FsmError(ProtocolError):
    """RFC 6608; subcodes are `FsmSubcode`, data is the type of the unexpected message."""

    code = ErrorCode.FSM


class RouteRefreshError(ProtocolError):
    """RFC 7313 §5; subcodes are `RouteRefreshSubcode`, data is the whole message."""

    code = ErrorCode.ROUTE_REFRESH


class Verdict(IntEnum):
    """What RFC 7606 §2 asks for, the stronger the greater."""

    DISCARD = 1
    TREAT_AS_WITHDRAW = 2
    RESET = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeFault:
    """One thing wrong with the path attributes of an UPDATE (RFC 7606).

    Attributes:
        type: The attribute's type code; 0 where the octets do not even tell that.
        verdict: What follows from it.
        reason: A sentence for people.
        subcode: The subcode of the NOTIFICATION, should the session end for it.
        data: The data of that NOTIFICATION: mostly the attribute as it came.
    """

    type: int
    verdict: Verdict
    reason: str
    subcode: UpdateSubcode
    data: bytes = b""


class MalformedAttributeError(ValueError):
    """A value its attribute cannot have; becomes an `AttributeFault` where the row is known."""

    def __init__(self, subcode: UpdateSubcode, reason: str) -> None:
        super().__init__(reason)
        self.subcode = subcode
