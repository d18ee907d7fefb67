"""A cluster in memory behind the seams of `porter_ctl.store.port`.

It has the rules of an API server, and failures on demand, which no API server can be made to show
at a chosen write.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from msgspec.structs import replace

from porter_ctl.api import KINDS, EndpointSlice, Kind, Namespace, Secret, key_of, ref_of
from porter_ctl.store.port import AlreadyExists, Conflict, NotFound, PortFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from porter_ctl.api import ObjectRef, Resource
    from porter_ctl.store.port import KubeEvent, Leadership
    from porter_ctl.store.stores import Stores


class Lead:
    """Leadership that a test turns on and off."""

    def __init__(self, *, leading: bool = True) -> None:
        self.leading = leading
        self.identity = "test"
        self.trouble = ""
        self.on_change: Callable[[bool], None] = lambda _: None
        self.on_trouble: Callable[[], None] = lambda: None

    async def run(self) -> None:
        """Nothing to seek."""


class MemoryPort:
    """Implements `ClusterPort`; every write is in the stores at once.

    Attributes:
        writes: What was written: verb and object.
        fail: Asked before each call; what it returns is raised.
        after_read: Called once, when the next live read has its answer: what it does, others did
            before the answer arrived.
        deaf: While true the stores do not hear of writes, like a watch that lags.
    """

    def __init__(self, stores: Stores, *, leading: bool = True) -> None:
        self.lead = Lead(leading=leading)
        self.writes: list[tuple[str, ObjectRef]] = []
        self.events: list[KubeEvent] = []
        self.fail: Callable[[str, ObjectRef], PortFailure | None] = lambda _verb, _ref: None
        self.after_read: Callable[[], None] = _nothing
        self.deaf = False
        self._stores = stores
        self._objects: dict[ObjectRef, Resource] = {}
        self._version = 0

    def put(self, obj: Resource) -> None:
        """Have an object there, as a user would write it: with its status as given."""
        self._keep(obj)

    def remove(self, ref: ObjectRef) -> None:
        """Have it gone."""
        del self._objects[ref]
        self._stores.remove(ref.kind, ref.key)

    def get(self, ref: ObjectRef) -> Resource | None:
        """What is there, without failures."""
        return self._objects.get(ref)

    def all(self, kind: Kind) -> list[Resource]:
        """All of a kind, by name."""
        return [obj for ref, obj in sorted(self._objects.items()) if ref.kind is kind]

    async def create(self, obj: Resource) -> Resource:
        ref = self._begin("create", obj)
        if ref in self._objects:
            raise AlreadyExists(f"{ref} exists")
        return self._keep(obj)

    async def replace(self, obj: Resource) -> Resource:
        ref = self._begin("replace", obj)
        standing = self._standing(ref)
        if standing.metadata.resource_version != obj.metadata.resource_version:
            raise Conflict(f"{ref} has changed")
        return self._keep(obj)

    async def apply_status(self, obj: Resource, *, uid: str, resource_version: str) -> None:
        ref = self._begin("status", obj)
        standing = self._standing(ref)
        if standing.metadata.uid != uid:
            raise Conflict(f"{ref} is another one")
        if resource_version and standing.metadata.resource_version != resource_version:
            raise Conflict(f"{ref} has changed")
        assert not isinstance(obj, EndpointSlice | Namespace | Secret)
        self._keep(replace(standing, status=obj.status))

    async def delete(self, ref: ObjectRef, *, uid: str, resource_version: str) -> None:
        standing = self._standing(ref)
        self._begin("delete", standing)
        if (standing.metadata.uid, standing.metadata.resource_version) != (uid, resource_version):
            raise Conflict(f"{ref} has changed")
        self.remove(ref)

    async def annotate(self, ref: ObjectRef, annotations: Mapping[str, str | None]) -> None:
        standing = self._standing(ref)
        wanted = {**standing.metadata.annotations, **annotations}
        kept = {name: value for name, value in wanted.items() if value is not None}
        self._keep(replace(standing, metadata=replace(standing.metadata, annotations=kept)))

    async def get_live(self, ref: ObjectRef) -> Resource | None:
        if (failure := self.fail("get", ref)) is not None:
            raise failure
        found = self._objects.get(ref)
        self.after_read, after = _nothing, self.after_read
        after()
        return found

    async def emit(self, event: KubeEvent) -> None:
        self.events.append(event)

    def leadership(self) -> Leadership:
        return self.lead

    def _begin(self, verb: str, obj: Resource) -> ObjectRef:
        ref = ref_of(obj)
        if (failure := self.fail(verb, ref)) is not None:
            raise failure
        self.writes.append((verb, ref))
        return ref

    def _standing(self, ref: ObjectRef) -> Resource:
        if ref not in self._objects:
            raise NotFound(f"{ref} is gone")
        return self._objects[ref]

    def _keep(self, obj: Resource) -> Resource:
        self._version += 1
        uid = obj.metadata.uid or f"uid-{key_of(obj)}"
        metadata = replace(obj.metadata, uid=uid, resource_version=str(self._version))
        kept: Resource = replace(obj, metadata=metadata)
        self._objects[ref_of(kept)] = kept
        if not self.deaf:
            self._stores.put(kept.kind, kept)
        return kept


class SlowPort(MemoryPort):
    """One whose every call takes a few turns of the loop, so that others come in between."""

    async def create(self, obj: Resource) -> Resource:
        await _turns()
        return await super().create(obj)

    async def replace(self, obj: Resource) -> Resource:
        await _turns()
        return await super().replace(obj)

    async def apply_status(self, obj: Resource, *, uid: str, resource_version: str) -> None:
        await _turns()
        await super().apply_status(obj, uid=uid, resource_version=resource_version)

    async def delete(self, ref: ObjectRef, *, uid: str, resource_version: str) -> None:
        await _turns()
        await super().delete(ref, uid=uid, resource_version=resource_version)

    async def get_live(self, ref: ObjectRef) -> Resource | None:
        await _turns()
        return await super().get_live(ref)


async def _turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def sync_everything(stores: Stores) -> None:
    """Say that all kinds have been listed."""
    for kind in KINDS:
        stores.mark_synced(kind)


def _nothing() -> None:
    """Nothing happens."""
