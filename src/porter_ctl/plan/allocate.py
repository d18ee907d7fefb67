"""Which addresses a Service gets: one request against one ledger, nothing written.

What a Service has it keeps. Otherwise, for each IP version in turn: the address it asks for, the
one that stands in its status, the one its name had before, the first free one of the pools in
their order, and only where all of these are full one that still rests for another: never one that
a node may announce still.
How the answer is written, in which order and under which preconditions, is
`porter_ctl.plan.service`'s business.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from porter_ctl.plan.addresses import count_text, first_candidate, next_free, to_address
from porter_ctl.plan.verdict import Reason, Verdict

if TYPE_CHECKING:
    from porter_ctl.plan.addresses import Address
    from porter_ctl.plan.entry import Entry
    from porter_ctl.plan.ledger import Ledger
    from porter_ctl.plan.pools import Pool


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a Service wants.

    Attributes:
        owner: namespace/name.
        uid: Of the Service, not only of its name.
        versions: The IP versions, 4 and 6, in the order of its families.
        require_all: Nothing unless every version can be had (RequireDualStack).
        addresses: Asked for by value, at most one a version.
        pools: Asked for by name; empty for any.
        standing: What stands in its status already.
    """

    owner: str
    uid: str
    versions: tuple[int, ...]
    require_all: bool = False
    addresses: tuple[Address, ...] = ()
    pools: tuple[str, ...] = ()
    standing: tuple[Address, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One address for the Service.

    Attributes:
        address: The address.
        pool: The pool that gives it; None where it is kept although no pool has it any more.
        kept: A VIP names this Service with this UID already.
    """

    address: Address
    pool: str | None
    kept: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """Yes: `grants` is all the Service has from now on.

    Attributes:
        grants: In the order of the request's versions.
        shortfalls: Why a version, or an address asked for, could not be had.
    """

    grants: tuple[Grant, ...]
    shortfalls: tuple[Verdict, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """No, and why: the first is the one to tell."""

    verdicts: tuple[Verdict, ...]


def allocate(request: Request, ledger: Ledger) -> Allocation | Refusal:
    """Answer `request`; the ledger stays as it is."""
    grants: list[Grant] = []
    faults: list[Verdict] = []
    for version in request.versions:
        grant, fault = _for_version(request, version, ledger)
        if grant is not None:
            grants.append(grant)
        if fault is not None:
            faults.append(fault)
    faults.sort(key=lambda verdict: verdict.reason.precedence)
    if not grants or (request.require_all and len(grants) < len(request.versions)):
        return Refusal(verdicts=tuple(faults))
    return Allocation(grants=tuple(grants), shortfalls=tuple(faults))


def _for_version(
    request: Request, version: int, ledger: Ledger
) -> tuple[Grant | None, Verdict | None]:
    kept = _kept(request, version, ledger)
    asked = [address for address in request.addresses if address.version == version]
    if asked and (kept is None or kept.address != asked[0]):
        answer = _exactly(request, asked[0], ledger)
        return (answer, None) if isinstance(answer, Grant) else (kept, answer)
    if kept is not None:
        return kept, None
    standing = [address for address in request.standing if address.version == version]
    if standing:  # it was given once: had again, or refused, but never moved
        answer = _exactly(request, standing[0], ledger, standing=True)
        return (answer, None) if isinstance(answer, Grant) else (None, answer)
    for address, _ in _named(request.owner, version, ledger):
        answer = _exactly(request, address, ledger)
        if isinstance(answer, Grant):
            return answer, None
    answer = _any(request, version, ledger)
    return (answer, None) if isinstance(answer, Grant) else (None, answer)


def _kept(request: Request, version: int, ledger: Ledger) -> Grant | None:
    mine = [
        address
        for address, entry in _named(request.owner, version, ledger)
        if any(
            f"{holder.namespace}/{holder.name}" == request.owner and holder.uid == request.uid
            for holder in entry.spec.holders
        )
    ]
    if not mine:
        return None
    # Two where one is wanted: the one in status stays
    address = next((a for a in mine if a in request.standing), mine[0])
    pool = next((pool.name for pool in ledger.pools.values() if pool.has(address)), None)
    return Grant(address=address, pool=pool, kept=True)


def _named(owner: str, version: int, ledger: Ledger) -> list[tuple[Address, Entry]]:
    return [
        (address, entry)
        for address, entry in ledger.addresses_of(owner)
        if address.version == version
    ]


def _exactly(
    request: Request, address: Address, ledger: Ledger, *, standing: bool = False
) -> Grant | Verdict:
    """Answer for this address; where it stands in several statuses the oldest Service has it."""
    pool = next((pool for pool in _pools(request, ledger) if pool.gives(address)), None)
    if pool is None:
        return _outside(request, address, ledger)
    others = ledger.holders(address) - {request.owner}
    if others and not (standing and ledger.elder(address) == request.owner):
        return Verdict(
            reason=Reason.ADDRESS_IN_USE,
            message=f"{address} is held by {min(others)}",
            remedy="ask for another address, or for none",
        )
    rests_for = ledger.rests_for(address)
    if rests_for is not None and rests_for != request.owner:
        return _resting(address, rests_for, ledger)
    return Grant(address=address, pool=pool.name, kept=False)


def _resting(address: Address, rests_for: str, ledger: Ledger) -> Verdict:
    node = ledger.awaited(address)
    if node is not None:
        return Verdict(
            reason=Reason.ADDRESS_RESTING,
            message=(
                f"{address} was held by {rests_for or 'somebody'} lately,"
                f" and {node} has not shown yet that it no longer announces it"
            ),
            remedy="wait for that node's report; if the node is gone for good, delete its Node",
        )
    return Verdict(
        reason=Reason.ADDRESS_RESTING,
        message=f"{address} was released lately and rests for {rests_for or 'nobody else'}",
        remedy="wait for the pool's holdSeconds, or ask for another address",
    )


def _outside(request: Request, address: Address, ledger: Ledger) -> Verdict:
    owners = [pool for pool in ledger.pools.values() if pool.has(address)]
    owner = next((pool for pool in owners if pool.gives(address)), owners[0] if owners else None)
    if owner is None:
        message = f"no accepted VIPPool has {address}"
        remedy = "ask for an address of a pool, or add it to one"
    elif request.pools and owner.name not in request.pools:
        message = f"{address} is of VIPPool/{owner.name}, which the Service does not ask for"
        remedy = "let the annotations of the Service agree with one another"
    else:
        message = f"{address} of VIPPool/{owner.name} is the address of a node"
        remedy = "ask for another address"
    return Verdict(reason=Reason.NO_POOL, message=message, remedy=remedy)


def _any(request: Request, version: int, ledger: Ledger) -> Grant | Verdict:
    pools = [pool for pool in _pools(request, ledger) if pool.giveable[version]]
    if not pools:
        return _no_pool(request, version, ledger)
    for pool in pools:
        addresses = pool.giveable[version]
        start = first_candidate(request.owner, addresses)
        free = next_free(start, addresses, ledger.occupied[version])
        if free is not None:
            return Grant(address=to_address(version, free), pool=pool.name, kept=False)
    awaited: Verdict | None = None
    for pool in pools:
        rested = ledger.longest_rested(version, pool)
        if rested is None:
            continue
        if ledger.awaited(rested) is None:
            return Grant(address=rested, pool=pool.name, kept=False)
        awaited = awaited or _resting(rested, ledger.rests_for(rested) or "", ledger)
    if awaited is not None:
        return awaited
    names = ", ".join(pool.name for pool in pools)
    total = count_text(sum(pool.giveable[version].size for pool in pools))
    return Verdict(
        reason=Reason.POOL_EXHAUSTED,
        message=f"all {total} IPv{version} addresses of {names} are in use",
        remedy="add addresses to the pool, or release some",
    )


def _no_pool(request: Request, version: int, ledger: Ledger) -> Verdict:
    unknown = [name for name in request.pools if name not in ledger.pools]
    if unknown:
        message = f"there is no accepted VIPPool/{unknown[0]}"
        remedy = "correct the annotation porter.network/pools, or create that pool"
    elif request.pools:
        message = f"{', '.join(request.pools)} has no IPv{version} address to give"
        remedy = "add some to the pool, or ask for another"
    else:
        message = f"no accepted VIPPool has an IPv{version} address to give"
        remedy = f"create a VIPPool with IPv{version} addresses"
    return Verdict(reason=Reason.NO_POOL, message=message, remedy=remedy)


def _pools(request: Request, ledger: Ledger) -> list[Pool]:
    if not request.pools:
        return list(ledger.pools.values())
    return [ledger.pools[name] for name in request.pools if name in ledger.pools]
