"""`porter_ctl.manifests.core_yaml`: YAML without the surprises of YAML 1.1."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from porter_ctl.manifests.core_yaml import YamlError, load_documents

VALUES = {
    "a community": ("65000:100", "65000:100"),
    "a time of day": ("12:34:56", "12:34:56"),
    "a switch": ("on", "on"),
    "a date": ("2026-01-01", "2026-01-01"),
    "a truth": ("true", True),
    "a falsehood": ("False", False),
    "an integer": ("64512", 64512),
    "an integer above 32 bits": ("4294967296", 4294967296),
    "a negative integer": ("-5", -5),
    "an integer with a zero in front": ("010", 10),
    "hexadecimal": ("0x10", "0x10"),
    "a float": ("1.5", 1.5),
    "a float with an exponent": ("1e3", 1000.0),
    "an address": ("192.0.2.1", "192.0.2.1"),
    "a quoted number": ("'64512'", "64512"),
    "nothing": ("", None),
    "a tilde": ("~", None),
    "a list": ("[1, a]", [1, "a"]),
    "an object whose key is a number": ("{1: x}", {"1": "x"}),
    "an alias": ("&a [x]", ["x"]),
}

REFUSED = {
    "a key twice": ("a: 1\nb: 2\na: 3\n", 3, "a stands already in line 1"),
    "a key twice in braces": ("x:\n- {b: 1, b: 2}\n", 2, "b stands already in line 2"),
    "a key that is a list": ("\n? [a]\n: b\n", 2, "a key must be text"),
    "a list without its end": ("a: [1\nb: }\n", 2, "did not find expected"),
    "a tab for indentation": ("a:\n\tb: 1\n", 2, "cannot start any token"),
    "an unknown tag": ("a: !foo b\n", 1, "could not determine a constructor"),
    "a word with the tag of a number": ("a: 1\n---\nb: !!int x\n", 3, "its tag"),
    "a word with the tag of a truth": ("a: !!bool x\n", 1, "its tag"),
    "nothing with the tag of a float": ("a: !!float ''\n", 1, "its tag"),
    "a list with the tag of an object": ("a:\n  !!map [x]\n", 2, "not an object"),
    "a number of 5000 digits": ("a: " + "1" * 5000, 1, "its tag"),
    "an alias of nothing": ("a: *x\n", 1, "found undefined alias"),
    "a control character": ("a: 1\nb: \x07\n", 2, "does not allow"),
    "brackets without end": ("[" * 5000, 1, "nesting"),
    "a second document that is wrong": ("a: 1\n---\nb: [\n", 4, "did not find expected"),
}


@pytest.mark.parametrize(("text", "value"), VALUES.values(), ids=VALUES)
def test_value(text: str, value: object) -> None:
    assert list(load_documents(f"a: {text}")) == [(1, {"a": value})]


@pytest.mark.parametrize(("text", "line", "message"), REFUSED.values(), ids=REFUSED)
def test_refusal_names_line_and_reason(text: str, line: int, message: str) -> None:
    with pytest.raises(YamlError, match=message) as caught:
        list(load_documents(text))

    assert caught.value.line == line


def test_documents_come_with_the_line_where_they_begin() -> None:
    text = "# a comment\na: 1\n---\n---\n\n- x\n...\n"

    assert list(load_documents(text)) == [(2, {"a": 1}), (4, None), (6, ["x"])]


def test_text_without_a_document_has_none() -> None:
    assert list(load_documents("# nothing\n")) == []


def test_a_merge_key_merges() -> None:
    text = "x: &x {a: 1, b: 1}\ny:\n  <<: *x\n  b: 2\n"

    assert list(load_documents(text)) == [(1, {"x": {"a": 1, "b": 1}, "y": {"a": 1, "b": 2}})]


# JSON may hold more characters than YAML allows (YAML 1.2 §5.1).
PRINTABLE = st.characters(exclude_categories=["C"], exclude_characters="\u2028\u2029")
json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(PRINTABLE),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(PRINTABLE), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.text(PRINTABLE, min_size=1), json, max_size=3))
def test_json_is_yaml(value: dict[str, object]) -> None:
    text = msgspec.json.encode(value).decode()

    assert list(load_documents(text)) == [(1, value)]


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_with_a_line(text: str) -> None:
    line = 1
    try:
        list(load_documents(text))
    except YamlError as error:
        line = error.line

    assert 1 <= line <= len(text) + 1
