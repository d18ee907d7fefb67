"""Where the API server keeps a kind, and which part of a kind is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from porter_ctl.api import KINDS, Kind

if TYPE_CHECKING:
    from porter_ctl.api import Key, ObjectRef
    from porter_ctl.store.port import Selectors

# What no plan reads stays on the server.
_FIELDS = {Kind.SERVICE: "spec.type=LoadBalancer"}
_LABELS = {
    Kind.ENDPOINT_SLICE: "!service.kubernetes.io/headless",
    Kind.POD: "app.kubernetes.io/name=porter",
}


def group_path(kind: Kind) -> str:
    """The path of the group and version that a kind belongs to."""
    info = KINDS[kind]
    return f"/apis/{info.api_version}" if info.group else f"/api/{info.api_version}"


def collection_path(kind: Kind, namespace: str = "") -> str:
    """The path of all objects of a kind, or of those in one namespace."""
    info = KINDS[kind]
    where = f"/namespaces/{namespace}" if info.namespaced and namespace else ""
    return f"{group_path(kind)}{where}/{info.plural}"


def object_path(ref: ObjectRef, subresource: str = "") -> str:
    """The path of one object, or of its subresource."""
    path = f"{collection_path(ref.kind, ref.namespace)}/{ref.name}"
    return f"{path}/{subresource}" if subresource else path


def resource_name(kind: Kind) -> str:
    """The kind as RBAC and kubectl spell it, e.g. "vips.porter.network"."""
    info = KINDS[kind]
    return f"{info.plural}.{info.group}" if info.group else info.plural


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """One stream of objects: a kind, whole, or one object of it.

    Attributes:
        kind: Which.
        namespace: Only there; empty for everywhere.
        name: Only the object of this name; empty for all.
    """

    kind: Kind
    namespace: str = ""
    name: str = ""

    @property
    def path(self) -> str:
        """Where to list and watch it."""
        return collection_path(self.kind, self.namespace)

    @property
    def params(self) -> dict[str, str]:
        """The query that selects it."""
        params: dict[str, str] = {}
        fields = f"metadata.name={self.name}" if self.name else _FIELDS.get(self.kind)
        if fields:
            params["fieldSelector"] = fields
        if self.kind in _LABELS:
            params["labelSelector"] = _LABELS[self.kind]
        return params

    def holds(self, key: Key) -> bool:
        """Whether an object with this key belongs to it."""
        namespace, _, name = key.rpartition("/")
        return self.name in {"", name} and self.namespace in {"", namespace}

    def __str__(self) -> str:
        where = "/".join(part for part in (self.namespace, self.name) if part)
        return f"{resource_name(self.kind)} {where}".rstrip()


def collections(kind: Kind, selectors: Selectors) -> frozenset[Collection]:
    """The streams that together are what is wanted of a kind."""
    if selectors.names is None:
        return frozenset({Collection(kind=kind, namespace=selectors.namespace)})
    return frozenset(
        Collection(kind=kind, namespace=selectors.namespace, name=name) for name in selectors.names
    )
