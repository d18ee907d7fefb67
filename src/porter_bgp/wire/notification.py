"""The NOTIFICATION message (RFC 4271 §4.5), with the text of RFC 9003 and the nesting of RFC 8538.

    octets  field
    1       Error code
    1       Error subcode
    ...     Data

No NOTIFICATION is ever answered, so none is refused: any octets decode to one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from porter_bgp.wire.codec import MAX_MESSAGE
from porter_bgp.wire.iana import (
    CeaseSubcode,
    ErrorCode,
    FsmSubcode,
    MessageHeaderSubcode,
    OpenSubcode,
    RouteRefreshSubcode,
    UpdateSubcode,
)

if TYPE_CHECKING:
    from enum import IntEnum

    from porter_bgp.wire.errors import ProtocolError

_MAX_DATA = MAX_MESSAGE - 21
_MAX_TEXT = 255  # RFC 9003 §2
_WITH_TEXT = (CeaseSubcode.ADMINISTRATIVE_SHUTDOWN, CeaseSubcode.ADMINISTRATIVE_RESET)
_SUBCODES: dict[int, type[IntEnum]] = {
    ErrorCode.MESSAGE_HEADER: MessageHeaderSubcode,
    ErrorCode.OPEN_MESSAGE: OpenSubcode,
    ErrorCode.UPDATE_MESSAGE: UpdateSubcode,
    ErrorCode.FSM: FsmSubcode,
    ErrorCode.CEASE: CeaseSubcode,
    ErrorCode.ROUTE_REFRESH: RouteRefreshSubcode,
}


@dataclass(frozen=True, slots=True)
class Notification:
    """Why a connection ends.

    Attributes:
        code: Mostly an `ErrorCode`; a peer may send any.
        subcode: Its meaning depends on the code.
        data: Depends on both.
    """

    code: int
    subcode: int = 0
    data: bytes = b""

    def __str__(self) -> str:
        words = f"{_name(ErrorCode, self.code)}/{self._subcode_name}"
        if self.inner is not None:
            return f"{words}: {self.inner}"
        return f"{words}: {self.text}" if self.text else words

    @classmethod
    def of(cls, error: ProtocolError) -> Notification:
        """The NOTIFICATION that an error earns; data beyond 4075 octets is cut off."""
        return cls(error.code, error.subcode, error.data[:_MAX_DATA])

    @classmethod
    def cease(cls, subcode: CeaseSubcode, text: str = "") -> Notification:
        """A Cease; `text` goes along where RFC 9003 §2 has room for it, else nowhere.

        It is cut at a character's border where its UTF-8 exceeds 255 octets.
        """
        if not text or subcode not in _WITH_TEXT:
            return cls(ErrorCode.CEASE, subcode)
        octets = text.encode("utf-8", "replace")[:_MAX_TEXT].decode("utf-8", "ignore").encode()
        return cls(ErrorCode.CEASE, subcode, bytes((len(octets),)) + octets)

    @property
    def text(self) -> str:
        """The operator's words of RFC 9003, or nothing: printable ASCII, the rest escaped.

        At most 255 octets of it are read, whatever their length octet or the data claims.
        """
        if self.code != ErrorCode.CEASE or self.subcode not in _WITH_TEXT or not self.data:
            return ""
        octets = self.data[1 : 1 + self.data[0]]
        return octets.decode("utf-8", "replace").encode("unicode_escape").decode("ascii")

    @property
    def inner(self) -> Notification | None:
        """What a Hard Reset carries (RFC 8538 §3), if it carries anything; never another one."""
        if (self.code, self.subcode) != _HARD_RESET or len(self.data) < 2:
            return None
        inner = Notification.decode(self.data)
        return None if (inner.code, inner.subcode) == _HARD_RESET else inner

    @classmethod
    def decode(cls, body: bytes) -> Notification:
        """Decode the octets that follow the message header; what is missing counts as 0."""
        code, subcode = body[:2].ljust(2, b"\x00")
        return cls(code, subcode, body[2:])

    def encode(self) -> bytes:
        """Encode the octets that follow the message header."""
        return bytes((self.code, self.subcode)) + self.data

    @property
    def _subcode_name(self) -> str:
        subcodes = _SUBCODES.get(self.code)
        return str(self.subcode) if subcodes is None else _name(subcodes, self.subcode)


_HARD_RESET = (ErrorCode.CEASE, CeaseSubcode.HARD_RESET)


def hard_reset(inner: Notification) -> Notification:
    """`inner` as a Hard Reset: the peer must not keep our routes (RFC 8538 §3)."""
    return Notification(*_HARD_RESET, inner.encode())


def _name(members: type[IntEnum], value: int) -> str:
    """The member's name in words, or the number."""
    names = {member.value: member.name for member in members}
    return names.get(value, str(value)).replace("_", " ").capitalize()
