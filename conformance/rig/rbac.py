"""What Porter's ServiceAccount may do: the rules of its two halves, and nothing beyond."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conformance.rig.objects import Json, Object

NAMESPACE = "porter-system"
ACCOUNT = "porter"
_OURS = "porter.network"
_CONFIGURATION = ("vips", "vippools", "bgppeers", "bgpconfigs", "bgpadvertisements")
_RBAC = "rbac.authorization.k8s.io"
_READ = ("list", "watch")
_EVENTS = ("events.k8s.io", ("events",), ("create", "patch"))

Rule = tuple[str, Sequence[str], Sequence[str]]

SPEAKER: tuple[Rule, ...] = (
    ("", ("services",), _READ),
    ("discovery.k8s.io", ("endpointslices",), _READ),
    ("", ("nodes",), ("get", *_READ)),
    ("", ("namespaces",), _READ),
    (_OURS, _CONFIGURATION, _READ),
    (_OURS, ("bgpnodes",), _READ),
    (_OURS, ("bgpnodes/status",), ("patch",)),
)
ALLOCATOR: tuple[Rule, ...] = (
    ("", ("services",), ("get", *_READ)),
    ("", ("services/status",), ("patch",)),
    ("", ("namespaces", "nodes"), _READ),
    (_OURS, (*_CONFIGURATION, "bgpnodes"), ("get", *_READ)),
    ("discovery.k8s.io", ("endpointslices",), _READ),
    (_OURS, ("vips",), ("create", "delete", "get", "update")),
    (_OURS, ("bgpnodes",), ("create",)),
    (_OURS, tuple(f"{plural}/status" for plural in _CONFIGURATION), ("patch",)),
    _EVENTS,
)
LEASE = "porter-allocator"


def objects(secrets: Sequence[str] = ()) -> list[Object]:
    """Namespace, ServiceAccount, roles and bindings; of Secrets only those named are readable.

    Both halves hang on one ServiceAccount, for every `porter run` is speaker and candidate.
    """
    own: list[Json] = [_rule(("", ("pods",), ("get", *_READ)))]
    if secrets:  # a rule without names would grant every Secret
        own.append({**_rule(("", ("secrets",), ("get", "watch"))), "resourceNames": [*secrets]})
    lease: list[Json] = [
        _rule(("coordination.k8s.io", ("leases",), ("create",))),
        {
            **_rule(("coordination.k8s.io", ("leases",), ("get", "update", "patch"))),
            "resourceNames": [LEASE],
        },
    ]
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": ACCOUNT, "namespace": NAMESPACE},
        },
        *_cluster_role("porter-speaker", SPEAKER),
        *_cluster_role("porter-allocator", ALLOCATOR),
        *_role("porter-own", NAMESPACE, own),
        *_role("porter-lease", "kube-system", lease),
        *_role("porter-events", "default", [_rule(_EVENTS)]),
    ]


def _rule(rule: Rule) -> Object:
    group, resources, verbs = rule
    return {"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)}


def _cluster_role(name: str, rules: Sequence[Rule]) -> list[Object]:
    return [
        {
            "apiVersion": f"{_RBAC}/v1",
            "kind": "ClusterRole",
            "metadata": {"name": name},
            "rules": [_rule(rule) for rule in rules],
        },
        _binding("ClusterRole", name, {"name": name}),
    ]


def _role(name: str, namespace: str, rules: list[Json]) -> list[Object]:
    metadata: Object = {"name": name, "namespace": namespace}
    return [
        {"apiVersion": f"{_RBAC}/v1", "kind": "Role", "metadata": metadata, "rules": rules},
        _binding("Role", name, metadata),
    ]


def _binding(kind: str, role: str, metadata: Object) -> Object:
    return {
        "apiVersion": f"{_RBAC}/v1",
        "kind": f"{kind}Binding",
        "metadata": metadata,
        "roleRef": {"apiGroup": _RBAC, "kind": kind, "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": NAMESPACE}],
    }
