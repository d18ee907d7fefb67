"""Which prefixes does a key concern? Kept up event by event, at the cost of what the key touches.

The edges are those of the objects as last seen *and* as they are now, so that whoever lost a
prefix is planned as well as whoever gained it. A VIP names its holders whether or not such a
Service exists: the edge is there before its other end is. What changes the context of a node
(`porter_ctl.plan.context.CONTEXT_KINDS`) touches everything and is not asked here.

The index also remembers VIPs that vanished while they had holders: that is no release, and the
address stays with its Service while that stands and names it in its status.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from porter_bgp.wire import Prefix
from porter_ctl.api import AddressType, Kind, TrafficPolicy
from porter_ctl.plan.addresses import addresses_in, ingress_addresses
from porter_ctl.plan.inputs import HolderInputs, PrefixInputs, count_endpoints

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from collections.abc import Set as AbstractSet

    from porter_ctl.api import VIP, EndpointSlice, Holder, Service
    from porter_ctl.plan.inputs import Lookup, Objects


class PrefixIndex:
    """The prefixes of one node's plan."""

    def __init__(self, objects: Objects, node: str) -> None:
        """Begin empty: every key there is must be given to `touched` once.

        Args:
            objects: Where to look up what a key stands for now.
            node: The name of the node that is planned for.
        """
        self._objects = objects
        self._around = Surroundings(objects.services, self.slices, node)
        self._vips: dict[Prefix, VIP] = {}
        self._prefix_of: dict[str, Prefix] = {}
        self._vanished: set[Prefix] = set()
        self._of_service: dict[str, set[Prefix]] = defaultdict(set)
        self._service_of: dict[str, str] = {}
        self._slices_of: dict[str, dict[str, None]] = defaultdict(dict)

    def touched(self, kind: Kind, key: str) -> frozenset[Prefix]:
        """Look at what `key` stands for now; return the prefixes to plan again."""
        match kind:
            case Kind.VIP:
                return self._touched_by_vip(key)
            case Kind.SERVICE:
                prefixes = frozenset(self._of_service.get(key, ()))
                for prefix in prefixes & self._vanished:
                    self._drop_if_forsaken(prefix)
                return prefixes
            case Kind.ENDPOINT_SLICE:
                return self._touched_by_slice(key)
            case _:
                return frozenset()

    def prefixes(self) -> AbstractSet[Prefix]:
        """Return all prefixes known: what a new context has to plan again."""
        return self._vips.keys()

    @property
    def vanished(self) -> Mapping[Prefix, VIP]:
        """The VIPs remembered although they are gone."""
        return {prefix: self._vips[prefix] for prefix in self._vanished}

    def inputs(self, prefix: Prefix, announced: frozenset[str] = frozenset()) -> PrefixInputs:
        """Gather what planning `prefix` needs.

        Args:
            prefix: Any prefix, known or not.
            announced: UIDs of the Services for which it was announced here before.
        """
        return gather(prefix, self._vips.get(prefix), announced, self._around)

    def slices(self, service: str) -> Iterable[EndpointSlice]:
        """Return the EndpointSlices of a Service (namespace/name)."""
        found = (self._objects.endpoint_slices.get(key) for key in self._slices_of.get(service, ()))
        return [one for one in found if one is not None]

    def _touched_by_vip(self, key: str) -> frozenset[Prefix]:
        vip = self._objects.vips.get(key)
        before = self._prefix_of.get(key)
        if vip is None or vip.spec is None:
            if before is None:
                return frozenset()
            if vip is None and holders_of(self._vips[before]):
                self._vanished.add(before)
                self._drop_if_forsaken(before)
            elif vip is None:
                self._forget(before)
            return frozenset({before})
        prefix = Prefix.of(addresses_in((vip.spec.address,))[0])
        self._forget(prefix)
        self._prefix_of[key] = prefix
        self._vips[prefix] = vip
        for holder in vip.spec.holders:
            self._of_service[f"{holder.namespace}/{holder.name}"].add(prefix)
        return frozenset({prefix})

    def _touched_by_slice(self, key: str) -> frozenset[Prefix]:
        one = self._objects.endpoint_slices.get(key)
        before = self._service_of.pop(key, "")
        after = f"{one.metadata.namespace}/{one.service}" if one is not None and one.service else ""
        if before and before != after:
            del self._slices_of[before][key]
            if not self._slices_of[before]:
                del self._slices_of[before]
        if after:
            self._service_of[key] = after
            self._slices_of[after][key] = None
        return frozenset(self._of_service.get(before, ())) | self._of_service.get(after, set())

    def _forget(self, prefix: Prefix) -> None:
        vip = self._vips.pop(prefix, None)
        if vip is None:
            return
        self._vanished.discard(prefix)
        self._prefix_of.pop(vip.metadata.name)
        for holder in holders_of(vip):
            owner = f"{holder.namespace}/{holder.name}"
            self._of_service[owner].discard(prefix)
            if not self._of_service[owner]:
                del self._of_service[owner]

    def _drop_if_forsaken(self, prefix: Prefix) -> None:
        if not any(
            _stands_by(self._objects.services, holder, prefix)
            for holder in holders_of(self._vips[prefix])
        ):
            self._forget(prefix)


def holders_of(vip: VIP) -> tuple[Holder, ...]:
    """Return the holders that an accepted VIP names."""
    return vip.spec.holders if vip.spec is not None else ()


class Surroundings(NamedTuple):
    """Where to look for what a VIP names.

    Attributes:
        services: By namespace/name.
        slices: The EndpointSlices of a Service, by its namespace/name.
        node: The node that is planned for.
    """

    services: Lookup[Service]
    slices: Callable[[str], Iterable[EndpointSlice]]
    node: str


def gather(
    prefix: Prefix, vip: VIP | None, announced: frozenset[str], around: Surroundings
) -> PrefixInputs:
    """Gather the inputs of a prefix whose VIP is known."""
    address_type = AddressType.IPV4 if prefix.family.bits == 32 else AddressType.IPV6
    holders = []
    for holder in holders_of(vip) if vip is not None else ():
        owner = f"{holder.namespace}/{holder.name}"
        service = around.services.get(owner)
        slices = tuple(one for one in around.slices(owner) if one.address_type is address_type)
        local = service is not None and service.spec.external_traffic_policy is TrafficPolicy.LOCAL
        endpoints = count_endpoints(slices, around.node if local else None)
        holders.append(HolderInputs(holder, service, endpoints, slices))
    return PrefixInputs(prefix=prefix, vip=vip, holders=tuple(holders), announced=announced)


def _stands_by(services: Lookup[Service], holder: Holder, prefix: Prefix) -> bool:
    service = services.get(f"{holder.namespace}/{holder.name}")
    return (
        service is not None
        and service.metadata.uid == holder.uid
        and prefix.address in ingress_addresses(service)
    )
