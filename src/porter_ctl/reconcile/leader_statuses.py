"""What the leader says: the statuses of pools, VIPs and configuration, planned and written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from porter_ctl.api import (
    VIP,
    BGPAdvertisement,
    BGPConfig,
    BGPPeer,
    Kind,
    ObjectRef,
    VIPPool,
    key_of,
)
from porter_ctl.plan import (
    DEFAULT_CONFIG,
    Reason,
    bgp_advertisement_status,
    bgp_config_status,
    bgp_peer_status,
    vip_pool_status,
    vip_status,
)
from porter_ctl.reconcile.cluster import utc_now
from porter_ctl.reconcile.write_status import StatusWriter

if TYPE_CHECKING:
    from collections.abc import Callable

    from porter_ctl.api import Key, Resource
    from porter_ctl.plan import Verdict
    from porter_ctl.plan.announced import Word
    from porter_ctl.reconcile.cluster import Allocator
    from porter_ctl.reconcile.node import NodeReconciler
    from porter_ctl.store.port import ClusterPort, Leadership
    from porter_ctl.store.stores import Stores

_KINDS = (Kind.VIP_POOL, Kind.VIP, Kind.BGP_CONFIG, Kind.BGP_PEER, Kind.BGP_ADVERTISEMENT)


class LeaderStatuses:
    """Plans the statuses that the leader writes.

    Args:
        stores: What is known.
        port: Where to write.
        leadership: Whether to.
        allocator: Whose ledger tells how full pools are.
        node: Whose plans tell which advertisements disagree.

    Attributes:
        word: What a VIP is to say of its announcement; None: what it says.
        believed: Whether a node's report is evidence.
    """

    def __init__(
        self,
        stores: Stores,
        port: ClusterPort,
        leadership: Leadership,
        *,
        allocator: Allocator,
        node: NodeReconciler,
    ) -> None:
        self.word: Callable[[VIP], Word | None] = _as_it_is
        self.believed: Callable[[str], bool] = _everybody
        self._stores = stores
        self._leadership = leadership
        self._allocator = allocator
        self._node = node
        self._sweeps = 0
        self._pools: object = None
        self._writer = StatusWriter(
            stores,
            port,
            planned=self._planned,
            may=self._may,
            versioned=frozenset({Kind.BGP_CONFIG}),  # two leaders must not add up their lists
        )

    async def run(self) -> None:
        """Write while leading, until cancelled."""
        await self._writer.run()

    def leading_changed(self) -> None:
        """Leadership was won or lost: with it, everything is compared once."""
        for kind in _KINDS:
            self._touch_all(kind)
        self._writer.wake()

    def vip_changed(self, key: Key) -> None:
        """`word` says another thing of this VIP."""
        self._writer.touch(ObjectRef(Kind.VIP, "", key))

    def belief_changed(self) -> None:
        """`believed` may say another thing of some node."""
        self._touch_all(Kind.BGP_PEER)

    # Follower

    def touch(self, kind: Kind, key: Key) -> None:
        """Note that what this key stands for has changed."""
        if kind in _KINDS:
            self._writer.touch(ObjectRef(kind, "", key))
        if kind is Kind.VIP:
            self._touch_all(Kind.VIP_POOL)
        elif kind is Kind.BGP_NODE:
            self._touch_all(Kind.BGP_PEER)
        elif kind is Kind.NODE:
            self._writer.touch(ObjectRef(Kind.BGP_CONFIG, "", DEFAULT_CONFIG))

    def work(self, until: float) -> bool:
        """Look for what no key tells."""
        del until
        if self._node.sweeps != self._sweeps:
            self._sweeps = self._node.sweeps
            self._touch_all(Kind.BGP_ADVERTISEMENT)
        if self._allocator.ledger.pools is not self._pools:
            self._pools = self._allocator.ledger.pools
            self._touch_all(Kind.VIP_POOL)
            self._touch_all(Kind.VIP)
        self._writer.wake()
        return False

    def next_deadline(self) -> float | None:
        """Nothing is due by itself."""
        return None

    def _may(self) -> bool:
        return self._leadership.leading and self._allocator.ready and self._pools is not None

    def _touch_all(self, kind: Kind) -> None:
        keys = [key for key, _ in self._stores.of(kind).items()]
        for key in keys:
            self._writer.touch(ObjectRef(kind, "", key))

    def _planned(self, obj: Resource) -> Resource | None:
        faults, at = self._stores.faults.get((obj.kind, key_of(obj)), ()), utc_now()
        match obj:
            case VIPPool():
                return replace(obj, status=vip_pool_status(obj, faults, self._allocator.ledger, at))
            case VIP():
                pools = self._allocator.ledger.pools
                return replace(obj, status=vip_status(obj, pools, at, faults, self.word(obj)))
            case BGPConfig():
                nodes = [node for _, node in self._stores.nodes.items()]
                return replace(obj, status=bgp_config_status(obj, faults, nodes, at))
            case BGPPeer():
                reports = [node for _, node in self._stores.bgp_nodes.items()]
                status = bgp_peer_status(obj, faults, reports, at, self.believed)
                return replace(obj, status=status)
            case BGPAdvertisement():
                found = self._disagreements()
                return replace(obj, status=bgp_advertisement_status(obj, faults, found, at))
            case _:
                return None

    def _disagreements(self) -> set[Verdict]:
        return {
            verdict
            for verdicts in self._node.verdicts.values()
            for verdict in verdicts
            if verdict.reason is Reason.CONFLICTING
        }


def _as_it_is(_: VIP) -> Word | None:
    """Nobody judges yet."""
    return None


def _everybody(_: str) -> bool:
    """Nobody judges yet."""
    return True
