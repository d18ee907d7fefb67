"""Opens an API server as the cluster."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from porter_ctl.api import Kind, Node, ObjectRef
from porter_ctl.daemon.cluster import Cluster
from porter_ctl.kube.client import KubeClient
from porter_ctl.kube.lease import LeaseElection
from porter_ctl.kube.port import KubePort
from porter_ctl.kube.source import KubeSource
from porter_ctl.store.port import PortFailure

if TYPE_CHECKING:
    from porter_ctl.daemon.answers import FaultRow
    from porter_ctl.daemon.settings import Settings

_log = logging.getLogger(__name__)

_CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
_ASK_AGAIN = 1.0  # seconds


async def open_api(settings: Settings, incarnation: str) -> Cluster:
    """Reach the API server and ask it for our own Node; waits for an answer.

    Args:
        settings: Which API server, and who we are.
        incarnation: Of this process.

    Raises:
        Unavailable: There are no credentials.
    """
    client = KubeClient(kubeconfig=settings.kubeconfig)
    instance = settings.pod.name or f"porter-{settings.node}"
    identity = f"{settings.pod.uid or settings.node}_{incarnation}"
    async with AsyncExitStack() as stack:
        stack.push_async_callback(client.close)
        await client.connect()
        asking = LeaseElection(client, identity=identity, candidate=False)
        node = await _own_node(KubePort(client, election=asking, instance=instance), settings.node)
        stack.pop_all()
    candidate = node is not None and _CONTROL_PLANE in node.metadata.labels
    election = LeaseElection(client, identity=identity, candidate=candidate)
    source = KubeSource(client)

    def troubles() -> tuple[str, ...]:
        return tuple(f"{what}: {why}" for what, why in source.troubles().items())

    return Cluster(
        source=source,
        port=KubePort(client, election=election, instance=instance),
        candidate=candidate,
        node_addresses=node.internal_ips if node is not None else (),
        troubles=troubles,
        faults=_none,
        close=client.close,
    )


async def _own_node(port: KubePort, name: str) -> Node | None:
    """The Node this process runs on; None if there is none of that name."""
    complained = ""
    while True:
        try:
            node = await port.get_live(ObjectRef(Kind.NODE, "", name))
        except PortFailure as error:
            if str(error) != complained:
                _log.warning("cannot read Node %s yet: %s", name, error)
            complained = str(error)
            await asyncio.sleep(_ASK_AGAIN)
            continue
        if isinstance(node, Node):
            return node
        _log.warning("there is no Node %s; is --node the name that kubectl get nodes shows?", name)
        return None


def _none() -> tuple[FaultRow, ...]:
    return ()
