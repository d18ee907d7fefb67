"""What is to be written so that a Service has the addresses it should have, and no others.

Every plan is made from what was read; the writes carry the resourceVersions read. So whoever
executes one reads the Service and the VIPs concerned where they live, has the plan made from that,
takes its steps in their order, and on any conflict begins again. A grant is: VIP first, for its
creation is the lock, then the Service's status. A release is: the status first, then the VIP. What
removes a holder carries the version of the VIP from before that holder was read.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from porter_ctl.api import (
    VIP,
    Holder,
    HolderPort,
    Ingress,
    LoadBalancerStatus,
    ObjectMeta,
    PoolBinding,
    VIPSpec,
    vip_name,
)
from porter_ctl.plan.addresses import addresses_in, ingress_addresses
from porter_ctl.plan.allocate import Allocation, allocate
from porter_ctl.plan.conditions import ALLOCATED, SERVICE_PREFIX, condition, find, merged
from porter_ctl.plan.entry import LAST_HOLDER, MADE_HERE
from porter_ctl.plan.request import request_of
from porter_ctl.plan.verdict import Reason, Verdict

if TYPE_CHECKING:
    from porter_ctl.api import Condition, Service
    from porter_ctl.plan.addresses import Address
    from porter_ctl.plan.allocate import Grant
    from porter_ctl.plan.entry import Entry
    from porter_ctl.plan.ledger import Ledger
    from porter_ctl.plan.pools import Pool

HALF_CLAIM_SECONDS = 60.0
SERVICE_CLASSES = frozenset({"porter.network/bgp", ""})  # "" for a Service that names none


_NO_POOL_AT_ALL = Verdict(
    reason=Reason.NO_POOL,
    message="there is no VIPPool",
    remedy="create one with the addresses to give",
)


class CreateVIP(NamedTuple):
    """Create this object; that it exists already is a conflict: somebody else has the address."""

    vip: VIP


class ReplaceVIP(NamedTuple):
    """Replace the VIP of this resourceVersion, to give the address or to bind it to its pool."""

    vip: VIP


class PatchServiceStatus(NamedTuple):
    """Write `status.loadBalancer` and our conditions onto this resourceVersion of the Service."""

    service: Service


class ReleaseVIP(NamedTuple):
    """Replace the VIP of this resourceVersion: it no longer names the Service."""

    vip: VIP


class DeleteVIP(NamedTuple):
    """Delete the VIP of this resourceVersion: nobody holds it, and it has rested."""

    vip: VIP


Step = CreateVIP | ReplaceVIP | PatchServiceStatus | ReleaseVIP | DeleteVIP


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePlan:
    """What is to be written for a Service.

    Attributes:
        steps: In this order; empty when all is as it should be.
        verdict: Why it has an address or none; None for what is no load balancer of anybody.
        waits: The Service should have an address it does not get: plan it again whenever an
            address is released or rested, or a pool changes.
        due: Plan it again then, by the ledger's clock, although nothing changes; None for never.
    """

    steps: tuple[Step, ...] = ()
    verdict: Verdict | None = None
    waits: bool = False
    due: float | None = None


def plan_vip(address: Address, ledger: Ledger) -> DeleteVIP | None:
    """Plan what becomes of the VIP of an address that nobody has: once rested it is deleted."""
    entry = ledger.entry(address)
    return None if entry is None or not ledger.is_spent(address) else DeleteVIP(entry.vip)


def plan_service(
    owner: str, service: Service | None, ledger: Ledger, at: str, classes: frozenset[str]
) -> ServicePlan:
    """Plan the writes for one Service.

    Args:
        owner: namespace/name.
        service: As last read; None if there is none of that name.
        ledger: Holding the same Service and the VIPs as last read.
        at: The time of the writes, RFC 3339.
        classes: The `loadBalancerClass`es that are ours, "" for none named.
    """
    named = tuple(
        (address, entry) for address, entry in ledger.addresses_of(owner) if owner in entry.owners
    )
    if service is None:
        return ServicePlan(
            steps=tuple(_release(entry, owner, at) for _, entry in named if entry.exists)
        )
    if service.spec.type != "LoadBalancer":
        return ServicePlan(steps=_leave(owner, service, named, at))
    service_class = service.spec.load_balancer_class or ""
    if service_class not in classes:
        verdict = Verdict(
            reason=Reason.FOREIGN_CLASS,
            message=f"loadBalancerClass {service_class!r} is not one of ours",
        )
        return ServicePlan(steps=_leave(owner, service, named, at), verdict=verdict)
    if not named and _is_others(service):
        verdict = Verdict(
            reason=Reason.HELD_BY_OTHER,
            message="another controller has given this Service an address",
            remedy="set spec.loadBalancerClass so that only one controller serves it",
        )
        return ServicePlan(steps=_leave(owner, service, named, at), verdict=verdict)
    if ledger.dormant:
        told = find(service.status.conditions, ALLOCATED) is not None
        ingress = service.status.load_balancer.ingress
        steps = _write_status(service, ingress, _NO_POOL_AT_ALL, at) if told else ()
        return ServicePlan(steps=steps, verdict=_NO_POOL_AT_ALL, waits=True)
    return _plan_ours(owner, service, ledger, at)


def _is_others(service: Service) -> bool:
    """Whether the status was written by somebody else: ours carries our condition."""
    if not service.status.load_balancer.ingress:
        return False
    allocated = find(service.status.conditions, ALLOCATED)
    return allocated is None or allocated.status != "True"


def _plan_ours(owner: str, service: Service, ledger: Ledger, at: str) -> ServicePlan:
    request, fault = request_of(owner, service, ledger)
    outcome = allocate(request, ledger)
    if not isinstance(outcome, Allocation):
        verdict = fault or outcome.verdicts[0]
        return refuse_service(owner, service, ledger, verdict, at)
    new = not all(grant.kept for grant in outcome.grants)
    if new and service.metadata.deletion_timestamp is not None:
        return _keep_until_gone(owner, service, ledger, outcome.grants)
    if new and fault is not None:
        return refuse_service(owner, service, ledger, fault, at)
    faults = ((fault,) if fault else ()) + outcome.shortfalls
    verdict = faults[0] if faults else _allocated(outcome.grants)
    steps: list[Step] = []
    for grant in outcome.grants:
        steps += _claim(grant, owner, service, ledger)
    addresses = tuple(grant.address for grant in outcome.grants)
    ingress = service.status.load_balancer.ingress
    if ingress_addresses(service) != addresses:
        ingress = tuple(Ingress(ip=str(address)) for address in addresses)
    steps += _write_status(service, ingress, verdict, at)
    steps += (
        _release(entry, owner, at)
        for address, entry in ledger.addresses_of(owner)
        if address not in addresses and owner in entry.owners and entry.exists
    )
    return ServicePlan(steps=tuple(steps), verdict=verdict, waits=bool(faults))


def _keep_until_gone(
    owner: str, service: Service, ledger: Ledger, grants: tuple[Grant, ...]
) -> ServicePlan:
    """Plan for a Service that is being deleted: it keeps what it has, and gets no more."""
    kept = tuple(grant for grant in grants if grant.kept)
    steps = tuple(step for grant in kept for step in _claim(grant, owner, service, ledger))
    return ServicePlan(steps=steps, verdict=_allocated(kept) if kept else None)


def refuse_service(
    owner: str, service: Service, ledger: Ledger, verdict: Verdict, at: str
) -> ServicePlan:
    """Plan for a Service that cannot have what it should: `verdict` says why.

    Nothing is given. It keeps what it has: what vanished while it has it is written again, and what
    stands in its status stays there, unless a VIP says that another has it. Taken back is what it
    never had: the VIP of a Service of that name that is no more, and after a minute the half of
    what only counts as a whole.
    """
    steps: list[Step] = []
    due: list[float] = []
    shown = ingress_addresses(service)
    for address, entry in ledger.addresses_of(owner):
        if owner not in entry.owners or (entry.exists and address in shown):
            continue
        mine = any(_is_of(holder, owner, service.metadata.uid) for holder in entry.spec.holders)
        if not entry.exists:
            steps.append(_written_again(entry.vip, entry.spec))
        elif mine and ledger.now < entry.since + HALF_CLAIM_SECONDS:
            due.append(entry.since + HALF_CLAIM_SECONDS)
        else:
            steps.append(_release(entry, owner, at))
    ingress = tuple(
        way
        for way in service.status.load_balancer.ingress
        if not any(
            _is_held_by_others(address, owner, ledger) for address in addresses_in((way.ip,))
        )
    )
    steps = [*_write_status(service, ingress, verdict, at), *steps]
    steps.sort(key=lambda step: not isinstance(step, CreateVIP))
    return ServicePlan(steps=tuple(steps), verdict=verdict, waits=True, due=min(due, default=None))


def _is_of(holder: Holder, owner: str, uid: str) -> bool:
    return f"{holder.namespace}/{holder.name}" == owner and holder.uid == uid


def _is_held_by_others(address: Address, owner: str, ledger: Ledger) -> bool:
    entry = ledger.entry(address)
    return entry is not None and bool(entry.spec.holders) and owner not in entry.owners


def _written_again(vip: VIP, spec: VIPSpec) -> CreateVIP:
    before = vip.metadata
    metadata = ObjectMeta(name=before.name, labels=before.labels, annotations=before.annotations)
    return CreateVIP(VIP(metadata=metadata, spec=spec))


def _allocated(grants: tuple[Grant, ...]) -> Verdict:
    texts = [
        f"{grant.address} of VIPPool/{grant.pool}"
        if grant.pool is not None
        else f"{grant.address}, which no VIPPool has any more"
        for grant in grants
    ]
    return Verdict(reason=Reason.ALLOCATED, message=" and ".join(texts))


# The writes


def _claim(grant: Grant, owner: str, service: Service, ledger: Ledger) -> list[Step]:
    entry = ledger.entry(grant.address)
    pool = ledger.pools.get(grant.pool) if grant.pool is not None else None
    if entry is None:
        spec = VIPSpec(
            address=str(grant.address),
            pool=_binding(grant.address, pool),
            holders=(_holder(owner, service),),
        )
        annotations = {MADE_HERE: "true"}
        metadata = ObjectMeta(name=vip_name(grant.address), annotations=annotations)
        return [CreateVIP(VIP(metadata=metadata, spec=spec))]
    if grant.kept and not entry.exists:
        return [_written_again(entry.vip, entry.spec)]
    if grant.kept:
        bound = entry.spec.pool is not None and entry.spec.pool.name in ledger.pools
        binding = _binding(grant.address, _only_owner(grant.address, ledger))
        if bound or binding is None:
            return []
        return [ReplaceVIP(replace(entry.vip, spec=replace(entry.spec, pool=binding)))]
    annotations = {k: v for k, v in entry.vip.metadata.annotations.items() if k != LAST_HOLDER}
    spec = replace(
        entry.spec,
        pool=_binding(grant.address, pool),
        holders=(_holder(owner, service),),
        released_at=None,
    )
    metadata = replace(entry.vip.metadata, annotations=annotations)
    given = replace(entry.vip, metadata=metadata, spec=spec)
    if not entry.exists:  # deleted by hand while it rested, or held for a Service that is no more
        return [_written_again(given, spec)]
    return [ReplaceVIP(given)]


def _only_owner(address: Address, ledger: Ledger) -> Pool | None:
    owners = [pool for pool in ledger.pools.values() if pool.has(address)]
    return owners[0] if len(owners) == 1 else None


def _binding(address: Address, pool: Pool | None) -> PoolBinding | None:
    if pool is None:
        return None
    return PoolBinding(
        name=pool.name,
        labels=dict(pool.labels),
        when_out_of_pool=pool.spec.when_out_of_pool,
        range=pool.entry(address),
    )


def _holder(owner: str, service: Service) -> Holder:
    namespace, _, name = owner.partition("/")
    selector = "\n".join(f"{k}={v}" for k, v in sorted(service.spec.selector.items()))
    return Holder(
        namespace=namespace,
        name=name,
        uid=service.metadata.uid,
        ports=tuple(HolderPort(protocol=p.protocol, port=p.port) for p in service.spec.ports),
        traffic_policy=service.spec.external_traffic_policy,
        selector_hash=blake2b(selector.encode(), digest_size=16).hexdigest(),
    )


def _release(entry: Entry, owner: str, at: str) -> ReleaseVIP:
    left = tuple(h for h in entry.spec.holders if f"{h.namespace}/{h.name}" != owner)
    metadata = entry.vip.metadata
    if not left:
        metadata = replace(metadata, annotations={**metadata.annotations, LAST_HOLDER: owner})
    spec = replace(entry.spec, holders=left, released_at=None if left else at)
    return ReleaseVIP(replace(entry.vip, metadata=metadata, spec=spec))


def _leave(
    owner: str, service: Service, named: tuple[tuple[Address, Entry], ...], at: str
) -> tuple[Step, ...]:
    """Take back what is ours from a Service that is not, or no longer."""
    given = {address for address, _ in named}
    ingress = tuple(
        way
        for way in service.status.load_balancer.ingress
        if given.isdisjoint(addresses_in((way.ip,)))
    )
    conditions = merged(service.status.conditions, (), at=at, ours=SERVICE_PREFIX)
    return (
        *_patch(service, ingress, conditions),
        *(_release(entry, owner, at) for _, entry in named if entry.exists),
    )


def _write_status(
    service: Service, ingress: tuple[Ingress, ...], verdict: Verdict, at: str
) -> tuple[Step, ...]:
    """Write what the Service has, and why."""
    allocated = condition(
        ALLOCATED,
        holds=bool(ingress),
        verdict=verdict,
        generation=service.metadata.generation,
    )
    others = tuple(c for c in service.status.conditions if c.type != ALLOCATED)
    ours = tuple(c for c in others if c.type.startswith(SERVICE_PREFIX))
    conditions = merged(service.status.conditions, (allocated, *ours), at=at, ours=SERVICE_PREFIX)
    return _patch(service, ingress, conditions)


def _patch(
    service: Service, ingress: tuple[Ingress, ...], conditions: tuple[Condition, ...]
) -> tuple[Step, ...]:
    status = replace(
        service.status,
        load_balancer=LoadBalancerStatus(ingress=ingress),
        conditions=conditions,
    )
    if status == service.status:
        return ()
    return (PatchServiceStatus(replace(service, status=status)),)
