"""The objects of one kind by their keys, and indexes over them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

from porter_ctl.api import Key, Resource, key_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from collections.abc import Set as AbstractSet

T_co = TypeVar("T_co", bound=Resource, covariant=True)


class Index:
    """The keys of a store's objects by values found in them; `Store.index` keeps it up."""

    def __init__(self) -> None:
        self._keys: dict[str, set[Key]] = {}
        self._values: dict[Key, frozenset[str]] = {}

    def keys(self, value: str) -> AbstractSet[Key]:
        """The keys of the objects in which `value` was found."""
        return self._keys.get(value, frozenset())

    def enter(self, key: Key, values: frozenset[str]) -> None:
        """Say which values an object has now; none removes it."""
        before = self._values.pop(key, frozenset())
        if values:
            self._values[key] = values
        for value in values - before:
            self._keys.setdefault(value, set()).add(key)
        for value in before - values:
            keys = self._keys[value]
            keys.discard(key)
            if not keys:
                del self._keys[value]


class Store(Generic[T_co]):
    """The objects of one kind. It holds what it is given and says what that changed."""

    def __init__(self, struct: type[T_co]) -> None:
        """`struct` is the type of its objects."""
        self._struct = struct
        self._objects: dict[Key, T_co] = {}
        self._indexes: list[tuple[Index, Callable[[T_co], Iterable[str]]]] = []

    def get(self, key: Key) -> T_co | None:
        """The object with this key, or None."""
        return self._objects.get(key)

    def items(self) -> Iterator[tuple[Key, T_co]]:
        """Every key with its object, as they stand now: the store may change meanwhile."""
        return iter(tuple(self._objects.items()))

    def __len__(self) -> int:
        return len(self._objects)

    def __iter__(self) -> Iterator[Key]:
        """The keys as they stand now: the store may change meanwhile."""
        return iter(tuple(self._objects))

    def __contains__(self, key: object) -> bool:
        return key in self._objects

    def index(self, values_of: Callable[[T_co], Iterable[str]]) -> Index:
        """An index by the values that `values_of` finds in an object, kept up from now on."""
        index = Index()
        for key, obj in self._objects.items():
            index.enter(key, frozenset(values_of(obj)))
        self._indexes.append((index, values_of))
        return index

    def put(self, obj: Resource) -> bool:
        """Hold `obj`; False if it differs from what was held in its resourceVersion at most.

        Raises:
            TypeError: It is of another kind than this store's.
        """
        if not isinstance(obj, self._struct):
            raise TypeError(f"a {type(obj).__name__} in the store of {self._struct.__name__}")
        key = key_of(obj)
        before = self._objects.get(key)
        self._objects[key] = obj
        if before is not None and _equal(before, obj):
            return False
        self._reindex(key, obj)
        return True

    def remove(self, key: Key) -> bool:
        """Forget the object with this key; False if there is none."""
        if self._objects.pop(key, None) is None:
            return False
        self._reindex(key, None)
        return True

    def keep_only(self, keys: AbstractSet[Key], within: Callable[[Key], bool]) -> list[Key]:
        """Forget what has another key than these; returns what that removed.

        Args:
            keys: Of all there is, as far as `within` reaches.
            within: Which keys are judged; all others stay.
        """
        gone = [key for key in self._objects if key not in keys and within(key)]
        for key in gone:
            self.remove(key)
        return gone

    def _reindex(self, key: Key, obj: T_co | None) -> None:
        for index, values_of in self._indexes:
            index.enter(key, frozenset(values_of(obj)) if obj is not None else frozenset())


def _equal(before: Resource, after: Resource) -> bool:
    """Whether nothing but the resourceVersion differs: Nodes are written every few minutes."""
    if before.metadata.resource_version != after.metadata.resource_version:
        metadata = msgspec.structs.replace(
            after.metadata, resource_version=before.metadata.resource_version
        )
        after = msgspec.structs.replace(after, metadata=metadata)
    return before == after
