"""The slices of Kubernetes' own kinds that Porter reads.

EndpointSlices are reduced while they are decoded: ten thousand of them as written take ten times
the memory of what is left here.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar, NamedTuple

from msgspec import field

from porter_ctl.api.meta import ApiStruct, Condition, Kind, ObjectMeta
from porter_ctl.api.values import IPFamily
from porter_ctl.api.vip import Protocol, TrafficPolicy

ANNOTATION_PREFIX = "porter.network/"


class IPFamilyPolicy(StrEnum):
    """How many families a Service wants."""

    SINGLE_STACK = "SingleStack"
    PREFER_DUAL_STACK = "PreferDualStack"
    REQUIRE_DUAL_STACK = "RequireDualStack"


class ServicePort(ApiStruct, frozen=True, kw_only=True):
    """A port of a Service."""

    port: int
    protocol: Protocol = Protocol.TCP
    name: str = ""


class ServiceSpec(ApiStruct, frozen=True, kw_only=True):
    """What a Service asks for."""

    type: str = "ClusterIP"
    load_balancer_class: str | None = None
    load_balancer_ip: str = field(name="loadBalancerIP", default="")
    ip_families: tuple[IPFamily, ...] = ()
    ip_family_policy: IPFamilyPolicy = IPFamilyPolicy.SINGLE_STACK
    external_traffic_policy: TrafficPolicy = TrafficPolicy.CLUSTER
    health_check_node_port: int = 0
    publish_not_ready_addresses: bool = False
    ports: tuple[ServicePort, ...] = ()
    selector: dict[str, str] = field(default_factory=dict)
    cluster_ips: tuple[str, ...] = field(name="clusterIPs", default=())
    external_ips: tuple[str, ...] = field(name="externalIPs", default=())


class Ingress(ApiStruct, frozen=True, kw_only=True):
    """One way in that a load balancer gave."""

    ip: str = ""
    hostname: str = ""


class LoadBalancerStatus(ApiStruct, frozen=True, kw_only=True):
    """What a load balancer gave."""

    ingress: tuple[Ingress, ...] = ()


class ServiceStatus(ApiStruct, frozen=True, kw_only=True):
    """What a Service has got."""

    load_balancer: LoadBalancerStatus = LoadBalancerStatus()
    conditions: tuple[Condition, ...] = ()


class Service(ApiStruct, frozen=True, kw_only=True):
    """A Service; of its annotations only ours are kept."""

    kind: ClassVar[Kind] = Kind.SERVICE
    metadata: ObjectMeta
    spec: ServiceSpec = ServiceSpec()
    status: ServiceStatus = ServiceStatus()


class NodeEndpoints(NamedTuple):
    """How many endpoints of a slice run on one node; each is counted once.

    Attributes:
        ready: Ready ones.
        serving: Not ready, but still serving: they terminate.
        other: Neither.
    """

    ready: int = 0
    serving: int = 0
    other: int = 0


class AddressType(StrEnum):
    """What the addresses of a slice are."""

    IPV4 = "IPv4"
    IPV6 = "IPv6"
    FQDN = "FQDN"


class EndpointSlice(ApiStruct, frozen=True, kw_only=True):
    """A slice of a Service's endpoints, reduced to counts.

    Attributes:
        service: The name of the Service, of the slice's namespace; empty: of none.
        nodes: Counts by node name; endpoints without a node are under the empty name.
    """

    kind: ClassVar[Kind] = Kind.ENDPOINT_SLICE
    metadata: ObjectMeta
    service: str = ""
    address_type: AddressType = AddressType.IPV4
    nodes: Mapping[str, NodeEndpoints] = field(default_factory=dict)


class Taint(ApiStruct, frozen=True, kw_only=True):
    """A mark that keeps Pods away from a node."""

    key: str
    value: str = ""
    effect: str = ""


class NodeSpec(ApiStruct, frozen=True, kw_only=True):
    """What an administrator says of a node."""

    unschedulable: bool = False
    taints: tuple[Taint, ...] = ()


class NodeAddress(ApiStruct, frozen=True, kw_only=True):
    """One address of a node."""

    type: str
    address: str


class NodeCondition(ApiStruct, frozen=True, kw_only=True):
    """One thing that is true, false or unknown of a node.

    Attributes:
        message: Kept of a Ready that does not hold: it tells a shutdown from a fault.
    """

    type: str
    status: str
    reason: str = ""
    message: str = ""


class NodeStatus(ApiStruct, frozen=True, kw_only=True):
    """What the kubelet says of a node."""

    addresses: tuple[NodeAddress, ...] = ()
    conditions: tuple[NodeCondition, ...] = ()


class Node(ApiStruct, frozen=True, kw_only=True):
    """A node of the cluster."""

    kind: ClassVar[Kind] = Kind.NODE
    metadata: ObjectMeta
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()

    @property
    def internal_ips(self) -> tuple[str, ...]:
        """Its addresses inside the cluster, in the order given."""
        return tuple(a.address for a in self.status.addresses if a.type == "InternalIP")

    def condition(self, kind: str) -> str:
        """Give the status of a condition: True, False or Unknown, also where it is absent."""
        return next((c.status for c in self.status.conditions if c.type == kind), "Unknown")


class PodSpec(ApiStruct, frozen=True, kw_only=True):
    """Where a Pod runs."""

    node_name: str = ""


class PodStatus(ApiStruct, frozen=True, kw_only=True):
    """What the kubelet says of a Pod."""

    conditions: tuple[NodeCondition, ...] = ()


class Pod(ApiStruct, frozen=True, kw_only=True):
    """A Pod of Porter: whether the process that reported still lives."""

    kind: ClassVar[Kind] = Kind.POD
    metadata: ObjectMeta
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()

    @property
    def ready(self) -> bool:
        """Whether the kubelet, or for it the node lifecycle controller, says that it is Ready."""
        return any(c.type == "Ready" and c.status == "True" for c in self.status.conditions)


class Namespace(ApiStruct, frozen=True, kw_only=True):
    """A namespace; its labels are what selectors look at."""

    kind: ClassVar[Kind] = Kind.NAMESPACE
    metadata: ObjectMeta


class Secret(ApiStruct, frozen=True, kw_only=True):
    """A Secret. What it holds is never printed."""

    kind: ClassVar[Kind] = Kind.SECRET
    metadata: ObjectMeta
    data: dict[str, bytes] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Secret({self.metadata.namespace}/{self.metadata.name}, keys={sorted(self.data)})"
