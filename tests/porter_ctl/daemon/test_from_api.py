"""`porter_ctl.daemon.from_api`: what is asked of an API server before anything else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from porter_ctl.api import Node, ObjectMeta
from porter_ctl.daemon.from_api import open_api
from porter_ctl.daemon.settings import PodIdentity, Settings
from porter_ctl.plan import SERVICE_CLASSES
from porter_ctl.store.port import Unavailable

if TYPE_CHECKING:
    from pathlib import Path

LABEL = "node-role.kubernetes.io/control-plane"
KUBECONFIG = """\
clusters: [{name: c, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: u, user: {token: t}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
"""


def settings(kubeconfig: Path) -> Settings:
    return Settings(
        node="a",
        kubeconfig=kubeconfig,
        service_classes=SERVICE_CLASSES,
        pod=PodIdentity(name="porter-x", namespace="porter-system", uid="pod-uid"),
    )


@pytest.mark.parametrize(
    ("node", "candidate"),
    [
        (Node(metadata=ObjectMeta(name="a", labels={LABEL: ""})), True),
        (Node(metadata=ObjectMeta(name="a")), False),
        (None, False),
    ],
    ids=["control plane", "worker", "no such Node"],
)
async def test_who_may_allocate_is_read_from_the_own_node(
    tmp_path: Path,
    node: Node | None,
    candidate: bool,  # noqa: FBT001 - a column of the table
) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(KUBECONFIG)
    cluster = await open_api(settings(kubeconfig), "nonce")
    await cluster.close()

    assert cluster.seeks(node) is candidate
    assert cluster.port.leadership().identity == "pod-uid_nonce"
    assert cluster.troubles() == ()
    assert cluster.faults() == ()


async def test_without_credentials_it_says_what_to_give(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text("clusters: 7\n")

    with pytest.raises(Unavailable, match="no usable credentials for the API server"):
        await open_api(settings(kubeconfig), "nonce")
