"""What this node says of itself: its BGPNode, planned and written."""

from __future__ import annotations

import asyncio
from math import inf
from typing import TYPE_CHECKING

from msgspec.structs import replace

from porter_ctl.api import BGPNode, Kind, ObjectRef
from porter_ctl.plan import NodeReport, bgp_node_status
from porter_ctl.reconcile.cluster import utc_now
from porter_ctl.reconcile.write_status import StatusWriter

if TYPE_CHECKING:
    from porter_bgp.speaker.speaker import Speaker
    from porter_bgp.wire import Prefix
    from porter_ctl.api import Key, Resource
    from porter_ctl.gate import DataplaneGate
    from porter_ctl.reconcile.node import NodeReconciler
    from porter_ctl.store.port import ClusterPort
    from porter_ctl.store.stores import Stores

_SENT_BY_THEN = 0.25  # seconds from a plan to its octets, unless a peer is slow
_LOOK_AGAIN = 1.0


class NodeStatuses:
    """Plans the one status that this node writes.

    Args:
        stores: What stands.
        port: Where to write.
        node: What is planned here.
        speaker: What was said of it.
        gate: Whether the dataplane can be asked.
        name: This node's name.
        pod_uid: Of our Pod; empty without one.
        incarnation: Of this process.
    """

    def __init__(
        self,
        stores: Stores,
        port: ClusterPort,
        *,
        node: NodeReconciler,
        speaker: Speaker,
        gate: DataplaneGate,
        name: str,
        pod_uid: str,
        incarnation: str,
    ) -> None:
        self._node = node
        self._speaker = speaker
        self._gate = gate
        self._ref = ObjectRef(Kind.BGP_NODE, "", name)
        self._pod_uid = pod_uid
        self._incarnation = incarnation
        self._loop = asyncio.get_running_loop()
        self._look_at: float | None = None
        self._told: dict[str, set[Prefix]] = {}
        self._writer = StatusWriter(stores, port, planned=self._planned, may=self._may)

    async def run(self) -> None:
        """Write until cancelled."""
        await self._writer.run()

    def changed(self) -> None:
        """What this node reports may be another, and soon what its peers were sent too."""
        self._writer.touch(self._ref)
        self._look_at = min(self._look_at or inf, self._loop.time() + _SENT_BY_THEN)

    @property
    def announced(self) -> int:
        """How many of the desired prefixes at least one peer was sent on its present session."""
        peers = self._speaker.view().peers
        for name, changes in self._speaker.take_changes().items():
            told = self._told.setdefault(name, set())
            for prefix in changes:
                (told.add if self._speaker.advertised(name, prefix) else told.discard)(prefix)
        for name in list(self._told):
            if name not in peers or not peers[name].established:
                del self._told[name]
        return len(self._node.desired.intersection(set().union(*self._told.values())))

    # Follower

    def touch(self, kind: Kind, key: Key) -> None:
        """Note that what this key stands for has changed."""
        if kind is Kind.BGP_NODE and key == self._ref.name:
            self._writer.touch(self._ref)

    def work(self, until: float) -> bool:
        """Look whether the peers were sent what changed."""
        del until
        if self._look_at is not None and self._loop.time() >= self._look_at:
            self._look_at = None
            self._writer.touch(self._ref)
            if self.announced < len(self._node.desired) and self._told:
                self._look_at = self._loop.time() + _LOOK_AGAIN
        return False

    def next_deadline(self) -> float | None:
        """When to look again what peers were sent."""
        return self._look_at

    def _may(self) -> bool:
        return self._node.context is not None

    def _planned(self, obj: Resource) -> Resource | None:
        context = self._node.context
        if not isinstance(obj, BGPNode) or context is None:
            return None
        report = NodeReport(
            context=context,
            view=self._speaker.view(),
            desired=len(self._node.desired),
            announced=self.announced,
            exceptions=self._node.exceptions,
            dataplane_unverified=self._gate.unverified,
            pod_uid=self._pod_uid,
            incarnation=self._incarnation,
        )
        return replace(obj, status=bgp_node_status(obj, report, utc_now()))
