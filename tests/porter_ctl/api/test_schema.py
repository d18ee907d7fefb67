"""`porter_ctl.api.schema`: what may not stand in a CRD is refused when the schema is made."""

from __future__ import annotations

from typing import Annotated

import pytest
from msgspec import Meta

from porter_ctl.api import KINDS, OWN_KINDS, Kind
from porter_ctl.api.meta import ApiStruct
from porter_ctl.api.schema import (
    ListShape,
    MapShape,
    NumberShape,
    ObjectShape,
    SchemaError,
    Shape,
    TextShape,
    shape_of,
)


class NoDescription(ApiStruct, frozen=True):
    field: Annotated[int, Meta(ge=0, le=1)] = 0


class NoBound(ApiStruct, frozen=True):
    field: Annotated[int, Meta(ge=0, description="x")] = 0


class NoLength(ApiStruct, frozen=True):
    field: Annotated[str, Meta(description="x")] = ""


class NoItems(ApiStruct, frozen=True):
    field: Annotated[tuple[Annotated[str, Meta(max_length=1)], ...], Meta(description="x")] = ()


class NoItemBound(ApiStruct, frozen=True):
    field: Annotated[tuple[str, ...], Meta(max_length=1, description="x")] = ()


class NoProperties(ApiStruct, frozen=True):
    field: Annotated[
        dict[Annotated[str, Meta(max_length=1)], Annotated[str, Meta(max_length=1)]],
        Meta(description="x"),
    ]


class NumbersByText(ApiStruct, frozen=True):
    field: Annotated[
        dict[Annotated[str, Meta(max_length=1)], Annotated[int, Meta(ge=0, le=1)]],
        Meta(max_length=1, description="x"),
    ]


class Anything(ApiStruct, frozen=True):
    field: Annotated[object, Meta(description="x")] = None


class TrueOrFalse(ApiStruct, frozen=True):
    field: Annotated[bool, Meta(description="x")] = False


class Either(ApiStruct, frozen=True):
    field: Annotated[
        Annotated[int, Meta(ge=0, le=1)] | Annotated[str, Meta(max_length=1)],
        Meta(description="x"),
    ] = 0


class Unexplained(ApiStruct, frozen=True):
    field: Annotated[str, Meta(max_length=1, pattern="^a$", description="x")] = "a"


REFUSED = {
    NoDescription: "NoDescription.field has no description",
    NoBound: "NoBound.field lacks a bound",
    NoLength: "NoLength.field has no max_length",
    NoItems: "NoItems.field has no max_length",
    NoItemBound: r"NoItemBound.field\[\] has no max_length",
    NoProperties: "NoProperties.field has no max_length",
    NumbersByText: "NumbersByText.field is not text by text",
    Anything: "Anything.field: CustomType cannot stand in a CRD",
    TrueOrFalse: "TrueOrFalse.field: BoolType cannot stand in a CRD",
    Either: "Either.field is a union of 2 types",
    Unexplained: "Unexplained.field has a pattern that nothing explains",
}


@pytest.mark.parametrize("struct", REFUSED, ids=lambda struct: struct.__name__)
def test_an_open_type_is_refused(struct: type[ApiStruct]) -> None:
    with pytest.raises(SchemaError, match=f"^{REFUSED[struct]}$"):
        shape_of(struct)


def bounded(shape: Shape) -> bool:
    if isinstance(shape, ObjectShape):
        return all(bounded(field.shape) for field in shape.fields)
    if isinstance(shape, ListShape):
        return shape.max_items > 0 and bounded(shape.item)
    if isinstance(shape, MapShape):
        return shape.max_properties > 0 and shape.key.max_length > 0
    if isinstance(shape, TextShape):
        return shape.max_length > 0
    return not isinstance(shape, NumberShape) or shape.minimum < shape.maximum


@pytest.mark.parametrize("kind", OWN_KINDS)
def test_everything_has_a_bound(kind: Kind) -> None:
    assert bounded(shape_of(KINDS[kind].struct))


@pytest.mark.parametrize("kind", OWN_KINDS)
def test_every_status_has_conditions_by_type(kind: Kind) -> None:
    status = shape_of(KINDS[kind].struct).field("status")

    assert status is not None
    assert isinstance(status.shape, ObjectShape)
    conditions = status.shape.field("conditions")
    assert conditions is not None
    assert isinstance(conditions.shape, ListShape)
    assert (conditions.shape.list_type, conditions.shape.keys) == ("map", ("type",))


def test_rules_read_fields_that_exist() -> None:
    for kind in OWN_KINDS:
        for shape in objects(shape_of(KINDS[kind].struct)):
            for rule in shape.rules:
                for name in rule.reads:
                    assert exists(shape, name), f"{shape.struct.__name__}: {name}"


def objects(shape: Shape) -> list[ObjectShape]:
    if isinstance(shape, ListShape):
        return objects(shape.item)
    if not isinstance(shape, ObjectShape) or shape.is_open:
        return []
    return [shape, *(found for field in shape.fields for found in objects(field.shape))]


def exists(shape: Shape, name: str) -> bool:
    head, _, tail = name.partition(".")
    if head == "metadata":
        return tail == "name"
    field = shape.field(head) if isinstance(shape, ObjectShape) else None
    return field is not None and (not tail or exists(field.shape, tail))
