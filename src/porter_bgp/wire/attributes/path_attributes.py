"""What an UPDATE says about its routes: the value that all rooms above pass around."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from porter_bgp.wire.as_path import EMPTY_AS_PATH, AsPath
from porter_bgp.wire.iana import Origin

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

    from porter_bgp.wire.community import LargeCommunity


class Aggregator(NamedTuple):
    """The AS and router that formed an aggregate (RFC 4271 §5.1.7)."""

    asn: int
    address: IPv4Address


class RawAttribute(NamedTuple):
    """An attribute this package does not read, byte for byte.

    Attributes:
        flags: As they came; on transitive ones Partial is set (RFC 4271 §5).
        type: The type code.
        value: Opaque.
    """

    flags: int
    type: int
    value: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class PathAttributes:
    """The path attributes of routes, without the routes. Its hash is computed once.

    Attributes:
        origin: ORIGIN.
        as_path: AS_PATH, merged with AS4_PATH where one came (RFC 6793 §4.2.3).
        next_hop: From NEXT_HOP or MP_REACH_NLRI; None before it is known.
        link_local: The link-local address that came with an IPv6 `next_hop`.
        med: MULTI_EXIT_DISC.
        local_pref: LOCAL_PREF; inside an AS only.
        atomic_aggregate: ATOMIC_AGGREGATE is there.
        aggregator: AGGREGATOR, or AS4_AGGREGATOR in its place.
        communities: COMMUNITIES, in their order.
        extended_communities: EXTENDED_COMMUNITIES, eight octets each.
        ipv6_extended_communities: Those of RFC 5701, twenty octets each.
        large_communities: LARGE_COMMUNITY, in their order.
        originator_id: ORIGINATOR_ID (RFC 4456); inside an AS only.
        cluster_list: CLUSTER_LIST (RFC 4456); inside an AS only.
        only_to_customer: The AS of OTC (RFC 9234 §5).
        unknown: All others; those not transitive are not passed on.
    """

    origin: Origin = Origin.IGP
    as_path: AsPath = EMPTY_AS_PATH
    next_hop: IPv4Address | IPv6Address | None = None
    link_local: IPv6Address | None = None
    med: int | None = None
    local_pref: int | None = None
    atomic_aggregate: bool = False
    aggregator: Aggregator | None = None
    communities: tuple[int, ...] = ()
    extended_communities: tuple[bytes, ...] = ()
    ipv6_extended_communities: tuple[bytes, ...] = ()
    large_communities: tuple[LargeCommunity, ...] = ()
    originator_id: IPv4Address | None = None
    cluster_list: tuple[IPv4Address, ...] = ()
    only_to_customer: int | None = None
    unknown: tuple[RawAttribute, ...] = ()
    _hash: int = field(init=False, repr=False, compare=False, default=0)

    def __post_init__(self) -> None:
        parts = (
            self.origin,
            self.as_path,
            self.next_hop,
            self.link_local,
            self.med,
            self.local_pref,
            self.atomic_aggregate,
            self.aggregator,
            self.communities,
            self.extended_communities,
            self.ipv6_extended_communities,
            self.large_communities,
            self.originator_id,
            self.cluster_list,
            self.only_to_customer,
            self.unknown,
        )
        object.__setattr__(self, "_hash", hash(parts))

    def __hash__(self) -> int:
        return self._hash

    def with_next_hop(
        self, next_hop: IPv4Address | IPv6Address | None, link_local: IPv6Address | None = None
    ) -> PathAttributes:
        """The same with another next hop."""
        return replace(self, next_hop=next_hop, link_local=link_local)
