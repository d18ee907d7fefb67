"""The objects of a cluster with many Services and one node that speaks.

Every Service is `Local` and has one endpoint, on the node. While that is ready, the VIP is
announced; while it is not, it is withdrawn, and at once: that is the change that is measured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5

from bench.routes import host_route
from conformance.rig.objects import name_of, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from conformance.rig.objects import Json, Object

NODE = "n1"
NODE_ADDRESS = "127.0.0.2"
_PORTER = "porter.network/v1beta1"
_CREATED = "2026-01-01T00:00:00Z"
_OWNER = "endpointslice-controller.k8s.io"


def configuration(routers: Mapping[str, int]) -> Iterable[Object]:
    """How the node speaks, and to whom: addresses on loopback, with their ports."""
    yield {
        **_head(_PORTER, "BGPConfig", "default"),
        "spec": {"asn": 64512, "dataplane": {"gate": "None"}},
    }
    for address, port in routers.items():
        spec: Object = {
            "address": address,
            "port": port,
            "asn": 65000,
            "source": {"address": NODE_ADDRESS},
        }
        yield {**_head(_PORTER, "BGPPeer", f"router-{address}"), "spec": spec}
    yield {**_head(_PORTER, "BGPAdvertisement", "all"), "spec": {}}
    pool: Object = {"addresses": ["198.18.0.0/15"]}
    yield {**_head(_PORTER, "VIPPool", "all"), "spec": pool}


def node(**labels: str) -> Object:
    """The node that speaks."""
    status: Object = {
        "addresses": [{"type": "InternalIP", "address": NODE_ADDRESS}],
        "conditions": [{"type": "Ready", "status": "True"}],
    }
    head = _head("v1", "Node", NODE)
    return {**head, "metadata": {**_metadata(head), "labels": {**labels}}, "status": status}


def service(number: int) -> Object:
    """A Service that asks for the address with its number."""
    annotations: Object = {"porter.network/addresses": str(host_route(number))}
    spec: Object = {
        "type": "LoadBalancer",
        "externalTrafficPolicy": "Local",
        "allocateLoadBalancerNodePorts": False,
        "ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": 8080}],
    }
    return {**_head("v1", "Service", f"web-{number}", "default", annotations), "spec": spec}


def endpoint_slice(number: int, *, ready: bool = True) -> Object:
    """The EndpointSlice of that Service, much as the controller of Kubernetes writes it."""
    head = _head("discovery.k8s.io/v1", "EndpointSlice", f"web-{number}-abcde", "default")
    labels: Object = {
        "endpointslice.kubernetes.io/managed-by": _OWNER,
        "kubernetes.io/service-name": f"web-{number}",
    }
    endpoint: Object = {
        "addresses": ["10.0.0.1"],
        "conditions": {"ready": ready, "serving": ready, "terminating": False},
        "nodeName": NODE,
        "targetRef": {"kind": "Pod", "namespace": "default", "name": f"web-{number}-0"},
    }
    return {
        **head,
        "metadata": {**_metadata(head), "labels": labels},
        "addressType": "IPv4",
        "endpoints": [endpoint],
        "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
    }


def vip(number: int, holder_uid: str) -> Object:
    """The VIP of that Service, which has this UID, as an allocator wrote it."""
    holder: Object = {"namespace": "default", "name": f"web-{number}", "uid": holder_uid}
    address = str(host_route(number))
    spec: Object = {"address": address, "pool": {"name": "all"}, "holders": [holder]}
    return {**_head(_PORTER, "VIP", address), "spec": spec}


def allocated(number: int, own_uid: str) -> Object:
    """That Service, with this UID and with its address in its status."""
    item = service(number)
    ingress: list[Json] = [{"ip": str(host_route(number)), "ipMode": "VIP"}]
    metadata: Object = {**_metadata(item), "uid": own_uid}
    return {**item, "metadata": metadata, "status": {"loadBalancer": {"ingress": ingress}}}


def bgp_node() -> Object:
    """The object in which the node reports."""
    return _head(_PORTER, "BGPNode", NODE)


def stored(item: Object, version: int) -> Object:
    """An object as an API server tells of it, managed fields and all."""
    name, kind = name_of(item), text(item, "kind")
    fields: Object = {f"f:{part}": {"f:a": {}, "f:b": {}, "f:c": {"f:d": {}}} for part in item}
    manager: Object = {
        "manager": "kube-controller-manager",
        "operation": "Update",
        "apiVersion": item["apiVersion"],
        "time": _CREATED,
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    }
    metadata: Object = {
        **_metadata(item),
        "uid": uid(kind, name),
        "resourceVersion": str(version),
        "generation": 1,
        "creationTimestamp": _CREATED,
        "managedFields": [manager],
    }
    return {**item, "metadata": metadata}


def uid(kind: str, name: str) -> str:
    """The UID of an object of the stub."""
    return str(uuid5(NAMESPACE_URL, f"{kind}/{name}"))


def _head(
    version: str,
    kind: str,
    name: str,
    namespace: str = "",
    annotations: Object | None = None,
) -> Object:
    metadata: Object = {"name": name}
    if namespace:
        metadata["namespace"] = namespace
    if annotations:
        metadata["annotations"] = annotations
    return {"apiVersion": version, "kind": kind, "metadata": metadata}


def _metadata(item: Object) -> Object:
    metadata = item["metadata"]
    assert isinstance(metadata, dict)
    return metadata
