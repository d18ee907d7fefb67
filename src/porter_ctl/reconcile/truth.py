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

from msgspec.structs import replace

from porter_bgp.wire import Prefix
from porter_ctl.api import Kind, ObjectRef, vip_name
from porter_ctl.plan import ALLOCATED, Reason, Verdict, merged
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
from porter_ctl.plan.conditions import SERVICE_PREFIX, condition, find
from porter_ctl.plan.truth import judge
from porter_ctl.reconcile.cluster import utc_now
from porter_ctl.reconcile.expected import Expected
from porter_ctl.store.port import Conflict, KubeEvent, NotFound, PortFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from porter_ctl.api import VIP, Key, Service
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
        self._stores = stores
        self._port = port
        self._leadership = leadership
        self._allocator = allocator
        self._testimony = testimony
        self._namespace = namespace
        self._loop = asyncio.get_running_loop()
        self._expected: Expected | None = None
        self._standings: dict[Prefix, Standing] = {}
        self._absent: dict[Prefix, set[str]] = {}
        self._budget = Budget()
        self._vip_words: dict[Key, Word] = {}
        self._stale: dict[ObjectRef, None] = {}
        self._onto: dict[ObjectRef, tuple[str, Word]] = {}
        self._ready: dict[ObjectRef, None] = {}
        self._woken = asyncio.Event()
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
        """The node that may have announced an address and has not shown that it does not (Absence).

        A node without a Node object is not awaited, nor one that was not heard of for 24 h, nor one
        where Porter never ran.
        """
        expected = self._expected
        if expected is None or not expected.complete:
            return "every node: nothing is known of them yet"
        prefix, now = Prefix.of(address), self._loop.time()
        absent = self._absent.setdefault(prefix, set())
        for name, witness in sorted(expected.witnesses.items()):
            planned = witness.planned(prefix)
            if planned is None or name in absent or not self._testimony.may_speak(name, now):
                continue
            if witness.evident and not planned.paths and witness.proves(prefix, planned, now):
                absent.add(name)
                continue
            return name
        return None

    # Follower

    def leading_changed(self) -> None:
        """Leadership was won or lost: with it, everything begins anew."""
        self._expected = None
        self._standings.clear()
        self._absent.clear()
        self._vip_words.clear()
        self._budget = Budget()
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

    def work(self, until: float) -> bool:
        """Judge what may stand otherwise now; the writing is done by `run`."""
        if not self._leadership.leading or not self._allocator.ready:
            return False
        if self._expected is None:
            self._expected = Expected(self._stores, namespace=self._namespace)
            self._testimony.begin()
        expected = self._expected
        if expected.work(until):
            return True
        now = self._loop.time()
        for witness in self._testimony.weigh(expected, now):
            expected.doubt(witness)
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
        if self._expected is None:
            return None
        deadlines = (
            self._budget.next_deadline(),
            self._testimony.next_deadline(),
            self._expected.next_deadline(),
        )
        return min((at for at in deadlines if at is not None), default=None)

    # Judging

    def _judge(self, expected: Expected, prefix: Prefix, now: float) -> None:
        owners = expected.services_of(prefix)
        if not owners:
            self._standings.pop(prefix, None)
            self._note_absence(expected, prefix, now)
        else:
            self._absent.pop(prefix, None)
            self._standings[prefix] = judge(prefix, expected.witnesses.values(), now)
        self._stale[ObjectRef(Kind.VIP, "", vip_name(prefix.address))] = None
        for owner in owners:
            namespace, _, name = owner.partition("/")
            self._stale[ObjectRef(Kind.SERVICE, namespace, name)] = None

    def _note_absence(self, expected: Expected, prefix: Prefix, now: float) -> None:
        absent = self._absent.setdefault(prefix, set())
        for name, witness in expected.witnesses.items():
            planned = witness.planned(prefix)
            if planned is not None and witness.evident and witness.proves(prefix, planned, now):
                absent.add(name)

    def _consider(self, ref: ObjectRef, now: float) -> None:
        wanted, standing = self._wanted(ref), self._standing(ref)
        if wanted is not None:
            self._budget.want(ref, wanted, standing, now)
        elif self._stores.of(ref.kind).get(ref.key) is None:
            self._budget.forget(ref)
            self._onto.pop(ref, None)
            self._vip_words.pop(ref.key, None)
        else:
            self._budget.content(ref)

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
            return _refused(allocated.reason, allocated.message)
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
            return word_in(find(vip.status.conditions, VIP_ANNOUNCED), vip.status.paths)
        service = self._stores.services.get(ref.key)
        if service is None:
            return None
        version, word = self._onto.get(ref, ("", None))
        if word is not None and version == service.metadata.resource_version:
            return word
        self._onto.pop(ref, None)
        return word_in(find(service.status.conditions, ANNOUNCED))

    # Writing

    def _release(self, now: float) -> None:
        for ref in self._budget.take(now):
            if ref.kind is Kind.VIP:
                wanted = self._wanted(ref)
                if wanted is not None:
                    self._vip_words[ref.key] = wanted
                    self._budget.written(ref, wanted, now)
                    self.on_vip(ref.key)
            else:
                self._ready[ref] = None
        if self._ready:
            self._woken.set()

    async def run(self) -> None:
        """Write while leading, until cancelled."""
        while True:
            while not self._ready:
                self._woken.clear()
                await self._woken.wait()
            ref = next(iter(self._ready))
            del self._ready[ref]
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
        written = _saying(service, wanted)
        meta = service.metadata
        await self._port.apply_status(written, uid=meta.uid, resource_version=meta.resource_version)
        self._writes += 1
        self._budget.written(ref, wanted, self._loop.time())
        self._onto[ref] = meta.resource_version, wanted
        after = find(written.status.conditions, ANNOUNCED)
        if after is not None and (before is None or before.status != after.status):
            await self._tell(ref, meta.uid, wanted)

    def _later(self, ref: ObjectRef) -> None:
        self._loop.call_later(_AGAIN_SECONDS, self._again, ref)

    def _again(self, ref: ObjectRef) -> None:
        self._stale[ref] = None
        self._stores.wake()

    async def _tell(self, ref: ObjectRef, uid: str, word: Word) -> None:
        await self._port.emit(
            KubeEvent(
                regarding=ref,
                uid=uid,
                type="Normal" if word.holds else "Warning",
                reason="Announced" if word.holds else word.verdict.reason.value,
                note=str(word.verdict),
                action="Announce",
            )
        )


def _saying(service: Service, word: Word) -> Service:
    ours = (
        one
        for one in service.status.conditions
        if one.type.startswith(SERVICE_PREFIX) and one.type != ANNOUNCED
    )
    said = condition(
        ANNOUNCED,
        holds=word.holds,
        verdict=word.verdict,
        generation=service.metadata.generation,
    )
    before = service.status.conditions
    conditions = merged(before, (*ours, said), at=utc_now(), ours=SERVICE_PREFIX)
    return replace(service, status=replace(service.status, conditions=conditions))


def _refused(reason: str, message: str) -> Word:
    known = Reason(reason) if reason in _CODES else Reason.NOT_ALLOCATED
    return Word(False, Verdict(reason=known, message=message))  # noqa: FBT003 - a condition's status


_CODES = frozenset(map(str, Reason))


def _nobody(_: Key) -> None:
    """Nobody writes VIPs yet."""
