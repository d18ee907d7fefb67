"""The shape of an object as data, read from the types that decode it.

One walk serves three readers: `crd` writes it for the API server, `docs` for people, `examine`
holds a document against it. It is closed: a type without bounds, without a description, or with
more than one meaning is refused when the schema is made, so no CRD ever lacks a limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, TypeAlias

import msgspec
from msgspec import inspect

from porter_ctl.api.meta import ApiStruct
from porter_ctl.api.rules import NumberCheck, TextCheck

if TYPE_CHECKING:
    from porter_ctl.api.rules import RuleText

LIST_TYPE = "x-kubernetes-list-type"
LIST_KEYS = "x-kubernetes-list-map-keys"
OPEN = "x-kubernetes-preserve-unknown-fields"


class SchemaError(TypeError):
    """A type cannot stand in a CRD."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextShape:
    """A string; where `pattern` fails it is not `noun`, and `remedy` says how to write one."""

    min_length: int
    max_length: int
    pattern: str
    noun: str
    remedy: str
    form: str
    check: TextCheck | None
    immutable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberShape:
    """An integer; `noun` says of what."""

    minimum: int
    maximum: int
    noun: str
    check: NumberCheck | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceShape:
    """One of a few words."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListShape:
    """A list: `set`, `map` by its keys, or `atomic`."""

    item: Shape
    min_items: int
    max_items: int
    list_type: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MapShape:
    """Text by text."""

    key: TextShape
    value: TextShape
    max_properties: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectShape:
    """Named fields. An open one is taken as it comes; its struct judges it when it is used."""

    struct: type[ApiStruct]
    fields: tuple[FieldShape, ...]
    rules: tuple[RuleText, ...]
    is_open: bool

    def field(self, name: str) -> FieldShape | None:
        """Give the field of this JSON name."""
        return next((field for field in self.fields if field.name == name), None)


Shape: TypeAlias = TextShape | NumberShape | ChoiceShape | ListShape | MapShape | ObjectShape


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldShape:
    """A field of an object.

    Attributes:
        default: As JSON; None where an absent field has no value.
    """

    name: str
    shape: Shape
    required: bool
    default: object
    description: str


@dataclass(frozen=True, slots=True)
class _Notes:
    """What the annotations around a type say beyond its bounds."""

    schema: dict[str, object]
    extra: dict[str, object]

    def text(self, key: str) -> str:
        return str(self.schema.get(key, ""))


@cache
def shape_of(struct: type[ApiStruct]) -> ObjectShape:
    """Give the shape of a struct.

    Raises:
        SchemaError: A field has a type that cannot stand in a CRD.
    """
    info = inspect.type_info(struct)
    if not isinstance(info, inspect.StructType):
        raise SchemaError(f"{struct} is no struct")
    return _object(info, struct.__name__, _Notes({}, {}))


def _object(info: inspect.StructType, path: str, notes: _Notes) -> ObjectShape:
    if not issubclass(info.cls, ApiStruct):
        raise SchemaError(f"{path}: {info.cls} is not one of ours")
    is_open = bool(notes.schema.get(OPEN, False))
    fields = () if is_open else tuple(_field(field, path) for field in info.fields)
    return ObjectShape(
        struct=info.cls,
        fields=tuple(field for field in fields if field is not None),
        rules=info.cls.rules,
        is_open=is_open,
    )


def _field(field: inspect.Field, path: str) -> FieldShape | None:
    name = field.encode_name
    if name == "metadata":
        return None  # the API server's own
    here = f"{path}.{name}"
    shape, notes = _shape(field.type, here)
    description = notes.text("description")
    if not description:
        if not isinstance(shape, ObjectShape) or name not in {"spec", "status"}:
            raise SchemaError(f"{here} has no description")
        description = first_line(shape.struct)
    return FieldShape(
        name=name,
        shape=shape,
        required=field.required or name == "spec",
        default=_default(field),
        description=description,
    )


def _default(field: inspect.Field) -> object:
    if field.default_factory is not msgspec.NODEFAULT:
        return None  # an empty map
    if field.default is msgspec.NODEFAULT:
        return None
    if isinstance(field.default, ApiStruct):
        return {}  # its own fields have theirs
    default: object = msgspec.to_builtins(field.default)
    return list(default) if isinstance(default, tuple) else default


def first_line(struct: type) -> str:
    """Give the first sentence of a type's docstring."""
    return (struct.__doc__ or "").strip().partition("\n\n")[0].replace("\n    ", " ")


def _unwrap(node: inspect.Type, path: str) -> tuple[inspect.Type, _Notes]:
    schema: dict[str, object] = {}
    extra: dict[str, object] = {}
    while True:
        if isinstance(node, inspect.Metadata):
            schema = {**(node.extra_json_schema or {}), **schema}
            extra = {**(node.extra or {}), **extra}
            node = node.type
        elif isinstance(node, inspect.UnionType):
            others = [t for t in node.types if not isinstance(t, inspect.NoneType)]
            if len(others) != 1:
                raise SchemaError(f"{path} is a union of {len(others)} types")
            node = others[0]
        else:
            return node, _Notes(schema, extra)


def _shape(node: inspect.Type, path: str) -> tuple[Shape, _Notes]:
    inner, notes = _unwrap(node, path)
    if isinstance(inner, inspect.StructType):
        return _object(inner, path, notes), notes
    if isinstance(inner, inspect.StrType):
        return _text(inner, path, notes), notes
    if isinstance(inner, inspect.IntType):
        return _number(inner, path, notes), notes
    if isinstance(inner, inspect.EnumType):
        return ChoiceShape(values=tuple(str(member.value) for member in inner.cls)), notes
    if isinstance(inner, inspect.VarTupleType):
        return _list(inner, path, notes), notes
    if isinstance(inner, inspect.DictType):
        return _map(inner, path), notes
    raise SchemaError(f"{path}: {type(inner).__name__} cannot stand in a CRD")


def _text(node: inspect.StrType, path: str, notes: _Notes) -> TextShape:
    if node.max_length is None:
        raise SchemaError(f"{path} has no max_length")
    if node.pattern and not {"noun", "remedy"} <= notes.extra.keys():
        raise SchemaError(f"{path} has a pattern that nothing explains")
    check = notes.extra.get("check")
    return TextShape(
        min_length=node.min_length or 0,
        max_length=node.max_length,
        pattern=node.pattern or "",
        noun=str(notes.extra.get("noun", "")),
        remedy=str(notes.extra.get("remedy", "")),
        form=notes.text("format"),
        check=check if isinstance(check, TextCheck) else None,
        immutable=bool(notes.extra.get("immutable", False)),
    )


def _number(node: inspect.IntType, path: str, notes: _Notes) -> NumberShape:
    if node.ge is None or node.le is None:
        raise SchemaError(f"{path} lacks a bound")
    check = notes.extra.get("check")
    return NumberShape(
        minimum=node.ge,
        maximum=node.le,
        noun=str(notes.extra.get("noun", "")),
        check=check if isinstance(check, NumberCheck) else None,
    )


def _list(node: inspect.VarTupleType, path: str, notes: _Notes) -> ListShape:
    if node.max_length is None:
        raise SchemaError(f"{path} has no max_length")
    item, _ = _shape(node.item_type, f"{path}[]")
    keys = notes.schema.get(LIST_KEYS, [])
    return ListShape(
        item=item,
        min_items=node.min_length or 0,
        max_items=node.max_length,
        list_type=notes.text(LIST_TYPE) or ("atomic" if isinstance(item, ObjectShape) else "set"),
        keys=tuple(str(key) for key in keys) if isinstance(keys, list) else (),
    )


def _map(node: inspect.DictType, path: str) -> MapShape:
    key, _ = _shape(node.key_type, f"{path} key")
    value, _ = _shape(node.value_type, f"{path} value")
    if node.max_length is None:
        raise SchemaError(f"{path} has no max_length")
    if not isinstance(key, TextShape) or not isinstance(value, TextShape):
        raise SchemaError(f"{path} is not text by text")
    return MapShape(key=key, value=value, max_properties=node.max_length)
