"""The leader's half: Services get their addresses, and give them back.

Every process keeps the ledger; only the leader writes. What is to be written for a Service is
planned from the stores first. Where that is something, the Service is read where it lives and the
plan is made anew from that; its steps carry the resourceVersions that were read, so that whoever
else writes, a second leader included, makes them fail and not the cluster. A conflict starts the
Service over.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, assert_never

from porter_ctl.api import VIP, BGPNode, Kind, ObjectMeta, ObjectRef, OwnerReference, Service
from porter_ctl.plan import (
    CreateVIP,
    Ledger,
    PatchServiceStatus,
    Reason,
    ReleaseVIP,
    ReplaceVIP,
    addresses_of_nodes,
    compile_pools,
    plan_service,
)
from porter_ctl.reconcile.crash import crash_point
from porter_ctl.reconcile.retry import RetryQueue
from porter_ctl.store.port import (
    AlreadyExists,
    Conflict,
    Forbidden,
    Invalid,
    KubeEvent,
    NotFound,
    PortFailure,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from porter_ctl.api import Key, Node, Resource, VIPPool
    from porter_ctl.plan import ServicePlan, Step, Verdict
    from porter_ctl.store.port import ClusterPort, Leadership
    from porter_ctl.store.stores import Stores

log = logging.getLogger(__name__)

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
    """

    def __init__(
        self,
        stores: Stores,
        port: ClusterPort,
        leadership: Leadership,
        *,
        classes: frozenset[str],
    ) -> None:
        self.ledger = Ledger()
        self._stores = stores
        self._port = port
        self._leadership = leadership
        self._classes = classes
        self._loop = asyncio.get_running_loop()
        self._queue = RetryQueue()
        self._waiting: set[Key] = set()
        self._verdicts: dict[Key, Verdict] = {}
        self._pools_stale = True

    @property
    def verdicts(self) -> Mapping[Key, Verdict]:
        """What was decided for each Service that is a load balancer, as namespace/name."""
        return self._verdicts

    @property
    def ready(self) -> bool:
        """Whether all that allocation reads has synced."""
        return all(self._stores.synced(kind) for kind in LEADER_KINDS)

    @property
    def _may_write(self) -> bool:
        return self._leadership.leading and self.ready and not self._pools_stale

    # Follower

    def touch(self, kind: Kind, key: Key) -> None:
        """Note that what this key stands for has changed."""
        match kind:
            case Kind.SERVICE:
                if self.ledger.set_service(key, self._stores.services.get(key)):
                    self._wake_waiting()
                self._queue.add(_service(key))
                if key not in self._stores.services:
                    self._verdicts.pop(key, None)
            case Kind.VIP:
                vip = self._stores.vips.get(key)
                for owner in self.ledger.set_vip(key, vip):
                    self._queue.add(_service(owner))
                if vip is None or (vip.spec is not None and not vip.spec.holders):
                    self._wake_waiting()
            case Kind.VIP_POOL:
                self._pools_stale = True
            case Kind.NODE:
                self._pools_stale = True
                self._queue.add(ObjectRef(Kind.NODE, "", key))
            case Kind.BGP_NODE:
                self._queue.add(ObjectRef(Kind.NODE, "", key))
            case _:
                pass

    def work(self, until: float) -> bool:
        """Keep the pools up; the writing is done by `run`."""
        del until
        self._queue.wake()
        if self._pools_stale and self.ready:
            self._pools_stale = False
            pools = compile_pools(self._pools(), addresses_of_nodes(self._nodes()))
            if pools != self.ledger.pools:  # most changes of a Node concern no pool
                self.ledger.set_pools(pools)
                self._queue.add_all(_service(key) for key in self._verdicts)
        if self.ledger.pass_time(self._loop.time()):
            self._wake_waiting()
        return False

    def next_deadline(self) -> float | None:
        """When an address has rested."""
        return self.ledger.next_deadline()

    # Writing

    async def run(self) -> None:
        """Write while leading, until cancelled."""
        while True:
            while not self._may_write:
                await self._queue.rest()
            ref = await self._queue.take()
            if not self._may_write:
                self._queue.add(ref)
                continue
            try:
                if ref.kind is Kind.NODE:
                    await self._introduce(ref.name)
                else:
                    await self._settle(ref.key)
            except (Conflict, AlreadyExists, NotFound) as error:
                log.info("%s: starting over: %s", ref, error)
                self._queue.again(ref)
            except PortFailure as error:
                log.warning("%s: %s", ref, error)
                self._queue.later(ref, steep=isinstance(error, Forbidden | Invalid))
            else:
                self._queue.done(ref)

    def leading_changed(self) -> None:
        """Leadership was won or lost: with it, everything is compared once."""
        self._queue.add_all(_service(key) for key, _ in self._stores.services.items())
        specs = [vip.spec for _, vip in self._stores.vips.items() if vip.spec is not None]
        self._queue.add_all(
            _service(f"{holder.namespace}/{holder.name}")
            for spec in specs
            for holder in spec.holders
        )
        self._queue.add_all(ObjectRef(Kind.NODE, "", key) for key, _ in self._stores.nodes.items())
        self._queue.wake()

    async def _settle(self, owner: Key) -> None:
        """Bring one Service and its addresses to what they should be."""
        plan = self._plan(owner, self._stores.services.get(owner))
        if plan.steps:
            service = await self._read(owner)
            self.ledger.set_service(owner, service)
            plan = self._plan(owner, service)
            for step in plan.steps:
                await self._take(step)
            await self._tell(owner, service, plan)
        self._note(owner, plan)

    def _plan(self, owner: Key, service: Service | None) -> ServicePlan:
        return plan_service(owner, service, self.ledger, utc_now(), self._classes)

    async def _read(self, owner: Key) -> Service | None:
        live = await self._port.get_live(_service(owner))
        return live if isinstance(live, Service) else None

    async def _take(self, step: Step) -> None:
        match step:
            case CreateVIP(vip):
                await self._write_vip(vip, self._port.create)
                crash_point("allocate.vip-created")
            case ReplaceVIP(vip):
                await self._write_vip(vip, self._port.replace)
                crash_point("allocate.vip-replaced")
            case PatchServiceStatus(service):
                meta = service.metadata
                await self._port.apply_status(
                    service, uid=meta.uid, resource_version=meta.resource_version
                )
                self.ledger.set_service(f"{meta.namespace}/{meta.name}", service)
                crash_point("allocate.status-written")
            case ReleaseVIP(vip):
                await self._write_vip(vip, self._port.replace)
                crash_point("allocate.vip-released")
                self._wake_waiting()
            case _:
                assert_never(step)

    async def _write_vip(self, vip: VIP, write: Callable[[VIP], Awaitable[Resource]]) -> None:
        """Write a VIP; where another was faster, learn what it wrote before starting over."""
        name = vip.metadata.name
        try:
            written: Resource | None = await write(vip)
        except (AlreadyExists, Conflict, NotFound):
            standing = await self._port.get_live(ObjectRef(Kind.VIP, "", name))
            self._learn(name, standing)
            raise
        self._learn(name, written)

    def _learn(self, name: str, vip: Resource | None) -> None:
        for owner in self.ledger.set_vip(name, vip if isinstance(vip, VIP) else None):
            self._queue.add(_service(owner))

    def _note(self, owner: Key, plan: ServicePlan) -> None:
        (self._waiting.add if plan.waits else self._waiting.discard)(owner)
        if plan.verdict is None:
            self._verdicts.pop(owner, None)
        else:
            self._verdicts[owner] = plan.verdict

    async def _tell(self, owner: Key, service: Service | None, plan: ServicePlan) -> None:
        before = self._verdicts.get(owner)
        if service is None or plan.verdict is None or plan.verdict == before:
            return
        well = plan.verdict.reason is Reason.ALLOCATED
        if plan.verdict.reason in {Reason.FOREIGN_CLASS, Reason.HELD_BY_OTHER}:
            return
        await self._port.emit(
            KubeEvent(
                regarding=_service(owner),
                uid=service.metadata.uid,
                type="Normal" if well else "Warning",
                reason=plan.verdict.reason.value,
                note=str(plan.verdict),
                action="Allocate",
            )
        )

    async def _introduce(self, name: str) -> None:
        """See to it that a Node has the object in which it reports."""
        node = self._stores.nodes.get(name)
        if node is None or self._stores.bgp_nodes.get(name) is not None:
            return
        owner = OwnerReference(api_version="v1", kind="Node", name=name, uid=node.metadata.uid)
        metadata = ObjectMeta(name=name, owner_references=(owner,))
        try:
            await self._port.create(BGPNode(metadata=metadata))
        except AlreadyExists:
            return

    # Reading

    def _wake_waiting(self) -> None:
        self._queue.add_all(_service(owner) for owner in self._waiting)

    def _nodes(self) -> list[Node]:
        return [node for _, node in self._stores.nodes.items()]

    def _pools(self) -> list[VIPPool]:
        return [pool for _, pool in self._stores.vip_pools.items()]


def _service(owner: Key) -> ObjectRef:
    namespace, _, name = owner.partition("/")
    return ObjectRef(Kind.SERVICE, namespace, name)
