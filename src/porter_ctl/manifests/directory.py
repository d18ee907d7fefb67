"""The directory as a cluster: all its objects as they are now, each decoded once a version.

One instance serves both who reads and who writes in a process, since what the user's files are
believed to say takes memory: a read from the directory is what was still there at the last look.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from porter_ctl.api import OWN_KINDS, decode, validate_document
from porter_ctl.manifests.file_fault import FileFault, UnparsableError
from porter_ctl.manifests.merge import is_whole, merge
from porter_ctl.manifests.own_files import OwnFiles
from porter_ctl.manifests.timings import Timings
from porter_ctl.manifests.user_files import UserFiles
from porter_ctl.store.port import Invalid, PortFailure, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from porter_ctl.api import Fault, ObjectRef, Resource
    from porter_ctl.manifests.document import Document
    from porter_ctl.manifests.merge import Merged
    from porter_ctl.manifests.own_files import OwnFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One object, decoded.

    Attributes:
        merged: What was decoded.
        resource: None if nothing of it can be held.
        faults: What is wrong with it.
    """

    merged: Merged
    resource: Resource | None
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything, at one look.

    Attributes:
        entries: The objects; the same instance as long as nothing of one has changed.
        faults: What is wrong in the files, by file and line.
        complete: Whether every file has been read.
        next_look: Seconds until a look will find more only because time has passed.
    """

    entries: Mapping[ObjectRef, Entry]
    faults: tuple[FileFault, ...]
    complete: bool
    next_look: float | None


class ManifestDirectory:
    """All methods do file work, and may be called from any thread but the event loop's."""

    def __init__(
        self,
        path: Path,
        *,
        timings: Timings | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is read or made before `refresh`.

        Args:
            path: The directory; it must be there.
            timings: How long it is watched before it is believed.
            clock: Monotonic, in seconds.
        """
        self.path = path
        self.timings = timings or Timings()
        self.own = OwnFiles(path, patience=self.timings.lock)
        self._clock = clock
        self._user = UserFiles(path, self.timings)
        self._entries: dict[ObjectRef, Entry] = {}
        self._orphans: dict[ObjectRef, tuple[str, float]] = {}  # version, and since when
        self._opened = False
        self._busy = threading.Lock()  # UserFiles is not made for two threads at once

    def refresh(self) -> Snapshot:
        """Look at all files.

        Raises:
            OSError: The directory is not there, or not as it was: what it said last stands.
        """
        with self._busy:
            gone = self._look()
            own, faults = self.own.scan()
            orphans = self._find_orphans(own, gone)
            documents = self._user.documents
            entries: dict[ObjectRef, Entry] = {}
            for ref in [*documents, *(ref for ref in own if ref not in documents)]:
                entry = self._entry(ref, documents.get(ref), own.get(ref))
                if entry is not None:
                    entries[ref] = entry
            self._entries = entries
            next_look = self._user.next_look()
            snapshot = Snapshot(
                entries=entries,
                faults=tuple(sorted([*self._user.faults, *faults, *_undecoded(entries)])),
                complete=self._user.complete,
                next_look=None if next_look is None else max(0.0, next_look - self._clock()),
            )
        for ref, version in orphans.items():
            self._remove_orphan(ref, version)
        return snapshot

    def get(self, ref: ObjectRef) -> Entry | None:
        """Read one object as it is now; None if it is certain that there is none.

        Raises:
            Unavailable: Nobody can tell: a file that may hold it is not understood.
            Invalid: Our own part of it cannot be understood.
            OSError: The directory is not there, or not as it was.
        """
        with self._busy:
            entry = self._read(ref)
            if entry is None and not self._user.understood:
                bad = "; ".join(str(fault) for fault in self._user.faults)
                raise Unavailable(
                    f"whether {ref} exists cannot be told: {bad or 'a file is being written'}",
                    remedy="repair that file" if bad else "",
                )
            return entry

    def get_known(self, ref: ObjectRef) -> Entry | None:
        """Read one object as it is now; None if none is known.

        Raises:
            Invalid: Our own part of it cannot be understood.
            OSError: The directory is not there, or not as it was.
        """
        with self._busy:
            return self._read(ref)

    def _read(self, ref: ObjectRef) -> Entry | None:
        self._look()
        try:
            own = self.own.read(ref)
        except UnparsableError as error:
            raise Invalid(str(error), remedy="repair or remove that file") from error
        return self._entry(ref, self._user.documents.get(ref), own)

    def _look(self) -> list[ObjectRef]:
        if not self._opened:
            self.own.open()
            self._opened = True
        if not self.own.root.is_dir():  # emptied, or another file system is mounted there now
            raise FileNotFoundError(f"{self.own.root} is gone; start again if that was meant")
        return self._user.look(self._clock())

    def _entry(
        self, ref: ObjectRef, document: Document | None, own: OwnFile | None
    ) -> Entry | None:
        before = self._entries.get(ref)
        if before is not None and before.merged.is_of(document, own):
            return before
        merged = merge(ref, document, own)
        if merged is None:
            return None
        resource, faults = _judge(merged)
        return Entry(merged=merged, resource=resource, faults=faults)

    def _find_orphans(
        self, own: Mapping[ObjectRef, OwnFile], gone: list[ObjectRef]
    ) -> dict[ObjectRef, str]:
        """Statuses of objects that are gone, each with its version.

        Another process may have seen an object before us and written its status: one that we have
        not seen at all is given time to appear.
        """
        now = self._clock()
        orphans = {
            ref: file.version
            for ref, file in own.items()
            if ref not in self._user.documents and not is_whole(ref, file)
        }
        self._orphans = {
            ref: (version, self._orphans.get(ref, (version, now))[1])
            for ref, version in orphans.items()
        }
        if not self._user.understood:
            return {}
        return {
            ref: version
            for ref, (version, since) in self._orphans.items()
            if ref in gone or now >= since + self.timings.orphaned
        }

    def _remove_orphan(self, ref: ObjectRef, version: str) -> None:
        try:
            with self.own.locked():
                found = self.own.read(ref)
                if found is not None and found.version == version:
                    self.own.remove(ref)
        except (PortFailure, UnparsableError):
            return  # the next look tries again


def _judge(merged: Merged) -> tuple[Resource | None, tuple[Fault, ...]]:
    """Decode an object; one that the user wrote must have no field that nobody knows.

    An API server would refuse that one: it counts as if nothing were written, so that what was
    accepted last stands.
    """
    kind, document = merged.ref.kind, merged.document
    decoded = decode(kind, merged.body)
    if document is None or decoded.faults or kind not in OWN_KINDS:
        return decoded.resource, tuple(decoded.faults)
    faults = tuple(validate_document(document.body))
    if faults:
        decoded = decode(kind, {name: v for name, v in merged.body.items() if name != "spec"})
    return decoded.resource, faults


def _undecoded(entries: Mapping[ObjectRef, Entry]) -> list[FileFault]:
    """The faults of objects of which nothing can be held, so that no store tells of them."""
    found: list[FileFault] = []
    for ref, entry in entries.items():
        document = entry.merged.document
        if entry.resource is None and document is not None:
            text = "; ".join(str(fault) for fault in entry.faults)
            found.append(FileFault(document.file, document.line, f"{ref}: {text}"))
    return found
