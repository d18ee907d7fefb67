"""`porter_bgp.wire.update`: RFC 4271 §4.3, RFC 4724 §2, RFC 4760, RFC 7911."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porter_bgp.wire.attributes import PathAttributes
from porter_bgp.wire.codec import Codec
from porter_bgp.wire.errors import MessageHeaderError, UpdateMessageError
from porter_bgp.wire.mp_nlri import MpReach, MpUnreach
from porter_bgp.wire.nlri import NlriField
from porter_bgp.wire.prefix import IPV4_UNICAST, IPV6_UNICAST, AddressFamily, Prefix, nlri_key
from porter_bgp.wire.update import NO_NLRI, Update, update_body, update_message
from tests.strategies import codecs, updates

BOTH = Codec(families=frozenset({IPV4_UNICAST, IPV6_UNICAST}))
V4, V6 = IPv4Address("10.0.0.11"), IPv6Address("2001:db8::11")
ATTRIBUTES = PathAttributes(next_hop=V4)


def keys(*texts: str) -> list[bytes]:
    return [nlri_key(Prefix.parse(text)) for text in texts]


def field(*texts: str) -> NlriField:
    family = Prefix.parse(texts[0]).family
    return NlriField.of(family, keys(*texts), add_path=False)


A, B, C = "203.0.113.10/32", "203.0.113.11/32", "203.0.113.12/32"
X, Y = "2001:db8:ffff::10/128", "2001:db8:ffff::11/128"

ENDS = {
    "empty": (Update(), IPV4_UNICAST),
    "empty MP_UNREACH_NLRI": (Update(mp_unreach=MpUnreach(NlriField(IPV6_UNICAST))), IPV6_UNICAST),
    "empty MP_UNREACH_NLRI for IPv4": (Update(mp_unreach=MpUnreach(NO_NLRI)), IPV4_UNICAST),
    "withdrawn": (Update(withdrawn=field(A)), None),
    "withdrawn IPv6": (Update(mp_unreach=MpUnreach(field(X))), None),
    "announced": (Update(attributes=ATTRIBUTES, nlri=field(A)), None),
    "attributes alone": (Update(attributes=ATTRIBUTES), None),
    "attributes beside an empty MP_UNREACH_NLRI": (
        Update(attributes=ATTRIBUTES, mp_unreach=MpUnreach(NlriField(IPV6_UNICAST))),
        None,
    ),
    "an ignored family": (Update(ignored=frozenset({IPV6_UNICAST})), None),
    "MP_REACH_NLRI without routes": (
        Update(mp_reach=MpReach(next_hop=V6, nlri=NlriField(IPV6_UNICAST))),
        None,
    ),
    "withdrawn IPv4 beside an empty MP_UNREACH_NLRI": (
        Update(withdrawn=field(A), mp_unreach=MpUnreach(NlriField(IPV6_UNICAST))),
        None,
    ),
}


@pytest.mark.parametrize(("update", "family"), ENDS.values(), ids=ENDS)
def test_end_of_rib(update: Update, family: AddressFamily | None) -> None:
    assert update.end_of_rib == family


def test_each_field_announces_with_its_own_next_hop() -> None:
    update = Update(
        attributes=ATTRIBUTES, nlri=field(A, B), mp_reach=MpReach(next_hop=V6, nlri=field(X))
    )

    assert list(update.announced()) == [
        (IPV4_UNICAST, keys(A, B), ATTRIBUTES),
        (IPV6_UNICAST, keys(X), PathAttributes(next_hop=V6)),
    ]
    assert list(update.withdrawn_keys()) == []


def test_each_field_withdraws() -> None:
    update = Update(withdrawn=field(A, B), mp_unreach=MpUnreach(field(X)))

    assert list(update.withdrawn_keys()) == [(IPV4_UNICAST, keys(A, B)), (IPV6_UNICAST, keys(X))]
    assert list(update.announced()) == []


def test_what_the_same_message_announces_does_not_go() -> None:
    update = Update(
        withdrawn=field(A, B),
        attributes=ATTRIBUTES,
        nlri=field(B, C),
        mp_reach=MpReach(next_hop=V6, nlri=field(X)),
        mp_unreach=MpUnreach(field(X)),
    )

    assert list(update.withdrawn_keys()) == [(IPV4_UNICAST, keys(A))]
    assert [announced for _, announced, _ in update.announced()] == [keys(B, C), keys(X)]


def test_other_path_identifiers_of_the_same_prefix_do_go() -> None:
    one, two = (nlri_key(Prefix.parse(A), path_id) for path_id in (1, 2))
    update = Update(
        withdrawn=NlriField.of(IPV4_UNICAST, [one, two], add_path=True),
        attributes=ATTRIBUTES,
        nlri=NlriField.of(IPV4_UNICAST, [two], add_path=True),
    )

    assert list(update.withdrawn_keys()) == [(IPV4_UNICAST, [one])]


def test_treat_as_withdraw_takes_all_routes_of_all_families() -> None:
    good = Update(
        withdrawn=field(A),
        attributes=ATTRIBUTES,
        nlri=field(A, B),
        mp_reach=MpReach(next_hop=V6, nlri=field(X)),
        mp_unreach=MpUnreach(field(Y)),
    ).encode(BOTH)
    bad = good.replace(b"\x40\x01\x01\x00", b"\x40\x01\x01\x07")

    update = Update.decode(bad, BOTH)

    gone = [(family, key) for family, found in update.withdrawn_keys() for key in found]
    assert list(update.announced()) == []
    assert set(gone) == {
        *((IPV4_UNICAST, key) for key in keys(A, B)),
        *((IPV6_UNICAST, key) for key in keys(X, Y)),
    }


def test_ipv4_that_was_not_negotiated_is_ignored() -> None:
    codec = Codec(families=frozenset({IPV6_UNICAST}))
    body = update_body(bytes.fromhex("20 cb00710a"), b"", bytes.fromhex("21"))

    update = Update.decode(body, codec)

    assert update == Update(ignored=frozenset({IPV4_UNICAST}))


def test_ipv4_end_of_rib_is_no_ignored_family() -> None:
    update = Update.decode(bytes(4), Codec(families=frozenset({IPV6_UNICAST})))

    assert update.end_of_rib == IPV4_UNICAST


@pytest.mark.parametrize("receive", [frozenset(), frozenset({IPV4_UNICAST})])
@pytest.mark.parametrize("reached", [frozenset(), frozenset({IPV6_UNICAST})])
@pytest.mark.parametrize("sends", [frozenset(), frozenset({IPV4_UNICAST, IPV6_UNICAST})])
def test_path_identifiers_are_read_by_family_and_direction(
    receive: frozenset[AddressFamily],
    reached: frozenset[AddressFamily],
    sends: frozenset[AddressFamily],
) -> None:
    codec = Codec(families=BOTH.families, add_path_receive=receive | reached, add_path_send=sends)
    v4 = NlriField(IPV4_UNICAST, bytes(4) * bool(receive) + bytes.fromhex("08 0a"), bool(receive))
    v6 = NlriField(IPV6_UNICAST, bytes(4) * bool(reached) + bytes.fromhex("08 20"), bool(reached))
    update = Update(
        withdrawn=v4,
        attributes=ATTRIBUTES,
        nlri=v4,
        mp_reach=MpReach(next_hop=V6, nlri=v6),
        mp_unreach=MpUnreach(v6),
    )

    assert Update.decode(update.encode(codec), codec) == update


def test_mp_attributes_go_first() -> None:
    update = Update(
        attributes=ATTRIBUTES,
        mp_reach=MpReach(next_hop=V6, nlri=field(X)),
        mp_unreach=MpUnreach(field(Y)),
    )

    body = update.encode(BOTH)

    assert body[4:6] == b"\x80\x0e"
    assert b"\x40\x03\x04" not in body


@pytest.mark.parametrize("fields", [(bytes(65536), b"", b""), (b"", bytes(65536), b"")])
def test_a_field_too_long_for_its_length_is_refused(fields: tuple[bytes, bytes, bytes]) -> None:
    with pytest.raises(UpdateMessageError):
        update_message(*fields)


def test_a_message_too_long_for_its_header_is_refused() -> None:
    with pytest.raises(MessageHeaderError):
        update_message(b"", b"", bytes(65513))


def test_the_longest_message_there_is() -> None:
    octets = update_message(bytes(65512), b"", b"")

    update = Update.decode(octets[19:], Codec())

    assert len(octets) == 65535
    ((family, found),) = update.withdrawn_keys()
    assert (family, len(found)) == (IPV4_UNICAST, 65512)


@given(st.data(), codecs())
def test_encoding_loses_nothing(data: st.DataObject, codec: Codec) -> None:
    update = data.draw(updates(codec))

    decoded = Update.decode(update.encode(codec), codec)

    assert decoded == update
