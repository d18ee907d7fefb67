"""The table of capabilities, and the list of them as octets (RFC 5492 §4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from porter_bgp.wire.capabilities.add_path import AddPath
from porter_bgp.wire.capabilities.families import ExtendedNextHop, Multiprotocol
from porter_bgp.wire.capabilities.restart import GracefulRestart, LongLivedGracefulRestart
from porter_bgp.wire.capabilities.simple import (
    EnhancedRouteRefresh,
    ExtendedMessage,
    FourOctetAs,
    Role,
    RouteRefresh,
)
from porter_bgp.wire.capabilities.unknown import UnknownCapability
from porter_bgp.wire.cursor import Reader
from porter_bgp.wire.errors import OpenMessageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Capability: TypeAlias = (
    Multiprotocol
    | RouteRefresh
    | ExtendedNextHop
    | ExtendedMessage
    | Role
    | GracefulRestart
    | FourOctetAs
    | AddPath
    | EnhancedRouteRefresh
    | LongLivedGracefulRestart
    | UnknownCapability
)

_DECODERS: dict[int, Callable[[bytes], Capability]] = {
    Multiprotocol.code: Multiprotocol.decode,
    RouteRefresh.code: RouteRefresh.decode,
    ExtendedNextHop.code: ExtendedNextHop.decode,
    ExtendedMessage.code: ExtendedMessage.decode,
    Role.code: Role.decode,
    GracefulRestart.code: GracefulRestart.decode,
    FourOctetAs.code: FourOctetAs.decode,
    AddPath.code: AddPath.decode,
    EnhancedRouteRefresh.code: EnhancedRouteRefresh.decode,
    LongLivedGracefulRestart.code: LongLivedGracefulRestart.decode,
}


def decode_capabilities(value: bytes) -> list[Capability]:
    """Decode the value of one Capabilities parameter, in the sender's order.

    A capability whose value breaks its own rules counts as not understood (RFC 7911 §4 says so
    of its own), unless ignoring it would leave the two ends with different ideas.

    Raises:
        ShortReadError: A capability runs over the parameter.
        OpenMessageError: One cannot be ignored: Multiprotocol or the AS number.
    """
    reader, capabilities = Reader(value), []
    while reader.remaining:
        code = reader.u8()
        capabilities.append(_decode(code, reader.take(reader.u8())))
    return capabilities


def encode_capabilities(capabilities: Iterable[Capability]) -> bytes:
    """Encode them one after the other: the value of one Capabilities parameter."""
    parts: list[bytes] = []
    for capability in capabilities:
        value = capability.encode()
        parts.append(bytes((capability.code, len(value))) + value)
    return b"".join(parts)


def _decode(code: int, value: bytes) -> Capability:
    decoder = _DECODERS.get(code)
    if decoder is None:
        return UnknownCapability(code, value)
    try:
        return decoder(value)
    except OpenMessageError:
        raise
    except ValueError:
        return UnknownCapability(code, value)
