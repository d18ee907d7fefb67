"""This node's half: what a key touches is planned, admitted by the gates, and announced.

Nothing is said, and no session is opened, before everything that planning reads has synced once;
unless that takes too long and what was announced last is at hand (`adopt`). From then on each
prefix is planned by itself when a key touches it, and all of them under a new context when the
configuration or this node changes. A peer hears End-of-RIB when all of that has been said to it
(`porter_ctl.gate.completeness`). What is to be announced is in the last-good file before.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from porter_ctl.api import Kind, PlanSource
from porter_ctl.gate import Completeness
from porter_ctl.plan import (
    CONTEXT_KINDS,
    NEEDED_KINDS,
    PrefixIndex,
    Reason,
    Verdict,
    compile_context,
    exception_of,
    plan_prefix,
)
from porter_ctl.reconcile.guards import Guards
from porter_ctl.reconcile.outlook import Outlook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from porter_bgp.config import SpeakerConfig
    from porter_bgp.wire import Prefix
    from porter_ctl.api import Key, NodeException
    from porter_ctl.gate import DataplaneGate
    from porter_ctl.plan import Context, PrefixPlan
    from porter_ctl.reconcile.announcer import Announcer
    from porter_ctl.record.last_good import LastGood
    from porter_ctl.store.stores import Stores

log = logging.getLogger(__name__)

_PREFIXES_BETWEEN_LOOKS = 8  # at the clock
_CONFIRM_SECONDS = 60.0  # between two notes in the last-good file that all is still so


class NodeReconciler:
    """Plans for one node and has its announcer say so.

    Args:
        stores: What is known.
        announcer: Who says it.
        gate: What a first announcement waits for.
        node: This node's name.
        namespace: Porter's own, where its Secrets are.

    Attributes:
        on_change: Called when what this node reports of itself may be another.
        sweeps: How often everything was planned under a new context.
        guards: What may happen now.
        source: What this node's announcements rest on.
        behind: Tells whether keys are still to come of what has synced.
        stale_for: Tells, for a time, for how long the stores may have been out of step with the
            cluster, both in seconds.
    """

    def __init__(
        self,
        stores: Stores,
        announcer: Announcer,
        gate: DataplaneGate,
        *,
        node: str,
        namespace: str,
    ) -> None:
        self.on_change: Callable[[], None] = _nobody
        self.behind: Callable[[], bool] = _never
        self.stale_for: Callable[[float], float] = _never_asked
        self.sweeps = 0
        self._stores = stores
        self.source = PlanSource.API
        self._announcer = announcer
        self._gate = gate
        self.guards = Guards(stores, gate)
        self._node = node
        self._outlook = Outlook(stores, node=node, namespace=namespace)
        self._awaits_until: float | None = None
        self._loop = asyncio.get_running_loop()
        self._index = PrefixIndex(stores, node)
        self._completeness = Completeness()
        self._context: Context | None = None
        self._stale = True  # the context has to be compiled anew
        self._sweeping = False
        self._shared: SpeakerConfig | None = None
        self._leaving: Verdict | None = None
        self._confirm_at = float("-inf")
        self._alarmed = False
        self._todo: dict[Prefix, None] = {}
        self._losses: dict[Prefix, PrefixPlan] = {}  # of a sweep, until all of it is planned
        self._foreseen = False
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

    # Beginning and end

    def remember(self, kept: LastGood) -> None:
        """Take it that the dataplane still serves what it served before this process began."""
        self._gate.remember(kept.served)
        self._announcer.remember(kept)
        self._outlook.remember(kept)
        self._shared = kept.speaker
        self.guards.baseline(kept.paths, kept.peers)

    def adopt(self, kept: LastGood) -> None:
        """Announce what was announced last, until everything that planning reads has synced."""
        self.source = PlanSource.LAST_GOOD
        self._announcer.adopt(kept)
        self.on_change()

    def leave(self, why: str) -> None:
        """Announce everything as the last resort from now on: this node is about to be gone."""
        self._leaving = Verdict(reason=Reason.LAST_DRAINING, message=why)
        self._stale = True

    # Follower

    def touch(self, kind: Kind, key: Key) -> None:
        """Note that what this key stands for has changed."""
        self.guards.touch(kind, key, self._loop.time())
        if kind in CONTEXT_KINDS:
            self._stale |= kind is not Kind.NODE or key == self._node or self._follows_nodes
        else:
            self.plan_again(self._index.touched(kind, key))

    def plan_again(self, prefixes: Iterable[Prefix]) -> None:
        """Have these planned and admitted again."""
        self._todo.update(dict.fromkeys(prefixes))

    def work(self, until: float) -> bool:
        """Plan what is to be planned; whether there is more."""
        if self._context is None and (self.missing or self.behind()):
            return False
        now = self._loop.time()
        self._announcer.handle_timeout(now)
        self.plan_again(self.guards.handle_timeout(now))
        context = self._context
        if context is None or self._stale:
            context = self._compile(now)
        if context is None:
            return False
        self.plan_again(self.guards.learn(context, now, leaving=self._leaving is not None))
        if self.guards.peers_are_due(now):
            self._have_peers(context, now)
        while self._todo or self._losses:
            for _ in range(_PREFIXES_BETWEEN_LOOKS):
                self._next(context, now)
            if not self._todo:  # what a guard restores is said before its loss has left
                self.plan_again(self.guards.handle_timeout(now))
            if (self._todo or self._losses) and self._loop.time() > until:
                return True
        self._all_is_said(now)
        return False

    def next_deadline(self) -> float | None:
        """When a gate or the wait for End-of-RIB is over."""
        if self._context is None:
            return self._awaits_until
        deadlines = (
            self._awaits_until,
            self.guards.next_deadline(),
            self._completeness.next_deadline(),
            self._announcer.next_deadline(),
            self._confirm_at,
        )
        return min((at for at in deadlines if at is not None), default=None)

    def _all_is_said(self, now: float) -> None:
        """Tell whoever waits for that, and the next process that it is so."""
        if self._sweeping:
            self._sweeping = False
            self.guards.foresee(())
            self.sweeps += 1
            self._gate.first_list_done()
            self._completeness.swept(now)
            self.on_change()
        if self._completeness.decide(now, held=self._gate.waiting > 0):
            self._announcer.complete(self._completeness.complete)
            self.on_change()
        self._sound_alarm()
        if now >= self._confirm_at:
            self._confirm_at = now + _CONFIRM_SECONDS
            self._announcer.confirm(self.stale_for(now))

    def _sound_alarm(self) -> None:
        alarm = self.guards.alarm
        if alarm is not None and not self._alarmed:
            log.error("%s", alarm)
        self._alarmed = alarm is not None

    @property
    def _follows_nodes(self) -> bool:
        return self._context is not None and self._context.follows_nodes

    # Planning

    def _compile(self, now: float) -> Context | None:
        """Work the context out anew; for a moment keep the last while more is to come."""
        self._awaits_until = None if self._leaving else self._outlook.awaited_until(now)
        if self._awaits_until is not None:
            return self._context
        context = compile_context(self._outlook.snapshot(), self._outlook.facts())
        self._stale = False
        if self._leaving is not None:
            context = replace(context, last=self._leaving)
        if context != self._context:
            self._context = context
            for verdict in context.verdicts:
                log.warning("%s: %s", verdict.subject, verdict)
            self._gate.configure(context.dataplane_gate, context.dataplane_delay)
            self._completeness.configure(context.peers)
            self.source = PlanSource.API
            self.guards.learn(context, now, leaving=self._leaving is not None)
            self._have_peers(context, now)
            self.plan_again(self._index.prefixes())
            self.plan_again(self._announcer.prefixes())
            self._sweeping = True
        return context

    def _have_peers(self, context: Context, now: float) -> None:
        peers = self.guards.admit_peers(context, now)
        if kept := peers.keys() - context.peers.keys():
            names = ", ".join(sorted(kept))
            log.warning("the sessions with %s are kept for a while: most paths are theirs", names)
        if context.peers or self._shared is None:
            self._shared = context.speaker  # else: no BGPConfig, and the sessions stay as they were
        self._announcer.configure(context, peers, self._shared)

    def _next(self, context: Context, now: float) -> None:
        """Plan one prefix, or after all of them admit one of the losses of a sweep.

        The guards count what goes together, and a new context may take everything along: so they
        see all the losses before the first of them is said.
        """
        if self._todo:
            prefix = next(iter(self._todo))
            del self._todo[prefix]
            wanted = plan_prefix(context, self._index.inputs(prefix, self._gate.announced(prefix)))
            self._losses.pop(prefix, None)
            if self._sweeping and not wanted.paths:
                self._losses[prefix] = wanted
                self._foreseen = False
            else:
                self._admit(wanted, now)
        elif self._losses:
            if not self._foreseen:
                self._foreseen = True
                self.guards.foresee(self._losses.values())
            self._admit(self._losses.pop(next(iter(self._losses))), now)

    def _admit(self, wanted: PrefixPlan, now: float) -> None:
        prefix = wanted.prefix
        admitted = self.guards.admit(wanted, now)
        self._announcer.say(prefix, admitted.paths, self._gate.announced(prefix))
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


def _never() -> bool:
    return False


def _never_asked(_: float) -> float:
    return 0.0
