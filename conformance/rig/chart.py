"""What Helm makes of charts/porter."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from conformance.rig.errors import RigError
from conformance.rig.objects import text

if TYPE_CHECKING:
    from conformance.rig.objects import Object

_ROOT = Path(__file__).parent.parent.parent
CHART = _ROOT / "charts" / "porter"
NAMESPACE = "porter-system"
RELEASE = "porter"


def find_helm() -> str:
    """The program.

    Raises:
        RigError: It is not installed.
    """
    found = subprocess.run(
        [_ROOT / "tools" / "helm.sh", "--find"], capture_output=True, text=True, check=False
    )
    if found.returncode:
        raise RigError("Helm is not installed; run: tools/helm.sh (5 seconds)")
    return found.stdout.strip()


def helm(*arguments: str, values: Object | None = None) -> str:
    """Run Helm with `values` over the chart's own; returns its standard output.

    Raises:
        RigError: It refuses, and this is what it says.
    """
    done = subprocess.run(
        [find_helm(), *arguments, "--values", "-"],
        input=yaml.safe_dump(values or {}),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RigError(f"helm {' '.join(arguments)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def render_text(
    values: Object | None = None, *, release: str = RELEASE, namespace: str = NAMESPACE
) -> str:
    """The manifests as YAML, hooks included."""
    return helm("template", release, str(CHART), "--namespace", namespace, values=values)


def render(
    values: Object | None = None, *, release: str = RELEASE, namespace: str = NAMESPACE
) -> list[Object]:
    """The manifests as objects, hooks included."""
    rendered = render_text(values, release=release, namespace=namespace)
    documents: list[Object | None] = list(yaml.safe_load_all(rendered))
    return [document for document in documents if document]


def is_hook(item: Object) -> bool:
    """Whether Helm keeps it for an occasion, such as the uninstallation."""
    return bool(text(item, "metadata", "annotations", "helm.sh/hook"))
