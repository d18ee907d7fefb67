"""A BGP speaker as a library: values and a session without I/O, asyncio only where sockets are.

It stands alone: nothing outside the standard library is imported, and nothing of `porter_ctl`.

Two levels are for use: `Session`, which turns octets and time into octets and events and does no
I/O, and `porter_bgp.speaker.speaker.Speaker`, which runs sessions on asyncio. The latter is
imported by its own name, so that importing this package loads no asyncio.
"""

from __future__ import annotations

from porter_bgp._version import __version__
from porter_bgp.config import (
    AddPathConfig,
    Connection,
    DialConfig,
    GracefulRestartConfig,
    ImportPolicy,
    ListenConfig,
    MaxPrefixAction,
    MaxPrefixes,
    PeerConfig,
    PeerType,
    SessionConfig,
    SpeakerConfig,
    TcpConfig,
)
from porter_bgp.rib import SELF, Path, RouteAttributes
from porter_bgp.session import (
    Close,
    Dial,
    DownReason,
    Negotiated,
    RefreshReceived,
    RestartFacts,
    Session,
    SessionDown,
    SessionEstablished,
    State,
    Stop,
    UpdateReceived,
    Write,
)
from porter_bgp.view import DownView, FamilyView, PeerView, SpeakerView
from porter_bgp.wire import (
    IPV4_UNICAST,
    IPV6_UNICAST,
    AddressFamily,
    LargeCommunity,
    Notification,
    PathAttributes,
    Prefix,
    ProtocolError,
    Update,
    WellKnownCommunity,
    parse_community,
)

__all__ = [
    "IPV4_UNICAST",
    "IPV6_UNICAST",
    "SELF",
    "AddPathConfig",
    "AddressFamily",
    "Close",
    "Connection",
    "Dial",
    "DialConfig",
    "DownReason",
    "DownView",
    "FamilyView",
    "GracefulRestartConfig",
    "ImportPolicy",
    "LargeCommunity",
    "ListenConfig",
    "MaxPrefixAction",
    "MaxPrefixes",
    "Negotiated",
    "Notification",
    "Path",
    "PathAttributes",
    "PeerConfig",
    "PeerType",
    "PeerView",
    "Prefix",
    "ProtocolError",
    "RefreshReceived",
    "RestartFacts",
    "RouteAttributes",
    "Session",
    "SessionConfig",
    "SessionDown",
    "SessionEstablished",
    "SpeakerConfig",
    "SpeakerView",
    "State",
    "Stop",
    "TcpConfig",
    "Update",
    "UpdateReceived",
    "WellKnownCommunity",
    "Write",
    "__version__",
    "parse_community",
]
