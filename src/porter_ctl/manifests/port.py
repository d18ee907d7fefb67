"""The directory as a `ClusterPort`. File work happens in threads; the event loop never waits."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from porter_ctl.manifests.events import EventLog
from porter_ctl.manifests.leader import LockElection
from porter_ctl.manifests.writer import Writer, resource_of
from porter_ctl.store.port import PortFailure, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from porter_ctl.api import ObjectRef, Resource
    from porter_ctl.manifests.directory import ManifestDirectory
    from porter_ctl.store.port import KubeEvent, Leadership

P = ParamSpec("P")
T = TypeVar("T")
_log = logging.getLogger(__name__)


class ManifestPort:
    """Implements `porter_ctl.store.port.ClusterPort`.

    Attributes:
        on_write: Called in the event loop after each write: there is something new to read.
        lost: How many events were not written.
    """

    def __init__(self, directory: ManifestDirectory, *, identity: str) -> None:
        """Args say where, and who writes.

        Args:
            directory: The one that the source of this process reads, too.
            identity: Ours alone among all processes that share it.
        """
        self.on_write: Callable[[], None] = _nobody
        self.lost = 0
        self._directory = directory
        self._election = LockElection(
            directory.own.root / "leader.lock", identity=identity, poll=directory.timings.poll
        )
        self._writer = Writer(directory, fence=self._election.fence)
        self._events = EventLog(directory.own, instance=identity)

    def leadership(self) -> Leadership:
        """Return the one election of this process."""
        return self._election

    async def create(self, obj: Resource) -> Resource:
        """Create `obj` and return it as stored; its status is not written.

        Raises:
            AlreadyExists: The name is taken, be it in a file of the user's: this is the lock.
            Invalid: It cannot be read back.
            Forbidden: Objects of its kind are the user's to write.
            Unavailable: Whether it exists now is not known.
        """
        return await self._write(self._writer.create, obj)

    async def replace(self, obj: Resource) -> Resource:
        """Replace our labels, annotations and the spec of the version that was read.

        Raises:
            Conflict: It has changed since, or is another object of that name.
            NotFound: It is gone.
            Invalid: There is no spec, or it cannot be read back.
            Forbidden: It is the user's to write.
            Unavailable: Whether it was written is not known.
        """
        return await self._write(self._writer.replace, obj)

    async def apply_status(self, obj: Resource, *, uid: str, resource_version: str) -> None:
        """Write our fields of `obj.status`; nothing is written where they stand there already.

        Args:
            obj: The object with the status it should have.
            uid: The object meant: a successor of its name is left alone.
            resource_version: Write only onto this version; empty for onto any.

        Raises:
            Conflict: It is another object now, or has changed since.
            NotFound: It is gone.
            Invalid: It has no status.
            Unavailable: Whether it was written is not known.
        """
        write = self._writer.apply_status
        await self._write(write, obj, uid=uid, resource_version=resource_version)

    async def delete(self, ref: ObjectRef, *, uid: str, resource_version: str) -> None:
        """Delete the object if it is still exactly this one.

        Raises:
            Conflict: It is another object now, or has changed since.
            NotFound: It is gone already.
            Forbidden: It stands in a file of the user's.
            Unavailable: Whether it was deleted is not known.
        """
        write = self._writer.delete
        await self._write(write, ref, uid=uid, resource_version=resource_version)

    async def annotate(self, ref: ObjectRef, annotations: Mapping[str, str | None]) -> None:
        """Set annotations of an object that the user wrote, beside his file; None removes one.

        Raises:
            NotFound: No file has it.
            Forbidden: What should go stands in the user's file.
            Unavailable: Whether it was written is not known.
        """
        await self._write(self._writer.annotate, ref, annotations)

    async def get_live(self, ref: ObjectRef) -> Resource | None:
        """Read the object from its files; None if it is certain that there is none.

        Raises:
            Invalid: It is there and cannot be read.
            Unavailable: Nobody can tell, since a file is being written or is not understood.
        """
        entry = await _in_thread(self._directory.get, ref)
        return resource_of(entry) if entry is not None else None

    async def emit(self, event: KubeEvent) -> None:
        """Append the event to `events.jsonl`, or lose it."""
        try:
            await _in_thread(self._events.append, event)
        except PortFailure as error:
            if not self.lost:
                _log.warning("events are lost: %s", error)
            self.lost += 1

    async def _write(self, write: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        result = await _in_thread(write, *args, **kwargs)
        self.on_write()
        return result


async def _in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    try:
        return await asyncio.to_thread(work, *args, **kwargs)
    except OSError as error:
        raise Unavailable(f"the directory: {error}") from error


def _nobody() -> None:
    """Nobody wants to know yet."""
