"""The CustomResourceDefinitions, written from the types that decode the objects.

Structural schemas with bounds on everything, so that the API server can afford every CEL rule; no
conversion, since shapes are final; printer columns that answer the obvious question of each kind.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

import yaml

from porter_ctl.api.kinds import KINDS, OWN_KINDS
from porter_ctl.api.meta import GROUP, VERSION, Kind
from porter_ctl.api.schema import (
    LIST_KEYS,
    LIST_TYPE,
    OPEN,
    ChoiceShape,
    ListShape,
    MapShape,
    NumberShape,
    ObjectShape,
    TextShape,
    first_line,
    shape_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from porter_ctl.api.rules import RuleText
    from porter_ctl.api.schema import FieldShape, Shape

CATEGORY = "porter"
IMMUTABLE = "never changes; create another object for another value"
HEADER = "# Generated from the types in porter_ctl.api; `make crd` writes it again.\n"


class Column(NamedTuple):
    """A column that `kubectl get` prints; one with a priority only with `-o wide`."""

    name: str
    path: str
    type: str = "string"
    priority: int = 0


def _condition(kind: str, field: str) -> str:
    return f'.status.conditions[?(@.type=="{kind}")].{field}'


_ACCEPTED = Column("Accepted", _condition("Accepted", "status"))
_WHY_NOT = Column("Why", _condition("Accepted", "message"), priority=1)
COLUMNS: Mapping[Kind, tuple[Column, ...]] = {
    Kind.VIP_POOL: (Column("Usage", ".status.usage"), _ACCEPTED, _WHY_NOT),
    Kind.VIP: (
        Column("Address", ".spec.address"),
        Column("Holder", ".status.holder"),
        Column("Paths", ".status.paths"),
        Column("Pool", ".spec.pool.name"),
        Column("Why", _condition("Announced", "reason"), priority=1),
    ),
    Kind.BGP_CONFIG: (
        Column("ASN", ".spec.asn", "integer"),
        Column("State", ".spec.adminState"),
        _ACCEPTED,
        _WHY_NOT,
    ),
    Kind.BGP_PEER: (
        Column("Address", ".spec.address"),
        Column("ASN", ".spec.asn", "integer"),
        Column("Sessions", ".status.sessions"),
        Column("Reason", ".status.reason"),
        _WHY_NOT,
    ),
    Kind.BGP_ADVERTISEMENT: (Column("Next hop", ".spec.nextHop.type"), _ACCEPTED, _WHY_NOT),
    Kind.BGP_NODE: (Column("Summary", ".status.summary"), Column("Source", ".status.source")),
}
_AGE = Column("Age", ".metadata.creationTimestamp", "date")


def crds() -> list[dict[str, object]]:
    """Give the six manifests, as JSON, in the order they are applied in."""
    return [_crd(kind) for kind in OWN_KINDS]


def to_yaml() -> str:
    """Give all manifests as one YAML text."""
    return HEADER + "".join(f"---\n{_dump(manifest)}" for manifest in crds())


def crd_files() -> dict[str, str]:
    """Give each manifest as the text of a file, by its name."""
    return {f"{GROUP}_{KINDS[kind].plural}.yaml": HEADER + _dump(_crd(kind)) for kind in OWN_KINDS}


def write(folder: Path) -> None:
    """Write each manifest to a file of its own in the folder."""
    for name, text in crd_files().items():
        (folder / name).write_text(text, encoding="utf-8")


def _dump(manifest: dict[str, object]) -> str:
    text: str = yaml.dump(
        manifest, Dumper=yaml.CSafeDumper, sort_keys=False, width=96, allow_unicode=True
    )
    return text


def _crd(kind: Kind) -> dict[str, object]:
    info = KINDS[kind]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{info.plural}.{info.group}"},
        "spec": {
            "group": info.group,
            "names": {
                "kind": kind.value,
                "listKind": f"{kind.value}List",
                "plural": info.plural,
                "singular": info.singular,
                "shortNames": [info.short_name],
                "categories": [CATEGORY],
            },
            "scope": "Cluster",
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "additionalPrinterColumns": [
                        _column(column) for column in (*COLUMNS[kind], _AGE)
                    ],
                    "schema": {"openAPIV3Schema": _root(kind)},
                    "subresources": {"status": {}},
                }
            ],
        },
    }


def _column(column: Column) -> dict[str, object]:
    found: dict[str, object] = {
        "name": column.name,
        "type": column.type,
        "jsonPath": column.path,
    }
    return {**found, "priority": column.priority} if column.priority else found


def _root(kind: Kind) -> dict[str, object]:
    shape = shape_of(KINDS[kind].struct)
    properties: dict[str, object] = {
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        "metadata": {"type": "object"},
    }
    for field in shape.fields:
        properties[field.name] = _described(field, with_defaults=field.name == "spec")
    required = [field.name for field in shape.fields if field.required]
    root: dict[str, object] = {
        "description": first_line(shape.struct),
        "type": "object",
        "properties": properties,
    }
    if required:
        root["required"] = required
    return {**root, **_validations(shape.rules, shape)}


def _described(field: FieldShape, *, with_defaults: bool) -> dict[str, object]:
    written = {
        "description": field.description,
        **_schema(field.shape, with_defaults=with_defaults),
    }
    if with_defaults and field.default not in (None, "", []):
        written["default"] = field.default
    return written


def _schema(shape: Shape, *, with_defaults: bool) -> dict[str, object]:
    if isinstance(shape, ObjectShape):
        return _object(shape, with_defaults=with_defaults)
    if isinstance(shape, ListShape):
        return _list(shape, with_defaults=with_defaults)
    if isinstance(shape, MapShape):
        return {
            "type": "object",
            "maxProperties": shape.max_properties,
            "additionalProperties": _text(shape.value),
        }
    if isinstance(shape, NumberShape):
        return _number(shape)
    if isinstance(shape, ChoiceShape):
        return {"type": "string", "enum": list(shape.values)}
    return _text(shape)


def _object(shape: ObjectShape, *, with_defaults: bool) -> dict[str, object]:
    if shape.is_open:
        return {"type": "object", OPEN: True}
    written: dict[str, object] = {
        "type": "object",
        "properties": {
            field.name: _described(field, with_defaults=with_defaults) for field in shape.fields
        },
    }
    required = [field.name for field in shape.fields if field.required]
    if required:
        written["required"] = required
    return {**written, **_validations(shape.rules, shape)}


def _list(shape: ListShape, *, with_defaults: bool) -> dict[str, object]:
    written: dict[str, object] = {"type": "array", "maxItems": shape.max_items}
    if shape.min_items:
        written["minItems"] = shape.min_items
    written["items"] = _schema(shape.item, with_defaults=with_defaults)
    written[LIST_TYPE] = shape.list_type
    if shape.keys:
        written[LIST_KEYS] = list(shape.keys)
    return written


def _number(shape: NumberShape) -> dict[str, object]:
    wide = shape.maximum > 2**31 - 1
    written: dict[str, object] = {
        "type": "integer",
        "format": "int64" if wide else "int32",
        "minimum": shape.minimum,
        "maximum": shape.maximum,
    }
    if shape.check is not None:
        rule = {"rule": shape.check.cel, "message": shape.check.message}
        written["x-kubernetes-validations"] = [rule]
    return written


def _text(shape: TextShape) -> dict[str, object]:
    written: dict[str, object] = {"type": "string", "maxLength": shape.max_length}
    if shape.min_length:
        written["minLength"] = shape.min_length
    if shape.pattern:
        written["pattern"] = shape.pattern
    if shape.form:
        written["format"] = shape.form
    rules = [_text_rule(shape.check.cel, shape.check.message)] if shape.check is not None else []
    if shape.immutable:
        rules.append(_text_rule("self == oldSelf", IMMUTABLE))
    return {**written, "x-kubernetes-validations": rules} if rules else written


def _text_rule(cel: str, message: str) -> dict[str, object]:
    """A rule over one text; the API server by itself would not show the text.

    Of a number it cannot: the cost of writing one in CEL has no bound that it knows.
    """
    said = json.dumps(f": {message}", ensure_ascii=False)
    return {"rule": cel, "message": message, "messageExpression": f"self + {said}"}


def _validations(rules: tuple[RuleText, ...], shape: ObjectShape) -> dict[str, object]:
    written = [_validation(rule, shape) for rule in rules if rule.cel]
    return {"x-kubernetes-validations": written} if written else {}


def _validation(rule: RuleText, shape: ObjectShape) -> dict[str, object]:
    message = f"{rule.message}; {rule.remedy}"
    if shape.field(rule.reads[0].partition(".")[0]) is None:  # metadata: no path may lead there
        return {"rule": rule.cel, "message": f"{rule.reads[0]}: {message}"}
    return {"rule": rule.cel, "message": message, "fieldPath": f".{rule.reads[0]}"}
