"""VIP: one address, who holds it, and for whom it is reserved. The ledger of allocation.

The object is named after its address, one name an address: IPv4 as written, IPv6 in full with
`-` for `:`. So creating it is the lock on the address.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from msgspec import Meta, field

from porter_ctl.api.addresses import VIP_ADDRESS, parse_address, vip_name
from porter_ctl.api.meta import ApiStruct, Conditions, Kind, ObjectMeta
from porter_ctl.api.rules import Rule
from porter_ctl.api.values import (
    LabelKey,
    LabelValue,
    NamespaceName,
    ObjectName,
    Port,
    Timestamp,
    Uid,
)
from porter_ctl.api.vippool import WhenOutOfPool


class Protocol(StrEnum):
    """A transport protocol of a Service port."""

    TCP = "TCP"
    UDP = "UDP"
    SCTP = "SCTP"


class TrafficPolicy(StrEnum):
    """Which endpoints serve a node's traffic: all of them, or the node's own."""

    CLUSTER = "Cluster"
    LOCAL = "Local"


class HolderPort(ApiStruct, frozen=True, kw_only=True):
    """A port that a holder serves on the address."""

    protocol: Annotated[Protocol, Meta(description="The transport protocol.")] = Protocol.TCP
    port: Annotated[Port, Meta(description="The port number.")]


class Holder(ApiStruct, frozen=True, kw_only=True):
    """A Service that has the address, as it was when it was admitted."""

    namespace: Annotated[NamespaceName, Meta(description="The Service's namespace.")]
    name: Annotated[ObjectName, Meta(description="The Service's name.")]
    uid: Annotated[Uid, Meta(description="The Service's UID: another one is another Service.")] = ""
    ports: Annotated[
        tuple[HolderPort, ...],
        Meta(
            max_length=1024,
            description="The ports it serves; sharers must not have one in common.",
            extra_json_schema={
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["port", "protocol"],
            },
        ),
    ] = ()
    traffic_policy: Annotated[TrafficPolicy, Meta(description="Its `externalTrafficPolicy`.")] = (
        TrafficPolicy.CLUSTER
    )
    selector_hash: Annotated[
        str, Meta(max_length=64, description="A digest of its Pod selector.")
    ] = ""


class PoolBinding(ApiStruct, frozen=True, kw_only=True):
    """The pool the address came from, as it was then; it counts while that pool is gone."""

    name: Annotated[ObjectName, Meta(description="The pool's name.")]
    labels: Annotated[
        dict[LabelKey, LabelValue], Meta(max_length=64, description="The pool's labels.")
    ] = field(default_factory=dict)
    when_out_of_pool: Annotated[WhenOutOfPool, Meta(description="The pool's `whenOutOfPool`.")] = (
        WhenOutOfPool.KEEP
    )
    range: Annotated[
        str,
        Meta(max_length=91, description="The entry of the pool's addresses that held it."),
    ] = ""


class Reservation(ApiStruct, frozen=True, kw_only=True):
    """For whom an address is kept."""

    namespace: Annotated[NamespaceName, Meta(description="Only Services of this namespace.")]
    name: Annotated[
        ObjectName | None, Meta(description="Only the Service of this name; absent: any.")
    ] = None


class VIPSpec(ApiStruct, frozen=True, kw_only=True):
    """The address, its holders, and what it is kept for."""

    address: Annotated[
        str,
        Meta(
            min_length=2,
            max_length=45,
            description="The address, in its canonical spelling; it never changes.",
            extra={"check": VIP_ADDRESS, "immutable": True},
        ),
    ]
    pool: Annotated[
        PoolBinding | None, Meta(description="The pool it came from; written by the allocator.")
    ] = None
    holders: Annotated[
        tuple[Holder, ...],
        Meta(
            max_length=64,
            description="The Services that have it; several only when it is shared.",
            extra_json_schema={
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["namespace", "name"],
            },
        ),
    ] = ()
    sharing_key: Annotated[
        str,
        Meta(max_length=253, description="Services with this key may share it; empty: none may."),
    ] = ""
    reserved_for: Annotated[
        Reservation | None, Meta(description="Who alone may have it; absent: whoever asks.")
    ] = None
    released_at: Annotated[
        Timestamp | None, Meta(description="When the last holder let it go.")
    ] = None
    seats: Annotated[
        tuple[ObjectName, ...],
        Meta(
            max_length=512,
            description="The nodes that announce it first, where `maxNodes` limits their number.",
        ),
    ] = ()


class VIPStatus(ApiStruct, frozen=True, kw_only=True):
    """Who has the address and how many paths lead to it."""

    holder: Annotated[
        str, Meta(max_length=512, description='The first holder: "default/web (+2)".')
    ] = ""
    paths: Annotated[
        str, Meta(max_length=64, description='Paths announced and expected: "24/24".')
    ] = ""
    conditions: Conditions = ()


class VIP(ApiStruct, frozen=True, kw_only=True):
    """One address given to Services, or reserved.

    Without `spec` it is quarantined: faulty, and nothing was accepted before.
    """

    kind: ClassVar[Kind] = Kind.VIP
    metadata: ObjectMeta
    spec: VIPSpec | None = None
    status: VIPStatus = VIPStatus()

    rules: ClassVar[tuple[Rule[VIP], ...]] = (
        Rule(
            reads=("metadata.name", "spec.address"),
            cel=(
                "isIP(self.spec.address) && ip.isCanonical(self.spec.address)"
                " && (ip(self.spec.address).family() == 4"
                " ? self.metadata.name == self.spec.address"
                " : self.metadata.name.matches('^[0-9a-f]{4}(-[0-9a-f]{4}){7}$')"
                " && ip(self.metadata.name.replace('-', ':')) == ip(self.spec.address))"
            ),
            holds=lambda self: (
                self.spec is None
                or self.metadata.name == vip_name(parse_address(self.spec.address))
            ),
            message="the name must be the address (IPv6 in full, with - for :)",
            remedy="name the object after its address",
        ),
    )
