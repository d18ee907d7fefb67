"""Whose reports count: those of processes that are known to live.

In a cluster a report names its Pod, which must exist and be Ready, as must its Node. In a directory
the process itself holds a lock. A report that has lost that counts for as long as routers keep the
routes of a speaker that restarts, and no longer; one that never had it while we looked proves
nothing: for the same time it only keeps what was said last from being unsaid.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from porter_ctl.api import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from porter_ctl.api import Key
    from porter_ctl.plan.truth import Witness
    from porter_ctl.reconcile.expected import Expected
    from porter_ctl.store.stores import Stores

SILENT_SECONDS = 24 * 3600.0  # after which nobody waits for a node any more
_LOOK_SECONDS = 1.0  # between two looks at locks
_KINDS = frozenset({Kind.POD, Kind.NODE, Kind.BGP_NODE})


class Testimony:
    """Knows whose reports count.

    Args:
        stores: The Pods, Nodes and reports.
        alive: Whether Porter runs on a node, where no Pod tells; None: Pods tell.
    """

    def __init__(self, stores: Stores, alive: Callable[[str], bool] | None = None) -> None:
        self._stores = stores
        self._alive = alive
        self._by_uid = stores.pods.index(lambda pod: (pod.metadata.uid,))
        self._by_node = stores.pods.index(lambda pod: (pod.spec.node_name,))
        self._heard: dict[str, float | None] = {}
        self._lapsed: dict[str, float] = {}
        self._stale = True
        self._due: float | None = None

    def begin(self) -> None:
        """Forget what was known: every report may still count."""
        self._heard = dict.fromkeys(self._stores.bgp_nodes)
        self._lapsed.clear()
        self._stale = True

    def touch(self, kind: Kind, key: Key) -> None:
        """Note that what this key stands for has changed."""
        self._stale |= kind in _KINDS
        if kind is Kind.BGP_NODE:
            self._heard[key] = None

    def weigh(self, expected: Expected, now: float) -> Iterator[Witness]:
        """Say of every witness whether its report counts; gives those of which it is new."""
        for name in [name for name, at in self._heard.items() if at is None]:
            self._heard[name] = now
        if not self._stale and (self._due is None or now < self._due):
            return
        self._stale = False
        grace = expected.restart_seconds
        self._lapsed = {n: at for n, at in self._lapsed.items() if n in expected.witnesses}
        for name, witness in expected.witnesses.items():
            why = self._why_not(name)
            before = (witness.evident, witness.pending, witness.speaks)
            if why:
                witness.well_since = None
                within = now < self._lapsed.setdefault(name, now) + grace
                witness.pending = within and not witness.evident
                witness.evident = within and witness.evident
            else:
                if witness.well_since is None:
                    witness.well_since = now
                self._lapsed.pop(name, None)
                witness.evident, witness.pending = True, False
            witness.why_not = f"cannot be believed: {why}" if why else ""
            witness.speaks = self.may_speak(name, now)
            if before != (witness.evident, witness.pending, witness.speaks):
                yield witness
        ends = [at + grace for at in self._lapsed.values() if now < at + grace]
        if self._alive is not None:
            ends.append(now + _LOOK_SECONDS)
        self._due = min(ends, default=None)

    def next_deadline(self) -> float | None:
        """When a report may be evidence no more although no object changes."""
        return self._due

    def may_speak(self, name: str, now: float) -> bool:
        """Whether Porter may run on a node, or has reported from there in the last 24 h."""
        if self._alive is not None and self._alive(name):
            return True
        if self._by_node.keys(name):
            return True
        obj = self._stores.bgp_nodes.get(name)
        if obj is None or not (obj.status.pod_uid or obj.status.incarnation):
            return False
        heard = self._heard.get(name)
        return heard is None or now - heard < SILENT_SECONDS

    def _why_not(self, name: str) -> str:
        node, obj = self._stores.nodes.get(name), self._stores.bgp_nodes.get(name)
        if obj is None or node is None:
            return "it has not reported yet"
        ready = [c.status for c in node.status.conditions if c.type == "Ready"]
        if ready and ready != ["True"]:
            return "it is not Ready"
        if self._alive is not None:
            return "" if self._alive(name) else "Porter does not run there"
        pods = [self._stores.pods.get(key) for key in self._by_uid.keys(obj.status.pod_uid)]
        if not obj.status.pod_uid or not pods or pods[0] is None:
            return "the Pod that reported is gone"
        return "" if pods[0].ready else f"Pod {pods[0].metadata.name} is not Ready"
