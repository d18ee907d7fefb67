"""What the leader says of announcements: only what the nodes' reports prove.

While it leads it keeps what every node must have said (`porter_ctl.reconcile.expected`), hears what
they report, and brings the condition `porter.network/Announced` of each Service to what is proven,
within the budget of `porter_ctl.plan.announced`. What a VIP says of it is written with the rest of
its status, by `porter_ctl.reconcile.leader_statuses`, which asks here.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING

from porter_bgp.wire import Prefix
from porter_ctl.api import Kind, ObjectRef, vip_name
from porter_ctl.plan import ALLOCATED
from porter_ctl.plan.addresses import addresses_in
from porter_ctl.plan.announced import (
    ANNOUNCED,
    COUNTED_NODES,
    VIP_ANNOUNCED,
    Budget,
    Word,
    joined,
    word_in,
    word_of,
)
from porter_ctl.plan.conditions import find
from porter_ctl.plan.truth import judge
from porter_ctl.reconcile.absences import Absences
from porter_ctl.reconcile.cluster import utc_now
from porter_ctl.reconcile.expected import Expected
from porter_ctl.reconcile.sayings import announced_event, refused, saying
from porter_ctl.store.port import Conflict, NotFound, PortFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from porter_ctl.api import VIP, Key
    from porter_ctl.plan import Address
    from porter_ctl.plan.truth import Standing
    from porter_ctl.reconcile.cluster import Allocator
    from porter_ctl.reconcile.testimony import Testimony
    from porter_ctl.store.port import ClusterPort, Leadership
    from porter_ctl.store.stores import Stores

log = logging.getLogger(__name__)

_BETWEEN_LOOKS = 8  # at the clock
_AGAIN_SECONDS = 1.0  # after a write that failed


@dataclass(frozen=True, slots=True, kw_only=True)
class TruthFacts:
    """What metrics show of it; empty while somebody else leads.

    Attributes:
        services: How many Services say so, by status and reason of their condition.
        expected: Paths that should exist.
        proven: Those that are proven.
        waiting: Words that wait for the budget.
        writes: Conditions written to Services since the process began.
    """

    services: Mapping[tuple[str, str], int] = field(default_factory=dict)
    expected: int = 0
    proven: int = 0
    waiting: int = 0
    writes: int = 0


class Truth:
    """Says what is proven, while it leads.

    Args:
        stores: What is known.
        port: Where to write.
        leadership: Whether to.
        allocator: Which Services are ours.
        testimony: Whose reports count.
        namespace: Porter's own.

    Attributes:
        on_vip: Called with the key of a VIP that should say something else now.
        on_belief: Called when `believes` may answer otherwise.
    """

    def __init__(
        self,
        stores: Stores,
        port: ClusterPort,
        leadership: Leadership,
        *,
        allocator: Allocator,
        testimony: Testimony,
        namespace: str,
    ) -> None:
        self.on_vip: Callable[[Key], None] = _nobody
        self.on_belief: Callable[[], None] = _nothing
        self._stores = stores
        self._port = port
        self._leadership = leadership
        self._allocator = allocator
        self._testimony = testimony
        self._namespace = namespace
        self._loop = asyncio.get_running_loop()
        self._expected: Expected | None = None
        self._standings: dict[Prefix, Standing] = {}
        self._absences = Absences(allocator.ledger, testimony)
        self._budget = Budget()
        self._vip_words: dict[Key, Word] = {}
        self._stale: dict[ObjectRef, None] = {}
        self._onto: dict[ObjectRef, tuple[str, Word]] = {}
        self._uids: dict[ObjectRef, str] = {}
        self._lost: dict[ObjectRef, None] = {}  # to be written before what is in `_ready`
        self._ready: dict[ObjectRef, None] = {}
        self._woken = asyncio.Event()
        self._telling: set[asyncio.Task[None]] = set()
        self._writes = 0

    # What others read

    def word(self, vip: VIP) -> Word | None:
        """What a VIP is to say of its announcement; None: what it says."""
        return self._vip_words.get(vip.metadata.name)

    @property
    def facts(self) -> TruthFacts:
        """For metrics."""
        if self._expected is None:
            return TruthFacts(writes=self._writes)
        said = (
            find(service.status.conditions, ANNOUNCED)
            for _, service in self._stores.services.items()
        )
        return TruthFacts(
            services=Counter((one.status.value, one.reason) for one in said if one is not None),
            expected=sum(one.expected for one in self._standings.values()),
            proven=sum(one.proven for one in self._standings.values()),
            waiting=len(self._budget),
            writes=self._writes,
        )

    def awaited(self, address: Address) -> str | None:
        """The node that may have announced an address and has not shown that it does not."""
        return self._absences.awaited(self._expected, address, self._loop.time())

    def believes(self, node: str) -> bool:
        """Whether what a node reports is evidence; where we do not judge, everything is."""
        if self._expected is None or not self._expected.complete:
            return True
        witness = self._expected.witnesses.get(node)
        return witness is not None and (witness.evident or witness.pending)

    # Follower

    def leading_changed(self) -> None:
        """Leadership was won or lost: with it, everything begins anew."""
        self._expected = None
        self._standings.clear()
        self._absences.clear()
        self._vip_words.clear()
        self._budget = Budget()
        self._lost.clear()
        self._ready.clear()

    def touch(self, kind: Kind, key: Key) -> None:
        """Note that what this key stands for has changed."""
        if self._expected is None:
            return
        self._expected.touch(kind, key)
        self._testimony.touch(kind, key)
        if kind is Kind.SERVICE:
            namespace, _, name = key.partition("/")
            self._stale[ObjectRef(kind, namespace, name)] = None
        elif kind is Kind.VIP:
            self._stale[ObjectRef(kind, "", key)] = None
            for address in addresses_in((key.replace("-", ":"),)):
                self._absences.forget(Prefix.of(address))

    def work(self, until: float) -> bool:
        """Judge what may stand otherwise now; the writing is done by `run`."""
        if not self._leadership.leading or not self._allocator.ready:
            return False
        if self._expected is None:
            self._expected = Expected(
                self._stores, namespace=self._namespace, needed=self._is_in_ledger
            )
            self._testimony.begin()
        expected = self._expected
        if expected.work(until):
            return True
        now = self._loop.time()
        self._weigh(expected, now)
        while expected.dirty or self._stale:
            for _ in range(_BETWEEN_LOOKS):
                if expected.dirty:
                    self._judge(expected, expected.dirty.pop(), now)
                elif self._stale:
                    self._consider(self._stale.popitem()[0], now)
            if self._loop.time() > until:
                return True
        self._release(now)
        return False

    def next_deadline(self) -> float | None:
        """When a word may be said, or a report is no evidence any more."""
        if self._expected is None or not self._allocator.ready:
            return None
        deadlines = (
            self._budget.next_deadline(),
            self._testimony.next_deadline(),
            self._expected.next_deadline(),
        )
        return min((at for at in deadlines if at is not None), default=None)

    # Judging

    def _weigh(self, expected: Expected, now: float) -> None:
        doubted = list(self._testimony.weigh(expected, now))
        for witness in doubted:
            expected.doubt(witness)
        if doubted:
            self.on_belief()

    def _judge(self, expected: Expected, prefix: Prefix, now: float) -> None:
        owners = expected.services_of(prefix)
        if not owners:
            self._standings.pop(prefix, None)
            if expected.knows(prefix):
                self._absences.note(expected, prefix, now)
            else:
                self._absences.forget(prefix)
        else:
            self._absences.forget(prefix)
            self._standings[prefix] = judge(prefix, expected.witnesses.values(), now)
        self._stale[ObjectRef(Kind.VIP, "", vip_name(prefix.address))] = None
        for owner in owners:
            namespace, _, name = owner.partition("/")
            self._stale[ObjectRef(Kind.SERVICE, namespace, name)] = None

    def _is_in_ledger(self, prefix: Prefix) -> bool:
        return self._allocator.ledger.entry(prefix.address) is not None

    def _consider(self, ref: ObjectRef, now: float) -> None:
        obj = self._stores.of(ref.kind).get(ref.key)
        if obj is None or self._uids.get(ref) != obj.metadata.uid:
            self._forget(ref)
        if obj is not None:
            self._uids[ref] = obj.metadata.uid
        wanted = self._wanted(ref)
        if wanted is not None:
            self._budget.want(ref, wanted, self._standing(ref), now)
        else:
            self._budget.content(ref)

    def _forget(self, ref: ObjectRef) -> None:
        """What was of its name is gone: what is of that name now is new."""
        self._budget.forget(ref)
        self._uids.pop(ref, None)
        self._onto.pop(ref, None)
        if ref.kind is Kind.VIP:
            self._vip_words.pop(ref.key, None)

    def _wanted(self, ref: ObjectRef) -> Word | None:
        """What an object should say; None: nothing but what it says."""
        if ref.kind is Kind.VIP:
            vip = self._stores.vips.get(ref.key)
            if vip is None or vip.spec is None or not vip.spec.holders:
                return None
            return self._word(Prefix.of(ip_address(vip.spec.address)))
        service = self._stores.services.get(ref.key)
        if service is None:
            return None
        allocated = find(service.status.conditions, ALLOCATED)
        if allocated is None:
            return None  # it is not ours, or not yet
        held = [
            Prefix.of(address)
            for address, entry in self._allocator.ledger.addresses_of(ref.key)
            if ref.key in entry.owners
        ]
        if not held:
            return refused(allocated.reason, allocated.message)
        return joined(self._word(prefix) for prefix in held)

    def _word(self, prefix: Prefix) -> Word | None:
        standing = self._standings.get(prefix)
        if standing is None or self._expected is None:
            return None
        counted = len(self._expected.witnesses) <= COUNTED_NODES
        return word_of(standing, counted=counted)

    def _standing(self, ref: ObjectRef) -> Word | None:
        """What an object says, our last write included that is not to be seen yet."""
        if ref.kind is Kind.VIP:
            vip = self._stores.vips.get(ref.key)
            if ref.key in self._vip_words or vip is None:
                return self._vip_words.get(ref.key)
            said = find(vip.status.conditions, VIP_ANNOUNCED)
            return word_in(said, vip.status.paths, at=utc_now())
        service = self._stores.services.get(ref.key)
        if service is None:
            return None
        version, word = self._onto.get(ref, ("", None))
        if word is not None and version == service.metadata.resource_version:
            return word
        self._onto.pop(ref, None)
        return word_in(find(service.status.conditions, ANNOUNCED), at=utc_now())

    # Writing

    def _release(self, now: float) -> None:
        for ref in self._budget.take(now):
            wanted, standing = self._wanted(ref), self._standing(ref)
            if ref.kind is not Kind.VIP:
                lost = standing is not None and standing.holds and not (wanted and wanted.holds)
                (self._lost if lost else self._ready)[ref] = None
            elif wanted is not None:
                self._vip_words[ref.key] = wanted
                self._budget.written(ref, wanted, now)
                self.on_vip(ref.key)
        if self._lost or self._ready:
            self._woken.set()

    async def run(self) -> None:
        """Write while leading, until cancelled."""
        try:
            await self._write_on()
        finally:
            for task in self._telling:
                task.cancel()

    async def _write_on(self) -> None:
        while True:
            while not self._lost and not self._ready:
                self._woken.clear()
                await self._woken.wait()
            first = self._lost or self._ready
            ref = next(iter(first))
            del first[ref]
            try:
                await self._write(ref)
            except (Conflict, NotFound):
                self._later(ref)
            except PortFailure as error:
                log.warning("condition of %s: %s", ref, error)
                self._later(ref)

    async def _write(self, ref: ObjectRef) -> None:
        service, wanted = self._stores.services.get(ref.key), self._wanted(ref)
        if service is None or wanted is None or wanted.says(self._standing(ref)):
            return
        before = find(service.status.conditions, ANNOUNCED)
        written = saying(service, wanted)
        meta = service.metadata
        await self._port.apply_status(written, uid=meta.uid, resource_version=meta.resource_version)
        self._writes += 1
        self._budget.written(ref, wanted, self._loop.time())
        self._onto[ref] = meta.resource_version, wanted
        after = find(written.status.conditions, ANNOUNCED)
        if after is not None and (before is None or before.status != after.status):
            task = asyncio.create_task(self._tell(ref, meta.uid, wanted))
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

    def _later(self, ref: ObjectRef) -> None:
        self._loop.call_later(_AGAIN_SECONDS, self._again, ref)

    def _again(self, ref: ObjectRef) -> None:
        self._stale[ref] = None
        self._stores.wake()

    async def _tell(self, ref: ObjectRef, uid: str, word: Word) -> None:
        """Emit the event; the words of others do not wait for it."""
        try:
            await self._port.emit(announced_event(ref, uid, word))
        except PortFailure as error:
            log.warning("event about %s: %s", ref, error)


def _nobody(_: Key) -> None:
    """Nobody writes VIPs yet."""


def _nothing() -> None:
    """Nobody asks whom we believe yet."""
