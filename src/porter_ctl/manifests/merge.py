"""One object out of two: what the user wrote, and what Porter keeps about it.

Of a VIP that the user wrote, to reserve the address, the allocator's fields are ours and all
others the user's. Of everything else the user wrote only the status is ours, and the annotations
that commands of ours put there. What nobody wrote but us is an object only if it is of a kind that
we make.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from porter_ctl.api import Kind
from porter_ctl.manifests.document import Json, as_object, digest

if TYPE_CHECKING:
    from porter_ctl.api import ObjectRef
    from porter_ctl.manifests.document import Document
    from porter_ctl.manifests.own_files import OwnFile

MADE_HERE = frozenset({Kind.VIP, Kind.BGP_NODE})
_ALLOCATORS = frozenset({"pool", "holders", "releasedAt", "seats"})  # of VIP.spec
_USERS = frozenset({"reservedFor"})  # of VIP.spec, whether the user wrote it or not


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """An object as an API server would give it.

    Attributes:
        version: Its resourceVersion: a digest of both parts.
        document: The user's part; None if there is none.
        own: Our part; None if there is none.
    """

    ref: ObjectRef
    body: Json
    version: str
    document: Document | None
    own: OwnFile | None

    @property
    def uid(self) -> str:
        """Its uid."""
        return str(as_object(self.body["metadata"])["uid"])

    def is_of(self, document: Document | None, own: OwnFile | None) -> bool:
        """Whether this is what these parts make."""
        ours = self.own.version if self.own is not None else None
        return self.document is document and ours == (own.version if own is not None else None)


def merge(ref: ObjectRef, document: Document | None, own: OwnFile | None) -> Merged | None:
    """Give the object that both parts make; None where they make none."""
    if document is None:
        if own is None or not is_whole(ref, own):
            return None
        body, version = dict(own.body), own.version
    elif own is None or (own.uid != document.uid and ref.kind is not Kind.VIP):
        body, version = dict(document.body), document.version
    else:
        body, version = (
            _both(ref, document, own),
            digest(f"{document.version} {own.version}".encode()),
        )
    metadata = {"uid": ref.key, **as_object(body.get("metadata"))}
    body["metadata"] = {**metadata, **_identity(ref), "resourceVersion": version}
    return Merged(ref=ref, body=body, version=version, document=document, own=own)


def is_whole(ref: ObjectRef, own: OwnFile) -> bool:
    """Whether our part is an object without the user's: a VIP says its address, a BGPNode need not.

    A VIP of the user's about which nothing but a status was written is not.
    """
    return ref.kind is Kind.BGP_NODE or (ref.kind is Kind.VIP and "spec" in own.body)


def without_users_fields(spec: Json) -> Json:
    """What of a VIP's spec is kept beside the user's own document."""
    return {name: value for name, value in spec.items() if name not in _USERS}


def _both(ref: ObjectRef, document: Document, own: OwnFile) -> Json:
    body = dict(document.body)
    if "status" in own.body:
        body["status"] = own.body["status"]
    first_seen = as_object(own.body.get("metadata")).get("creationTimestamp")
    if first_seen is not None and not document.dated:
        body["metadata"] = {**as_object(body["metadata"]), "creationTimestamp": first_seen}
    annotations = as_object(as_object(own.body.get("metadata")).get("annotations"))
    if annotations and ref.kind not in MADE_HERE:
        metadata = as_object(body["metadata"])
        annotations = {**as_object(metadata.get("annotations")), **annotations}
        body["metadata"] = {**metadata, "annotations": annotations}
    ours = as_object(own.body.get("spec"))
    if ref.kind is Kind.VIP and ours:
        users = as_object(body.get("spec"))
        kept = {name: value for name, value in users.items() if name not in _ALLOCATORS}
        body["spec"] = {**without_users_fields(ours), **kept}
    return body


def _identity(ref: ObjectRef) -> Json:
    identity: Json = {"name": ref.name}
    if ref.namespace:
        identity["namespace"] = ref.namespace
    return identity
