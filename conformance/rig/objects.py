"""JSON objects as mypy can follow them: reading by path, with a type at the end."""

from __future__ import annotations

import json
from typing import TypeAlias

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
Object: TypeAlias = dict[str, Json]


def parse(octets: str | bytes) -> Json:
    """The JSON document `octets`."""
    document: Json = json.loads(octets)
    return document


def at(value: Json, *path: str | int) -> Json:
    """What stands at `path`, or None where the path ends early."""
    for step in path:
        if isinstance(step, str):
            value = value.get(step) if isinstance(value, dict) else None
        else:
            value = value[step] if isinstance(value, list) and step < len(value) else None
    return value


def as_object(value: Json) -> Object:
    """`value` if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def text(value: Json, *path: str | int) -> str:
    """The string at `path`; numbers are spelled, all else is empty."""
    found = at(value, *path)
    if isinstance(found, bool) or found is None or isinstance(found, dict | list):
        return ""
    return str(found)


def number(value: Json, *path: str | int) -> int:
    """The integer at `path`, else 0."""
    found = at(value, *path)
    return found if isinstance(found, int) else 0


def objects(value: Json, *path: str | int) -> list[Object]:
    """The objects of the list at `path`."""
    found = at(value, *path)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def texts(value: Json, *path: str | int) -> list[str]:
    """The strings and numbers of the list at `path`, spelled."""
    found = at(value, *path)
    return [text(item) for item in found] if isinstance(found, list) else []


def name_of(value: Json) -> str:
    return text(value, "metadata", "name")


def uid_of(value: Json) -> str:
    return text(value, "metadata", "uid")
