"""Who seeks to allocate: processes on Nodes of the control plane, as their own Node says now."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from porter_ctl.api import Kind

if TYPE_CHECKING:
    from porter_ctl.api import Key
    from porter_ctl.daemon.cluster import Cluster
    from porter_ctl.daemon.wants import Wants
    from porter_ctl.store.port import Leadership
    from porter_ctl.store.stores import Stores

log = logging.getLogger(__name__)


class Candidacy:
    """Follows our own Node, and has what allocation reads be read by whoever may allocate.

    Args:
        cluster: Who says what makes a candidate, and is told.
        stores: Where the Node is.
        leadership: Whoever leads reads it, too.
        wants: What is read.
        node: Our own.

    Attributes:
        candidate: Whether this process seeks to allocate; else it stands in.
    """

    def __init__(
        self, cluster: Cluster, stores: Stores, leadership: Leadership, wants: Wants, *, node: str
    ) -> None:
        self.candidate = False
        self._cluster = cluster
        self._stores = stores
        self._leadership = leadership
        self._wants = wants
        self._node = node
        self._complained = False
        self._decide()

    @property
    def allocates(self) -> bool:
        """Whether this process allocates, or seeks to."""
        return self.candidate or self._leadership.leading

    # Follower

    def touch(self, kind: Kind, key: Key) -> None:
        """Note that what this key stands for has changed."""
        if kind is Kind.NODE and key == self._node:
            self._decide()

    def work(self, until: float) -> bool:
        """Say once that there is no such Node: the name is wrong, or it has not joined yet."""
        del until
        if self._stores.synced(Kind.NODE) and not self._complained:
            self._complained = True
            if self._stores.nodes.get(self._node) is None:
                log.warning(
                    "there is no Node %s; is --node the name that kubectl get nodes shows?",
                    self._node,
                )
        return False

    def next_deadline(self) -> float | None:
        """Nothing is due by itself."""
        return None

    def leading_changed(self) -> None:
        """Leadership was won or lost."""
        self._wants.allocate(allocates=self.allocates)

    def _decide(self) -> None:
        self.candidate = self._cluster.seeks(self._stores.nodes.get(self._node))
        self._cluster.seek(self.candidate)
        self._wants.allocate(allocates=self.allocates)
