"""Configuration and attributes as plain JSON values, and back again.

`plain` takes a value apart by what it is, `restored` puts it together by what its type declares,
so that a field added to a configuration is kept without a word here. What a constructor refuses
is refused here: a value that comes back is as good as one that was never away.

    value                         plain
    dataclass                     object of its fields, those that are no argument left out
    NamedTuple, tuple, frozenset  list
    Enum                          its value
    IP address                    text
    bytes                         text, base64
    int, float, str, bool, None   themselves
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from ipaddress import IPv4Address, IPv6Address
from types import NoneType, UnionType
from typing import TypeAlias, TypeVar, Union, get_args, get_origin, get_type_hints

from porter_bgp.wire import LargeCommunity

T = TypeVar("T")
Plain: TypeAlias = "bool | int | float | str | list[Plain] | dict[str, Plain] | None"

# What modules import for the type checker only, and their hints name.
_NAMES: dict[str, object] = {
    "IPv4Address": IPv4Address,
    "IPv6Address": IPv6Address,
    "LargeCommunity": LargeCommunity,
}


def plain(value: object) -> Plain:
    """Take a value apart.

    Raises:
        TypeError: It holds something that the table above does not have.
    """
    match value:
        case Enum():
            return plain(value.value)
        case None | bool() | int() | float() | str():
            return value
        case bytes():
            return b64encode(value).decode("ascii")
        case IPv4Address() | IPv6Address():
            return str(value)
        case tuple() | frozenset():
            return [plain(item) for item in value]
    if is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value) if f.init}
    raise TypeError(f"{type(value).__name__} has no plain form")


def restored(kind: type[T], value: object) -> T:
    """Put a value of type `kind` together: the inverse of `plain`.

    Raises:
        ValueError: It is not the plain form of one.
    """
    found = _restored(kind, value)
    if not isinstance(found, kind):
        raise ValueError(f"{value!r} is no {kind.__name__}")  # noqa: TRY004 - of the file, not of the caller
    return found


def _restored(hint: object, value: object) -> object:
    origin = get_origin(hint)
    if origin in {Union, UnionType}:
        return _first_that_fits(get_args(hint), value)
    if origin in {tuple, frozenset} and isinstance(value, list):
        items = [_restored(get_args(hint)[0], item) for item in value]
        return tuple(items) if origin is tuple else frozenset(items)
    if isinstance(hint, type):
        if is_dataclass(hint):
            return _dataclass(hint, value)
        if issubclass(hint, tuple):
            return _named_tuple(hint, value)
        return _scalar(hint, value)
    raise ValueError(f"{value!r} fits no {hint}")


def _first_that_fits(hints: tuple[object, ...], value: object) -> object:
    if value is None and NoneType in hints:
        return None
    for hint in hints:
        try:
            return _restored(hint, value)
        except ValueError:
            continue
    raise ValueError(f"{value!r} fits none of {hints}")


def _dataclass(kind: type, value: object) -> object:
    hints = _hints(kind)
    if not isinstance(value, dict) or not value.keys() <= hints.keys():
        raise ValueError(f"{value!r} is no {kind.__name__}")
    arguments = {name: _restored(hints[name], item) for name, item in value.items()}
    return _made(kind, (), arguments)


def _named_tuple(kind: type, value: object) -> object:
    hints = list(_hints(kind).values())
    if not isinstance(value, list) or len(value) != len(hints):
        raise ValueError(f"{value!r} is no {kind.__name__}")
    return _made(kind, tuple(map(_restored, hints, value)), {})


def _made(kind: type, items: tuple[object, ...], named: dict[str, object]) -> object:
    try:
        return kind(*items, **named)
    except TypeError as error:  # a field is missing
        raise ValueError(f"no {kind.__name__}: {error}") from error


def _scalar(kind: type, value: object) -> object:
    if kind is float and type(value) is int:
        return float(value)
    if kind in {bool, int, float, str} and type(value) is kind:
        return value
    if kind is bytes and isinstance(value, str):
        return b64decode(value, validate=True)
    if isinstance(value, str) and kind in {IPv4Address, IPv6Address}:
        return IPv4Address(value) if kind is IPv4Address else IPv6Address(value)
    if issubclass(kind, Enum):
        return kind(value)
    raise ValueError(f"{value!r} is no {kind.__name__}")


@cache
def _hints(kind: type) -> dict[str, object]:
    hints = get_type_hints(kind, localns=_NAMES)
    if not is_dataclass(kind):
        return hints
    return {field.name: hints[field.name] for field in fields(kind) if field.init}
