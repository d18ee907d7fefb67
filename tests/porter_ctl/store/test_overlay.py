"""`porter_ctl.store.overlay`: our fields change, nothing else does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porter_ctl.api import Holder, HolderPort, PoolBinding, VIPSpec, VIPStatus
from porter_ctl.store.overlay import merge_patch, overlay

if TYPE_CHECKING:
    from porter_ctl.store.overlay import Json

WEB = Holder(namespace="default", name="web", uid="u1", ports=(HolderPort(port=80),))


def stored(**fields: object) -> Json:
    return {"address": "192.0.2.1", **fields}


OVERLAID: dict[str, tuple[object, VIPSpec, object]] = {
    "a new object has what is set": (
        None,
        VIPSpec(address="192.0.2.1", holders=(WEB,)),
        stored(
            holders=[
                {
                    "namespace": "default",
                    "name": "web",
                    "uid": "u1",
                    "ports": [{"protocol": "TCP", "port": 80}],
                    "trafficPolicy": "Cluster",
                }
            ]
        ),
    ),
    "a field we do not know stays": (
        stored(newer={"a": 1}),
        VIPSpec(address="192.0.2.1"),
        stored(newer={"a": 1}),
    ),
    "an unknown field of an object inside stays": (
        stored(pool={"name": "old", "newer": 1}),
        VIPSpec(address="192.0.2.1", pool=PoolBinding(name="new")),
        stored(pool={"name": "new", "newer": 1, "whenOutOfPool": "Keep"}),
    ),
    "an unknown field of a list's item stays with that item": (
        stored(holders=[{"namespace": "a", "name": "b", "newer": 2}, _known := {
            "namespace": "default", "name": "web", "uid": "u1", "newer": 1,
            "trafficPolicy": "Cluster",
        }]),
        VIPSpec(address="192.0.2.1", holders=(Holder(namespace="default", name="web", uid="u1"),)),
        stored(holders=[_known]),
    ),
    "another holder of the name is another holder": (
        stored(holders=[{"namespace": "default", "name": "web", "uid": "u0", "newer": 1}]),
        VIPSpec(address="192.0.2.1", holders=(Holder(namespace="default", name="web", uid="u1"),)),
        stored(holders=[{
            "namespace": "default", "name": "web", "uid": "u1", "trafficPolicy": "Cluster",
        }]),
    ),
    "what we leave empty goes": (
        stored(pool={"name": "old"}, releasedAt="2026-01-01T00:00:00Z"),
        VIPSpec(address="192.0.2.1"),
        stored(),
    ),
    "what we empty is written empty": (
        stored(holders=[{"namespace": "default", "name": "web"}], sharingKey="k"),
        VIPSpec(address="192.0.2.1"),
        stored(holders=[], sharingKey=""),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("read", "ours", "expected"), OVERLAID.values(), ids=OVERLAID)
def test_overlay(read: object, ours: VIPSpec, expected: object) -> None:
    assert overlay(read, ours) == expected


def test_overlaying_twice_changes_nothing_more() -> None:
    status = VIPStatus(holder="default/web", paths="3/3")

    once = overlay({"newer": 1}, status)

    assert overlay(once, status) == once


JSON = st.recursive(
    st.booleans() | st.integers(-9, 9) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=1), inner),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text("abc", max_size=1), JSON, max_size=4)


def apply(target: object, patch: object) -> object:
    """RFC 7396 §2, as the server does it."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = apply(result.get(name), value)
    return result


@given(OBJECTS, OBJECTS)
def test_the_patch_turns_one_object_into_the_other(before: Json, after: Json) -> None:
    patch = merge_patch(before, after)

    assert apply(before, patch) == after
    assert merge_patch(before, before) == {}
