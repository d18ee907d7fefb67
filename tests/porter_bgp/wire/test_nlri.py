"""`porter_bgp.wire.nlri`: RFC 4271 §4.3, RFC 7911 §3."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porter_bgp.wire.nlri import NlriError, NlriField
from porter_bgp.wire.prefix import IPV4_UNICAST, IPV6_UNICAST, AddressFamily, Prefix, nlri_key
from tests.strategies import nlri_fields, nlri_keys, unicast_families

VECTORS = {
    "nothing": (IPV4_UNICAST, False, "", []),
    "two host routes": (
        IPV4_UNICAST,
        False,
        "20 c0000201 20 c0000202",
        [(0, "192.0.2.1/32"), (0, "192.0.2.2/32")],
    ),
    "default route between others": (
        IPV4_UNICAST,
        False,
        "08 0a 00 18 cb0071",
        [(0, "10.0.0.0/8"), (0, "0.0.0.0/0"), (0, "203.0.113.0/24")],
    ),
    "path identifiers, 0 and the highest": (
        IPV4_UNICAST,
        True,
        "00000000 20 c0000201 ffffffff 20 c0000201",
        [(0, "192.0.2.1/32"), (0xFFFFFFFF, "192.0.2.1/32")],
    ),
    "default route with a path identifier": (IPV6_UNICAST, True, "00000007 00", [(7, "::/0")]),
    "IPv6": (IPV6_UNICAST, False, "20 20010db8", [(0, "2001:db8::/32")]),
}

REFUSED = {
    "/33": (IPV4_UNICAST, False, "21 0000000000"),
    "/255": (IPV4_UNICAST, False, "ff" + "00" * 32),
    "/129": (IPV6_UNICAST, False, "81" + "00" * 17),
    "cut off": (IPV4_UNICAST, False, "20 c00002"),
    "cut off after a good one": (IPV4_UNICAST, False, "08 0a 20 c0"),
    "path identifier of one octet": (IPV4_UNICAST, True, "00"),
    "path identifier of three octets": (IPV4_UNICAST, True, "00000001 08 0a 000000"),
    "path identifier and nothing": (IPV4_UNICAST, True, "00000001"),
    "/33 with a path identifier": (IPV4_UNICAST, True, "00000001 21 0000000000"),
}


@pytest.mark.parametrize(
    ("family", "add_path", "octets", "expected"), VECTORS.values(), ids=VECTORS
)
def test_vector_reads_both_ways(
    family: AddressFamily,
    add_path: bool,  # noqa: FBT001  a column
    octets: str,
    expected: list[tuple[int, str]],
) -> None:
    field = NlriField(family, bytes.fromhex(octets), add_path)
    pairs = [(path_id, Prefix.parse(text)) for path_id, text in expected]
    keys = [nlri_key(prefix, path_id) for path_id, prefix in pairs]

    assert list(field.prefixes()) == pairs
    assert field.keys() == keys
    assert NlriField.of(family, keys, add_path) == field
    assert field.empty is (not expected)


@pytest.mark.parametrize(("family", "add_path", "octets"), REFUSED.values(), ids=REFUSED)
def test_octets_that_are_no_prefixes_are_refused(
    family: AddressFamily,
    add_path: bool,  # noqa: FBT001  a column
    octets: str,
) -> None:
    with pytest.raises(NlriError):
        NlriField(family, bytes.fromhex(octets), add_path)


@pytest.mark.parametrize("add_path", [False, True])
@pytest.mark.parametrize("length", range(33))
def test_bits_beyond_the_length_are_cleared_never_an_error(
    length: int,
    add_path: bool,  # noqa: FBT001  a column
) -> None:
    octets = bytes((length,)) + b"\xff" * ((length + 7) // 8)
    field = NlriField(IPV4_UNICAST, bytes(4) * add_path + octets, add_path)

    (key,) = field.keys()

    number = int.from_bytes(b"\xff" * 4) >> (32 - length) << (32 - length)
    assert key == nlri_key(
        Prefix(IPV4_UNICAST, bytes((length,)) + number.to_bytes(4)[: len(octets) - 1])
    )


@given(st.data(), unicast_families, st.booleans())
def test_keys_and_field_are_inverses(
    data: st.DataObject,
    family: AddressFamily,
    add_path: bool,  # noqa: FBT001  drawn
) -> None:
    keys = data.draw(st.lists(nlri_keys(family, add_path=add_path)))

    assert NlriField.of(family, keys, add_path).keys() == keys


@given(nlri_fields(IPV4_UNICAST, min_size=1))
def test_every_truncation_loses_prefixes_or_is_refused(field: NlriField) -> None:
    whole = field.keys()
    for length in range(len(field.octets)):
        try:
            part = NlriField(IPV4_UNICAST, field.octets[:length])
        except NlriError:
            continue
        assert part.keys() == whole[: len(part.keys())]


@given(st.binary(max_size=60), unicast_families, st.booleans())
def test_any_octets_are_a_field_or_an_nlri_error(
    octets: bytes,
    family: AddressFamily,
    add_path: bool,  # noqa: FBT001  drawn
) -> None:
    try:
        field = NlriField(family, octets, add_path)
    except NlriError:
        return

    assert all(nlri_key(prefix, path_id) for path_id, prefix in field.prefixes())
    assert NlriField.of(family, field.keys(), add_path).keys() == field.keys()
