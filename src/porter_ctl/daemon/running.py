"""Everything that runs for one node, built and joined; what others of this room read from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from porter_bgp.speaker.speaker import Speaker
from porter_ctl.daemon.wants import Wants
from porter_ctl.gate import DataplaneGate
from porter_ctl.host.dataplane import Dataplane, DataplaneSettings
from porter_ctl.reconcile.cluster import Allocator
from porter_ctl.reconcile.evidence import EvidenceSeeker
from porter_ctl.reconcile.leader_statuses import LeaderStatuses
from porter_ctl.reconcile.loop import Loop
from porter_ctl.reconcile.node import NodeReconciler
from porter_ctl.reconcile.node_statuses import NodeStatuses
from porter_ctl.store.stores import Stores

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from porter_ctl.daemon.cluster import Cluster
    from porter_ctl.daemon.settings import Settings
    from porter_ctl.store.port import Leadership


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The parts.

    Attributes:
        settings: What they were built from.
        cluster: Where objects live.
        leadership: Who allocates.
        stores: What is known.
        speaker: What is said.
        gate: What a first announcement waits for.
        node: What is planned for this node.
        node_statuses: What it reports of itself.
        allocator: Who has which address.
        leader_statuses: What the leader reports.
        loop: What turns them.
        seeker: What asks the dataplane.
        wants: What is read.
    """

    settings: Settings
    cluster: Cluster
    leadership: Leadership
    stores: Stores
    speaker: Speaker
    gate: DataplaneGate
    node: NodeReconciler
    node_statuses: NodeStatuses
    allocator: Allocator
    leader_statuses: LeaderStatuses
    loop: Loop
    seeker: EvidenceSeeker
    wants: Wants

    @property
    def synced(self) -> bool:
        """Whether the first plan could be made."""
        return self.node.context is not None

    def deciding(self) -> Mapping[str, Callable[[], Coroutine[None, None, None]]]:
        """The tasks that change what is said: they end before we leave."""
        return {
            "reconciling": self._reconcile,
            "allocating": self.allocator.run,
            "the election": self.leadership.run,
        }

    def serving(self) -> Mapping[str, Callable[[], Coroutine[None, None, None]]]:
        """All other tasks."""
        return {
            "following the cluster": self._follow,
            "the speaker": self.speaker.run,
            "the node's status": self.node_statuses.run,
            "the leader's statuses": self.leader_statuses.run,
        }

    async def _reconcile(self) -> None:
        await self.loop.run(
            (
                self.wants,
                self.node,
                self.seeker,
                self.allocator,
                self.leader_statuses,
                self.node_statuses,
            )
        )

    async def _follow(self) -> None:
        await self.cluster.source.run(self.stores)


def build(settings: Settings, cluster: Cluster, *, new_boot: bool, incarnation: str) -> Running:
    """Build all of it; nothing runs yet.

    Args:
        settings: Of this process.
        cluster: Where objects live.
        new_boot: The machine has booted since Porter last ran here.
        incarnation: Of this process.
    """
    stores = Stores()
    loop = Loop(stores)
    leadership = cluster.port.leadership()
    gate = DataplaneGate(new_boot=new_boot)

    def report(_: object = None) -> None:
        node_statuses.changed()
        loop.wake()

    speaker = Speaker(on_change=report)
    name, namespace = settings.node, settings.pod.namespace
    node = NodeReconciler(stores, speaker, gate, node=name, namespace=namespace)
    node.on_change = report
    node_statuses = NodeStatuses(
        stores,
        cluster.port,
        node=node,
        speaker=speaker,
        gate=gate,
        name=name,
        pod_uid=settings.pod.uid,
        incarnation=incarnation,
    )
    allocator = Allocator(stores, cluster.port, leadership, classes=settings.service_classes)
    leader_statuses = LeaderStatuses(
        stores, cluster.port, leadership, allocator=allocator, node=node
    )
    dataplane = Dataplane(DataplaneSettings(health_hosts=("127.0.0.1", *cluster.node_addresses)))
    wants = Wants(
        cluster.source, stores, node=name, namespace=namespace, allocates=cluster.candidate
    )

    def lead(leading: bool) -> None:  # noqa: FBT001 - the shape of Leadership.on_change
        wants.allocate(allocates=leading or cluster.candidate)
        allocator.leading_changed()
        leader_statuses.leading_changed()
        loop.wake()

    leadership.on_change = lead
    return Running(
        settings=settings,
        cluster=cluster,
        leadership=leadership,
        stores=stores,
        speaker=speaker,
        gate=gate,
        node=node,
        node_statuses=node_statuses,
        allocator=allocator,
        leader_statuses=leader_statuses,
        loop=loop,
        seeker=EvidenceSeeker(gate, dataplane, node=node, wake=loop.wake),
        wants=wants,
    )
