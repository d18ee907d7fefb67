"""`porter_bgp.wire.as_path`: RFC 4271 §4.3, RFC 5065, RFC 6793 §4.2.3, RFC 7606 §7.2."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porter_bgp.wire.as_path import EMPTY_AS_PATH, AsPath, AsPathSegment
from porter_bgp.wire.errors import MalformedAttributeError
from porter_bgp.wire.iana import AsPathSegmentType, UpdateSubcode
from tests.strategies import as_paths, asns

SEQUENCE, SET = AsPathSegmentType.AS_SEQUENCE, AsPathSegmentType.AS_SET
CONFED, CONFED_SET = AsPathSegmentType.AS_CONFED_SEQUENCE, AsPathSegmentType.AS_CONFED_SET
TRANS = 23456


def path(*segments: tuple[AsPathSegmentType, list[int]]) -> AsPath:
    return AsPath(tuple(AsPathSegment(kind, tuple(asns)) for kind, asns in segments))


# path, four-octet spelling, two-octet spelling, text, length, first AS
VECTORS = {
    "empty": (EMPTY_AS_PATH, "", "", "", 0, None),
    "one AS": (path((SEQUENCE, [65001])), "02 01 0000fde9", "02 01 fde9", "65001", 1, 65001),
    "sequence and set": (
        path((SEQUENCE, [1, 2]), (SET, [3, 4])),
        "02 02 00000001 00000002 01 02 00000003 00000004",
        "02 02 0001 0002 01 02 0003 0004",
        "1 2 {3,4}",
        3,
        1,
    ),
    "set first": (path((SET, [3])), "01 01 00000003", "01 01 0003", "{3}", 1, None),
    "confederation": (
        path((CONFED, [5, 6]), (CONFED_SET, [7]), (SEQUENCE, [1])),
        "03 02 00000005 00000006 04 01 00000007 02 01 00000001",
        "03 02 0005 0006 04 01 0007 02 01 0001",
        "(5 6) [7] 1",
        1,
        None,
    ),
}

MALFORMED = {
    "segment type 0": "00 01 00000001",
    "segment type 5": "05 01 00000001",
    "segment type 255": "ff 01 00000001",
    "no AS numbers": "02 00",
    "runs over": "02 02 00000001",
    "odd rest": "02 01 00000001 02",
    "AS 0": "02 02 00000001 00000000",
}

# AS_PATH as a two-octet speaker has it, AS4_PATH, and the path they make.
MERGES = {
    "all came through": (
        path((SEQUENCE, [TRANS, 2])),
        path((SEQUENCE, [100000, 2])),
        path((SEQUENCE, [100000, 2])),
    ),
    "an old speaker prepended": (
        path((SEQUENCE, [1, TRANS])),
        path((SEQUENCE, [100000])),
        path((SEQUENCE, [1, 100000])),
    ),
    "AS4_PATH is longer and ignored": (
        path((SEQUENCE, [TRANS])),
        path((SEQUENCE, [100000, 200000])),
        path((SEQUENCE, [TRANS])),
    ),
    "AS4_PATH is empty": (
        path((SEQUENCE, [1, TRANS])),
        EMPTY_AS_PATH,
        path((SEQUENCE, [1, TRANS])),
    ),
    "a set counts as one": (
        path((SEQUENCE, [1]), (SET, [2, 3, 4]), (SEQUENCE, [TRANS])),
        path((SEQUENCE, [100000])),
        path((SEQUENCE, [1]), (SET, [2, 3, 4]), (SEQUENCE, [100000])),
    ),
    "a leading confederation stays": (
        path((CONFED, [9]), (SEQUENCE, [1, TRANS])),
        path((SEQUENCE, [100000])),
        path((CONFED, [9]), (SEQUENCE, [1, 100000])),
    ),
    "a leading confederation stays where nothing else does": (
        path((CONFED, [9]), (SEQUENCE, [TRANS])),
        path((SEQUENCE, [100000])),
        path((CONFED, [9]), (SEQUENCE, [100000])),
    ),
    "a confederation next to what stays, stays": (
        path((SEQUENCE, [1]), (CONFED, [9]), (SEQUENCE, [TRANS])),
        path((SEQUENCE, [100000])),
        path((SEQUENCE, [1]), (CONFED, [9]), (SEQUENCE, [100000])),
    ),
    "sequences too long for one segment stay two": (
        path((SEQUENCE, [1] * 200), (SEQUENCE, [TRANS] * 100)),
        path((SEQUENCE, [100000] * 100)),
        path((SEQUENCE, [1] * 200), (SEQUENCE, [100000] * 100)),
    ),
}


@pytest.mark.parametrize(
    ("value", "four", "two", "text", "length", "first_as"), VECTORS.values(), ids=VECTORS
)
def test_vector_reads_both_ways(  # noqa: PLR0917  the columns of the table
    value: AsPath, four: str, two: str, text: str, length: int, first_as: int | None
) -> None:
    assert value.encode(four_octet=True) == bytes.fromhex(four)
    assert value.encode(four_octet=False) == bytes.fromhex(two)
    assert AsPath.decode(bytes.fromhex(four), four_octet=True) == value
    assert AsPath.decode(bytes.fromhex(two), four_octet=False) == value
    assert (str(value), value.length, value.first_as) == (text, length, first_as)


@pytest.mark.parametrize("octets", MALFORMED.values(), ids=MALFORMED)
def test_malformed_says_so(octets: str) -> None:
    with pytest.raises(MalformedAttributeError) as caught:
        AsPath.decode(bytes.fromhex(octets), four_octet=True)

    assert caught.value.subcode is UpdateSubcode.MALFORMED_AS_PATH


def test_two_octets_hold_longer_numbers_as_as_trans() -> None:
    value = path((SEQUENCE, [4200000001, 65535]))

    assert value.encode(four_octet=False) == bytes.fromhex("02 02 5ba0 ffff")
    assert not value.fits_two_octets


@pytest.mark.parametrize(
    ("before", "count", "after"),
    [
        (EMPTY_AS_PATH, 1, path((SEQUENCE, [65001]))),
        (EMPTY_AS_PATH, 0, EMPTY_AS_PATH),
        (path((SEQUENCE, [1])), 3, path((SEQUENCE, [65001, 65001, 65001, 1]))),
        (path((SET, [1])), 1, path((SEQUENCE, [65001]), (SET, [1]))),
        (path((CONFED, [1])), 1, path((SEQUENCE, [65001]), (CONFED, [1]))),
        (
            path((SEQUENCE, [1] * 255)),
            2,
            path((SEQUENCE, [65001, 65001]), (SEQUENCE, [1] * 255)),
        ),
        (
            path((SEQUENCE, [1] * 254)),
            2,
            path((SEQUENCE, [65001]), (SEQUENCE, [65001] + [1] * 254)),
        ),
    ],
)
def test_prepending_fills_segments_from_the_right(
    before: AsPath, count: int, after: AsPath
) -> None:
    assert before.prepend(65001, count) == after


@pytest.mark.parametrize(("as_path", "as4_path", "merged"), MERGES.values(), ids=MERGES)
def test_merging_as4_path(as_path: AsPath, as4_path: AsPath, merged: AsPath) -> None:
    assert as_path.merge(as4_path) == merged


@given(as_paths(), st.booleans())
def test_four_octets_lose_nothing(value: AsPath, confederation: bool) -> None:  # noqa: FBT001  drawn
    kept = value if confederation else value.without_confederation()

    assert AsPath.decode(kept.encode(four_octet=True), four_octet=True) == kept
    assert confederation or not kept.has_confederation


@given(as_paths(confederation=False))
def test_two_octets_and_as4_path_lose_nothing_but_where_segments_end(value: AsPath) -> None:
    short = AsPath.decode(value.encode(four_octet=False), four_octet=False)

    assert short.merge(value) == value


@given(as_paths(), asns, st.integers(1, 300))
def test_prepending_adds_exactly_its_count(value: AsPath, asn: int, count: int) -> None:
    longer = value.prepend(asn, count)

    assert longer.length == value.length + count
    assert longer.first_as == asn


@given(st.binary(max_size=60), st.booleans())
def test_any_octets_are_a_path_or_malformed(octets: bytes, four_octet: bool) -> None:  # noqa: FBT001  drawn
    try:
        value = AsPath.decode(octets, four_octet=four_octet)
    except MalformedAttributeError:
        return

    assert value.encode(four_octet=four_octet) == octets
