"""Everything that runs for one node, built and joined; what others of this room read from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from porter_ctl.daemon.candidacy import Candidacy
from porter_ctl.daemon.wants import Wants
from porter_ctl.host.dataplane import Dataplane
from porter_ctl.plan import NEEDED_KINDS
from porter_ctl.reconcile.cluster import Allocator
from porter_ctl.reconcile.evidence import EvidenceSeeker
from porter_ctl.reconcile.leader_statuses import LeaderStatuses
from porter_ctl.reconcile.node_statuses import NodeStatuses
from porter_ctl.reconcile.testimony import Testimony
from porter_ctl.reconcile.truth import Truth

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from porter_bgp.speaker.speaker import Speaker
    from porter_ctl.daemon.announcing import Announcing
    from porter_ctl.daemon.cluster import Cluster
    from porter_ctl.daemon.settings import Settings
    from porter_ctl.gate import DataplaneGate
    from porter_ctl.reconcile.loop import Loop
    from porter_ctl.reconcile.node import NodeReconciler
    from porter_ctl.store.port import Leadership
    from porter_ctl.store.stores import Stores


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The parts.

    Attributes:
        settings: What they were built from.
        cluster: Where objects live.
        leadership: Who allocates.
        candidacy: Who seeks to.
        stores: What is known.
        speaker: What is said.
        gate: What a first announcement waits for.
        node: What is planned for this node.
        node_statuses: What it reports of itself.
        allocator: Who has which address.
        leader_statuses: What the leader reports of configuration.
        truth: What the leader reports of announcements.
        loop: What turns them.
        seeker: What asks the dataplane.
        wants: What is read.
    """

    settings: Settings
    cluster: Cluster
    leadership: Leadership
    candidacy: Candidacy
    stores: Stores
    speaker: Speaker
    gate: DataplaneGate
    node: NodeReconciler
    node_statuses: NodeStatuses
    allocator: Allocator
    leader_statuses: LeaderStatuses
    truth: Truth
    loop: Loop
    seeker: EvidenceSeeker
    wants: Wants

    @property
    def synced(self) -> bool:
        """Whether the first plan could be made."""
        return self.node.context is not None

    def leading(self) -> Mapping[str, Callable[[], Coroutine[None, None, None]]]:
        """The tasks that write for the whole cluster: they end first."""
        return {"allocating": self.allocator.run, "the election": self.leadership.run}

    def deciding(self) -> Mapping[str, Callable[[], Coroutine[None, None, None]]]:
        """The tasks that change what this node says: they end before its speaker does."""
        return {"reconciling": self._reconcile}

    def serving(self) -> Mapping[str, Callable[[], Coroutine[None, None, None]]]:
        """All other tasks."""
        return {
            "following the cluster": self._follow,
            "the node's status": self.node_statuses.run,
            "the leader's statuses": self.leader_statuses.run,
            "the leader's conditions": self.truth.run,
        }

    async def _reconcile(self) -> None:
        await self.loop.run(
            (
                self.wants,
                self.candidacy,
                self.node,
                self.seeker,
                self.allocator,
                self.truth,
                self.leader_statuses,
                self.node_statuses,
            )
        )

    async def _follow(self) -> None:
        await self.cluster.source.run(self.stores)


def build(
    settings: Settings, cluster: Cluster, announcing: Announcing, *, incarnation: str
) -> Running:
    """Build the rest of it around what announces; nothing of it runs yet.

    Args:
        settings: Of this process.
        cluster: Where objects live.
        announcing: What announces for this node, whether or not there is a cluster.
        incarnation: Of this process.
    """
    stores, loop, speaker = announcing.stores, announcing.loop, announcing.speaker
    gate, node = announcing.gate, announcing.node
    leadership = cluster.port.leadership()

    def report() -> None:
        node_statuses.changed()
        loop.wake()

    name, namespace = settings.node, settings.pod.namespace
    node.on_change = report
    node.stale_for = lambda now: cluster.source.stale_for(now, NEEDED_KINDS)
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
    truth = Truth(
        stores,
        cluster.port,
        leadership,
        allocator=allocator,
        testimony=Testimony(stores, cluster.alive),
        namespace=namespace,
    )
    truth.on_vip = leader_statuses.vip_changed
    truth.on_belief = leader_statuses.belief_changed
    leader_statuses.word, leader_statuses.believed = truth.word, truth.believes
    allocator.ledger.absence = truth
    wants = Wants(cluster.source, stores, node=name, namespace=namespace, allocates=False)
    candidacy = Candidacy(cluster, stores, leadership, wants, node=name)

    def lead(_: bool) -> None:  # noqa: FBT001 - the shape of Leadership.on_change
        candidacy.leading_changed()
        allocator.leading_changed()
        leader_statuses.leading_changed()
        truth.leading_changed()
        loop.wake()

    leadership.on_change = lead
    leadership.on_trouble = report
    node_statuses.lease_trouble = lambda: leadership.trouble
    return Running(
        settings=settings,
        cluster=cluster,
        leadership=leadership,
        candidacy=candidacy,
        stores=stores,
        speaker=speaker,
        gate=gate,
        node=node,
        node_statuses=node_statuses,
        allocator=allocator,
        leader_statuses=leader_statuses,
        truth=truth,
        loop=loop,
        seeker=EvidenceSeeker(
            gate, Dataplane(), cluster.source.kind_exists, node=node, wake=loop.wake
        ),
        wants=wants,
    )
