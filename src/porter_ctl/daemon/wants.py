"""Which objects this process reads: what planning needs, and no more than its role may see.

A speaker reads its own Node and BGPNode; whoever may allocate, those of all nodes. Of Secrets
nobody reads any but those that a BGPPeer names, in Porter's own namespace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from porter_ctl.api import Kind
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
_OF_NODES = (Kind.NODE, Kind.BGP_NODE)


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
        self._own_node = Selectors(names=frozenset({node}))
        self._secrets_stale = True
        for kind in _EVERYWHERE:
            source.want(kind, EVERYTHING)
        self.allocate(allocates=allocates)
        self.work(0.0)

    def allocate(self, *, allocates: bool) -> None:
        """Want what allocation reads, or no longer."""
        for kind in _OF_NODES:
            self._source.want(kind, EVERYTHING if allocates else self._own_node)

    # Follower

    def touch(self, kind: Kind, key: Key) -> None:
        """Note that what this key stands for has changed."""
        del key
        self._secrets_stale |= kind is Kind.BGP_PEER

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
