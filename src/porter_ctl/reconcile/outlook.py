"""What a context is made from: the stores, and where they are blind for a moment what stood there.

A Node object that is deleted and made anew, or that has lost its addresses, is no other machine:
its BGP Identifier and its next hops stay, for a change of them costs every session. And Secrets and
other Nodes are asked for only when the configuration names them: until they have come, nothing is
made of their absence, but not for long, for they may be forbidden.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from porter_ctl.api import Kind
from porter_ctl.plan import ConfigSnapshot, NodeFacts

if TYPE_CHECKING:
    from porter_ctl.record.last_good import LastGood
    from porter_ctl.store.stores import Stores

PATIENCE = 5.0  # seconds for what is asked for later than the rest
_LATE = (Kind.SECRET, Kind.NODE)


class Outlook:
    """Looks.

    Args:
        stores: Where.
        node: Our own Node's name.
        namespace: Porter's own, where its Secrets are.
    """

    def __init__(self, stores: Stores, *, node: str, namespace: str) -> None:
        self._stores = stores
        self._node = node
        self._namespace = namespace
        self._facts = NodeFacts(name=node)
        self._blind_since: float | None = None

    def remember(self, kept: LastGood) -> None:
        """Take the addresses that this node had when it last announced something."""
        self._facts = replace(self._facts, addresses=kept.speaker.node_addresses)

    def facts(self) -> NodeFacts:
        """What is known of our own Node."""
        node = self._stores.nodes.get(self._node)
        if node is not None:
            before, self._facts = self._facts, NodeFacts.of(self._node, node)
            if not self._facts.addresses:
                self._facts = replace(self._facts, addresses=before.addresses)
        return self._facts

    def snapshot(self) -> ConfigSnapshot:
        """All configuration there is."""
        return ConfigSnapshot.of(self._stores, self._namespace)

    def awaited_until(self, now: float) -> float | None:
        """Until when to wait for what was asked for lately; None: for nothing."""
        if all(self._stores.synced(kind) for kind in _LATE):
            self._blind_since = None
            return None
        if self._blind_since is None:
            self._blind_since = now
        until = self._blind_since + PATIENCE
        return until if now < until else None
