"""Opens an API server as the cluster."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from porter_ctl.daemon.cluster import Cluster
from porter_ctl.kube.client import KubeClient
from porter_ctl.kube.lease import LeaseElection
from porter_ctl.kube.port import KubePort
from porter_ctl.kube.source import KubeSource

if TYPE_CHECKING:
    from porter_ctl.api import Node
    from porter_ctl.daemon.answers import FaultRow
    from porter_ctl.daemon.settings import Settings

CONTROL_PLANE = "node-role.kubernetes.io/control-plane"


async def open_api(settings: Settings, incarnation: str) -> Cluster:
    """Get ready to speak with the API server; nothing is asked of it yet.

    Args:
        settings: Which API server, and who we are.
        incarnation: Of this process.

    Raises:
        Unavailable: There are no credentials.
    """
    client = KubeClient(kubeconfig=settings.kubeconfig)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(client.close)
        await client.connect()
        stack.pop_all()
    election = LeaseElection(
        client, identity=f"{settings.pod.uid or settings.node}_{incarnation}", candidate=False
    )
    source = KubeSource(client)

    def troubles() -> tuple[str, ...]:
        return tuple(f"{what}: {why}" for what, why in source.troubles().items())

    instance = settings.pod.name or f"porter-{settings.node}"
    return Cluster(
        source=source,
        port=KubePort(client, election=election, instance=instance, fence=election.fence),
        seeks=is_control_plane,
        seek=election.seek,
        troubles=troubles,
        faults=_none,
        close=client.close,
    )


def is_control_plane(node: Node | None) -> bool:
    """Whether a Node is one of the control plane."""
    return node is not None and CONTROL_PLANE in node.metadata.labels


def _none() -> tuple[FaultRow, ...]:
    return ()
