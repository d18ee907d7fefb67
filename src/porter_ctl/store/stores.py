"""All stores together: what is known, what is wrong with it, and which keys changed.

Sources put objects in; whoever reconciles takes the keys that changed, never the changes: it
reads what is true when it comes round to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from porter_ctl.api import (
    VIP,
    BGPAdvertisement,
    BGPConfig,
    BGPNode,
    BGPPeer,
    EndpointSlice,
    Kind,
    Namespace,
    Node,
    Pod,
    Secret,
    Service,
    VIPPool,
    key_of,
)
from porter_ctl.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from collections.abc import Set as AbstractSet

    from porter_ctl.api import Fault, Key, Resource


def _everywhere(_: Key) -> bool:
    return True


_CONFIGURATION = VIPPool | BGPConfig | BGPPeer | BGPAdvertisement


class Stores:
    """One store a kind, the faults of the objects in them, and the keys touched since.

    Attributes:
        wake: Called whenever something is dirty or the sync of a kind has changed.
        faults: What is wrong with an object, by kind and key; no entry where nothing is.
        departed: Objects of the configuration that are gone, as they were last.
    """

    def __init__(self, wake: Callable[[], None] | None = None) -> None:
        """`wake` may be set later as well."""
        self.services = Store(Service)
        self.endpoint_slices = Store(EndpointSlice)
        self.nodes = Store(Node)
        self.pods = Store(Pod)
        self.namespaces = Store(Namespace)
        self.secrets = Store(Secret)
        self.vip_pools = Store(VIPPool)
        self.vips = Store(VIP)
        self.bgp_configs = Store(BGPConfig)
        self.bgp_peers = Store(BGPPeer)
        self.bgp_advertisements = Store(BGPAdvertisement)
        self.bgp_nodes = Store(BGPNode)
        self.wake: Callable[[], None] = wake or _nobody
        self.faults: dict[tuple[Kind, Key], tuple[Fault, ...]] = {}
        self.departed: dict[tuple[Kind, Key], Resource] = {}
        self._dirty: dict[tuple[Kind, Key], None] = {}
        self._synced: set[Kind] = set()
        self._by_kind: Mapping[Kind, Store[Resource]] = {
            Kind.SERVICE: self.services,
            Kind.ENDPOINT_SLICE: self.endpoint_slices,
            Kind.NODE: self.nodes,
            Kind.POD: self.pods,
            Kind.NAMESPACE: self.namespaces,
            Kind.SECRET: self.secrets,
            Kind.VIP_POOL: self.vip_pools,
            Kind.VIP: self.vips,
            Kind.BGP_CONFIG: self.bgp_configs,
            Kind.BGP_PEER: self.bgp_peers,
            Kind.BGP_ADVERTISEMENT: self.bgp_advertisements,
            Kind.BGP_NODE: self.bgp_nodes,
        }

    def of(self, kind: Kind) -> Store[Resource]:
        """The store of a kind, where only the kind is known."""
        return self._by_kind[kind]

    def put(self, kind: Kind, obj: Resource, faults: tuple[Fault, ...] = ()) -> None:
        """Hold `obj` with what is wrong with it; dirty if either is new.

        Where nothing of its spec is good and its status holds no accepted one yet, the spec held
        until now stays: a bad edit takes nothing out of use, however soon it comes.
        """
        key = key_of(obj)
        self.departed.pop((kind, key), None)
        if faults:
            obj = _with_spec_of(self._by_kind[kind].get(key), obj)
        changed = self._by_kind[kind].put(obj)
        if self._set_faults(kind, key, faults) or changed:
            self._mark(kind, (key,))

    def remove(self, kind: Kind, key: Key) -> None:
        """Forget an object; dirty if it was there."""
        self._set_faults(kind, key, ())
        self._see_off(kind, (key,))
        if self._by_kind[kind].remove(key):
            self._mark(kind, (key,))

    def keep_only(
        self, kind: Kind, keys: AbstractSet[Key], within: Callable[[Key], bool] = _everywhere
    ) -> None:
        """Forget every object of a kind but these: the end of taking in a whole list.

        Args:
            kind: Their kind.
            keys: Of all there is, as far as `within` reaches.
            within: Which keys are judged; all others stay.
        """
        leaving = [key for key in self._by_kind[kind] if key not in keys and within(key)]
        self._see_off(kind, leaving)
        gone = self._by_kind[kind].keep_only(keys, within)
        for key in gone:
            self._set_faults(kind, key, ())
        self._mark(kind, gone)

    def mark_dirty(self, kind: Kind, key: Key) -> None:
        """Have this key looked at again although nothing is known to have changed."""
        self._mark(kind, (key,))

    def take_dirty(self) -> list[tuple[Kind, Key]]:
        """The keys touched since the last call, each once, in the order they were touched."""
        dirty, self._dirty = self._dirty, {}
        return list(dirty)

    def synced(self, kind: Kind) -> bool:
        """Whether all that is wanted of a kind has been in its store."""
        return kind in self._synced

    def mark_synced(self, kind: Kind, *, synced: bool = True) -> None:
        """Say that a kind is complete, or that more is wanted of it than has come."""
        if synced != self.synced(kind):
            (self._synced.add if synced else self._synced.discard)(kind)
            self.wake()

    def _mark(self, kind: Kind, keys: Iterable[Key]) -> None:
        before = len(self._dirty)
        self._dirty.update(((kind, key), None) for key in keys)
        if len(self._dirty) > before:
            self.wake()

    def _see_off(self, kind: Kind, keys: Iterable[Key]) -> None:
        for key in keys:
            obj = self._by_kind[kind].get(key)
            if isinstance(obj, _CONFIGURATION):
                self.departed[kind, key] = obj

    def _set_faults(self, kind: Kind, key: Key, faults: tuple[Fault, ...]) -> bool:
        before = self.faults.get((kind, key), ())
        if faults:
            self.faults[kind, key] = faults
        else:
            self.faults.pop((kind, key), None)
        return faults != before


def _with_spec_of(before: Resource | None, obj: Resource) -> Resource:
    if not isinstance(obj, _CONFIGURATION) or not isinstance(before, _CONFIGURATION):
        return obj
    if obj.spec is not None or before.metadata.uid != obj.metadata.uid:
        return obj
    kept: Resource = replace(obj, spec=before.spec)
    return kept


def _nobody() -> None:
    """Nobody waits yet."""
