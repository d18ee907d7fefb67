"""`porter_bgp.wire.prefix`: one spelling a prefix, and its key in tables."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porter_bgp.wire.prefix import (
    IPV4_UNICAST,
    IPV6_UNICAST,
    AddressFamily,
    Prefix,
    nlri_key,
    split_key,
)
from tests.strategies import any_families, prefixes, u32

VECTORS = {
    "host route": ("192.0.2.1/32", IPV4_UNICAST, "20 c0000201"),
    "default route": ("0.0.0.0/0", IPV4_UNICAST, "00"),
    "whole octets": ("203.0.113.0/24", IPV4_UNICAST, "18 cb0071"),
    "part of an octet": ("10.128.0.0/9", IPV4_UNICAST, "09 0a80"),
    "IPv6 host route": ("2001:db8::10/128", IPV6_UNICAST, "80" + "20010db8" + "00" * 11 + "10"),
    "IPv6 part of an octet": ("2001:db8:8000::/33", IPV6_UNICAST, "21 20010db880"),
}

NO_PREFIX = {
    "nothing": (IPV4_UNICAST, ""),
    "/33": (IPV4_UNICAST, "21 0000000000"),
    "/129": (IPV6_UNICAST, "81" + "00" * 17),
    "too few octets": (IPV4_UNICAST, "18 0a00"),
    "too many octets": (IPV4_UNICAST, "08 0a00"),
    "bits beyond its length": (IPV4_UNICAST, "09 0a81"),
    "family without prefixes": (AddressFamily(25, 70), "00"),
}


@pytest.mark.parametrize(("text", "family", "octets"), VECTORS.values(), ids=VECTORS)
def test_vector_reads_both_ways(text: str, family: AddressFamily, octets: str) -> None:
    prefix = Prefix.parse(text)

    assert prefix == Prefix(family, bytes.fromhex(octets))
    assert str(prefix) == text
    assert prefix.network == ip_network(text)


@pytest.mark.parametrize(("family", "octets"), NO_PREFIX.values(), ids=NO_PREFIX)
def test_no_other_spelling_exists(family: AddressFamily, octets: str) -> None:
    with pytest.raises(ValueError, match=r"prefix|length"):
        Prefix(family, bytes.fromhex(octets))


@pytest.mark.parametrize("text", ["", "192.0.2.1/24", "192.0.2.256", "fe80::1%eth0/64x", "a/b"])
def test_text_that_is_no_prefix_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Prefix.parse(text)


@pytest.mark.parametrize(
    ("address", "text"),
    [(IPv4Address("192.0.2.1"), "192.0.2.1/32"), (IPv6Address("2001:db8::1"), "2001:db8::1/128")],
)
def test_an_address_is_its_host_route(address: IPv4Address | IPv6Address, text: str) -> None:
    assert str(Prefix.of(address)) == text
    assert str(Prefix.parse(str(address))) == text


@pytest.mark.parametrize(
    ("wide", "narrow", "contained"),
    [
        ("10.0.0.0/8", "10.1.0.0/16", True),
        ("10.0.0.0/8", "10.0.0.0/8", True),
        ("10.1.0.0/16", "10.0.0.0/8", False),
        ("10.0.0.0/8", "11.0.0.0/16", False),
        ("0.0.0.0/0", "2001:db8::/32", False),
        ("::/0", "2001:db8::/32", True),
    ],
)
def test_containment(wide: str, narrow: str, contained: bool) -> None:  # noqa: FBT001  a column
    assert Prefix.parse(wide).contains(Prefix.parse(narrow)) is contained


def test_prefixes_have_an_order() -> None:
    texts = ["10.0.0.0/8", "9.0.0.0/16", "10.0.0.0/16", "2001:db8::/32"]

    assert [str(p) for p in sorted(map(Prefix.parse, reversed(texts)))] == texts


@given(prefixes())
def test_text_and_network_lead_back_to_the_prefix(prefix: Prefix) -> None:
    assert Prefix.parse(str(prefix)) == prefix
    assert Prefix.of(prefix.network) == prefix


@given(prefixes(), u32)
def test_a_key_leads_back_to_path_identifier_and_prefix(prefix: Prefix, path_id: int) -> None:
    key = nlri_key(prefix, path_id)

    assert split_key(prefix.family, key) == (path_id, prefix)


def test_a_key_without_add_path_has_identifier_zero() -> None:
    assert nlri_key(Prefix.parse("192.0.2.1/32")) == bytes.fromhex("00000000 20 c0000201")


@pytest.mark.parametrize(
    ("family", "text"),
    [
        (IPV4_UNICAST, "ipv4-unicast"),
        (IPV6_UNICAST, "ipv6-unicast"),
        (AddressFamily(16397, 255), "16397/255"),
    ],
)
def test_family_reads_both_ways(family: AddressFamily, text: str) -> None:
    assert AddressFamily.parse(text) == family
    assert str(family) == text


@given(any_families)
def test_a_family_prints_and_parses(family: AddressFamily) -> None:
    assert AddressFamily.parse(str(family)) == family


@pytest.mark.parametrize("text", ["", "ipv4", "1", "1/256", "65536/1", "-1/1", "1/1/1"])
def test_text_that_is_no_family_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="ipv4-unicast, ipv6-unicast"):
        AddressFamily.parse(text)


@given(st.text(max_size=20))
def test_any_text_is_a_prefix_or_a_value_error(text: str) -> None:
    try:
        prefix = Prefix.parse(text)
    except ValueError:
        return

    assert Prefix.parse(str(prefix)) == prefix
