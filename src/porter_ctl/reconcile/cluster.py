"""The leader's half: Services get their addresses, and give them back.

Every process keeps the ledger; only the leader writes. What is to be written for a Service is
planned from the stores first. Where that is something, the Service is read where it lives and the
plan is made anew from that; its steps carry the resourceVersions that were read, so that whoever
else writes, a second leader included, makes them fail and not the cluster. A conflict starts the
Service over. A new leader compares everything once before it gives anything or says anything.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from porter_ctl.api import (
    VIP,
    Kind,
    ObjectRef,
    Service,
    vip_name,
)
from porter_ctl.plan import (
    CreateVIP,
    Ledger,
    PatchServiceStatus,
    Reason,
    ReleaseVIP,
    ReplaceVIP,
    Verdict,
    addresses_of_nodes,
    compile_pools,
    plan_service,
    plan_vip,
    refuse_service,
)
from porter_ctl.plan.addresses import addresses_in, ingress_addresses
from porter_ctl.reconcile.crash import crash_point
from porter_ctl.reconcile.crew import Crew
from porter_ctl.reconcile.retry import RetryQueue
from porter_ctl.reconcile.take import StepTaker
from porter_ctl.store.port import (
    Conflict,
    Forbidden,
    Invalid,
    PortFailure,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from porter_ctl.api import Key, Node, VIPPool
    from porter_ctl.plan import Absence, Address, ServicePlan, Step
    from porter_ctl.store.port import ClusterPort, Leadership
    from porter_ctl.store.stores import Stores

log = logging.getLogger(__name__)

_KEYS_BETWEEN_LOOKS = 64  # at the clock
LEADER_KINDS = (Kind.SERVICE, Kind.VIP, Kind.VIP_POOL, Kind.NODE, Kind.BGP_NODE)


def utc_now() -> str:
    """The time as the API writes it, RFC 3339 to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Allocator:
    """Gives addresses while it leads.

    Args:
        stores: What is known.
        port: Where to write.
        leadership: Whether to.
        classes: The `loadBalancerClass`es that are ours, "" for none named.
        absence: Who may announce an address still that was released; None: nobody.
    """

    def __init__(
        self,
        stores: Stores,
        port: ClusterPort,
        leadership: Leadership,
        *,
        classes: frozenset[str],
        absence: Absence | None = None,
    ) -> None:
        self.ledger = Ledger(absence)
        self._stores = stores
        self._port = port
        self._leadership = leadership
        self._classes = classes
        self._taker = StepTaker(port, leadership, self._learn, self._hear)
        self._loop = asyncio.get_running_loop()
        self._queue = RetryQueue()
        self._crew = Crew(
            self._queue,
            may=lambda: self._may_write,
            prepared=lambda: self.ready,
            prepare=self._compare,
            attend=self._attend,
        )
        self._waiting: set[Key] = set()
        self._verdicts: dict[Key, Verdict] = {}
        self._due: dict[Key, float] = {}
        self._pools_stale = True
        self._again: deque[Key] = deque()  # for there are other pools
        self._reign = 0  # how often the lead changed
        self._compared = -1  # the reign whose first comparison is over

    @property
    def verdicts(self) -> Mapping[Key, Verdict]:
        """What was decided for each Service that is a load balancer, as namespace/name."""
        return self._verdicts

    @property
    def ready(self) -> bool:
        """Whether all that allocation reads has synced, and was compared once by this leader."""
        return self._synced and self._compared == self._reign

    @property
    def _synced(self) -> bool:
        return all(self._stores.synced(kind) for kind in LEADER_KINDS)

    @property
    def _may_write(self) -> bool:
        return self._leadership.leading and self._synced and not self._pools_stale

    # Follower

    def touch(self, kind: Kind, key: Key) -> None:
        """Note that what this key stands for has changed."""
        match kind:
            case Kind.SERVICE:
                self._hear(key, self._stores.services.get(key))
                self._add(_service(key))
                if key not in self._stores.services:
                    self._verdicts.pop(key, None)
            case Kind.VIP:
                self._learn(key, self._stores.vips.get(key))
            case Kind.VIP_POOL:
                self._pools_stale = True
            case Kind.NODE:
                self._pools_stale = True
                self._add(ObjectRef(Kind.NODE, "", key))
            case Kind.BGP_NODE:
                self._add(ObjectRef(Kind.NODE, "", key))
            case _:
                pass

    def work(self, until: float) -> bool:
        """Keep the pools up; the writing is done by `run`."""
        self._queue.wake()
        if self._pools_stale and self._synced:
            self._pools_stale = False
            pools = compile_pools(self._pools(), addresses_of_nodes(self._nodes()))
            if pools != self.ledger.pools:  # most changes of a Node concern no pool
                self.ledger.set_pools(pools)
                self._again = deque(self._verdicts)
                self._add(*(_vip(address) for address in self.ledger.spent()))
        self._pass_time()
        for owner in [owner for owner, due in self._due.items() if due <= self.ledger.now]:
            del self._due[owner]
            self._add(_service(owner))
        while self._again:
            for _ in range(min(_KEYS_BETWEEN_LOOKS, len(self._again))):
                self._add(_service(self._again.popleft()))
            if self._loop.time() > until:
                break
        return bool(self._again)

    def next_deadline(self) -> float | None:
        """When an address has rested, or a half of what was to be a whole is taken back."""
        rested = self.ledger.next_deadline(look=self._leadership.leading)
        return min((*([] if rested is None else [rested]), *self._due.values()), default=None)

    def _pass_time(self) -> None:
        freed = self.ledger.pass_time(
            self._loop.time(), wall=time.time(), look=self._leadership.leading
        )
        if freed:
            self._wake_waiting()
            self._add(*(_vip(address) for address in freed))

    def _add(self, *refs: ObjectRef) -> None:
        """Queue them; who does not lead has nothing to write: a new leader compares everything."""
        if self._leadership.leading:
            self._queue.add_all(refs)

    # Writing

    async def run(self) -> None:
        """Write while leading, until cancelled."""
        await self._crew.run()

    async def _attend(self, ref: ObjectRef) -> None:
        if ref.kind is Kind.NODE:
            await self._introduce(ref.name)
        elif ref.kind is Kind.VIP:
            await self._delete(ref.name)
        else:
            try:
                await self._settle(ref.key)
            except PortFailure:
                self._waiting.discard(ref.key)  # it is tried again in any case
                raise

    def leading_changed(self) -> None:
        """Leadership was won or lost: with it, everything is compared once."""
        self._reign += 1
        if not self._leadership.leading:
            self._queue.clear()
            self._waiting.clear()
            self._due.clear()
        self._queue.wake()

    async def _compare(self) -> None:
        """Take in all there is, and see to every address that stands in a status without a VIP.

        Only such a VIP is written; what else is to be done is queued.
        """
        reign = self._reign
        for kind, key in self._everything():
            self.touch(kind, key)
            await self._crew.give_turn()
        for owner in self.ledger.orphans():
            await self._crew.give_turn()
            if not self._may_write or reign != self._reign:
                return
            try:
                await self._settle(owner, adopting=True)
            except PortFailure as error:  # it stays taken, for it stands in a status
                log.warning("%s: %s", owner, error)
        self._add(*(_vip(address) for address in self.ledger.spent()))
        self._compared = reign
        crash_point("allocate.compared")
        self._stores.wake()

    def _everything(self) -> list[tuple[Kind, Key]]:
        kinds = (Kind.SERVICE, Kind.VIP, Kind.NODE)  # touching a VIP queues its holders, too
        return [(kind, key) for kind in kinds for key, _ in self._stores.of(kind).items()]

    async def _settle(self, owner: Key, *, adopting: bool = False) -> None:
        """Bring one Service and its addresses to what they should be.

        Args:
            owner: namespace/name.
            adopting: Write VIPs for what stands in its status, nothing else.
        """
        plan = self._plan(owner, self._stores.services.get(owner))
        if plan.steps:
            held = [entry.vip for _, entry in self.ledger.addresses_of(owner)]
            known = {vip.metadata.uid: _version(vip) for vip in held}
            service = await self._read(owner)
            crash_point("allocate.service-read")
            self._hear(owner, service)
            plan = self._plan(owner, service)
            steps = _adoptions(service, plan.steps) if adopting else plan.steps
            self._look_for_newer(steps, known)
            self._wait(owner, plan)
            try:
                await self._take(owner, steps)
            except (Forbidden, Invalid) as error:
                await self._complain(owner, error)
                raise
            if not adopting:
                await self._tell(owner, service, plan)
        else:
            self._wait(owner, plan)
        if not adopting:
            self._note(owner, plan)

    async def _take(self, owner: Key, steps: Iterable[Step]) -> None:
        """Take these steps; until they are taken nobody else is given what they give."""
        given = [_address(s.vip) for s in steps if isinstance(s, CreateVIP | ReplaceVIP)]
        self.ledger.claim(given, owner)
        try:
            for step in steps:
                await self._taker.take(step)
        finally:
            if self.ledger.unclaim(given, owner):
                self._wake_waiting()

    def _look_for_newer(self, steps: Iterable[Step], known: Mapping[str, str]) -> None:
        """See that no VIP loses a holder that was bound to it after that holder was read.

        Raises:
            Conflict: One would.
        """
        for step in steps:
            if not isinstance(step, ReleaseVIP | ReplaceVIP):
                continue
            meta = step.vip.metadata
            entry = self.ledger.entry(_address(step.vip))
            if entry is not None and entry.owners and known.get(meta.uid) != _version(step.vip):
                raise Conflict(f"VIP/{meta.name} changed while its holder was read")

    async def _delete(self, name: str) -> None:
        """Delete a VIP that has rested."""
        step = plan_vip(addresses_in((name.replace("-", ":"),))[0], self.ledger)
        if step is not None:
            await self._taker.take(step)

    async def _complain(self, owner: Key, error: PortFailure) -> None:
        """Tell a Service that got nothing what the API server said to that."""
        service = await self._read(owner)
        if service is None or service.status.load_balancer.ingress:
            return
        verdict = Verdict(
            reason=Reason.NOT_ALLOCATED,
            message=f"the address could not be written down: {error.args[0]}",
            remedy=error.remedy,
        )
        plan = refuse_service(owner, service, self.ledger, verdict, utc_now())
        with contextlib.suppress(PortFailure):
            for step in plan.steps:
                if isinstance(step, PatchServiceStatus):
                    await self._taker.take(step)

    def _plan(self, owner: Key, service: Service | None) -> ServicePlan:
        return plan_service(owner, service, self.ledger, utc_now(), self._classes)

    async def _read(self, owner: Key) -> Service | None:
        live = await self._port.get_live(_service(owner))
        return live if isinstance(live, Service) else None

    def _learn(self, name: str, vip: VIP | None) -> None:
        self._pass_time()
        self._add(*(_service(owner) for owner in self.ledger.set_vip(name, vip)))
        if vip is None or (vip.spec is not None and not vip.spec.holders):
            self._wake_waiting()

    def _hear(self, owner: Key, service: Service | None) -> None:
        if self.ledger.set_service(owner, service):
            self._wake_waiting()

    def _wait(self, owner: Key, plan: ServicePlan) -> None:
        (self._waiting.add if plan.waits else self._waiting.discard)(owner)

    def _note(self, owner: Key, plan: ServicePlan) -> None:
        self._due.pop(owner, None)
        if plan.due is not None:
            self._due[owner] = plan.due
            self._stores.wake()
        if plan.verdict is None:
            self._verdicts.pop(owner, None)
        else:
            self._verdicts[owner] = plan.verdict

    async def _tell(self, owner: Key, service: Service | None, plan: ServicePlan) -> None:
        before = self._verdicts.get(owner)
        if service is None or plan.verdict is None or plan.verdict == before:
            return
        if plan.verdict.reason not in {Reason.FOREIGN_CLASS, Reason.HELD_BY_OTHER}:
            await self._taker.tell(service, plan.verdict)

    async def _introduce(self, name: str) -> None:
        """See to it that a Node has the object in which it reports."""
        node = self._stores.nodes.get(name)
        if node is None or self._stores.bgp_nodes.get(name) is not None:
            return
        await self._taker.introduce(node)

    # Reading

    def _wake_waiting(self) -> None:
        self._add(*(_service(owner) for owner in self._waiting))

    def _nodes(self) -> list[Node]:
        return [node for _, node in self._stores.nodes.items()]

    def _pools(self) -> list[VIPPool]:
        return [pool for _, pool in self._stores.vip_pools.items()]


def _service(owner: Key) -> ObjectRef:
    namespace, _, name = owner.partition("/")
    return ObjectRef(Kind.SERVICE, namespace, name)


def _vip(address: Address) -> ObjectRef:
    return ObjectRef(Kind.VIP, "", vip_name(address))


def _address(vip: VIP) -> Address:
    return addresses_in((vip.metadata.name.replace("-", ":"),))[0]


def _version(vip: VIP) -> str:
    return vip.metadata.resource_version


def _adoptions(service: Service | None, steps: Iterable[Step]) -> list[Step]:
    """The steps that write a VIP for what stands in the Service's status."""
    names = [vip_name(address) for address in ingress_addresses(service)] if service else []
    return [s for s in steps if isinstance(s, CreateVIP) and s.vip.metadata.name in names]
