"""JSON -> the slices of Kubernetes' own kinds that Porter reads; reduced on the way in."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

import msgspec
from msgspec import field

from porter_ctl.api.core import (
    ANNOTATION_PREFIX,
    AddressType,
    EndpointSlice,
    Namespace,
    Node,
    NodeEndpoints,
    Pod,
    Secret,
    Service,
)
from porter_ctl.api.fault import Fault
from porter_ctl.api.meta import ApiStruct, Kind, ObjectMeta

if TYPE_CHECKING:
    from porter_ctl.api.kinds import CoreResource

StructT = TypeVar("StructT")

_SERVICE_NAME = "kubernetes.io/service-name"


class _EndpointConditions(ApiStruct, frozen=True, kw_only=True):
    ready: bool = True  # unknown counts as ready
    serving: bool | None = None


class _Endpoint(ApiStruct, frozen=True, kw_only=True):
    conditions: _EndpointConditions = _EndpointConditions()
    node_name: str = ""


class _RawSlice(ApiStruct, frozen=True, kw_only=True):
    metadata: ObjectMeta
    address_type: AddressType = AddressType.IPV4
    endpoints: tuple[_Endpoint, ...] | None = ()  # the API server writes null for none


class _RawSecret(ApiStruct, frozen=True, kw_only=True):
    metadata: ObjectMeta
    data: dict[str, bytes] = field(default_factory=dict)
    string_data: dict[str, str] = field(default_factory=dict)


def decode_core(
    kind: Kind, raw: bytes | Mapping[str, object]
) -> tuple[CoreResource | None, tuple[Fault, ...]]:
    """Decode an object of Kubernetes; None with a fault where it cannot be read."""
    try:
        if kind is Kind.ENDPOINT_SLICE:
            return _reduced(_read(raw, _RawSlice)), ()
        if kind is Kind.SECRET:
            return _opened(_read(raw, _RawSecret)), ()
        if kind is Kind.SERVICE:
            return _trimmed(_read(raw, Service)), ()
        if kind is Kind.NODE:
            return _told(_read(raw, Node)), ()
        plain: type[Pod | Namespace] = Pod if kind is Kind.POD else Namespace
        return _read(raw, plain), ()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return None, (replace(fault_of(error), subject=kind.value),)


def fault_of(error: Exception) -> Fault:
    """Give what the decoder said as a fault, with the path it names."""
    message, at, path = str(error).rpartition(" - at `$")
    text = message if at else path
    return Fault(
        path.strip("`.") if at else "", "", text[:1].lower() + text[1:], "correct the document"
    )


def without_nulls(value: object) -> object:
    """Leave out the fields that say null: an absent field and null mean the same."""
    if isinstance(value, Mapping):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


def _read(raw: bytes | Mapping[str, object], struct: type[StructT]) -> StructT:
    if not isinstance(raw, Mapping):
        try:
            return msgspec.json.decode(raw, type=struct)
        except msgspec.ValidationError:  # a null perhaps, which is rare
            return msgspec.convert(without_nulls(msgspec.json.decode(raw)), struct)
    return msgspec.convert(without_nulls(raw), struct)


def _trimmed(service: Service) -> Service:
    annotations = service.metadata.annotations
    for key in [key for key in annotations if not key.startswith(ANNOTATION_PREFIX)]:
        del annotations[key]
    return service


def _told(node: Node) -> Node:
    """Forget the sentences of conditions but that of a Ready which does not hold."""
    conditions = tuple(
        one
        if not one.message or (one.type == "Ready" and one.status != "True")
        else msgspec.structs.replace(one, message="")
        for one in node.status.conditions
    )
    return msgspec.structs.replace(
        node, status=msgspec.structs.replace(node.status, conditions=conditions)
    )


def _reduced(raw: _RawSlice) -> EndpointSlice:
    nodes: dict[str, NodeEndpoints] = {}
    for endpoint in raw.endpoints or ():
        conditions = endpoint.conditions
        name = sys.intern(endpoint.node_name)
        ready, serving, other = nodes.get(name, _NONE)
        if conditions.ready:
            nodes[name] = _counts(ready + 1, serving, other)
        elif conditions.serving:
            nodes[name] = _counts(ready, serving + 1, other)
        else:
            nodes[name] = _counts(ready, serving, other + 1)
    metadata = raw.metadata
    return EndpointSlice(
        metadata=ObjectMeta(
            name=metadata.name,
            namespace=metadata.namespace,
            uid=metadata.uid,
            resource_version=metadata.resource_version,
            generation=metadata.generation,
        ),
        service=metadata.labels.get(_SERVICE_NAME, ""),
        address_type=raw.address_type,
        nodes=nodes,
    )


_NONE = NodeEndpoints()


@lru_cache(maxsize=4096)
def _counts(ready: int, serving: int, other: int) -> NodeEndpoints:
    """Give one object for equal counts: few differ in a cluster."""
    return NodeEndpoints(ready, serving, other)


def _opened(raw: _RawSecret) -> Secret:
    written = {key: text.encode() for key, text in raw.string_data.items()}
    return Secret(metadata=raw.metadata, data={**raw.data, **written})
