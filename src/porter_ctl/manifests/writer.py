"""Every write to the directory, with what must hold for it: the file work behind `ManifestPort`.

The user's files are only read. A version is compared and replaced under one lock, so of two that
start from the same version one succeeds.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec

from porter_ctl.api import KINDS, ref_of
from porter_ctl.manifests.document import Json, as_object, rfc3339
from porter_ctl.manifests.file_fault import UnparsableError
from porter_ctl.manifests.merge import MADE_HERE, without_users_fields
from porter_ctl.store.overlay import overlay
from porter_ctl.store.port import AlreadyExists, Conflict, Forbidden, Invalid, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from porter_ctl.api import ObjectRef, Resource
    from porter_ctl.manifests.directory import Entry, ManifestDirectory
    from porter_ctl.manifests.document import Document


class Writer:
    """Writes. Call it from a thread; OSError means that the directory cannot be written."""

    def __init__(self, directory: ManifestDirectory, *, fence: Callable[[], None]) -> None:
        """`fence` raises if this process must not write; it is asked last, before each write."""
        self._directory = directory
        self._own = directory.own
        self._fence = fence

    def create(self, obj: Resource) -> Resource:
        """Create `obj`, without its status.

        A file of the user's that is not understood hinders nobody: should the object stand there,
        too, then both parts make it once the file is repaired.

        Raises:
            AlreadyExists: It is there, or stands in a file of the user's.
            Forbidden: Objects of its kind are the user's to write.
        """
        ref = ref_of(obj)
        if ref.kind not in MADE_HERE:
            raise Forbidden(f"create {ref}: only the user writes these", reason="read-only")
        entry = self._directory.get_known(ref)
        if entry is not None:
            where = f" in {entry.merged.document.place}" if entry.merged.document else ""
            raise AlreadyExists(f"{ref} exists{where}")
        body = _frame(ref, {"creationTimestamp": rfc3339(time.time()), **_labels(obj)})
        spec = _spec(obj)
        if spec is not None:
            body["spec"] = overlay(None, spec)
        self._fence()
        try:
            self._own.create(ref, body)
        except FileExistsError as error:
            raise AlreadyExists(f"{ref} exists") from error
        return self._written(ref)

    def replace(self, obj: Resource) -> Resource:
        """Replace our labels, annotations and the spec of the version that was read.

        Raises:
            Conflict: It has changed since, or is another object of that name.
            NotFound: It is gone.
            Forbidden: It is the user's to write.
            Invalid: There is no spec.
        """
        ref, spec = ref_of(obj), _spec(obj)
        if ref.kind not in MADE_HERE:
            raise Forbidden(f"update {ref}: only the user writes it", reason="read-only")
        if spec is None:
            raise Invalid(f"update {ref}: it has no spec")
        with self._own.locked():
            entry = self._expect(ref, obj.metadata.uid, obj.metadata.resource_version)
            body = self._part(ref, entry)
            written = as_object(overlay(body.get("spec"), spec))
            body["spec"] = without_users_fields(written) if entry.merged.document else written
            body["metadata"] = {**as_object(body["metadata"]), **_labels(obj)}
            self._fence()
            self._own.replace(ref, body)
        return self._written(ref)

    def apply_status(self, obj: Resource, *, uid: str, resource_version: str) -> None:
        """Write our fields of `obj.status`; nothing is written where they stand there already.

        Raises:
            Conflict: It is another object now, or has changed since.
            NotFound: It is gone.
        """
        ref, status = ref_of(obj), getattr(obj, "status", None)
        if not isinstance(status, msgspec.Struct):
            raise Invalid(f"{ref} has no status")
        with self._own.locked():
            entry = self._expect(ref, uid, resource_version)
            before = as_object(entry.merged.body.get("status"))
            after = as_object(overlay(before, status))
            if after == before:
                return
            self._fence()
            self._own.replace(ref, {**self._part(ref, entry), "status": after})

    def delete(self, ref: ObjectRef, *, uid: str, resource_version: str) -> None:
        """Delete the object if it is still exactly this one.

        Raises:
            Conflict: It is another object now, or has changed since.
            NotFound: It is gone already.
            Forbidden: It stands in a file of the user's.
        """
        with self._own.locked():
            document = self._expect(ref, uid, resource_version).merged.document
            if document is not None:
                raise _users(ref, document)
            self._fence()
            self._own.remove(ref)

    def annotate(self, ref: ObjectRef, annotations: Mapping[str, str | None]) -> None:
        """Set annotations of an object that the user wrote, beside his file; None removes one.

        It is a person's act, so whoever leads is not asked.

        Raises:
            NotFound: No file has it.
            Forbidden: What should go stands in the user's file.
        """
        with self._own.locked():
            entry = self._directory.get(ref)
            if entry is None or entry.merged.document is None:
                raise NotFound(f"no file has {ref}", remedy="write its manifest first")
            document = entry.merged.document
            users = as_object(as_object(document.body["metadata"]).get("annotations"))
            for name in [name for name, value in annotations.items() if value is None]:
                if name in users:
                    raise Forbidden(
                        f"annotate {ref}: {name} is the user's",
                        reason="read-only",
                        remedy=f"remove it in {document.place}",
                    )
            body = self._part(ref, entry)
            metadata = as_object(body["metadata"])
            wanted = {**as_object(metadata.get("annotations")), **annotations}
            kept = {name: value for name, value in wanted.items() if value is not None}
            self._own.replace(ref, {**body, "metadata": {**metadata, "annotations": kept}})

    def _expect(self, ref: ObjectRef, uid: str, version: str) -> Entry:
        """Find the object meant, in the version meant."""
        entry = self._directory.get(ref)
        if entry is None:
            raise NotFound(f"{ref} is gone")
        if uid and entry.merged.uid != uid:
            raise Conflict(f"{ref} is another object now: uid {entry.merged.uid}, not {uid}")
        if version and entry.merged.version != version:
            raise Conflict(f"{ref} has changed since version {version}")
        return entry

    def _part(self, ref: ObjectRef, entry: Entry) -> Json:
        """Our part of an object as it stands; a new one where there is none yet."""
        try:
            own = self._own.read(ref)
        except UnparsableError as error:
            raise Invalid(str(error), remedy="repair or remove that file") from error
        since = as_object(entry.merged.body["metadata"]).get("creationTimestamp")
        body = _frame(ref, {}) if own is None else own.body
        metadata = {**as_object(body.get("metadata")), "uid": entry.merged.uid}
        return {**body, "metadata": {**metadata, "creationTimestamp": since}}

    def _written(self, ref: ObjectRef) -> Resource:
        entry = self._directory.get(ref)
        if entry is None:
            raise NotFound(f"{ref} is gone again")
        return resource_of(entry)


def resource_of(entry: Entry) -> Resource:
    """The object, if it can be held.

    Raises:
        Invalid: It cannot.
    """
    if entry.resource is None:
        text = "; ".join(str(fault) for fault in entry.faults)
        raise Invalid(f"{entry.merged.ref}: {text}")
    return entry.resource


def _users(ref: ObjectRef, document: Document) -> Forbidden:
    return Forbidden(
        f"delete {ref}: it is the user's",
        reason="read-only",
        remedy=f"remove it in {document.place}",
    )


def _frame(ref: ObjectRef, metadata: Json) -> Json:
    identity = {"name": ref.name, "uid": ref.key}
    if ref.namespace:
        identity["namespace"] = ref.namespace
    return {
        "apiVersion": KINDS[ref.kind].api_version,
        "kind": str(ref.kind),
        "metadata": {**identity, **metadata},
    }


def _labels(obj: Resource) -> Json:
    """The metadata of `obj` that is the writer's to say; what is not ours is not in these files."""
    metadata = msgspec.to_builtins(obj.metadata)
    names = ("labels", "annotations", "ownerReferences")
    return {name: metadata[name] for name in names if name in metadata}


def _spec(obj: Resource) -> msgspec.Struct | None:
    spec = getattr(obj, "spec", None)
    return spec if isinstance(spec, msgspec.Struct) else None
