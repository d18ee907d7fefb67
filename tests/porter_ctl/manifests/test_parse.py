"""`porter_ctl.manifests.parse`: any octets are objects, faults, or no YAML."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porter_ctl.api import decode, validate_document
from porter_ctl.manifests.file_fault import UnparsableError
from porter_ctl.manifests.parse import parse_file, parse_object

TEXT = """\
apiVersion: v1
kind: Secret
metadata: {name: router, labels: {a: "1"}}
stringData: {password: x}
---
apiVersion: porter.network/v1beta1
kind: VIPPool
metadata: {name: pool}
spec:
  addresses: [192.0.2.0/24, "2001:db8::/64"]
  priority: 5
---
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Node, metadata: &meta {name: n}, status: {addresses: []}}
- {apiVersion: v1, kind: Namespace, metadata: *meta}
"""


def test_every_document_of_a_file_is_read() -> None:
    documents, faults = parse_file(TEXT.encode(), "a.yaml", mtime=0.0)

    assert [(str(d.ref), d.line) for d in documents] == [
        ("Secret default/router", 1),
        ("VIPPool pool", 6),
        ("Node n", 13),
        ("Namespace n", 13),
    ]
    assert faults == ()


def test_a_document_that_is_nobody_leaves_the_others() -> None:
    content = b"kind: Service\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: n}\n"

    documents, faults = parse_file(content, "a.yaml", mtime=0.0)

    assert [str(document.ref) for document in documents] == ["Namespace n"]
    assert [str(fault) for fault in faults] == [
        "a.yaml, line 1: the document needs apiVersion and kind"
    ]


@pytest.mark.parametrize("content", [b"", b"a: 1\n---\nb: 2\n", b"- a\n"])
def test_a_file_of_ours_holds_one_object(content: bytes) -> None:
    with pytest.raises(UnparsableError, match="exactly one object"):
        parse_object(content, "a.yaml")


def _survives(content: bytes) -> bool:
    """Whether reading raises nothing but what it says; what is read is decoded as well."""
    try:
        documents, _ = parse_file(content, "a.yaml", mtime=0.0)
    except UnparsableError as error:
        return error.fault.line >= 1
    for document in documents:
        decode(document.ref.kind, document.body)
        validate_document(document.body)
    return True


@given(st.binary(max_size=300))
def test_any_octets(content: bytes) -> None:
    assert _survives(content)


@given(
    st.integers(0, len(TEXT)),
    st.integers(0, 12),
    st.sampled_from(["", "~", "{", "[]", "- x", ": ", "!!int x", "9" * 25, "\\ud800", "'", "*meta"])
    | st.text(max_size=6),
)
def test_any_damage(start: int, length: int, inserted: str) -> None:
    damaged = TEXT[:start] + inserted + TEXT[start + length :]

    assert _survives(damaged.encode("utf-8", "surrogatepass"))
