"""Hypothesis strategies, one per wire type. What they draw is valid and encodes."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from porter_bgp.wire import (
    AS_TRANS,
    IPV4_UNICAST,
    IPV6_UNICAST,
    NO_NLRI,
    AddPath,
    AddPathMode,
    AddressFamily,
    Aggregator,
    AsPath,
    AsPathSegment,
    AsPathSegmentType,
    AttributeType,
    BgpRole,
    Codec,
    EnhancedRouteRefresh,
    ExtendedMessage,
    ExtendedNextHop,
    FourOctetAs,
    GracefulRestart,
    Keepalive,
    LargeCommunity,
    LongLivedGracefulRestart,
    MpReach,
    MpUnreach,
    Multiprotocol,
    NlriField,
    Notification,
    Open,
    Origin,
    PathAttributes,
    Prefix,
    RawAttribute,
    Role,
    RouteRefresh,
    RouteRefreshMessage,
    UnknownCapability,
    Update,
    nlri_key,
)
from porter_bgp.wire.capabilities.restart import LongLivedFamily

if TYPE_CHECKING:
    from porter_bgp.wire import Capability, Message, NlriKey

u8 = st.integers(0, 0xFF)
u16 = st.integers(0, 0xFFFF)
u32 = st.integers(0, 0xFFFFFFFF)
asns = st.integers(1, 0xFFFFFFFF).filter(lambda asn: asn != AS_TRANS)
host_addresses_v4 = st.integers(0x0B000000, 0x7EFFFFFF).map(IPv4Address)
host_addresses_v6 = st.integers(0x2000 << 112, (0x4000 << 112) - 1).map(IPv6Address)
link_locals = st.integers(0xFE80 << 112, (0xFEC0 << 112) - 1).map(IPv6Address)
unicast_families = st.sampled_from([IPV4_UNICAST, IPV6_UNICAST])
any_families = unicast_families | st.builds(AddressFamily, u16, u8)


@st.composite
def prefixes(
    draw: st.DrawFn, families: st.SearchStrategy[AddressFamily] = unicast_families
) -> Prefix:
    family = draw(families)
    length = draw(st.integers(0, family.bits))
    number = draw(st.integers(0, (1 << length) - 1)) << (-length % 8)
    return Prefix(family, bytes((length,)) + number.to_bytes((length + 7) // 8))


@st.composite
def nlri_keys(draw: st.DrawFn, family: AddressFamily, *, add_path: bool) -> NlriKey:
    return nlri_key(draw(prefixes(st.just(family))), draw(u32) if add_path else 0)


@st.composite
def nlri_fields(
    draw: st.DrawFn, family: AddressFamily, *, add_path: bool = False, min_size: int = 0
) -> NlriField:
    keys = draw(st.lists(nlri_keys(family, add_path=add_path), min_size=min_size, max_size=8))
    return NlriField.of(family, keys, add_path)


@st.composite
def codecs(draw: st.DrawFn) -> Codec:
    both = frozenset({IPV4_UNICAST, IPV6_UNICAST})
    add_path = draw(st.frozensets(unicast_families))
    return Codec(
        external=draw(st.booleans()),
        four_octet_as=draw(st.booleans()),
        families=both,
        add_path_send=add_path,
        add_path_receive=add_path,
        extended_next_hop=draw(st.sampled_from([frozenset(), frozenset({IPV4_UNICAST})])),
        enhanced_route_refresh=draw(st.booleans()),
    )


def as_path_segments(*, confederation: bool) -> st.SearchStrategy[AsPathSegment]:
    kinds = [AsPathSegmentType.AS_SEQUENCE, AsPathSegmentType.AS_SET]
    if confederation:
        kinds += [AsPathSegmentType.AS_CONFED_SEQUENCE, AsPathSegmentType.AS_CONFED_SET]
    members = st.lists(asns, min_size=1, max_size=6).map(tuple)
    return st.builds(AsPathSegment, st.sampled_from(kinds), members)


def as_paths(*, confederation: bool = True) -> st.SearchStrategy[AsPath]:
    segments = st.lists(as_path_segments(confederation=confederation), max_size=4)
    return segments.map(lambda drawn: AsPath(tuple(drawn)))


def raw_attributes() -> st.SearchStrategy[RawAttribute]:
    known = {kind.value for kind in AttributeType}
    kinds = u8.filter(lambda kind: kind not in known)
    return st.builds(RawAttribute, st.just(0xE0), kinds, st.binary(max_size=300))


@st.composite
def path_attributes(draw: st.DrawFn, codec: Codec) -> PathAttributes:
    """What survives the trip: four-octet, or with AS numbers that two octets hold."""
    as_path = draw(as_paths(confederation=not codec.external))
    aggregator = draw(st.none() | st.builds(Aggregator, asns, host_addresses_v4))
    if not codec.four_octet_as:
        shortened = (
            AsPathSegment(s.type, tuple(a % 0x5000 + 1 for a in s.asns)) for s in as_path.segments
        )
        as_path = AsPath(tuple(shortened))
        aggregator = aggregator and Aggregator(aggregator.asn % 0x5000 + 1, aggregator.address)
    internal = not codec.external
    unknown = draw(st.lists(raw_attributes(), max_size=2, unique_by=lambda raw: raw.type))
    return PathAttributes(
        origin=draw(st.sampled_from(Origin)),
        as_path=as_path,
        next_hop=draw(host_addresses_v4),
        med=draw(st.none() | u32),
        local_pref=draw(u32) if internal else None,
        atomic_aggregate=draw(st.booleans()),
        aggregator=aggregator,
        communities=tuple(draw(st.lists(u32, max_size=3))),
        extended_communities=tuple(draw(st.lists(st.binary(min_size=8, max_size=8), max_size=2))),
        ipv6_extended_communities=tuple(
            draw(st.lists(st.binary(min_size=20, max_size=20), max_size=2))
        ),
        large_communities=tuple(
            draw(st.lists(st.builds(LargeCommunity, u32, u32, u32), max_size=3))
        ),
        originator_id=draw(st.none() | host_addresses_v4) if internal else None,
        cluster_list=tuple(draw(st.lists(host_addresses_v4, max_size=2))) if internal else (),
        only_to_customer=draw(st.none() | asns),
        unknown=tuple(sorted(unknown, key=lambda raw: raw.type)),
    )


@st.composite
def mp_reaches(draw: st.DrawFn, codec: Codec) -> MpReach:
    family = draw(unicast_families)
    over_v6 = family == IPV6_UNICAST or family in codec.extended_next_hop
    add_path = family in codec.add_path_send
    return MpReach(
        next_hop=draw(host_addresses_v6) if over_v6 else draw(host_addresses_v4),
        link_local=draw(st.none() | link_locals) if over_v6 else None,
        nlri=draw(nlri_fields(family, add_path=add_path, min_size=1)),
    )


@st.composite
def mp_unreaches(draw: st.DrawFn, codec: Codec) -> MpUnreach:
    family = draw(unicast_families)
    return MpUnreach(draw(nlri_fields(family, add_path=family in codec.add_path_send)))


@st.composite
def updates(draw: st.DrawFn, codec: Codec) -> Update:
    add_path = IPV4_UNICAST in codec.add_path_send
    field = nlri_fields(IPV4_UNICAST, add_path=add_path, min_size=1)
    nlri = draw(st.just(NO_NLRI) | field)
    mp_reach = draw(st.none() | mp_reaches(codec))
    announces = not nlri.empty or mp_reach is not None
    return Update(
        withdrawn=draw(st.just(NO_NLRI) | field),
        attributes=_carried(draw(path_attributes(codec)), nlri, mp_reach) if announces else None,
        nlri=nlri,
        mp_reach=mp_reach,
        mp_unreach=draw(st.none() | mp_unreaches(codec)),
    )


def _carried(
    attributes: PathAttributes, nlri: NlriField, mp_reach: MpReach | None
) -> PathAttributes:
    """Without the NEXT_HOP, where the message has no place for it."""
    if nlri.empty and mp_reach is not None and mp_reach.family == IPV6_UNICAST:
        return attributes.with_next_hop(None)
    return attributes


def capabilities() -> st.SearchStrategy[Capability]:
    modes = st.sampled_from(AddPathMode)
    flagged = st.lists(st.tuples(any_families, st.booleans()), max_size=4).map(tuple)
    long_lived = st.builds(LongLivedFamily, any_families, st.booleans(), st.integers(0, 0xFFFFFF))
    return st.one_of(
        st.builds(Multiprotocol, any_families),
        st.builds(RouteRefresh),
        st.builds(EnhancedRouteRefresh),
        st.builds(ExtendedMessage),
        st.builds(Role, st.sampled_from(BgpRole)),
        st.builds(AddPath, st.lists(st.tuples(any_families, modes), max_size=4).map(tuple)),
        st.builds(ExtendedNextHop, st.lists(st.tuples(any_families, u16), max_size=4).map(tuple)),
        st.builds(
            GracefulRestart,
            restarting=st.booleans(),
            notification=st.booleans(),
            restart_time=st.integers(0, 4095),
            families=flagged,
        ),
        st.builds(LongLivedGracefulRestart, st.lists(long_lived, max_size=3).map(tuple)),
        st.builds(UnknownCapability, st.integers(128, 255), st.binary(max_size=255)),
    )


@st.composite
def opens(draw: st.DrawFn) -> Open:
    asn = draw(asns)
    others = draw(st.lists(capabilities(), max_size=6))
    four: list[Capability] = [FourOctetAs(asn)] if asn > 0xFFFF or draw(st.booleans()) else []
    return Open(
        my_as=asn if asn <= 0xFFFF else AS_TRANS,
        hold_time=draw(st.just(0) | st.integers(3, 0xFFFF)),
        bgp_identifier=draw(host_addresses_v4),
        capabilities=tuple(draw(st.permutations(others + four))),
    )


notifications: st.SearchStrategy[Notification] = st.builds(
    Notification, u8, u8, st.binary(max_size=300)
)
route_refreshes: st.SearchStrategy[RouteRefreshMessage] = st.builds(
    RouteRefreshMessage, any_families, u8
)


def messages(codec: Codec) -> st.SearchStrategy[Message]:
    return st.one_of(opens(), updates(codec), notifications, st.builds(Keepalive), route_refreshes)


@st.composite
def mutated(draw: st.DrawFn, octets: bytes) -> bytes:
    """The octets with up to four of them changed, cut out or put in."""
    damaged = bytearray(octets)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(damaged)))
        match draw(st.sampled_from(["change", "cut", "insert", "repeat"])):
            case "change":
                damaged[at : at + 1] = bytes((draw(u8),))
            case "cut":
                del damaged[at : at + draw(st.integers(1, 8))]
            case "insert":
                damaged[at:at] = draw(st.binary(max_size=8))
            case _:
                damaged[at:at] = damaged[at : at + draw(st.integers(1, 40))]
    return bytes(damaged)
