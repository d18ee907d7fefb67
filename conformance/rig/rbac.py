"""What Porter's ServiceAccount may do: exactly what the chart gives it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.rig import chart
from conformance.rig.objects import text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.rig.objects import Object

NAMESPACE = chart.NAMESPACE
ACCOUNT = chart.RELEASE
_RIGHTS = {
    "ServiceAccount",
    "ClusterRole",
    "ClusterRoleBinding",
    "Role",
    "RoleBinding",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
}


def objects(secrets: Sequence[str] = ()) -> list[Object]:
    """Namespace, ServiceAccount, roles, bindings and admission policy, as Helm installs them.

    Args:
        secrets: The only ones that may be read.
    """
    namespace: Object = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": NAMESPACE},
    }
    rendered = chart.render({"secrets": [*secrets]})
    rights = [item for item in rendered if text(item, "kind") in _RIGHTS]
    return [namespace, *(item for item in rights if not chart.is_hook(item))]
