"""The reference page of the API, written from the types that decode the objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from porter_ctl.api.kinds import KINDS, OWN_KINDS
from porter_ctl.api.meta import GROUP, VERSION, Kind
from porter_ctl.api.schema import (
    ChoiceShape,
    ListShape,
    MapShape,
    NumberShape,
    ObjectShape,
    TextShape,
    first_line,
    shape_of,
)
from porter_ctl.api.served import NOT_YET

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from porter_ctl.api.schema import FieldShape, Shape

_INTRODUCTION = f"""\
<!-- Generated from the types in porter_ctl.api; `make crd` writes it again. -->

# API reference: `{GROUP}/{VERSION}`

All kinds are cluster-scoped and in the category `porter`. Selectors are lists of label
selectors: OR within a field, AND between fields, absent means all. Times are whole numbers with
their unit in the name. A field marked *not yet* is part of the API and accepted by the API
server; an object that sets it to anything but its default is refused by Porter with the reason
`NotYetSupported`.
"""


def to_markdown() -> str:
    """Give the whole page."""
    return _INTRODUCTION + "".join(_section(kind) for kind in OWN_KINDS)


def _section(kind: Kind) -> str:
    info = KINDS[kind]
    shape = shape_of(info.struct)
    lines = [
        "",
        f"## {kind}",
        "",
        first_line(shape.struct),
        "",
        f"`kubectl get {info.short_name}` or `{info.plural}.{info.group}`.",
        "",
    ]
    not_yet = {
        f"spec.{entry.path}": f" *(only {' or '.join(entry.served)} yet)*"
        if entry.served
        else " *(not yet)*"
        for entry in NOT_YET[kind]
    }
    for part in shape.fields:
        lines += [f"### {kind}.{part.name}", ""]
        lines += ["| field | type | default | meaning |", "|---|---|---|---|"]
        if isinstance(part.shape, ObjectShape):
            lines += _rows(part.shape, part.name, not_yet)
            rules = list(_rules(part.shape, part.name))
            lines += ["", *rules] if rules else []
        lines.append("")
    return "\n".join(lines)


def _rows(shape: ObjectShape, path: str, not_yet: Mapping[str, str]) -> Iterator[str]:
    for field in shape.fields:
        here = f"{path}.{field.name}"
        name = here.partition(".")[2]
        meaning = f"{field.description}{not_yet.get(here, '')}".replace("|", "\\|")
        yield f"| `{name}` | {_type(field.shape)} | {_default(field)} | {meaning} |"
        below = field.shape.item if isinstance(field.shape, ListShape) else field.shape
        suffix = "[]" if isinstance(field.shape, ListShape) else ""
        if isinstance(below, ObjectShape) and not _is_selector(below):
            yield from _rows(below, f"{here}{suffix}", not_yet)


def _rules(shape: ObjectShape, path: str) -> Iterator[str]:
    for rule in shape.rules:
        yield f"- `{path}`: {rule.message}."
    for field in shape.fields:
        below = field.shape.item if isinstance(field.shape, ListShape) else field.shape
        suffix = "[]" if isinstance(field.shape, ListShape) else ""
        if isinstance(below, ObjectShape) and not _is_selector(below):
            yield from _rules(below, f"{path}.{field.name}{suffix}")


def _is_selector(shape: ObjectShape) -> bool:
    return shape.struct.__name__ in {"LabelSelector", "Condition"}


def _type(shape: Shape) -> str:
    if isinstance(shape, ListShape):
        return f"list (at most {shape.max_items}) of {_type(shape.item)}"
    if isinstance(shape, MapShape):
        return f"text by text (at most {shape.max_properties})"
    if isinstance(shape, NumberShape):
        return f"{shape.minimum} to {shape.maximum}"
    if isinstance(shape, ChoiceShape):
        return ", ".join(f"`{value}`" for value in shape.values)
    if isinstance(shape, TextShape):
        return f"text (at most {shape.max_length})"
    return {"LabelSelector": "label selector", "Condition": "condition"}.get(
        shape.struct.__name__, "object"
    )


def _default(field: FieldShape) -> str:
    if field.required:
        return "required"
    if field.default in (None, "", [], {}):
        return ""
    return f"`{msgspec.json.encode(field.default).decode()}`"
