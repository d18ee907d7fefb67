"""Who holds what: kept up on events of VIPs, Services and pools, asked when allocating.

An address is occupied by a VIP, by a Service whose status or clusterIPs name it, or by rest: a
released address stays with the name that had it for its pool's `holdSeconds`, counted on the
caller's clock from when the release was first seen, so that clocks of others cannot shorten it.
A VIP that vanishes while it has holders is not a release: it is held until it is written again.

Each event costs what one address costs, at any number of them.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from heapq import heapify, heappop, heappush
from ipaddress import ip_address
from typing import TYPE_CHECKING

from porter_ctl.api import VIPSpec
from porter_ctl.plan.addresses import VERSIONS, Occupied, addresses_in, ingress_addresses

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from porter_ctl.api import VIP, Service
    from porter_ctl.plan.addresses import Address
    from porter_ctl.plan.pools import Pool

LAST_HOLDER = "porter.network/last-holder"  # annotation of a VIP: for which name it rests
DEFAULT_HOLD_SECONDS = 600.0  # where the pool is gone


@dataclass(frozen=True, slots=True)
class Entry:
    """What the ledger knows of an address that has a VIP, or had one with holders.

    Attributes:
        vip: As last seen.
        spec: Its accepted spec.
        exists: False: it vanished while it had holders, and is to be written again.
        first_seen: When it was first seen without holders; meaningless while it has some.
    """

    vip: VIP
    spec: VIPSpec
    exists: bool
    first_seen: float

    @property
    def owners(self) -> tuple[str, ...]:
        """The holders, as namespace/name."""
        return tuple(f"{holder.namespace}/{holder.name}" for holder in self.spec.holders)

    @property
    def last_holder(self) -> str:
        """For whom it rests or is kept by name; empty for nobody in particular."""
        return self.vip.metadata.annotations.get(LAST_HOLDER, "")

    @property
    def resting(self) -> bool:
        """Whether it was released, however long ago."""
        return not self.spec.holders and self.spec.released_at is not None


class Ledger:
    """All that allocation must know. Give it every object once, and then what changes."""

    def __init__(self) -> None:
        self.pools: Mapping[str, Pool] = {}
        self.now = 0.0
        self.held = {version: Occupied() for version in VERSIONS}
        self.occupied = {version: Occupied() for version in VERSIONS}
        self._entries: dict[Address, Entry] = {}
        self._by_key: dict[str, Address] = {}
        self._by_owner: dict[str, set[Address]] = defaultdict(set)
        self._standing: dict[Address, set[str]] = defaultdict(set)
        self._standing_of: dict[str, frozenset[Address]] = {}
        self._services: set[str] = set()
        self._resting: set[Address] = set()
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
        spec = _spec_of(key, vip) if vip is not None else None
        if vip is not None and spec is not None and (vip.spec is not None or before is None):
            address = ip_address(spec.address)
            since = self.now
            if before is not None and before.resting:
                since = before.first_seen
            self._enter(key, address, Entry(vip, spec, exists=True, first_seen=since))
        elif vip is None and before is not None and before.spec.holders:
            address = self._by_key[key]
            self._enter(key, address, replace(before, exists=False))
            self._drop_if_forsaken(address)
        elif vip is None and before is not None:
            self._remove(key)
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
        if service is None:
            self._services.discard(key)
        else:
            self._services.add(key)
            cluster_ips = addresses_in(service.spec.cluster_ips)
            standing = frozenset((*ingress_addresses(service), *cluster_ips))
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

    def pass_time(self, now: float) -> bool:
        """Let time pass; return whether an address has become free by it."""
        self.now = now
        freed = False
        while self._expiries and self._expiries[0][0] <= now:
            address = heappop(self._expiries)[2]
            freed |= self._settle(address)
        return freed

    def next_deadline(self) -> float | None:
        """Return when `pass_time` is due."""
        return self._expiries[0][0] if self._expiries else None

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
        """Return who has `address`: by a VIP, or because it stands in a Service."""
        entry = self._entries.get(address)
        return self.standing(address) | frozenset(entry.owners if entry else ())

    def rests_for(self, address: Address) -> str | None:
        """Return for whom `address` rests still ("" for nobody named); None if it does not."""
        entry = self._entries.get(address)
        if entry is None or not entry.resting or self._rests_until(entry) <= self.now:
            return None
        return entry.last_holder

    def longest_rested(self, version: int, pool: Pool) -> Address | None:
        """Return the address to give when `pool` is full: of those that rest the first to end.

        Those for whose name there is a Service again come last.
        """
        candidates = [
            (
                self._entries[address].last_holder in self._services,
                self._rests_until(self._entries[address]),
                int(address),
                address,
            )
            for address in self._resting
            if address.version == version
            and not self._standing.get(address)
            and pool.gives(address)
        ]
        return min(candidates, key=lambda one: one[:3])[3] if candidates else None

    # How it is kept

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
        for name in {*entry.owners, entry.last_holder} - {""}:
            self._by_owner[name].discard(address)
            if not self._by_owner[name]:
                del self._by_owner[name]

    def _drop_if_forsaken(self, address: Address) -> None:
        entry = self._entries.get(address)
        if entry is None or entry.exists or self.standing(address) & {*entry.owners}:
            return
        self._remove(entry.vip.metadata.name)

    def _settle(self, address: Address) -> bool:
        entry = self._entries.get(address)
        held = entry is not None and bool(entry.spec.holders)
        rested = entry is not None and entry.resting and self._rests_until(entry) <= self.now
        was_occupied = int(address) in self.occupied[address.version]
        occupied = (entry is not None and not rested) or bool(self._standing.get(address))
        _put(self.held[address.version], int(address), present=held)
        _put(self.occupied[address.version], int(address), present=occupied)
        return was_occupied and not occupied

    def _rests_until(self, entry: Entry) -> float:
        pool = self.pools.get(entry.spec.pool.name) if entry.spec.pool else None
        hold = float(pool.spec.hold_seconds) if pool else DEFAULT_HOLD_SECONDS
        return entry.first_seen + hold


def _spec_of(key: str, vip: VIP) -> VIPSpec | None:
    """Return the spec to go by: that of a faulty VIP is that its name is taken."""
    if vip.spec is not None:
        return vip.spec
    try:
        return VIPSpec(address=str(ip_address(key.replace("-", ":"))))
    except ValueError:
        return None


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
