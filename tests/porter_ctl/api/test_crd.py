"""`porter_ctl.api.crd` and `docs`: what the API server is told, and people."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from porter_ctl.api import KINDS, OWN_KINDS, Kind, crd_files, crds, to_markdown, to_yaml, write
from porter_ctl.api.crd import COLUMNS, IMMUTABLE
from porter_ctl.api.schema import ObjectShape, shape_of

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]


def schema(kind: Kind) -> dict[str, object]:
    manifest = crds()[OWN_KINDS.index(kind)]
    found = at(manifest, "spec", "versions")
    assert isinstance(found, list)
    root = at(found[0], "schema", "openAPIV3Schema")
    assert isinstance(root, dict)
    return root


def at(tree: object, *names: str) -> object:
    for name in names:
        assert isinstance(tree, dict)
        tree = tree[name]
    return tree


def nodes(tree: object) -> Iterator[dict[str, object]]:
    if isinstance(tree, dict):
        if "type" in tree and not isinstance(tree["type"], dict):
            yield tree
        for value in tree.values():
            yield from nodes(value)
    if isinstance(tree, list):
        for value in tree:
            yield from nodes(value)


def test_the_chart_holds_what_the_types_say() -> None:
    folder = ROOT / "charts" / "porter" / "files" / "crds"

    assert {path.name: path.read_text() for path in folder.glob("*.yaml")} == crd_files()


def test_the_reference_page_says_what_the_types_say() -> None:
    assert (ROOT / "docs" / "crds.md").read_text() == to_markdown()


def test_all_files_are_written(tmp_path: Path) -> None:
    write(tmp_path)

    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == crd_files()
    assert len(crd_files()) == 6


def test_the_yaml_is_the_manifests() -> None:
    assert list(yaml.safe_load_all(to_yaml())) == crds()


@pytest.mark.parametrize(
    ("kind", "plural", "short"),
    [
        (Kind.VIP_POOL, "vippools", "vpool"),
        (Kind.VIP, "vips", "vip"),
        (Kind.BGP_CONFIG, "bgpconfigs", "pcfg"),
        (Kind.BGP_PEER, "bgppeers", "ppeer"),
        (Kind.BGP_ADVERTISEMENT, "bgpadvertisements", "padv"),
        (Kind.BGP_NODE, "bgpnodes", "pnode"),
    ],
)
def test_a_kind_is_called_as_documented(kind: Kind, plural: str, short: str) -> None:
    manifest = crds()[OWN_KINDS.index(kind)]

    assert at(manifest, "metadata", "name") == f"{plural}.porter.network"
    assert at(manifest, "spec", "scope") == "Cluster"
    assert at(manifest, "spec", "names") == {
        "kind": kind.value,
        "listKind": f"{kind.value}List",
        "plural": plural,
        "singular": kind.value.lower(),
        "shortNames": [short],
        "categories": ["porter"],
    }


@pytest.mark.parametrize("kind", OWN_KINDS)
def test_the_schema_is_structural_and_bounded(kind: Kind) -> None:
    top = {"apiVersion", "kind"}
    body = {name: node for name, node in properties(kind).items() if name not in top}
    for node in nodes(body):
        if node["type"] == "array":
            assert "maxItems" in node
            assert "x-kubernetes-list-type" in node
        if node["type"] == "string":
            assert "maxLength" in node or "enum" in node
        if node["type"] == "integer":
            wide = int(str(node["maximum"])) >= 2**31
            assert node["format"] == ("int64" if wide else "int32")
        if "additionalProperties" in node:
            assert "maxProperties" in node


def properties(kind: Kind) -> dict[str, object]:
    found = schema(kind)["properties"]
    assert isinstance(found, dict)
    return found


def test_an_as_number_is_64_bits_wide_with_its_bounds_and_its_rule() -> None:
    found = at(properties(Kind.BGP_CONFIG), "spec", "properties", "asn")

    assert found == {
        "description": "The AS number of these nodes.",
        "type": "integer",
        "format": "int64",
        "minimum": 1,
        "maximum": 4294967295,
        "x-kubernetes-validations": [
            {
                "rule": "self != 23456 && self != 65535 && self != 4294967295",
                "message": (
                    "23456 (AS_TRANS), 65535 and 4294967295 are reserved; use your AS number"
                ),
            }
        ],
    }


def test_the_address_of_a_vip_never_changes() -> None:
    found = at(properties(Kind.VIP), "spec", "properties", "address", "x-kubernetes-validations")

    assert isinstance(found, list)
    assert {
        "rule": "self == oldSelf",
        "message": IMMUTABLE,
        "messageExpression": f'self + ": {IMMUTABLE}"',
    } in found


def test_defaults_stand_in_the_spec_and_nowhere_else() -> None:
    spec = at(properties(Kind.BGP_PEER), "spec", "properties")
    status = at(properties(Kind.BGP_NODE), "status")

    assert at(spec, "port", "default") == 179
    assert at(spec, "timers", "default") == {}
    assert at(spec, "timers", "properties", "holdSeconds", "default") == 90
    assert isinstance(spec, dict)
    assert "default" not in spec["asn"]
    assert "default" not in spec["families"]
    assert not any("default" in node for node in nodes(status))


def test_holders_are_a_map_by_namespace_and_name() -> None:
    holders = at(properties(Kind.VIP), "spec", "properties", "holders")

    assert at(holders, "x-kubernetes-list-type") == "map"
    assert at(holders, "x-kubernetes-list-map-keys") == ["namespace", "name"]


@pytest.mark.parametrize("kind", OWN_KINDS)
def test_columns_show_fields_that_exist(kind: Kind) -> None:
    for column in COLUMNS[kind]:
        shape: object = shape_of(KINDS[kind].struct)
        for name in column.path.partition("[")[0].strip(".").split("."):
            assert isinstance(shape, ObjectShape)
            field = shape.field(name)
            assert field is not None, column.path
            shape = field.shape


def test_what_was_accepted_is_kept_as_it_came() -> None:
    found = at(properties(Kind.VIP_POOL), "status", "properties", "accepted")

    assert at(found, "x-kubernetes-preserve-unknown-fields") is True
    assert at(found, "type") == "object"


def test_the_reference_page_marks_what_is_not_served_yet() -> None:
    page = to_markdown()

    assert "| `bfd` | object |  | Fast failure detection; absent: none. *(not yet)* |" in page
    assert "*(only MD5 yet)*" in page
    assert "| `holdSeconds` | 0 to 604800 | `600` |" in page
