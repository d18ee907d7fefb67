"""This node's half: what a key touches is planned, admitted by the gates, and announced.

Nothing is said, and no session is opened, before everything that planning reads has synced once.
From then on each prefix is planned by itself when a key touches it, and all of them under a new
context when the configuration or this node changes. A peer hears End-of-RIB when all of that has
been said to it (`porter_ctl.gate.completeness`).
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from porter_ctl.api import Kind
from porter_ctl.gate import Chain, Completeness
from porter_ctl.plan import (
    CONTEXT_KINDS,
    NEEDED_KINDS,
    ConfigSnapshot,
    NodeFacts,
    PrefixIndex,
    compile_context,
    exception_of,
    plan_prefix,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from porter_bgp.speaker.speaker import Speaker
    from porter_bgp.wire import Prefix
    from porter_ctl.api import Key, NodeException
    from porter_ctl.gate import DataplaneGate
    from porter_ctl.plan import Context, PrefixPlan, Verdict
    from porter_ctl.store.stores import Stores

log = logging.getLogger(__name__)

_PREFIXES_BETWEEN_LOOKS = 8  # at the clock


class NodeReconciler:
    """Plans for one node and has its speaker say so.

    Args:
        stores: What is known.
        speaker: Who says it.
        gate: What a first announcement waits for.
        node: This node's name.
        namespace: Porter's own, where its Secrets are.

    Attributes:
        on_change: Called when what this node reports of itself may be another.
        sweeps: How often everything was planned under a new context.
    """

    def __init__(
        self,
        stores: Stores,
        speaker: Speaker,
        gate: DataplaneGate,
        *,
        node: str,
        namespace: str,
    ) -> None:
        self.on_change: Callable[[], None] = _nobody
        self.sweeps = 0
        self._stores = stores
        self._speaker = speaker
        self._gate = gate
        self._gates = Chain(gate)
        self._node = node
        self._namespace = namespace
        self._loop = asyncio.get_running_loop()
        self._index = PrefixIndex(stores, node)
        self._completeness = Completeness()
        self._context: Context | None = None
        self._stale = True  # the context has to be compiled anew
        self._sweeping = False
        self._todo: dict[Prefix, None] = {}
        self._desired: set[Prefix] = set()
        self._verdicts: dict[Prefix, tuple[Verdict, ...]] = {}
        self._exceptions: dict[Prefix, NodeException] = {}

    # What others read

    @property
    def context(self) -> Context | None:
        """Under which plans are made; None before the first."""
        return self._context

    @property
    def desired(self) -> set[Prefix]:
        """The prefixes that the plans announce to anyone, the gates permitting."""
        return self._desired

    @property
    def verdicts(self) -> Mapping[Prefix, tuple[Verdict, ...]]:
        """Why prefixes are not announced, or not to all; those without a verdict are left out."""
        return self._verdicts

    @property
    def exceptions(self) -> tuple[NodeException, ...]:
        """What this node reports as not as expected."""
        return tuple(self._exceptions.values())

    @property
    def complete(self) -> bool:
        """Whether every configured peer has been told everything."""
        return (
            self._context is not None and self._context.peers.keys() <= self._completeness.complete
        )

    @property
    def missing(self) -> tuple[Kind, ...]:
        """The kinds that planning reads and that have not synced yet."""
        return tuple(sorted(kind for kind in NEEDED_KINDS if not self._stores.synced(kind)))

    def services_of(self, prefix: Prefix) -> tuple[Key, ...]:
        """The Services that hold a prefix, as namespace/name."""
        holders = self._index.inputs(prefix).holders
        return tuple(f"{one.holder.namespace}/{one.holder.name}" for one in holders)

    # Follower

    def touch(self, kind: Kind, key: Key) -> None:
        """Note that what this key stands for has changed."""
        if kind in CONTEXT_KINDS:
            self._stale |= kind is not Kind.NODE or key == self._node
        else:
            self.plan_again(self._index.touched(kind, key))

    def plan_again(self, prefixes: Iterable[Prefix]) -> None:
        """Have these planned and admitted again."""
        self._todo.update(dict.fromkeys(prefixes))

    def work(self, until: float) -> bool:
        """Plan what is to be planned; whether there is more."""
        if self._context is None and self.missing:
            return False
        now = self._loop.time()
        self.plan_again(self._gates.handle_timeout(now))
        context = self._compile() if self._stale or self._context is None else self._context
        while self._todo:
            for _ in range(min(_PREFIXES_BETWEEN_LOOKS, len(self._todo))):
                self._plan(context, next(iter(self._todo)), now)
            if self._todo and self._loop.time() > until:
                return True
        if self._sweeping:
            self._sweeping = False
            self.sweeps += 1
            self._gate.first_list_done()
            self._completeness.swept(now)
            self.on_change()
        if self._completeness.decide(now, held=self._gate.waiting > 0):
            self._speaker.tables_complete(self._completeness.complete)
            self.on_change()
        return False

    def next_deadline(self) -> float | None:
        """When a gate or the wait for End-of-RIB is over."""
        deadlines = (self._gates.next_deadline(), self._completeness.next_deadline())
        return min((at for at in deadlines if at is not None), default=None)

    # Planning

    def _compile(self) -> Context:
        self._stale = False
        facts = NodeFacts.of(self._node, self._stores.nodes.get(self._node))
        snapshot = ConfigSnapshot.of(self._stores, self._namespace)
        context = compile_context(snapshot, facts)
        if context != self._context:
            self._context = context
            for verdict in context.verdicts:
                log.warning("%s: %s", verdict.subject, verdict)
            self._gate.configure(context.dataplane_gate, context.dataplane_delay)
            self._completeness.configure(context.peers)
            self._speaker.configure(context.peers, context.speaker)
            self.plan_again(self._index.prefixes())
            self.plan_again(self._speaker.prefixes())
            self._sweeping = True
        return context

    def _plan(self, context: Context, prefix: Prefix, now: float) -> None:
        del self._todo[prefix]
        inputs = self._index.inputs(prefix, self._gate.announced(prefix))
        wanted = plan_prefix(context, inputs)
        admitted = self._gates.admit(wanted, now)
        self._speaker.announce(prefix, admitted.paths)
        self._remember(prefix, wanted, admitted)

    def _remember(self, prefix: Prefix, wanted: PrefixPlan, admitted: PrefixPlan) -> None:
        (self._desired.add if wanted.paths else self._desired.discard)(prefix)
        if admitted.verdicts:
            self._verdicts[prefix] = admitted.verdicts
        else:
            self._verdicts.pop(prefix, None)
        exception = exception_of(admitted)
        if exception is None:
            self._exceptions.pop(prefix, None)
        else:
            self._exceptions[prefix] = exception
        self.on_change()


def _nobody() -> None:
    """Nobody reports yet."""
