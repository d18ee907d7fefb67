"""`porter_ctl.api.core_decode`: the slices of Kubernetes' kinds, reduced while they are read."""

from __future__ import annotations

import json

import pytest

from porter_ctl.api import (
    AddressType,
    EndpointSlice,
    IPFamily,
    Kind,
    Namespace,
    Node,
    NodeEndpoints,
    Pod,
    Protocol,
    Secret,
    Service,
    TrafficPolicy,
    decode,
)
from porter_ctl.api.core_decode import decode_core


def read(kind: Kind, document: object) -> object:
    found = decode(kind, json.dumps(document).encode())
    assert found.faults == ()
    return found.resource


def endpoint(node: str | None, **conditions: bool) -> dict[str, object]:
    return {"addresses": ["10.0.0.1"], "nodeName": node, "conditions": conditions}


SLICE = {
    "metadata": {
        "name": "web-abc",
        "namespace": "default",
        "resourceVersion": "7",
        "labels": {"kubernetes.io/service-name": "web"},
    },
    "addressType": "IPv6",
    "endpoints": [
        endpoint("a", ready=True, serving=True, terminating=False),
        endpoint("a"),
        endpoint("a", ready=False, serving=True, terminating=True),
        endpoint("b", ready=False, serving=False),
        endpoint("b", ready=False),
        endpoint(None, ready=True),
    ],
}


def test_a_slice_is_reduced_to_counts_by_node() -> None:
    found = read(Kind.ENDPOINT_SLICE, SLICE)

    assert isinstance(found, EndpointSlice)
    assert (found.service, found.address_type) == ("web", AddressType.IPV6)
    assert found.nodes == {
        "a": NodeEndpoints(ready=2, serving=1, other=0),
        "b": NodeEndpoints(ready=0, serving=0, other=2),
        "": NodeEndpoints(ready=1, serving=0, other=0),
    }
    assert found.metadata.resource_version == "7"
    assert found.metadata.labels == {}


def test_a_slice_without_endpoints_says_null() -> None:
    found = read(Kind.ENDPOINT_SLICE, {**SLICE, "endpoints": None})

    assert isinstance(found, EndpointSlice)
    assert found.nodes == {}


def test_a_service_is_read_with_our_annotations_only() -> None:
    document = {
        "metadata": {
            "name": "web",
            "namespace": "default",
            "annotations": {"porter.network/pools": "lab", "other": "x"},
        },
        "spec": {
            "type": "LoadBalancer",
            "loadBalancerClass": "porter.network/bgp",
            "loadBalancerIP": "192.0.2.1",
            "ipFamilies": ["IPv6", "IPv4"],
            "ipFamilyPolicy": "PreferDualStack",
            "externalTrafficPolicy": "Local",
            "healthCheckNodePort": 30100,
            "clusterIPs": ["fd00::1"],
            "externalIPs": ["192.0.2.9"],
            "ports": [{"port": 53, "protocol": "UDP", "targetPort": "dns"}],
            "selector": {"app": "web"},
        },
        "status": {
            "loadBalancer": {"ingress": [{"ip": "192.0.2.1", "ipMode": "VIP"}]},
            "conditions": [{"type": "porter.network/Allocated", "status": "True"}],
        },
    }

    found = read(Kind.SERVICE, document)

    assert isinstance(found, Service)
    assert found.metadata.annotations == {"porter.network/pools": "lab"}
    assert found.spec.load_balancer_class == "porter.network/bgp"
    assert found.spec.load_balancer_ip == "192.0.2.1"
    assert found.spec.ip_families == (IPFamily.IPV6, IPFamily.IPV4)
    assert found.spec.external_traffic_policy is TrafficPolicy.LOCAL
    assert found.spec.ports[0].protocol is Protocol.UDP
    assert (found.spec.cluster_ips, found.spec.external_ips) == (("fd00::1",), ("192.0.2.9",))
    assert found.status.load_balancer.ingress[0].ip == "192.0.2.1"
    assert found.status.conditions[0].type == "porter.network/Allocated"


def test_a_node_says_its_addresses_and_conditions() -> None:
    document = {
        "metadata": {"name": "a", "labels": {"zone": "1"}, "deletionTimestamp": "2026-01-01"},
        "spec": {"unschedulable": True, "taints": [{"key": "k", "effect": "NoSchedule"}]},
        "status": {
            "addresses": [
                {"type": "Hostname", "address": "a"},
                {"type": "InternalIP", "address": "192.0.2.11"},
                {"type": "InternalIP", "address": "2001:db8::11"},
            ],
            "conditions": [{"type": "Ready", "status": "True", "lastHeartbeatTime": None}],
        },
    }

    found = read(Kind.NODE, document)

    assert isinstance(found, Node)
    assert found.internal_ips == ("192.0.2.11", "2001:db8::11")
    assert found.condition("Ready") == "True"
    assert found.condition("NetworkUnavailable") == "Unknown"
    assert (found.spec.unschedulable, found.spec.taints[0].key) == (True, "k")
    assert found.metadata.deletion_timestamp == "2026-01-01"


def test_of_the_sentences_of_conditions_only_why_a_node_is_not_ready_is_kept() -> None:
    conditions = [
        {"type": "Ready", "status": "False", "message": "node is shutting down"},
        {"type": "DiskPressure", "status": "False", "message": "enough room"},
    ]
    shutting = {"metadata": {"name": "a"}, "status": {"conditions": conditions}}
    well = {
        "metadata": {"name": "a"},
        "status": {"conditions": [{"type": "Ready", "status": "True", "message": "fine"}]},
    }

    found = [read(Kind.NODE, document) for document in (shutting, well)]

    assert [
        [one.message for one in node.status.conditions] for node in found if isinstance(node, Node)
    ] == [["node is shutting down", ""], [""]]


def test_a_secret_is_opened_and_never_printed() -> None:
    document = {
        "metadata": {"name": "tor1", "namespace": "porter"},
        "data": {"password": "c2VjcmV0"},
        "stringData": {"other": "plain"},
    }

    found = read(Kind.SECRET, document)

    assert isinstance(found, Secret)
    assert found.data == {"password": b"secret", "other": b"plain"}
    assert "secret" not in repr(found)
    assert "porter/tor1" in repr(found)


@pytest.mark.parametrize(("status", "ready"), [("True", True), ("False", False), (None, False)])
def test_a_pod_is_where_it_runs_and_whether_it_is_ready(status: str | None, *, ready: bool) -> None:
    conditions = [] if status is None else [{"type": "Ready", "status": status}]
    document = {
        "metadata": {"name": "porter-x", "namespace": "porter", "uid": "u"},
        "spec": {"nodeName": "n1", "containers": [{"name": "main"}]},
        "status": {"conditions": [{"type": "Initialized", "status": "True"}, *conditions]},
    }

    found = read(Kind.POD, document)

    assert isinstance(found, Pod)
    assert (found.metadata.uid, found.spec.node_name, found.ready) == ("u", "n1", ready)


def test_a_namespace_is_its_labels() -> None:
    found = read(Kind.NAMESPACE, {"metadata": {"name": "a", "labels": {"team": "x"}}})

    assert isinstance(found, Namespace)
    assert found.metadata.labels == {"team": "x"}


@pytest.mark.parametrize(
    ("kind", "document", "path", "message"),
    [
        (
            Kind.SERVICE,
            {"metadata": {"name": "a"}, "spec": {"ports": [{"port": "http"}]}},
            "spec.ports[0].port",
            "expected `int`, got `str`",
        ),
        (Kind.NODE, {"spec": {}}, "", "object missing required field `metadata`"),
        (
            Kind.SECRET,
            {"metadata": {"name": "a"}, "data": {"password": "!"}},
            "data[...]",
            "invalid base64 encoded string",
        ),
    ],
)
def test_what_cannot_be_read_is_a_fault_with_its_path(
    kind: Kind, document: dict[str, object], path: str, message: str
) -> None:
    for raw in (document, json.dumps(document).encode()):
        resource, (fault,) = decode_core(kind, raw)

        assert resource is None
        assert (fault.path, fault.message, fault.subject) == (path, message, kind.value)
