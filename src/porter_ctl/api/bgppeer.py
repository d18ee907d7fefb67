"""BGPPeer: a router to speak with, and how."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from msgspec import Meta, field

from porter_ctl.api.addresses import parse_address
from porter_ctl.api.bgpconfig import Switch
from porter_ctl.api.meta import ApiStruct, Conditions, Kind, ObjectMeta
from porter_ctl.api.peer_session import AddPath, Auth, Bfd, Multihop, Timers, TtlSecurity
from porter_ctl.api.rules import Problem, Rule, TextCheck
from porter_ctl.api.values import (
    MAX_U32,
    AddressFamily,
    Asn,
    HostAddress,
    HostIPv4,
    HostIPv6,
    IPFamily,
    LabelKey,
    LabelSelectors,
    NodeValueSource,
    Port,
)


class PeerType(StrEnum):
    """Whether the router is of our AS, where its number does not matter."""

    EXTERNAL = "External"
    INTERNAL = "Internal"


class ConnectionMode(StrEnum):
    """Who opens the TCP connection."""

    ACTIVE = "Active"
    PASSIVE = "Passive"
    PASSIVE_ONLY = "PassiveOnly"


class MaxPrefixesAction(StrEnum):
    """What happens when a router sends too much."""

    WARN = "Warn"
    CEASE = "Cease"


class Role(StrEnum):
    """Our relation to the router (RFC 9234)."""

    PROVIDER = "Provider"
    CUSTOMER = "Customer"
    PEER = "Peer"
    ROUTE_SERVER = "RouteServer"
    ROUTE_SERVER_CLIENT = "RouteServerClient"


class PeerAdminState(StrEnum):
    """Whether sessions with this router are wanted."""

    UP = "Up"
    DOWN = "Down"


InterfaceName = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=15,
        pattern=r"^[^/\s]+$",
        extra={
            "noun": "the name of an interface",
            "remedy": "write it as `ip link` shows it, such as eth0",
        },
    ),
]


class DefaultGateway(ApiStruct, frozen=True, kw_only=True):
    """The gateway of a node's default route."""

    family: Annotated[IPFamily, Meta(description="Of which family.")] = IPFamily.IPV4


class PeerAddressSource(ApiStruct, frozen=True, kw_only=True):
    """Where each node finds the router's address; exactly one of these."""

    default_gateway: Annotated[
        DefaultGateway | None,
        Meta(description="The gateway of the node's default route; one session each."),
    ] = None
    node_annotation: Annotated[
        LabelKey | None, Meta(description="The node annotation that holds it.")
    ] = None
    node_label: Annotated[LabelKey | None, Meta(description="The node label that holds it.")] = None

    rules: ClassVar[tuple[Rule[PeerAddressSource], ...]] = (
        Rule(
            reads=("defaultGateway", "nodeAnnotation", "nodeLabel"),
            cel=(
                "[has(self.defaultGateway), has(self.nodeAnnotation), has(self.nodeLabel)]"
                ".filter(given, given).size() == 1"
            ),
            holds=lambda self: (
                _given(self.default_gateway, self.node_annotation, self.node_label) == 1
            ),
            message="exactly one of defaultGateway, nodeAnnotation and nodeLabel must be set",
            remedy="keep one of them",
        ),
    )


class Source(ApiStruct, frozen=True, kw_only=True):
    """Where our end of the session is."""

    address: Annotated[HostAddress | None, Meta(description="The local address.")] = None
    interface: Annotated[InterfaceName | None, Meta(description="The local interface.")] = None

    rules: ClassVar[tuple[Rule[Source], ...]] = (
        Rule(
            reads=("address", "interface"),
            cel="has(self.address) != has(self.interface)",
            holds=lambda self: (self.address is None) != (self.interface is None),
            message="exactly one of address and interface must be set",
            remedy="keep one of them",
        ),
    )


class PeerNextHop(ApiStruct, frozen=True, kw_only=True):
    """The next hops that this router is told instead of our end of the session."""

    ipv4: Annotated[HostIPv4 | None, Meta(description="For IPv4 prefixes.")] = None
    ipv6: Annotated[HostIPv6 | None, Meta(description="For IPv6 prefixes.")] = None


class MaxPrefixes(ApiStruct, frozen=True, kw_only=True):
    """How many prefixes the router may send."""

    limit: Annotated[int, Meta(ge=1, le=MAX_U32, description="Prefixes a family.")] = 1000
    action: Annotated[
        MaxPrefixesAction,
        Meta(description="Warn: say so. Cease: end the session (RFC 4486)."),
    ] = MaxPrefixesAction.WARN


def _given(*values: object) -> int:
    return sum(value is not None for value in values)


def _explain_shutdown_message(text: str) -> Problem | None:
    octets = len(text.encode(errors="replace"))
    if octets <= 255:
        return None
    return Problem(
        f"{octets} octets of UTF-8 are above 255 (RFC 9003)", "shorten it to 255 octets or less"
    )


_SHUTDOWN_MESSAGE = TextCheck(
    cel="size(bytes(self)) <= 255",
    message="must be at most 255 octets of UTF-8 (RFC 9003)",
    explain=_explain_shutdown_message,
)


class BGPPeerSpec(ApiStruct, frozen=True, kw_only=True):
    """Which router, from which nodes, and how to speak with it."""

    node_selectors: Annotated[
        LabelSelectors, Meta(description="The nodes that speak with it; absent: all.")
    ] = ()
    address: Annotated[HostAddress | None, Meta(description="The router's address.")] = None
    address_from: Annotated[
        PeerAddressSource | None, Meta(description="Where each node finds the router's address.")
    ] = None
    interface: Annotated[
        InterfaceName | None,
        Meta(
            description=(
                "The interface behind which the router is, found by its router advertisements "
                "(unnumbered); needs NET_RAW."
            )
        ),
    ] = None
    vrf: Annotated[
        InterfaceName | None, Meta(description="The VRF device that the session belongs to.")
    ] = None
    port: Annotated[Port, Meta(description="The router's TCP port.")] = 179
    asn: Annotated[Asn | None, Meta(description="The router's AS number.")] = None
    asn_from: Annotated[
        NodeValueSource | None, Meta(description="Where each node says the router's AS number.")
    ] = None
    peer_type: Annotated[
        PeerType | None,
        Meta(
            description="Instead of an AS number. External: any but ours. Internal: ours.",
        ),
    ] = None
    local_asn: Annotated[
        Asn | None, Meta(description="Our AS number towards this router; replaces ours.")
    ] = field(name="localASN", default=None)
    source: Annotated[
        Source | None, Meta(description="Our end of the session; absent: the kernel's choice.")
    ] = None
    connection: Annotated[
        ConnectionMode,
        Meta(
            description=(
                "Active: we dial. Passive: the router dials, we do after a restart or 10 s of "
                "nothing. PassiveOnly: we never dial."
            )
        ),
    ] = ConnectionMode.ACTIVE
    timers: Annotated[Timers, Meta(description="How patient a session is.")] = Timers()
    multihop: Annotated[
        Multihop | None, Meta(description="The router is more than one hop away.")
    ] = None
    ttl_security: Annotated[
        TtlSecurity | None, Meta(description="Packets from further away are dropped (RFC 5082).")
    ] = None
    auth: Annotated[
        Auth | None, Meta(description="How segments are signed; absent: not at all.")
    ] = None
    bfd: Annotated[Bfd | None, Meta(description="Fast failure detection; absent: none.")] = None
    families: Annotated[
        tuple[AddressFamily, ...],
        Meta(max_length=2, description="The families to offer; absent: the peer address's own."),
    ] = ()
    next_hop: Annotated[
        PeerNextHop | None,
        Meta(description="What the router is told instead of our end of the session."),
    ] = None
    add_path: Annotated[
        AddPath, Meta(description="Whether several paths of one prefix are sent (RFC 7911).")
    ] = AddPath()
    extended_next_hop: Annotated[
        Switch, Meta(description="IPv4 prefixes with an IPv6 next hop (RFC 8950).")
    ] = Switch.DISABLED
    max_prefixes: Annotated[
        MaxPrefixes, Meta(description="How many prefixes the router may send.")
    ] = MaxPrefixes()
    role: Annotated[Role | None, Meta(description="Our role towards the router (RFC 9234).")] = None
    admin_state: Annotated[
        PeerAdminState, Meta(description="Down: no session; the router is told so.")
    ] = PeerAdminState.UP
    shutdown_message: Annotated[
        str,
        Meta(
            max_length=255,
            description="What the router's log shall say when adminState is Down (RFC 9003).",
            extra={"check": _SHUTDOWN_MESSAGE},
        ),
    ] = ""

    rules: ClassVar[tuple[Rule[BGPPeerSpec], ...]] = (
        Rule(
            reads=("address", "addressFrom", "interface"),
            cel=(
                "[has(self.address), has(self.addressFrom), has(self.interface)]"
                ".filter(given, given).size() == 1"
            ),
            holds=lambda self: _given(self.address, self.address_from, self.interface) == 1,
            message="exactly one of address, addressFrom and interface must be set",
            remedy="set address to the router's address",
        ),
        Rule(
            reads=("asn", "asnFrom", "peerType"),
            cel=(
                "[has(self.asn), has(self.asnFrom), has(self.peerType)]"
                ".filter(given, given).size() == 1"
            ),
            holds=lambda self: _given(self.asn, self.asn_from, self.peer_type) == 1,
            message="exactly one of asn, asnFrom and peerType must be set",
            remedy="set asn to the router's AS number",
        ),
        Rule(
            reads=("multihop", "ttlSecurity"),
            cel="!has(self.multihop) || !has(self.ttlSecurity)",
            holds=lambda self: self.multihop is None or self.ttl_security is None,
            message="multihop and ttlSecurity exclude each other",
            remedy="keep one of them",
        ),
        Rule(
            reads=("address", "source"),
            cel=(
                "!has(self.address) || !isIP(self.address)"
                " || !ip(self.address).isLinkLocalUnicast()"
                " || (has(self.source) && has(self.source.interface))"
            ),
            holds=lambda self: (
                self.address is None
                or not parse_address(self.address).is_link_local
                or (self.source is not None and self.source.interface is not None)
            ),
            message="a link-local address is behind an interface that source.interface must name",
            remedy="set source.interface",
        ),
    )


class BGPPeerStatus(ApiStruct, frozen=True, kw_only=True):
    """How many nodes have a session with it, and why not all."""

    sessions: Annotated[
        str, Meta(max_length=32, description='Established and expected sessions: "12/12".')
    ] = ""
    reason: Annotated[
        str, Meta(max_length=64, description="Why not all of them are established; else empty.")
    ] = ""
    conditions: Conditions = ()
    accepted: Annotated[
        BGPPeerSpec | None,
        Meta(
            description="The last spec that was accepted; in use while the present one is not.",
            extra_json_schema={"x-kubernetes-preserve-unknown-fields": True},
        ),
    ] = None


class BGPPeer(ApiStruct, frozen=True, kw_only=True):
    """A router.

    Without `spec` it is quarantined: faulty, and nothing was accepted before.
    """

    kind: ClassVar[Kind] = Kind.BGP_PEER
    metadata: ObjectMeta
    spec: BGPPeerSpec | None = None
    status: BGPPeerStatus = BGPPeerStatus()
