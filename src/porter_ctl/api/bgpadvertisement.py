"""BGPAdvertisement: which VIPs go to which peers, from which nodes, with which attributes."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from msgspec import Meta, field

from porter_ctl.api.meta import ApiStruct, Conditions, Kind, ObjectMeta
from porter_ctl.api.rules import Rule
from porter_ctl.api.values import (
    MAX_U32,
    U32,
    Community,
    ExtendedCommunityText,
    LabelKey,
    LabelSelectors,
    LargeCommunityText,
    NamespaceName,
    ObjectName,
    WellKnownCommunity,
)


class NextHopType(StrEnum):
    """Whose address the router is told."""

    SELF = "Self"
    NODES = "Nodes"


class WeightSource(StrEnum):
    """Where the weight of a path comes from."""

    NONE = "None"
    ENDPOINTS = "Endpoints"
    NODE_LABEL = "NodeLabel"


class Publish(StrEnum):
    """Which endpoints make a node announce."""

    READY = "Ready"
    READY_OR_SERVING = "ReadyOrServing"
    ANY = "Any"


class WhenNone(StrEnum):
    """What happens when there are too few endpoints."""

    WITHDRAW = "Withdraw"
    KEEP = "Keep"


class OwnerRule(StrEnum):
    """Whether addresses that Porter did not give are announced too."""

    IGNORE = "Ignore"
    ADVERTISE = "Advertise"


class Aggregation(ApiStruct, frozen=True, kw_only=True):
    """One route for many addresses."""

    ipv4: Annotated[int, Meta(ge=8, le=32, description="The prefix length announced for IPv4.")] = (
        32
    )
    ipv6: Annotated[
        int, Meta(ge=16, le=128, description="The prefix length announced for IPv6.")
    ] = 128
    min_contributors: Annotated[
        int,
        Meta(ge=1, le=65536, description="Addresses of an aggregate that must be announceable."),
    ] = 1


class Communities(ApiStruct, frozen=True, kw_only=True):
    """The communities a route carries."""

    standard: Annotated[
        tuple[Community, ...],
        Meta(max_length=64, description='Communities (RFC 1997), such as "65000:100".'),
    ] = ()
    large: Annotated[
        tuple[LargeCommunityText, ...],
        Meta(max_length=64, description='Large communities (RFC 8092), such as "65000:1:100".'),
    ] = ()
    extended: Annotated[
        tuple[ExtendedCommunityText, ...],
        Meta(
            max_length=64,
            description=(
                'Extended communities (RFC 4360): "rt:65000:100", "soo:65000:100", '
                "or eight octets in hexadecimal."
            ),
        ),
    ] = ()
    well_known: Annotated[
        tuple[WellKnownCommunity, ...],
        Meta(max_length=6, description="Communities that mean the same everywhere, by name."),
    ] = ()


class AdvertisementNextHop(ApiStruct, frozen=True, kw_only=True):
    """Whose address the router is told."""

    type: Annotated[
        NextHopType,
        Meta(
            description=(
                "Self: each node announces itself. Nodes: speakers announce every eligible node."
            )
        ),
    ] = NextHopType.SELF
    speaker_node_selectors: Annotated[
        LabelSelectors, Meta(description="The nodes that speak for the others; of Nodes only.")
    ] = ()

    rules: ClassVar[tuple[Rule[AdvertisementNextHop], ...]] = (
        Rule(
            reads=("speakerNodeSelectors", "type"),
            cel=(
                "!has(self.speakerNodeSelectors) || size(self.speakerNodeSelectors) == 0"
                " || (has(self.type) && self.type == 'Nodes')"
            ),
            holds=lambda self: not self.speaker_node_selectors or self.type is NextHopType.NODES,
            message="speakerNodeSelectors belongs to type Nodes",
            remedy="set type to Nodes, or leave it out",
        ),
    )


class Weight(ApiStruct, frozen=True, kw_only=True):
    """How much of the traffic a node asks for."""

    source: Annotated[
        WeightSource,
        Meta(description="None: equal shares. Endpoints: their number. NodeLabel: as labelled."),
    ] = WeightSource.NONE
    node_label_key: Annotated[
        LabelKey | None, Meta(description="The label that holds the weight; of NodeLabel only.")
    ] = None
    min: Annotated[int, Meta(ge=1, le=65535, description="The least weight.")] = 1
    max: Annotated[int, Meta(ge=1, le=65535, description="The greatest weight.")] = 100

    rules: ClassVar[tuple[Rule[Weight], ...]] = (
        Rule(
            reads=("nodeLabelKey", "source"),
            cel=("(has(self.source) && self.source == 'NodeLabel') == has(self.nodeLabelKey)"),
            holds=lambda self: (
                (self.source is WeightSource.NODE_LABEL) == (self.node_label_key is not None)
            ),
            message="nodeLabelKey belongs to source NodeLabel, which needs it",
            remedy="set both or neither",
        ),
        Rule(
            reads=("min", "max"),
            cel=("(has(self.min) ? self.min : 1) <= (has(self.max) ? self.max : 100)"),
            holds=lambda self: self.min <= self.max,
            message="min must not be above max",
            remedy="swap them",
        ),
    )


class Endpoints(ApiStruct, frozen=True, kw_only=True):
    """Which endpoints make a node announce."""

    publish: Annotated[
        Publish,
        Meta(
            description=(
                "Ready: ready ones. ReadyOrServing: those too that still serve while they "
                "terminate. Any: all of them."
            )
        ),
    ] = Publish.READY_OR_SERVING
    min: Annotated[int, Meta(ge=1, le=10_000, description="How many there must be.")] = 1
    when_none: Annotated[
        WhenNone, Meta(description="Whether a route without them goes or stays.")
    ] = WhenNone.WITHDRAW


class Bounds(ApiStruct, frozen=True, kw_only=True):
    """The numbers that are allowed."""

    min: Annotated[U32, Meta(description="The least.")] = 0
    max: Annotated[U32, Meta(description="The greatest.")] = MAX_U32

    rules: ClassVar[tuple[Rule[Bounds], ...]] = (
        Rule(
            reads=("min", "max"),
            cel=("(has(self.min) ? self.min : 0) <= (has(self.max) ? self.max : 4294967295)"),
            holds=lambda self: self.min <= self.max,
            message="min must not be above max",
            remedy="swap them",
        ),
    )


class ServiceAttributes(ApiStruct, frozen=True, kw_only=True):
    """What the annotations of a Service may set; what is absent here they may not."""

    communities: Annotated[
        tuple[Community, ...],
        Meta(max_length=64, description="Communities that may be added."),
    ] = ()
    large: Annotated[
        tuple[LargeCommunityText, ...],
        Meta(max_length=64, description="Large communities that may be added."),
    ] = ()
    local_pref: Annotated[
        Bounds | None, Meta(description="Local preferences that may be asked for.")
    ] = None
    med: Annotated[Bounds | None, Meta(description="MEDs that may be asked for.")] = None
    prepend_max: Annotated[
        int, Meta(ge=0, le=16, description="How often our AS number may be prepended.")
    ] = 0


class BGPAdvertisementSpec(ApiStruct, frozen=True, kw_only=True):
    """What is announced, where, and how. Selectors: OR within a field, AND between fields."""

    pools: Annotated[
        tuple[ObjectName, ...],
        Meta(max_length=256, description="VIPs of these pools; absent: of all."),
    ] = ()
    pool_selectors: Annotated[
        LabelSelectors, Meta(description="VIPs of pools with these labels; absent: of all.")
    ] = ()
    service_selectors: Annotated[
        LabelSelectors, Meta(description="VIPs of Services with these labels; absent: of all.")
    ] = ()
    namespaces: Annotated[
        tuple[NamespaceName, ...],
        Meta(max_length=256, description="VIPs of Services in these namespaces; absent: in all."),
    ] = ()
    namespace_selectors: Annotated[
        LabelSelectors,
        Meta(description="VIPs of Services in namespaces with these labels; absent: in all."),
    ] = ()
    node_selectors: Annotated[
        LabelSelectors, Meta(description="The nodes that announce; absent: all.")
    ] = ()
    peers: Annotated[
        tuple[ObjectName, ...],
        Meta(max_length=256, description="The BGPPeers to announce to; absent: all."),
    ] = ()
    peer_selectors: Annotated[
        LabelSelectors, Meta(description="BGPPeers with these labels; absent: all.")
    ] = ()
    aggregation: Annotated[Aggregation, Meta(description="One route for many addresses.")] = (
        Aggregation()
    )
    communities: Annotated[Communities, Meta(description="The communities a route carries.")] = (
        Communities()
    )
    local_pref: Annotated[
        U32 | None, Meta(description="LOCAL_PREF, on internal sessions only; absent: 100.")
    ] = None
    med: Annotated[U32 | None, Meta(description="MULTI_EXIT_DISC; absent: none is sent.")] = None
    prepend: Annotated[
        int, Meta(ge=0, le=16, description="How often our AS number is prepended once more.")
    ] = 0
    next_hop: Annotated[
        AdvertisementNextHop, Meta(description="Whose address the router is told.")
    ] = AdvertisementNextHop()
    max_nodes: Annotated[
        Annotated[int, Meta(ge=1, le=512)] | None,
        Meta(description="Nodes that announce a VIP first; the others last. Absent: all first."),
    ] = None
    weight: Annotated[Weight, Meta(description="How much of the traffic a node asks for.")] = (
        Weight()
    )
    endpoints: Annotated[Endpoints, Meta(description="Which endpoints make a node announce.")] = (
        Endpoints()
    )
    service_attributes: Annotated[
        ServiceAttributes | None,
        Meta(description="What the annotations of a Service may set; absent: nothing."),
    ] = None
    external_ips: Annotated[
        OwnerRule, Meta(description="Whether `spec.externalIPs` of Services are announced.")
    ] = field(name="externalIPs", default=OwnerRule.IGNORE)
    cluster_ips: Annotated[
        OwnerRule, Meta(description="Whether cluster IPs of Services are announced.")
    ] = field(name="clusterIPs", default=OwnerRule.IGNORE)


class BGPAdvertisementStatus(ApiStruct, frozen=True, kw_only=True):
    """Whether the spec is in use."""

    conditions: Conditions = ()
    accepted: Annotated[
        BGPAdvertisementSpec | None,
        Meta(
            description="The last spec that was accepted; in use while the present one is not.",
            extra_json_schema={"x-kubernetes-preserve-unknown-fields": True},
        ),
    ] = None


class BGPAdvertisement(ApiStruct, frozen=True, kw_only=True):
    """What is announced to whom.

    Without `spec` it is quarantined: faulty, and nothing was accepted before.
    """

    kind: ClassVar[Kind] = Kind.BGP_ADVERTISEMENT
    metadata: ObjectMeta
    spec: BGPAdvertisementSpec | None = None
    status: BGPAdvertisementStatus = BGPAdvertisementStatus()
