"""The user's files, believed only once they stand still.

An editor, a copy or a checkout writes a file in steps. So a file is read when nothing of it has
changed for a while, one that cannot be understood keeps what it said last, and an object is gone
only when it is still missing a second later. Whatever is wrong is told, with file and line.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from porter_ctl.manifests.document import digest
from porter_ctl.manifests.file_fault import FileFault, UnparsableError
from porter_ctl.manifests.parse import parse_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from porter_ctl.api import ObjectRef
    from porter_ctl.manifests.document import Document
    from porter_ctl.manifests.timings import Timings

_ABSENT = ""  # the digest of a file that is not there


class _Signature(NamedTuple):
    size: int
    mtime_ns: int
    inode: int


@dataclass(slots=True, kw_only=True)
class _File:
    """How a file looks now, and what it said when it was understood last."""

    seen: _Signature
    since: float
    read: _Signature | None = None  # what was read last, understood or not
    digest: str = _ABSENT
    documents: tuple[Document, ...] = ()
    faults: tuple[FileFault, ...] = ()

    @property
    def settled(self) -> bool:
        return self.read == self.seen

    @property
    def understood(self) -> bool:
        return self.settled and not self.faults


class _Missing(NamedTuple):
    """An object that its file, in a version with this digest, no longer has."""

    document: Document
    since: float
    digest: str


class UserFiles:
    """All of them. A look lists the directory and reads files: take it in a thread.

    Attributes:
        documents: The objects that are there, those included that are only missing so far.
        faults: What is wrong in the files, in the order of file and line.
    """

    def __init__(self, directory: Path, timings: Timings) -> None:
        """Nothing is read before the first look."""
        self.documents: Mapping[ObjectRef, Document] = {}
        self.faults: tuple[FileFault, ...] = ()
        self._directory = directory
        self._timings = timings
        self._files: dict[str, _File] = {}
        self._missing: dict[ObjectRef, _Missing] = {}

    @property
    def complete(self) -> bool:
        """Whether every file has been read, understood or not."""
        return all(file.read is not None for file in self._files.values())

    @property
    def understood(self) -> bool:
        """Whether all that the files say is known: what is not in `documents` is nowhere."""
        return all(file.understood for file in self._files.values())

    def look(self, now: float) -> list[ObjectRef]:
        """Look at all files.

        Args:
            now: Seconds on a monotonic clock.

        Returns:
            The objects that are gone since the look before.

        Raises:
            OSError: The directory cannot be listed; what it said last stands.
        """
        names = {path.name for path in self._directory.iterdir() if _is_manifest(path.name)}
        for name in sorted(names | self._files.keys()):
            self._look_at(name, now)
        present, duplicates = self._merge()
        gone = self._settle(present, now)
        missing = {ref: missing.document for ref, missing in self._missing.items()}
        self.documents = {**missing, **present}
        faults = [fault for file in self._files.values() for fault in file.faults]
        self.faults = tuple(sorted([*faults, *duplicates]))
        return gone

    def next_look(self) -> float | None:
        """When, on the clock of `look`, another one finds more only because time has passed."""
        still = self._timings.still
        times = [file.since + still for file in self._files.values() if not file.settled]
        times += [missing.since + self._timings.gone for missing in self._missing.values()]
        return min(times, default=None)

    def _look_at(self, name: str, now: float) -> None:
        signature = _signature(self._directory / name)
        if signature is None:
            if name in self._files:
                self._miss(self._files.pop(name).documents, set(), now, _ABSENT)
            return
        file = self._files.setdefault(name, _File(seen=signature, since=now))
        if file.seen != signature:
            file.seen, file.since = signature, now
        if not file.settled and now >= file.since + self._timings.still:
            self._read(name, file, now)

    def _read(self, name: str, file: _File, now: float) -> None:
        path = self._directory / name
        try:
            content = path.read_bytes()
        except OSError as error:
            file.read = file.seen
            file.faults = (FileFault(name, 0, f"cannot be read: {error.strerror}"),)
            return
        if _signature(path) != file.seen:  # written while it was read: the next look sees it
            return
        file.read, file.digest = file.seen, digest(content)
        try:
            documents, file.faults = parse_file(content, name, mtime=file.seen.mtime_ns / 1e9)
        except UnparsableError as error:
            file.faults = (error.fault,)
            return
        self._miss(file.documents, {found.ref for found in documents}, now, file.digest)
        file.documents = documents

    def _miss(
        self, before: tuple[Document, ...], after: set[ObjectRef], now: float, version: str
    ) -> None:
        """Note what a file had and has no longer."""
        for document in before:
            if document.ref not in after:
                self._missing[document.ref] = _Missing(document, now, version)

    def _merge(self) -> tuple[dict[ObjectRef, Document], list[FileFault]]:
        """Give one document an object: the first by file name and line."""
        present: dict[ObjectRef, Document] = {}
        duplicates: list[FileFault] = []
        for _, file in sorted(self._files.items()):
            for document in file.documents:
                first = present.setdefault(document.ref, document)
                if first is not document:
                    message = (
                        f"{document.ref} stands already in {first.place}, which counts;"
                        " remove one of the two"
                    )
                    duplicates.append(FileFault(document.file, document.line, message))
        return present, duplicates

    def _settle(self, present: Mapping[ObjectRef, Document], now: float) -> list[ObjectRef]:
        """Find what is missing for good."""
        gone: list[ObjectRef] = []
        for ref, missing in list(self._missing.items()):
            name = missing.document.file
            file = self._files.get(name)
            version = file.digest if file is not None else _ABSENT
            if ref in present:
                del self._missing[ref]
            elif version != missing.digest or (file is not None and not file.understood):
                self._missing[ref] = missing._replace(since=now, digest=version)
            elif now < missing.since + self._timings.gone:
                continue
            elif self._says(name, version):
                del self._missing[ref]
                gone.append(ref)
            else:
                self._missing[ref] = missing._replace(since=now)
        return gone

    def _says(self, name: str, version: str) -> bool:
        """Whether a file, read again, still is what it was."""
        try:
            return digest((self._directory / name).read_bytes()) == version
        except FileNotFoundError:
            return version == _ABSENT
        except OSError:
            return False


def _is_manifest(name: str) -> bool:
    """Names with a dot in front are what editors and mounts keep beside the files meant."""
    return name.endswith(".yaml") and not name.startswith(".")


def _signature(path: Path) -> _Signature | None:
    """How a file looks; None if there is none, or it is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    return _Signature(found.st_size, found.st_mtime_ns, found.st_ino)
