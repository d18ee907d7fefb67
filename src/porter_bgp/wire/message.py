"""Any message, as a value and as octets with its header (RFC 4271 §4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, assert_never

from porter_bgp.wire.errors import MessageHeaderError
from porter_bgp.wire.framing import frame
from porter_bgp.wire.iana import MessageHeaderSubcode, MessageType
from porter_bgp.wire.notification import Notification
from porter_bgp.wire.open import Open
from porter_bgp.wire.route_refresh import RouteRefreshMessage
from porter_bgp.wire.update import Update

if TYPE_CHECKING:
    from porter_bgp.wire.codec import Codec


@dataclass(frozen=True, slots=True)
class Keepalive:
    """The KEEPALIVE message: a header and nothing else (RFC 4271 §4.4)."""


Message: TypeAlias = Open | Update | Notification | Keepalive | RouteRefreshMessage

KEEPALIVE = frame(MessageType.KEEPALIVE, b"")
"""The one KEEPALIVE there is, as octets."""


def decode_message(kind: MessageType, body: bytes, codec: Codec) -> Message:
    """The message of that type whose body this is, as `Framer.next_frame` gives them.

    Raises:
        ProtocolError: The kin of it that the type calls for.
    """
    match kind:
        case MessageType.OPEN:
            return Open.decode(body)
        case MessageType.UPDATE:
            return Update.decode(body, codec)
        case MessageType.NOTIFICATION:
            return Notification.decode(body)
        case MessageType.KEEPALIVE:
            return Keepalive()
        case MessageType.ROUTE_REFRESH:
            return RouteRefreshMessage.decode(body, enhanced=codec.enhanced_route_refresh)
        case _:
            assert_never(kind)


def encode_message(message: Message, codec: Codec) -> bytes:
    """The message as octets, with its header.

    Raises:
        MessageHeaderError: It is longer than the peer takes (RFC 8654 §4).
    """
    octets = _encode(message, codec)
    if len(octets) > codec.max_send:
        raise MessageHeaderError(
            MessageHeaderSubcode.BAD_MESSAGE_LENGTH,
            f"{len(octets)} octets, the peer takes {codec.max_send}",
            data=len(octets).to_bytes(2),
        )
    return octets


def _encode(message: Message, codec: Codec) -> bytes:
    match message:
        case Open():
            return frame(MessageType.OPEN, message.encode())
        case Update():
            return frame(MessageType.UPDATE, message.encode(codec))
        case Notification():
            return frame(MessageType.NOTIFICATION, message.encode())
        case Keepalive():
            return KEEPALIVE
        case RouteRefreshMessage():
            return frame(MessageType.ROUTE_REFRESH, message.encode())
        case _:
            assert_never(message)
