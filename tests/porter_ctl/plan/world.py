"""A cluster in memory: objects by a line each, and an allocator that executes its plans at once.

It keeps what the real thing keeps: a name is created once, a write carries the resourceVersion that
was read, so a plan that writes blindly fails here as it would there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, assert_never
from uuid import NAMESPACE_DNS, uuid5

import msgspec

from porter_bgp.wire import Prefix
from porter_ctl.api import (
    VIP,
    AddressType,
    BGPAdvertisement,
    BGPConfig,
    BGPNode,
    BGPPeer,
    EndpointSlice,
    Kind,
    Namespace,
    Node,
    NodeEndpoints,
    Pod,
    Secret,
    Service,
    VIPPool,
    key_of,
)
from porter_ctl.plan import (
    SERVICE_CLASSES,
    CreateVIP,
    DeleteVIP,
    Ledger,
    PatchServiceStatus,
    ServicePlan,
    Step,
    addresses_of_nodes,
    compile_pools,
    ledger_of,
    plan_service,
)
from porter_ctl.plan.addresses import addresses_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from porter_ctl.api import Resource

T = TypeVar("T")
Written = TypeVar("Written", Service, VIP)
AT = "2026-01-01T00:00:00Z"


def uid_of(name: str) -> str:
    """The UID of the first object of that name."""
    return str(uuid5(NAMESPACE_DNS, name))


def meta(name: str, **more: object) -> dict[str, object]:
    """Metadata as JSON; `more` in the API's spelling."""
    namespace, _, short = name.rpartition("/")
    base = {"name": short, "namespace": namespace, "uid": uid_of(name), "resourceVersion": "1"}
    return {**base, **more}


def make(struct: type[T], name: str, spec: dict[str, object] | None = None, /, **more: object) -> T:
    """Make an object; what is not `spec` or `status` is metadata."""
    document: dict[str, object] = {"status": more.pop("status")} if "status" in more else {}
    document["metadata"] = meta(name, **more)
    if spec is not None:
        document["spec"] = spec
    return msgspec.convert(document, struct)


def pool(name: str, *addresses: str, age: int = 0, **spec: object) -> VIPPool:
    """Make a pool; the lower its `age`, the older it is."""
    created = f"2026-01-01T00:00:{age:02}Z"
    return make(VIPPool, name, {"addresses": list(addresses)} | spec, creationTimestamp=created)


def service(name: str, *ingress: str, **more: object) -> Service:
    """Make a load balancer of default/`name` with a TCP port; `more` beyond metadata is spec."""
    metadata = {key: more.pop(key) for key in ("labels", "annotations", "uid") if key in more}
    spec = {"type": "LoadBalancer", "ports": [{"port": 80}]} | more
    status = {"loadBalancer": {"ingress": [{"ip": ip} for ip in ingress]}}
    full = name if "/" in name else f"default/{name}"
    return make(Service, full, spec, status=status, **metadata)


def endpoints(of: str, address_type: str = "IPv4", nth: int = 1, /, **nodes: str) -> EndpointSlice:
    """Make a slice of default/`of`; each node "ready", "serving" or "other", once a word."""
    counts = {
        node: NodeEndpoints(
            ready=words.split().count("ready"),
            serving=words.split().count("serving"),
            other=words.split().count("other"),
        )
        for node, words in nodes.items()
    }
    bare = make(EndpointSlice, f"default/{of}-{address_type.lower()}-{nth}")
    family = AddressType(address_type)
    return msgspec.structs.replace(bare, service=of, address_type=family, nodes=counts)


def node(
    name: str,
    *addresses: str,
    conditions: Mapping[str, str] | None = None,
    taints: Iterable[str] = (),
    message: str = "",
    **more: object,
) -> Node:
    """Make a node with these InternalIPs; `conditions` by type, each with the `message`."""
    spec = {
        "taints": [{"key": key} for key in taints],
        "unschedulable": more.pop("unschedulable", False),
    }
    status = {
        "addresses": [{"type": "InternalIP", "address": address} for address in addresses],
        "conditions": [
            {"type": kind, "status": status, "message": message}
            for kind, status in (conditions or {}).items()
        ],
    }
    return make(Node, name, spec, status=status, **more)


def config(name: str = "default", /, **spec: object) -> BGPConfig:
    """Make a BGPConfig of AS 64512."""
    status = {"status": spec.pop("status")} if "status" in spec else {}
    return make(BGPConfig, name, {"asn": 64512} | spec, **status)


def peer(name: str, address: str, *, age: int = 0, **spec: object) -> BGPPeer:
    """Make a BGPPeer of AS 65000."""
    created = f"2026-01-01T00:00:{age:02}Z"
    return make(BGPPeer, name, {"address": address, "asn": 65000} | spec, creationTimestamp=created)


def advertisement(name: str, *, age: int = 0, **spec: object) -> BGPAdvertisement:
    """Make a BGPAdvertisement."""
    return make(BGPAdvertisement, name, spec, creationTimestamp=f"2026-01-01T00:00:{age:02}Z")


def vip(address: str, *holders: str, **more: object) -> VIP:
    """Make the VIP of an address, held by these Services (namespace/name) of pool lab."""
    metadata = {key: more.pop(key) for key in ("annotations",) if key in more}
    named = [
        {"namespace": ns, "name": short, "uid": uid_of(f"{ns}/{short}")}
        for ns, _, short in (holder.partition("/") for holder in holders)
    ]
    spec = {"address": address, "holders": named, "pool": {"name": "lab"}} | more
    return make(VIP, str(vip_key(address)), spec, **metadata)


def vip_key(address: str) -> str:
    """The name of the VIP of an address."""
    found = addresses_in((address,))[0]
    return str(found) if found.version == 4 else found.exploded.replace(":", "-")


def prefix(address: str) -> Prefix:
    """The host route of an address."""
    return Prefix.of(addresses_in((address,))[0])


class Cluster:
    """Objects by key, as the stores have them, and what the allocator makes of them."""

    def __init__(self, *objects: Resource) -> None:
        self.services: dict[str, Service] = {}
        self.endpoint_slices: dict[str, EndpointSlice] = {}
        self.nodes: dict[str, Node] = {}
        self.secrets: dict[str, Secret] = {}
        self.vip_pools: dict[str, VIPPool] = {}
        self.vips: dict[str, VIP] = {}
        self.bgp_configs: dict[str, BGPConfig] = {}
        self.bgp_peers: dict[str, BGPPeer] = {}
        self.bgp_advertisements: dict[str, BGPAdvertisement] = {}
        self.version = 1
        for obj in objects:
            self.put(obj)

    def put(self, obj: Resource) -> None:  # noqa: C901 - one line a kind
        key = key_of(obj)
        match obj:
            case Service():
                self.services[key] = obj
            case EndpointSlice():
                self.endpoint_slices[key] = obj
            case Node():
                self.nodes[key] = obj
            case Secret():
                self.secrets[key] = obj
            case VIPPool():
                self.vip_pools[key] = obj
            case VIP():
                self.vips[key] = obj
            case BGPConfig():
                self.bgp_configs[key] = obj
            case BGPPeer():
                self.bgp_peers[key] = obj
            case BGPAdvertisement():
                self.bgp_advertisements[key] = obj
            case Namespace() | BGPNode() | Pod():
                raise AssertionError("planning reads none of these")
            case _:
                assert_never(obj)

    def remove(self, kind: Kind, key: str) -> None:
        tables: dict[Kind, Mapping[str, Resource]] = {
            Kind.SERVICE: self.services,
            Kind.ENDPOINT_SLICE: self.endpoint_slices,
            Kind.NODE: self.nodes,
            Kind.VIP: self.vips,
            Kind.BGP_CONFIG: self.bgp_configs,
            Kind.BGP_PEER: self.bgp_peers,
            Kind.BGP_ADVERTISEMENT: self.bgp_advertisements,
        }
        table = tables[kind]
        assert isinstance(table, dict)
        table.pop(key, None)

    # The allocator

    def ledger(self, *, now: float = 0.0) -> Ledger:
        pools = compile_pools(self.vip_pools.values(), addresses_of_nodes(self.nodes.values()))
        return ledger_of(pools, self.vips.values(), self.services.values(), now=now)

    def allocate(
        self, *names: str, ledger: Ledger | None = None, at: str = AT
    ) -> dict[str, ServicePlan]:
        """Plan and execute for these Services, for all where none is named."""
        ledger = self.ledger() if ledger is None else ledger
        plans = {}
        for name in names or self.owners():
            plan = plan_service(name, self.services.get(name), ledger, at, SERVICE_CLASSES)
            plans[name] = plan
            for step in plan.steps:
                self.execute(step, ledger)
        return plans

    def owners(self) -> Iterable[str]:
        named = {
            f"{holder.namespace}/{holder.name}"
            for one in self.vips.values()
            if one.spec is not None
            for holder in one.spec.holders
        }
        return sorted(named | self.services.keys())

    def execute(self, step: Step, ledger: Ledger) -> None:
        self.version += 1
        if isinstance(step, PatchServiceStatus):
            key = key_of(step.service)
            self._check(self.services[key], step.service)
            self.services[key] = self._written(step.service)
            ledger.set_service(key, self.services[key])
            return
        key = step.vip.metadata.name
        if isinstance(step, CreateVIP):
            assert key not in self.vips, f"{key} exists already"
        else:
            self._check(self.vips[key], step.vip)
        if isinstance(step, DeleteVIP):
            del self.vips[key]
            ledger.set_vip(key, None)
            return
        self.vips[key] = self._written(step.vip)
        ledger.set_vip(key, self.vips[key])

    def addresses(self, name: str) -> tuple[str, ...]:
        """What stands in the status of default/`name`."""
        full = name if "/" in name else f"default/{name}"
        return tuple(one.ip for one in self.services[full].status.load_balancer.ingress)

    def _check(self, standing: Resource, written: Resource) -> None:
        assert standing.metadata.resource_version == written.metadata.resource_version

    def _written(self, obj: Written) -> Written:
        metadata = msgspec.structs.replace(obj.metadata, resource_version=str(self.version))
        return msgspec.structs.replace(obj, metadata=metadata)
