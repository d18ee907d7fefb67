"""`porter_ctl.manifests.merge`: whose field is whose."""

from __future__ import annotations

import pytest

from porter_ctl.api import Kind, ObjectRef
from porter_ctl.manifests.document import Document, Json, as_object, documents_of
from porter_ctl.manifests.merge import merge
from porter_ctl.manifests.own_files import OwnFile

VIP = ObjectRef(Kind.VIP, "", "192.0.2.1")
POOL = ObjectRef(Kind.VIP_POOL, "", "p")
NODE = ObjectRef(Kind.BGP_NODE, "", "node-a")


def _document(ref: ObjectRef, spec: Json, *, uid: str = "") -> Document:
    metadata = {"name": ref.name, "uid": uid}
    value = {
        "apiVersion": "porter.network/v1beta1",
        "kind": str(ref.kind),
        "metadata": metadata,
        "spec": spec,
    }
    (document,) = documents_of(value, file="a.yaml", line=1, mtime=0.0)
    return document


def _own(ref: ObjectRef, **parts: object) -> OwnFile:
    return OwnFile(body={"metadata": {"name": ref.name, "uid": ref.key}, **parts}, version="1")


# The user's spec of a VIP, what we keep of it, and what comes of both.
VIP_SPECS: dict[str, tuple[Json, Json, Json]] = {
    "holders are ours": (
        {"holders": [{"name": "theirs"}]},
        {"holders": [{"name": "ours"}]},
        {"holders": [{"name": "ours"}]},
    ),
    "a pool, a release and seats are ours": (
        {"address": "192.0.2.1"},
        {"pool": {"name": "p"}, "releasedAt": "now", "seats": ["a"]},
        {"address": "192.0.2.1", "pool": {"name": "p"}, "releasedAt": "now", "seats": ["a"]},
    ),
    "what the allocator let go does not come back": (
        {"releasedAt": "then", "holders": [{"name": "theirs"}]},
        {"address": "192.0.2.1"},
        {"address": "192.0.2.1"},
    ),
    "a reservation is the user's": (
        {"reservedFor": {"namespace": "new"}},
        {"reservedFor": {"namespace": "old"}},
        {"reservedFor": {"namespace": "new"}},
    ),
    "a reservation that the user removed is none": (
        {"address": "192.0.2.1"},
        {"reservedFor": {"namespace": "old"}},
        {"address": "192.0.2.1"},
    ),
}


@pytest.mark.parametrize(("users", "ours", "both"), VIP_SPECS.values(), ids=VIP_SPECS)
def test_vip(users: Json, ours: Json, both: Json) -> None:
    merged = merge(VIP, _document(VIP, users, uid="mine"), _own(VIP, spec=ours))

    assert merged is not None
    assert (merged.body["spec"], merged.uid) == (both, "mine")


def test_of_another_kind_only_the_status_is_ours() -> None:
    document = _document(POOL, {"addresses": ["192.0.2.0/24"]})

    merged = merge(POOL, document, _own(POOL, spec={"addresses": []}, status={"usage": "1/2"}))

    assert merged is not None
    assert merged.body["spec"] == {"addresses": ["192.0.2.0/24"]}
    assert merged.body["status"] == {"usage": "1/2"}


ALONE = {
    "a VIP with its address": (VIP, _own(VIP, spec={"address": "192.0.2.1"}), True),
    "a BGPNode": (NODE, _own(NODE), True),
    "the status of a VIP": (VIP, _own(VIP, status={}), False),
    "the status of a pool": (POOL, _own(POOL, status={}), False),
    "the spec of a pool": (POOL, _own(POOL, spec={}), False),
    "nothing": (VIP, None, False),
}


@pytest.mark.parametrize(("ref", "own", "whole"), ALONE.values(), ids=ALONE)
def test_an_object_without_the_user(
    ref: ObjectRef,
    own: OwnFile | None,
    whole: bool,  # noqa: FBT001 - the column of a table
) -> None:
    assert (merge(ref, None, own) is not None) is whole


def test_the_version_is_of_both_parts() -> None:
    document = _document(POOL, {})
    parts = [
        (document, None),
        (document, _own(POOL, status={})),
        (_document(POOL, {"priority": 1}), None),
    ]

    versions = {merged.version for part in parts if (merged := merge(POOL, *part)) is not None}

    assert len(versions) == 3


def test_an_edit_makes_an_object_no_younger() -> None:
    edited = _document(POOL, {"addresses": ["192.0.2.0/24"]}, uid=POOL.key)
    own = OwnFile(
        body={"metadata": {"uid": POOL.key, "creationTimestamp": "1969-12-31T00:00:00Z"}},
        version="1",
    )

    merged = merge(POOL, edited, own)
    assert merged is not None
    assert as_object(merged.body["metadata"])["creationTimestamp"] == "1969-12-31T00:00:00Z"


def test_a_time_of_creation_that_the_user_wrote_counts() -> None:
    value = {
        "apiVersion": "porter.network/v1beta1",
        "kind": "VIPPool",
        "metadata": {"name": POOL.name, "creationTimestamp": "2020-01-01T00:00:00Z"},
        "spec": {},
    }
    (written,) = documents_of(value, file="a.yaml", line=1, mtime=0.0)
    own = OwnFile(
        body={"metadata": {"uid": POOL.key, "creationTimestamp": "1969-12-31T00:00:00Z"}},
        version="1",
    )

    merged = merge(POOL, written, own)
    assert merged is not None
    assert as_object(merged.body["metadata"])["creationTimestamp"] == "2020-01-01T00:00:00Z"
