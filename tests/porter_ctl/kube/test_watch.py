"""`porter_ctl.kube.watch`: octets to lines, lines to events."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porter_ctl.kube.errors import Gone
from porter_ctl.kube.watch import (
    LineSplitter,
    read_bookmark,
    read_event,
    read_head,
    read_page,
    read_resources,
)
from porter_ctl.store.port import Unavailable


@given(st.lists(st.binary(max_size=8), max_size=20), st.lists(st.integers(1, 9), max_size=40))
def test_lines_are_the_same_however_the_octets_come(pieces: list[bytes], cuts: list[int]) -> None:
    octets = b"\n".join(pieces)
    splitter = LineSplitter()
    lines: list[bytes] = []
    start = 0
    for size in [*cuts, len(octets)]:
        lines += splitter.feed(octets[start : start + size])
        start += size

    assert lines == [line for line in octets.split(b"\n")[:-1] if line.strip()]


@pytest.mark.parametrize("size", [1, 4, 100])
@pytest.mark.parametrize("ends", [True, False])
def test_a_line_may_be_as_long_as_the_cap_and_no_longer(size: int, *, ends: bool) -> None:
    def fed(length: int) -> int:
        splitter = LineSplitter(longest=10)
        octets = b"x" * length + (b"\n" if ends else b"")
        return sum(
            len(line)
            for start in range(0, len(octets), size)
            for line in splitter.feed(octets[start : start + size])
        )

    assert fed(10) == (10 if ends else 0)
    with pytest.raises(Gone, match="longer than 10 octets"):
        fed(11)


@pytest.mark.parametrize(
    "octets", [b"", b"{", b"<html>", b"[]", b"3", b'{"type": "ADDED"}', b'{"type": "\xff"}']
)
def test_what_is_no_event_no_list_and_no_document_is_quoted(octets: bytes) -> None:
    for read in (read_event, read_page):
        with pytest.raises(Unavailable, match=r"^not a (watch event|list): ."):
            read(octets)


def test_an_identity_is_read_where_there_is_one() -> None:
    def head(**metadata: object) -> str | None:
        meta = read_head(json.dumps({"metadata": metadata}).encode())
        return meta.key if meta else None

    assert head(name="web", namespace="default", labels={}) == "default/web"
    assert head(name="n1") == "n1"
    assert head() is None
    assert head(name=3) is None


def test_a_bookmark_says_whether_it_ends_the_initial_events() -> None:
    def bookmark(annotations: object) -> tuple[str, bool]:
        metadata = {"resourceVersion": "7", "annotations": annotations}
        event = {"type": "BOOKMARK", "object": {"metadata": metadata}}
        return read_bookmark(read_event(json.dumps(event).encode()).object)

    assert bookmark({"k8s.io/initial-events-end": "true"}) == ("7", True)
    assert bookmark({"k8s.io/initial-events-end": "false"}) == ("7", False)
    assert bookmark(None) == ("7", False)


def test_the_resources_of_a_group_are_its_plural_names() -> None:
    body = {"resources": [{"name": "vips"}, {"name": "vips/status"}]}

    assert read_resources(json.dumps(body).encode()) == {"vips", "vips/status"}
    with pytest.raises(Unavailable, match="not a list of resources: <html>"):
        read_resources(b"<html>")
