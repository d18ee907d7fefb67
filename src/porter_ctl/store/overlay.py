"""Our fields onto the JSON that was read, and nothing else of it changed.

What we decode is less than what is stored: a newer version of us, or somebody else, may keep
fields there that we do not know. So a write starts from the JSON read last. A field that our
struct has and leaves empty (None) is removed; one that it does not have stays; one that is
neither stored nor set is not written.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, TypeAlias

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from msgspec.structs import FieldInfo

Json: TypeAlias = dict[str, object]

# The fields that tell the items of a list apart, where items have them.
_IDENTITY = ("namespace", "name", "uid", "type", "ip", "prefix", "peer")


def overlay(read: object, ours: object) -> object:
    """`read` with the fields of `ours` in it.

    Args:
        read: What is stored there; anything, None for nothing.
        ours: A struct, or what a struct's field may be.
    """
    if isinstance(ours, msgspec.Struct):
        result: Json = dict(as_object(read))
        for field in _fields(type(ours)):
            name, value = field.encode_name, getattr(ours, field.name)
            if value is None:
                result.pop(name, None)
            elif name in result or _set(value) or value != _default(field):
                result[name] = overlay(result.get(name), value)
        return result
    if isinstance(ours, tuple | list):
        stored = read if isinstance(read, list) else []
        return [overlay(_counterpart(stored, item), item) for item in ours]
    plain: object = msgspec.to_builtins(ours)
    return plain


def merge_patch(before: Mapping[str, object], after: Mapping[str, object]) -> Json:
    """The JSON merge patch (RFC 7396) that turns `before` into `after`; empty if they are equal."""
    patch: Json = {name: None for name in before if name not in after}
    for name, value in after.items():
        old = before.get(name)
        if isinstance(old, dict) and isinstance(value, dict):
            inner = merge_patch(old, value)
            if inner:
                patch[name] = inner
        elif name not in before or old != value:
            patch[name] = value
    return patch


def as_object(value: object) -> Json:
    """`value` if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


@cache
def _fields(struct: type[msgspec.Struct]) -> tuple[FieldInfo, ...]:
    """The fields of a struct: to work them out takes 0.15 ms, more than the rest of a write."""
    return msgspec.structs.fields(struct)


def _set(value: object) -> bool:
    """Whether a value is worth writing although it is the default of its field."""
    return bool(value) and not isinstance(value, msgspec.Struct)


def _default(field: FieldInfo) -> object:
    if field.default_factory is not msgspec.NODEFAULT:
        empty: object = field.default_factory()
        return empty
    default: object = field.default
    return default


def _counterpart(stored: list[object], item: object) -> object:
    """The stored item that `item` is a new version of; None if there is none."""
    if not isinstance(item, msgspec.Struct):
        return None
    names = {field.encode_name: field.name for field in _fields(type(item))}
    identity = {name: getattr(item, names[name]) for name in _IDENTITY if name in names}
    for candidate in stored if identity else ():
        found = as_object(candidate)
        if all(found.get(name) == value for name, value in identity.items()):
            return candidate
    return None
