"""`porter_ctl.api.addresses`: addresses, blocks and ranges as they are written."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porter_ctl.api import AddressError, AddressRange, parse_address, parse_block, vip_name

ADDRESSES = st.ip_addresses(v=4) | st.integers(2**64, 2**128 - 1).map(IPv6Address)

BLOCKS = {
    "192.0.2.0/30": ("192.0.2.0", "192.0.2.3", 4),
    "192.0.2.7": ("192.0.2.7", "192.0.2.7", 1),
    "192.0.2.7-192.0.2.9": ("192.0.2.7", "192.0.2.9", 3),
    "2001:db8::/64": ("2001:db8::", "2001:db8::ffff:ffff:ffff:ffff", 2**64),
    "2001:db8::1-2001:db8::3": ("2001:db8::1", "2001:db8::3", 3),
}


@pytest.mark.parametrize("text", BLOCKS)
def test_a_block_spans_its_addresses(text: str) -> None:
    first, last, size = BLOCKS[text]

    block = parse_block(text)

    assert block == AddressRange(ip_address(first), ip_address(last))
    assert block.size == size


@pytest.mark.parametrize(
    "text",
    ["", "x", "192.0.2.1/24", "192.0.2.0/33", "192.0.2.0/", "192.0.2.0/ 24", "192.0.2.1-", "-",
     "192.0.2.2-192.0.2.1", "192.0.2.1-2001:db8::1", "fe80::1%eth0", "::ffff:192.0.2.1", "1.2.3"],
)  # fmt: skip
def test_what_is_no_block_is_refused_with_a_remedy(text: str) -> None:
    with pytest.raises(AddressError) as caught:
        parse_block(text)

    assert all(caught.value.problem)


@given(ADDRESSES, ADDRESSES)
def test_a_range_reads_back_as_it_prints(one: object, two: object) -> None:
    first, last = ip_address(str(one)), ip_address(str(two))
    if first.version != last.version:
        return
    low, high = sorted((first, last), key=int)
    block = AddressRange(low, high)

    assert parse_block(str(block)) == block
    assert block.contains(low)
    assert block.contains(high)
    assert block.overlaps(block)


def test_ranges_of_two_families_have_nothing_in_common() -> None:
    four, six = parse_block("0.0.0.0-255.255.255.255"), parse_block("::/0")

    assert not four.overlaps(six)
    assert not four.contains(ip_address("::1"))


def test_neighbours_do_not_overlap() -> None:
    lower, upper = parse_block("192.0.2.0/25"), parse_block("192.0.2.128/25")

    assert not lower.overlaps(upper)
    assert lower.overlaps(AddressRange.of(ip_network("192.0.2.127/32")))


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::10", "2001-0db8-0000-0000-0000-0000-0000-0010"),
        ("::a00:1", "0000-0000-0000-0000-0000-0000-0a00-0001"),
    ],
)
def test_a_vip_is_named_after_its_address(address: str, name: str) -> None:
    assert vip_name(ip_address(address)) == name


@given(ADDRESSES, ADDRESSES)
def test_two_addresses_have_two_names(one: object, two: object) -> None:
    names = {vip_name(parse_address(str(one))), vip_name(parse_address(str(two)))}

    assert len(names) == len({str(one), str(two)})
