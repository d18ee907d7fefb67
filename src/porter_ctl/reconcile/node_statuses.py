"""What this node says of itself: its BGPNode, planned and written."""

from __future__ import annotations

import asyncio
from math import inf
from typing import TYPE_CHECKING

from msgspec.structs import replace

from porter_ctl.api import BGPNode, Kind, ObjectRef
from porter_ctl.plan import NodeReport, bgp_node_status
from porter_ctl.reconcile.cluster import utc_now
from porter_ctl.reconcile.told import Told
from porter_ctl.reconcile.write_status import StatusWriter

if TYPE_CHECKING:
    from collections.abc import Callable

    from porter_bgp.speaker.speaker import Speaker
    from porter_bgp.view import PeerView
    from porter_ctl.api import Key, Resource
    from porter_ctl.gate import DataplaneGate
    from porter_ctl.reconcile.node import NodeReconciler
    from porter_ctl.store.port import ClusterPort
    from porter_ctl.store.stores import Stores

OUTDATED_SECONDS = 60.0
_GATHERING = 0.1  # seconds from a change to its report, so that one says what follows from it, too
_PATIENCE = 5  # looks at peers that have not acknowledged a withdrawal, before a report
_LOOK_AGAIN = 1.0
_STUCK_SHARE = 1 / 3  # of the hold time


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

    Attributes:
        lease_trouble: Tells why nobody may allocate; empty where all is well.
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
        self._told = Told(speaker)
        self._gate = gate
        self._ref = ObjectRef(Kind.BGP_NODE, "", name)
        self._pod_uid = pod_uid
        self._incarnation = incarnation
        self._loop = asyncio.get_running_loop()
        self.lease_trouble: Callable[[], str] = _none
        self._look_at: float | None = None
        self._looks = 0  # since the last report
        self._writer = StatusWriter(stores, port, planned=self._planned, may=self._may)

    async def run(self) -> None:
        """Write until cancelled."""
        await self._writer.run()

    def changed(self) -> None:
        """What this node reports may be another."""
        self._look_at = min(self._look_at or inf, self._loop.time() + _GATHERING)

    @property
    def announced(self) -> int:
        """Of how many of the desired prefixes at least one peer has acknowledged a path."""
        self._told.look()
        return len(self._node.desired & self._told.prefixes)

    @property
    def outdated(self) -> bool:
        """What was written last is no longer true, and could not be corrected for a minute."""
        since = self._writer.failing_since(self._ref)
        return since is not None and self._loop.time() - since > OUTDATED_SECONDS

    # Follower

    def touch(self, kind: Kind, key: Key) -> None:
        """Note that what this key stands for has changed."""
        if kind is Kind.BGP_NODE and key == self._ref.name:
            self._writer.touch(self._ref)

    def work(self, until: float) -> bool:
        """Look whether there is something new to report."""
        del until
        now = self._loop.time()
        if self._look_at is None or now < self._look_at:
            return False
        self._told.look()
        self._looks += 1
        self._look_at = None
        if self._told.leaving:  # most peers acknowledge within milliseconds
            self._look_at = now + (_GATHERING if self._looks < _PATIENCE else _LOOK_AGAIN)
        if not self._told.leaving or self._looks >= _PATIENCE:
            self._looks = 0
            self._writer.touch(self._ref)
            self._writer.wake()
        return False

    def next_deadline(self) -> float | None:
        """When to look again."""
        return self._look_at

    def _may(self) -> bool:
        return self._node.context is not None

    def _planned(self, obj: Resource) -> Resource | None:
        context = self._node.context
        if not isinstance(obj, BGPNode) or context is None:
            return None
        view = self._told.look()
        stuck = frozenset(name for name, peer in view.peers.items() if _is_stuck(peer, view.now))
        up = [name for name in context.peers if name in view.peers and name not in stuck]
        report = NodeReport(
            context=context,
            view=view,
            desired=len(self._node.desired),
            announced=len(self._node.desired & self._told.prefixes),
            exceptions=self._node.exceptions,
            dataplane_unverified=self._gate.unverified,
            pod_uid=self._pod_uid,
            incarnation=self._incarnation,
            source=self._node.source,
            digests=self._told.digests(up),
            stuck=stuck,
            lease_trouble=self.lease_trouble(),
        )
        return replace(obj, status=bgp_node_status(obj, report, utc_now()))


def _is_stuck(peer: PeerView, now: float) -> bool:
    since = peer.unacknowledged_since
    return (
        peer.established
        and since is not None
        and peer.hold_time > 0
        and now - since > peer.hold_time * _STUCK_SHARE
    )


def _none() -> str:
    return ""
