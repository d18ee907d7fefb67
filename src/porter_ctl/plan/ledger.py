"""Who holds what: kept up on events of VIPs, Services and pools, asked when allocating.

An address is occupied by a VIP, by a Service whose status or clusterIPs name it, or by rest: a
released address stays with the name that had it for its pool's `holdSeconds`, counted on the
caller's clock from when the release was first seen, so that clocks of others cannot shorten it,
and until no node can announce it any more for who had it. A VIP that vanishes while it has holders
is not a release: it is held until it is written again.

Each event costs what one address costs, at any number of them.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import datetime
from heapq import heapify, heappop, heappush
from ipaddress import ip_address
from itertools import islice
from math import inf
from typing import TYPE_CHECKING

from porter_ctl.plan.absence import NobodyAwaited
from porter_ctl.plan.addresses import VERSIONS, Occupied, addresses_in, ingress_addresses
from porter_ctl.plan.entry import MADE_HERE, Entry, spec_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from porter_ctl.api import VIP, Service, VIPSpec
    from porter_ctl.plan.absence import Absence
    from porter_ctl.plan.addresses import Address
    from porter_ctl.plan.pools import Pool

DEFAULT_HOLD_SECONDS = 600.0  # where the pool is gone
_LOOK_AGAIN = 1.0  # seconds, at each address that a node is awaited for
_LOOKS_AT_ONCE = 500
_FARTHEST_AHEAD = 24 * 3600.0  # seconds: a clock that is more than that ahead is wrong


class Ledger:
    """All that allocation must know. Give it every object once, and then what changes."""

    def __init__(self, absence: Absence | None = None) -> None:
        """`absence` may be set later as well."""
        self.absence: Absence = absence or NobodyAwaited()
        self.pools: Mapping[str, Pool] = {}
        self.now = 0.0
        self.held = {version: Occupied() for version in VERSIONS}
        self.occupied = {version: Occupied() for version in VERSIONS}
        self._entries: dict[Address, Entry] = {}
        self._by_key: dict[str, Address] = {}
        self._by_owner: dict[str, set[Address]] = defaultdict(set)
        self._standing: dict[Address, set[str]] = defaultdict(set)
        self._standing_of: dict[str, frozenset[Address]] = {}
        self._status_of: dict[str, frozenset[Address]] = {}
        self._created: dict[str, str] = {}
        self._resting: set[Address] = set()
        self._awaited: dict[Address, None] = {}  # who was looked at longest ago comes first
        self._claims: dict[Address, str] = {}
        self._looked = -inf
        self._wall: float | None = None
        self._expiries: list[tuple[float, str, Address]] = []

    # What is told

    def set_pools(self, pools: Mapping[str, Pool]) -> None:
        """Take the pools as compiled; their order is the order of drawing."""
        self.pools = pools
        self._expiries = [
            (self._rests_until(entry), str(address), address)
            for address, entry in ((a, self._entries[a]) for a in self._resting)
        ]
        heapify(self._expiries)
        for _, _, address in self._expiries:
            self._settle(address)

    def set_vip(self, key: str, vip: VIP | None) -> frozenset[str]:
        """Take the VIP of that key as it is now, None for gone.

        Returns:
            The owners it concerns: those it names now, named before, or rests for.
        """
        before = self._entries.get(self._by_key[key]) if key in self._by_key else None
        spec = None
        if vip is not None:  # a faulty one stays what it was, but is written as it stands
            spec = before.spec if vip.spec is None and before is not None else spec_of(key, vip)
        if vip is not None and spec is not None:
            entry = Entry(vip, spec, exists=True, since=self._since(spec, before))
            self._enter(key, ip_address(spec.address), entry)
        elif vip is None and before is not None:
            self._vanish(key, before)
        after = self._entries.get(self._by_key[key]) if key in self._by_key else None
        named = {name for entry in (before, after) if entry for name in entry.owners}
        return frozenset(
            named | {entry.last_holder for entry in (before, after) if entry and entry.last_holder}
        )

    def set_service(self, key: str, service: Service | None) -> bool:
        """Take the Service of that key as it is now, None for gone.

        Returns:
            Whether an address stands in it no longer.
        """
        standing: frozenset[Address] = frozenset()
        self._created.pop(key, None)
        self._status_of.pop(key, None)
        if service is not None:
            self._created[key] = service.metadata.creation_timestamp
            if ingress := ingress_addresses(service):
                self._status_of[key] = frozenset(ingress)
            standing = frozenset((*ingress, *addresses_in(service.spec.cluster_ips)))
        before = self._standing_of.get(key, frozenset())
        if standing:
            self._standing_of[key] = standing
        else:
            self._standing_of.pop(key, None)
        for address in before - standing:
            self._standing[address].discard(key)
            if not self._standing[address]:
                del self._standing[address]
        for address in standing - before:
            self._standing[address].add(key)
        for address in before ^ standing:
            self._settle(address)
            self._drop_if_forsaken(address)
        return bool(before - standing)

    def claim(self, addresses: Iterable[Address], owner: str) -> None:
        """Have these taken by `owner` (namespace/name), who is about to write that down."""
        for address in addresses:
            self._claims[address] = owner
            self._settle(address)

    def unclaim(self, addresses: Iterable[Address], owner: str) -> bool:
        """End a claim: it was written down, or not; whether one of these is free now."""
        free = False
        for address in addresses:
            if self._claims.get(address) == owner:
                del self._claims[address]
                free |= self._settle(address)
        return free

    def pass_time(
        self, now: float, *, wall: float | None = None, look: bool = True
    ) -> frozenset[Address]:
        """Let time pass.

        Args:
            now: By the clock that holds are counted on.
            wall: Seconds since 1970; None where `releasedAt` is not to be looked at.
            look: Whether to look, at each once a second, for which no node is awaited any more.

        Returns:
            The addresses that have rested by now, or rest for their hold only.
        """
        self.now, self._wall = now, wall
        due: set[Address] = set()
        while self._expiries and self._expiries[0][0] <= now:
            due.add(heappop(self._expiries)[2])
        if look and now >= self._look_due():
            self._looked = now
            due.update(islice(self._awaited, _LOOKS_AT_ONCE))
        return frozenset(address for address in due if self._settle(address))

    def next_deadline(self, *, look: bool = True) -> float | None:
        """Return when `pass_time` is due; `look` as there."""
        looks = [self._look_due()] if look and self._awaited else []
        return min((*looks, *(due for due, _, _ in self._expiries[:1])), default=None)

    # What is asked

    @property
    def dormant(self) -> bool:
        """Whether there is neither a pool nor a VIP: nothing is written then."""
        return not self.pools and not self._entries

    def entry(self, address: Address) -> Entry | None:
        """Return what is known of the VIP of `address`."""
        return self._entries.get(address)

    def addresses_of(self, owner: str) -> tuple[tuple[Address, Entry], ...]:
        """Return the VIPs that name `owner` (namespace/name) or rest for it, lowest first."""
        addresses = sorted(self._by_owner.get(owner, ()), key=lambda a: (a.version, int(a)))
        return tuple((address, self._entries[address]) for address in addresses)

    def standing(self, address: Address) -> frozenset[str]:
        """Return the Services (namespace/name) whose status or clusterIPs name `address`."""
        return frozenset(self._standing.get(address, ()))

    def holders(self, address: Address) -> frozenset[str]:
        """Return who has `address`: by a VIP, by a claim, or because it stands in a Service."""
        entry = self._entries.get(address)
        claimed = (self._claims[address],) if address in self._claims else ()
        return self.standing(address).union(entry.owners if entry else (), claimed)

    def elder(self, address: Address) -> str | None:
        """Return the oldest of the Services whose status names `address`, where nothing else does.

        None where a VIP names a holder, where somebody claims it, or where it is a clusterIP.
        """
        entry = self._entries.get(address)
        standing = self._standing.get(address, set())
        if (entry is not None and entry.spec.holders) or address in self._claims:
            return None
        if any(address not in self._status_of.get(key, ()) for key in standing):
            return None
        return min(standing, key=lambda key: (self._created[key], key), default=None)

    def orphans(self) -> list[str]:
        """Return the Services whose status names an address that has no VIP, oldest first."""
        found = [
            key
            for key, addresses in self._status_of.items()
            if any(a not in self._entries or not self._entries[a].exists for a in addresses)
        ]
        return sorted(found, key=lambda key: (self._created[key], key))

    def spent(self) -> list[Address]:
        """Return the addresses whose VIP may be deleted: it was made here, and has rested."""
        return [address for address in self._resting if self.is_spent(address)]

    def is_spent(self, address: Address) -> bool:
        """Tell whether the VIP of `address` is one of `spent`."""
        entry = self._entries.get(address)
        return (
            entry is not None
            and entry.exists
            and MADE_HERE in entry.vip.metadata.annotations
            and self._rested(entry, address)
            and not (self._standing.get(address) or address in self._claims)
        )

    def rests_for(self, address: Address) -> str | None:
        """Return for whom `address` rests still ("" for nobody named); None if it does not."""
        entry = self._entries.get(address)
        if entry is None or not entry.resting or self._rested(entry, address):
            return None
        return entry.last_holder

    def awaited(self, address: Address) -> str | None:
        """Return the node that may announce `address` still, though nobody holds it."""
        entry = self._entries.get(address)
        resting = entry is not None and entry.resting
        return self.absence.awaited(address) if resting else None

    def longest_rested(self, version: int, pool: Pool) -> Address | None:
        """Return the address to give when `pool` is full: of those that rest the first to end.

        Those for whose name there is a Service again come last. One that a node may announce still
        is given only where no other rests: whoever gives it away looks at `awaited`.

        Who is awaited is asked of few: not of those that were a moment ago (`pass_time` looks).
        """
        candidates = [
            (
                self._entries[address].last_holder in self._created,
                self._rests_until(self._entries[address]),
                int(address),
                address,
            )
            for address in self._resting
            if address.version == version
            and not (self._standing.get(address) or address in self._claims)
            and pool.gives(address)
        ]
        candidates.sort(key=lambda one: one[:3])
        addresses = [address for *_, address in candidates]
        return next(
            (a for a in addresses if a not in self._awaited and self.awaited(a) is None),
            addresses[0] if addresses else None,
        )

    # How it is kept

    def _look_due(self) -> float:
        return self._looked + _LOOK_AGAIN / (1 + len(self._awaited) // _LOOKS_AT_ONCE)

    def _since(self, spec: VIPSpec, before: Entry | None) -> float:
        if (
            before is not None
            and before.spec.holders == spec.holders
            and before.spec.released_at == spec.released_at
        ):
            return before.since
        ahead = 0.0
        if self._wall is not None and spec.released_at is not None:
            ahead = min(max(0.0, _seconds(spec.released_at) - self._wall), _FARTHEST_AHEAD)
        return self.now + ahead

    def _vanish(self, key: str, before: Entry) -> None:
        """Take in that a VIP was deleted: that ends a hold, but neither a holding nor a path."""
        address = self._by_key[key]
        if before.spec.holders:
            self._enter(key, address, replace(before, exists=False))
            self._drop_if_forsaken(address)
        elif before.resting and self.awaited(address) is not None:
            self._enter(key, address, replace(before, exists=False, since=-inf))
        else:
            self._remove(key)

    def _enter(self, key: str, address: Address, entry: Entry) -> None:
        self._unname(address)
        self._by_key[key] = address
        self._entries[address] = entry
        for name in {*entry.owners, entry.last_holder} - {""}:
            self._by_owner[name].add(address)
        if entry.resting:
            self._resting.add(address)
            heappush(self._expiries, (self._rests_until(entry), str(address), address))
        self._settle(address)

    def _remove(self, key: str) -> None:
        address = self._by_key.pop(key)
        self._unname(address)
        self._entries.pop(address)
        self._settle(address)

    def _unname(self, address: Address) -> None:
        entry = self._entries.get(address)
        if entry is None:
            return
        self._resting.discard(address)
        self._awaited.pop(address, None)
        for name in {*entry.owners, entry.last_holder} - {""}:
            self._by_owner[name].discard(address)
            if not self._by_owner[name]:
                del self._by_owner[name]

    def _drop_if_forsaken(self, address: Address) -> None:
        entry = self._entries.get(address)
        if entry is None or entry.exists or not entry.spec.holders:
            return
        if self.standing(address) & {*entry.owners}:
            return
        self._remove(entry.vip.metadata.name)

    def _settle(self, address: Address) -> bool:
        """Enter whether `address` is held and occupied.

        Returns:
            Whether it is free, or rests for its hold only from now on: a full pool gives it then.
        """
        entry = self._entries.get(address)
        held = entry is not None and bool(entry.spec.holders)
        over = entry is not None and entry.resting and self._rests_until(entry) <= self.now
        was, awaited = address in self._awaited, self.awaited(address) is not None
        self._awaited.pop(address, None)
        if awaited:
            self._awaited[address] = None
        rested = over and not awaited
        if entry is not None and rested and not entry.exists:
            self._remove(entry.vip.metadata.name)
            return True
        claimed = address in self._claims
        occupied = (entry is not None and not rested) or claimed or address in self._standing
        _put(self.held[address.version], int(address), present=held)
        _put(self.occupied[address.version], int(address), present=occupied)
        return not occupied or (was and not awaited)

    def _rested(self, entry: Entry, address: Address) -> bool:
        """Tell whether a VIP without holders is free for everyone."""
        over = entry.resting and self._rests_until(entry) <= self.now
        return over and self.absence.awaited(address) is None

    def _rests_until(self, entry: Entry) -> float:
        pool = self.pools.get(entry.spec.pool.name) if entry.spec.pool else None
        hold = float(pool.spec.hold_seconds) if pool else DEFAULT_HOLD_SECONDS
        return entry.since + hold


def _seconds(timestamp: str) -> float:
    """Return the seconds since 1970; 0 for what is no time."""
    try:
        return datetime.fromisoformat(timestamp).timestamp()
    except (ValueError, OverflowError):
        return 0.0


def _put(occupied: Occupied, value: int, *, present: bool) -> None:
    if present:
        occupied.add(value)
    else:
        occupied.discard(value)


def ledger_of(
    pools: Mapping[str, Pool], vips: Iterable[VIP], services: Iterable[Service], *, now: float
) -> Ledger:
    """Build a ledger from everything at once."""
    ledger = Ledger()
    ledger.pass_time(now)
    ledger.set_pools(pools)
    for service in services:
        ledger.set_service(f"{service.metadata.namespace}/{service.metadata.name}", service)
    for vip in vips:
        ledger.set_vip(vip.metadata.name, vip)
    return ledger
