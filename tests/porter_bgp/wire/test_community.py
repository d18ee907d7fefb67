"""`porter_bgp.wire.community`: RFC 1997, RFC 8092."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porter_bgp.wire.community import LargeCommunity, format_community, parse_community
from tests.strategies import u32

STANDARD = {
    "two halves": ("65000:100", 0xFDE80064),
    "zero": ("0:0", 0),
    "the highest": ("65535:65535", 0xFFFFFFFF),
}
NAMES = {"no-export": 0xFFFFFF01, "graceful-shutdown": 0xFFFF0000, "blackhole": 0xFFFF029A}
NO_STANDARD = [
    "",
    "65000",
    "65000:",
    ":1",
    "65536:1",
    "1:65536",
    "a:b",
    "1:2:3",
    "-1:1",
    "+1:1",
    "1: 1",
    "\uff11:1",
    "9" * 5000 + ":1",
    "no-such",
]
NO_LARGE = ["", "1:2", "1:2:3:4", "4294967296:0:0", "1:2:x", "1:2:" + "9" * 5000]


@pytest.mark.parametrize(("text", "number"), STANDARD.values(), ids=STANDARD)
def test_standard_reads_both_ways(text: str, number: int) -> None:
    assert parse_community(text) == number
    assert format_community(number) == text


@pytest.mark.parametrize(("name", "number"), NAMES.items())
def test_well_known_names(name: str, number: int) -> None:
    assert parse_community(name) == number


@pytest.mark.parametrize("text", NO_STANDARD)
def test_text_that_is_no_community_says_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match="write N:N, each N from 0 to 65535"):
        parse_community(text)


@pytest.mark.parametrize("text", NO_LARGE)
def test_text_that_is_no_large_community_says_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match="write N:N:N, each N from 0 to 4294967295"):
        LargeCommunity.parse(text)


def test_large_reads_both_ways() -> None:
    assert LargeCommunity.parse("4200000001:1:2") == LargeCommunity(4200000001, 1, 2)
    assert str(LargeCommunity(4200000001, 1, 2)) == "4200000001:1:2"


@given(u32)
def test_every_number_has_its_text(number: int) -> None:
    assert parse_community(format_community(number)) == number


@given(st.builds(LargeCommunity, u32, u32, u32))
def test_every_large_community_has_its_text(large: LargeCommunity) -> None:
    assert LargeCommunity.parse(str(large)) == large
