"""What plans are made from: the configuration, this node, and what concerns one prefix."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from porter_ctl.api import NodeEndpoints
from porter_ctl.plan.addresses import addresses_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from porter_bgp.wire import Prefix
    from porter_ctl.api import (
        VIP,
        BGPAdvertisement,
        BGPConfig,
        BGPPeer,
        EndpointSlice,
        Holder,
        Node,
        Secret,
        Service,
        VIPPool,
    )
    from porter_ctl.plan.addresses import Address

T_co = TypeVar("T_co", covariant=True)
_SHUTTING_DOWN = "node is shutting down"  # what a kubelet that shuts down gracefully says of Ready


class Lookup(Protocol[T_co]):
    """Objects of one kind by key: a store, or a mapping."""

    def get(self, key: str, /) -> T_co | None:
        """Return the object of that key; None if there is none."""

    def items(self) -> Iterable[tuple[str, T_co]]:
        """Return all keys with their objects."""


class Objects(Protocol):
    """All objects that planning reads, as they are now: the stores, or a snapshot."""

    @property
    def services(self) -> Lookup[Service]:
        """By namespace/name."""

    @property
    def endpoint_slices(self) -> Lookup[EndpointSlice]:
        """By namespace/name."""

    @property
    def nodes(self) -> Lookup[Node]:
        """By name."""

    @property
    def secrets(self) -> Lookup[Secret]:
        """By namespace/name."""

    @property
    def vip_pools(self) -> Lookup[VIPPool]:
        """By name."""

    @property
    def vips(self) -> Lookup[VIP]:
        """By name."""

    @property
    def bgp_configs(self) -> Lookup[BGPConfig]:
        """By name."""

    @property
    def bgp_peers(self) -> Lookup[BGPPeer]:
        """By name."""

    @property
    def bgp_advertisements(self) -> Lookup[BGPAdvertisement]:
        """By name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFacts:
    """What planning knows of the node it plans for.

    Attributes:
        name: Its name.
        uid: Of its Node object; empty without one.
        labels: Its labels.
        annotations: Its annotations; what is read of them is in the context by itself.
        addresses: Its InternalIPs, the best first.
        unschedulable: It is cordoned.
        taints: The keys of its taints.
        conditions: The status of each condition, by type.
        shutting_down: Its kubelet says that the machine is about to stop.
    """

    name: str
    uid: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict, compare=False)
    addresses: tuple[Address, ...] = ()
    unschedulable: bool = False
    taints: tuple[str, ...] = ()
    conditions: Mapping[str, str] = field(default_factory=dict)
    shutting_down: bool = False

    @classmethod
    def of(cls, name: str, node: Node | None) -> NodeFacts:
        """Take the facts from the Node object; without one only the name is known."""
        if node is None:
            return cls(name=name)
        return cls(
            name=name,
            uid=node.metadata.uid,
            labels=node.metadata.labels,
            annotations=node.metadata.annotations,
            addresses=addresses_in(node.internal_ips),
            unschedulable=node.spec.unschedulable,
            taints=tuple(taint.key for taint in node.spec.taints),
            conditions={one.type: one.status for one in node.status.conditions},
            shutting_down=any(
                one.type == "Ready" and one.status != "True" and _SHUTTING_DOWN in one.message
                for one in node.status.conditions
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigSnapshot:
    """All configuration, whatever it selects.

    Attributes:
        secrets: Those of Porter's own namespace, by name.
        nodes: All that are known: read where the next hops of an advertisement are nodes.
    """

    configs: tuple[BGPConfig, ...] = ()
    peers: tuple[BGPPeer, ...] = ()
    advertisements: tuple[BGPAdvertisement, ...] = ()
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    nodes: tuple[Node, ...] = ()

    @classmethod
    def of(cls, objects: Objects, namespace: str) -> ConfigSnapshot:
        """Take what there is; `namespace` is Porter's own, where its Secrets are."""
        return cls(
            configs=tuple(config for _, config in objects.bgp_configs.items()),
            peers=tuple(peer for _, peer in objects.bgp_peers.items()),
            advertisements=tuple(one for _, one in objects.bgp_advertisements.items()),
            secrets={
                secret.metadata.name: secret
                for _, secret in objects.secrets.items()
                if secret.metadata.namespace == namespace
            },
            nodes=tuple(node for _, node in objects.nodes.items()),
        )


class HolderInputs(NamedTuple):
    """A Service that has the address of a prefix.

    Attributes:
        holder: As the VIP names it.
        service: The Service of that name, whoever it is by now.
        endpoints: Counted where its traffic policy looks: on this node, or everywhere.
        slices: What they were counted in: those of the address's IP version.
    """

    holder: Holder
    service: Service | None
    endpoints: NodeEndpoints
    slices: tuple[EndpointSlice, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PrefixInputs:
    """What concerns one prefix.

    Attributes:
        prefix: A host route.
        vip: The VIP of its address; where it vanished while it had holders, as it was then.
        holders: Those that the VIP names.
        announced: UIDs of the Services for which this node has announced it already.
    """

    prefix: Prefix
    vip: VIP | None = None
    holders: tuple[HolderInputs, ...] = ()
    announced: frozenset[str] = frozenset()


def count_endpoints(slices: Iterable[EndpointSlice], node: str | None) -> NodeEndpoints:
    """Count the endpoints in `slices` that run on `node`; None: on any."""
    ready = serving = other = 0
    for one in slices:
        for found in one.nodes.values() if node is None else (one.nodes.get(node),):
            if found is not None:
                ready += found.ready
                serving += found.serving
                other += found.other
    return NodeEndpoints(ready=ready, serving=serving, other=other)


def endpoints_by_node(slices: Iterable[EndpointSlice]) -> Mapping[str, NodeEndpoints]:
    """Count the endpoints in `slices` node by node; nodes without any are left out."""
    of_node: dict[str, list[EndpointSlice]] = {}
    for one in slices:
        for node in one.nodes:
            of_node.setdefault(node, []).append(one)
    return {node: count_endpoints(found, node) for node, found in of_node.items()}
