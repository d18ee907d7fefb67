"""Capabilities of an OPEN (RFC 5492): one dataclass each, unknown ones kept byte for byte.

    octets  field, repeated
    1       Capability code
    1       Length of the value
    ...     Value

The table of them is in `registry`; what two lists of them agree on is said in
`porter_bgp.fsm.negotiate`.
"""

from __future__ import annotations

from porter_bgp.wire.capabilities.add_path import AddPath
from porter_bgp.wire.capabilities.families import ExtendedNextHop, Multiprotocol
from porter_bgp.wire.capabilities.registry import (
    Capability,
    decode_capabilities,
    encode_capabilities,
)
from porter_bgp.wire.capabilities.restart import GracefulRestart, LongLivedGracefulRestart
from porter_bgp.wire.capabilities.simple import (
    EnhancedRouteRefresh,
    ExtendedMessage,
    FourOctetAs,
    Role,
    RouteRefresh,
)
from porter_bgp.wire.capabilities.unknown import UnknownCapability

__all__ = [
    "AddPath",
    "Capability",
    "EnhancedRouteRefresh",
    "ExtendedMessage",
    "ExtendedNextHop",
    "FourOctetAs",
    "GracefulRestart",
    "LongLivedGracefulRestart",
    "Multiprotocol",
    "Role",
    "RouteRefresh",
    "UnknownCapability",
    "decode_capabilities",
    "encode_capabilities",
]
