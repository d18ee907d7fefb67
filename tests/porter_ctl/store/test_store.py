"""`porter_ctl.store.store`: what is held, what changed, what is found by value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porter_ctl.api import Namespace, Node, ObjectMeta
from porter_ctl.store.store import Store


def namespace(name: str, *, version: str = "1", **labels: str) -> Namespace:
    return Namespace(metadata=ObjectMeta(name=name, resource_version=version, labels=labels))


def teams(obj: Namespace) -> list[str]:
    return [value for name, value in obj.metadata.labels.items() if name == "team"]


CHANGES = {
    "a new object": (None, namespace("a"), True),
    "the same again": (namespace("a"), namespace("a"), False),
    "only another version": (namespace("a"), namespace("a", version="2"), False),
    "another label": (namespace("a"), namespace("a", version="2", team="x"), True),
}


@pytest.mark.parametrize(("before", "after", "changed"), CHANGES.values(), ids=CHANGES)
def test_put_says_whether_anything_but_the_version_changed(
    before: Namespace | None, after: Namespace, *, changed: bool
) -> None:
    store = Store(Namespace)
    if before:
        store.put(before)

    assert store.put(after) is changed
    assert store.get("a") is after  # the version counts for who writes next


def test_an_object_of_another_kind_is_refused() -> None:
    with pytest.raises(TypeError, match="a Node in the store of Namespace"):
        Store(Namespace).put(Node(metadata=ObjectMeta(name="a")))


def test_remove_says_whether_there_was_anything() -> None:
    store = Store(Namespace)
    store.put(namespace("a"))

    assert store.remove("a")
    assert not store.remove("a")
    assert "a" not in store


def test_keeping_some_names_what_that_removed() -> None:
    store = Store(Namespace)
    for name in ("kept", "gone", "elsewhere"):
        store.put(namespace(name))

    gone = store.keep_only({"kept", "new"}, lambda key: key != "elsewhere")

    assert gone == ["gone"]
    assert set(store) == {"kept", "elsewhere"}


def test_the_store_may_change_while_it_is_walked() -> None:
    store = Store(Namespace)
    for name in ("a", "b"):
        store.put(namespace(name))

    walked = [key for key, _ in store.items() if store.remove(key)]

    assert walked == ["a", "b"]
    assert len(store) == 0


def test_an_index_covers_what_was_there_before_it() -> None:
    store = Store(Namespace)
    store.put(namespace("a", team="x"))

    assert store.index(teams).keys("x") == {"a"}
    assert store.index(teams).keys("y") == frozenset()


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from(["", "x", "y"]), st.booleans()),
        max_size=30,
    )
)
def test_an_index_equals_a_walk_after_any_changes(changes: list[tuple[str, str, bool]]) -> None:
    store = Store(Namespace)
    index = store.index(teams)
    for name, team, keep in changes:
        if keep:
            store.put(namespace(name, **({"team": team} if team else {})))
        else:
            store.remove(name)

    for team in ("x", "y"):
        assert index.keys(team) == {key for key, obj in store.items() if team in teams(obj)}
