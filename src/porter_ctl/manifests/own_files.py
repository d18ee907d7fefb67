"""What Porter keeps beside the user's files: VIPs, BGPNodes, and the statuses of everything.

One file an object, in a folder a kind. A file changes only by link() and rename(), so whoever
reads one reads a whole version. To create is to link: the kernel lets one of many succeed. All
other writes happen under one lock, which the kernel frees when its holder dies.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from porter_ctl.api import KINDS, ObjectRef
from porter_ctl.manifests.document import Json, as_object, digest
from porter_ctl.manifests.file_fault import FileFault, UnparsableError
from porter_ctl.manifests.parse import parse_object
from porter_ctl.store.port import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDER = ".porter"
_LOCK = "write.lock"
_ENDING = ".yaml"
_RETRY = 0.005  # seconds between two attempts to get the lock
_LEFT_OVER = 60.0  # seconds after which a temporary file belongs to nobody


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnFile:
    """One version of one file; `version` is a digest of its octets."""

    body: Json
    version: str

    @property
    def uid(self) -> str:
        """The object it is, or is about."""
        return str(as_object(self.body.get("metadata")).get("uid", ""))


class _Known(NamedTuple):
    signature: tuple[int, int, int]
    file: OwnFile | None  # None: never understood
    fault: FileFault | None


class OwnFiles:
    """The folder of them. Every method does file work: call it from a thread."""

    def __init__(self, directory: Path, *, patience: float) -> None:
        """Args say where, and for how long to wait.

        Args:
            directory: Where the user's files are.
            patience: The longest wait for another process's write, in seconds.
        """
        self.root = directory / FOLDER
        self._patience = patience
        self._known: dict[ObjectRef, _Known] = {}

    def open(self) -> None:
        """Make the folders, and remove what a crash left half made.

        Raises:
            OSError: They cannot be made.
        """
        for kind in KINDS:
            folder = self.root / kind
            folder.mkdir(parents=True, exist_ok=True)
            for path in folder.glob(f".*{_ENDING}.*"):
                with contextlib.suppress(FileNotFoundError):
                    if time.time() - path.stat().st_mtime > _LEFT_OVER:
                        path.unlink()

    def scan(self) -> tuple[dict[ObjectRef, OwnFile], tuple[FileFault, ...]]:
        """Read what has changed; give everything there is, and what cannot be understood.

        A file that cannot be understood, since somebody edited it, says what it said before.

        Raises:
            OSError: A folder is not there any more, or cannot be listed.
        """
        known = {ref: self._look_at(ref, path) for ref, path in self._paths()}
        self._known = {ref: found for ref, found in known.items() if found is not None}
        files = {ref: found.file for ref, found in self._known.items() if found.file is not None}
        faults = [found.fault for found in self._known.values() if found.fault is not None]
        return files, tuple(sorted(faults))

    def read(self, ref: ObjectRef) -> OwnFile | None:
        """Read one file as it is now; None if there is none.

        Raises:
            UnparsableError: It cannot be understood.
            OSError: It cannot be read.
        """
        path = self._path(ref)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            if not path.parent.is_dir():
                raise
            return None
        return OwnFile(body=_parse(content, self._name(path)), version=digest(content))

    def create(self, ref: ObjectRef, body: Json) -> None:
        """Write a file that is not there.

        Raises:
            FileExistsError: It is there: somebody else was faster.
            OSError: It cannot be written.
        """
        path = self._path(ref)
        staged = _stage(path, body)
        try:
            os.link(staged, path)
        finally:
            staged.unlink()
        _sync(path.parent)

    def replace(self, ref: ObjectRef, body: Json) -> None:
        """Write a file that may be there; only under the lock.

        Raises:
            OSError: It cannot be written.
        """
        path = self._path(ref)
        staged = _stage(path, body)
        try:
            staged.rename(path)
        except OSError:
            staged.unlink()
            raise
        _sync(path.parent)

    def remove(self, ref: ObjectRef) -> None:
        """Remove a file that may be there; only under the lock.

        Raises:
            OSError: It cannot be removed.
        """
        path = self._path(ref)
        path.unlink(missing_ok=True)
        _sync(path.parent)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only one of all processes and threads that replaces or removes.

        Raises:
            Unavailable: Another one has been busy with that for too long.
            OSError: The lock cannot be opened.
        """
        path = self.root / _LOCK
        until = time.monotonic() + self._patience
        while (lock := try_lock(path)) is None:
            if time.monotonic() >= until:
                raise Unavailable(
                    f"{path}: another process has held this lock for {self._patience:g} s",
                    remedy="look for a porter process that is stopped or hangs on its disk",
                )
            time.sleep(_RETRY)
        try:
            yield
        finally:
            os.close(lock)

    def _paths(self) -> Iterator[tuple[ObjectRef, Path]]:
        for kind, info in KINDS.items():
            for path in (self.root / kind).iterdir():
                if path.name.startswith(".") or path.suffix != _ENDING:
                    continue
                namespace, _, name = path.name.removesuffix(_ENDING).rpartition("_")
                if bool(namespace) is info.namespaced:
                    yield ObjectRef(kind, namespace, name), path

    def _path(self, ref: ObjectRef) -> Path:
        stem = f"{ref.namespace}_{ref.name}" if ref.namespace else ref.name
        return self.root / ref.kind / f"{stem}{_ENDING}"

    def _name(self, path: Path) -> str:
        return str(path.relative_to(self.root.parent))

    def _look_at(self, ref: ObjectRef, path: Path) -> _Known | None:
        before = self._known.get(ref)
        try:
            found = path.stat()
            signature = (found.st_size, found.st_mtime_ns, found.st_ino)
            if before is not None and before.signature == signature:
                return before
            content = path.read_bytes()
        except FileNotFoundError:  # removed since the folder was listed
            return None
        try:
            body = _parse(content, self._name(path))
        except UnparsableError as error:
            return _Known(signature, before.file if before is not None else None, error.fault)
        return _Known(signature, OwnFile(body=body, version=digest(content)), None)


def try_lock(path: Path) -> int | None:
    """Take the lock that a file is, without waiting.

    Returns:
        The descriptor that has it until it is closed; None while another one has it.

    Raises:
        OSError: The file cannot be opened or made.
    """
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        if isinstance(error, BlockingIOError):
            return None
        raise
    if not is_at(lock, path):  # the file was replaced meanwhile: this one locks nobody out
        os.close(lock)
        return None
    return lock


def is_at(descriptor: int, path: Path) -> bool:
    """Whether an open file is the one that this path leads to."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except OSError:
        return False


def _parse(content: bytes, name: str) -> Json:
    """What is written here is JSON, which is YAML too; what people write may be any YAML."""
    try:
        return msgspec.json.decode(content, type=Json)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return parse_object(content, name)


def _stage(path: Path, body: Json) -> Path:
    """A temporary file beside `path` that is safely on disk."""
    staged = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with staged.open("xb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(body), indent=2) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    return staged


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
