"""What a route is told with, before any session has had its say.

`RouteAttributes` holds what whoever originates a route decides about it. What depends on
the session (AS_PATH, whose address SELF is, what an external peer must not see) is added by
`porter_bgp.rib.export`; how the result is spelled is the business of `porter_bgp.wire`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

    from porter_bgp.wire import LargeCommunity

_U32 = 0xFFFF_FFFF
_MAX_PREPEND = 254  # with the one that is always there, a whole segment: RFC 4271 §4.3
_MAX_ATTRIBUTE = 0xFFFF
_WIDTHS = {"communities": 4, "extended_communities": 8, "large_communities": 12}


class NextHop(Enum):
    """A next hop that only the session can name."""

    SELF = "self"


SELF = NextHop.SELF


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteAttributes:
    """The originator's part of a route: equal ones share an UPDATE. Its hash is computed once.

    Attributes:
        next_hop: SELF for this speaker's own address towards the peer, else an address.
        communities: Standard communities (RFC 1997) as 32-bit numbers.
        large_communities: RFC 8092.
        extended_communities: RFC 4360, eight octets each.
        med: MULTI_EXIT_DISC, None for none.
        local_pref: LOCAL_PREF towards internal peers; None for the default of 100.
        prepend: How many times more than once our AS number stands in the AS_PATH towards
            external peers.
    """

    next_hop: NextHop | IPv4Address | IPv6Address = SELF
    communities: tuple[int, ...] = ()
    large_communities: tuple[LargeCommunity, ...] = ()
    extended_communities: tuple[bytes, ...] = ()
    med: int | None = None
    local_pref: int | None = None
    prepend: int = 0
    _hash: int = field(init=False, repr=False, compare=False, default=0)

    def __post_init__(self) -> None:
        for name, number in (("med", self.med), ("local_pref", self.local_pref)):
            if number is not None and not 0 <= number <= _U32:
                raise ValueError(f"{name} {number} does not fit in 32 bits")
        if not 0 <= self.prepend <= _MAX_PREPEND:
            raise ValueError(f"prepend {self.prepend} is not between 0 and {_MAX_PREPEND}")
        if not all(0 <= community <= _U32 for community in self.communities):
            raise ValueError(f"communities {self.communities} do not fit in 32 bits each")
        if any(len(community) != 8 for community in self.extended_communities):
            raise ValueError("an extended community is eight octets")
        if any(not 0 <= part <= _U32 for large in self.large_communities for part in large):
            raise ValueError(f"large_communities {self.large_communities} do not fit in 32 bits")
        for name, width in _WIDTHS.items():
            if len(getattr(self, name)) * width > _MAX_ATTRIBUTE:
                raise ValueError(f"{name}: longer than an attribute can be")
        parts = (
            self.next_hop,
            self.communities,
            self.large_communities,
            self.extended_communities,
            self.med,
            self.local_pref,
            self.prepend,
        )
        object.__setattr__(self, "_hash", hash(parts))

    def __hash__(self) -> int:
        return self._hash


class Path(NamedTuple):
    """One of the routes to a prefix. `path_id` 0 where there is only the one (RFC 7911)."""

    path_id: int
    attributes: RouteAttributes
