"""docs/install.md: its table of values is the chart's, and the schema knows each of them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, TypeAlias

import yaml

from tests.support.rooms import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

Values: TypeAlias = "dict[str, Values] | list[Values] | str | int | bool | None"

CHART = ROOT / "charts" / "porter"
ROW = re.compile(r"^\| `([A-Za-z0-9.]+)` \| `(.*?)` \|", re.MULTILINE)
WHOLE = ("speaker.resources", "speaker.nodeSelector", "speaker.affinity")  # one value, not several


def _leaves(values: Values, path: str = "") -> Iterator[tuple[str, Values]]:
    if isinstance(values, dict) and values and path not in WHOLE:
        for name, value in values.items():
            yield from _leaves(value, f"{path}.{name}" if path else name)
    else:
        yield path, values


def _schema_paths(schema: Values, path: str = "") -> Iterator[str]:
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if isinstance(properties, dict):
        for name, inner in properties.items():
            yield from _schema_paths(inner, f"{path}.{name}" if path else name)
    else:
        yield path


def test_the_table_has_every_value_with_its_default() -> None:
    values: Values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    page = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")

    documented = {path: yaml.safe_load(default) for path, default in ROW.findall(page)}

    assert documented == dict(_leaves(values))


def test_the_schema_knows_the_values_there_are() -> None:
    values: Values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    schema: Values = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))

    known = set(_schema_paths(schema)) - {"global"}  # Helm's own

    assert known == {path for path, _ in _leaves(values)}
