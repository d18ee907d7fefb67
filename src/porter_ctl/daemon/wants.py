"""Which objects this process reads: what planning needs, and no more than its role may see.

A speaker reads its own Node and BGPNode; whoever may allocate, those of all nodes, and Porter's own
Pods. Who tells of other nodes as next hops reads their Nodes too. Of Secrets nobody reads any but
those that a BGPPeer names, in Porter's own namespace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from porter_ctl.api import Kind
from porter_ctl.plan import NodeFacts, tells_of_nodes
from porter_ctl.store.port import EVERYTHING, Selectors

if TYPE_CHECKING:
    from porter_ctl.api import Key
    from porter_ctl.store.port import Source
    from porter_ctl.store.stores import Stores

_EVERYWHERE = (
    Kind.BGP_CONFIG,
    Kind.BGP_PEER,
    Kind.BGP_ADVERTISEMENT,
    Kind.VIP_POOL,
    Kind.VIP,
    Kind.SERVICE,
    Kind.ENDPOINT_SLICE,
)


class Wants:
    """Keeps the source told what is wanted."""

    def __init__(
        self, source: Source, stores: Stores, *, node: str, namespace: str, allocates: bool
    ) -> None:
        """Say what is wanted from the start.

        Args:
            source: Whom to tell.
            stores: Where the peers are.
            node: Our own.
            namespace: Porter's own.
            allocates: This process seeks to allocate.
        """
        self._source = source
        self._stores = stores
        self._namespace = namespace
        self._node = node
        self._own_node = Selectors(names=frozenset({node}))
        self._allocates = allocates
        self._secrets_stale = True
        for kind in _EVERYWHERE:
            source.want(kind, EVERYTHING)
        self.allocate(allocates=allocates)
        self.work(0.0)

    def allocate(self, *, allocates: bool) -> None:
        """Want what allocation reads, or no longer."""
        self._allocates = allocates
        self._source.want(Kind.BGP_NODE, EVERYTHING if allocates else self._own_node)
        pods = None if allocates else frozenset[str]()
        self._source.want(Kind.POD, Selectors(names=pods, namespace=self._namespace))
        self._want_nodes()

    # Follower

    def touch(self, kind: Kind, key: Key) -> None:
        """Note that what this key stands for has changed."""
        self._secrets_stale |= kind is Kind.BGP_PEER
        if kind is Kind.BGP_ADVERTISEMENT or (kind is Kind.NODE and key == self._node):
            self._want_nodes()

    def work(self, until: float) -> bool:
        """Want the Secrets that the peers name now."""
        del until
        if self._secrets_stale:
            self._secrets_stale = False
            specs = [peer.spec for _, peer in self._stores.bgp_peers.items()]
            names = {spec.auth.secret_ref.name for spec in specs if spec and spec.auth}
            selectors = Selectors(names=frozenset(names), namespace=self._namespace)
            self._source.want(Kind.SECRET, selectors)
        return False

    def next_deadline(self) -> float | None:
        """Nothing is due by itself."""
        return None

    def _want_nodes(self) -> None:
        own = NodeFacts.of(self._node, self._stores.nodes.get(self._node))
        specs = [one.spec for _, one in self._stores.bgp_advertisements.items()]
        follows = any(spec is not None and tells_of_nodes(spec, own) for spec in specs)
        everyone = self._allocates or follows
        self._source.want(Kind.NODE, EVERYTHING if everyone else self._own_node)
