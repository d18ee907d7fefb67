"""Export: the attributes that one session must see (RFC 4271 §5.1, RFC 2545 §3, RFC 8950 §4).

What is to be told is decided elsewhere (`RouteAttributes`); this adds what the session knows.

    attribute    external peer                     internal peer
    AS_PATH      our AS number, 1 + prepend times  empty
    NEXT_HOP     SELF is our own address there     the same
    MED          as given                          as given
    LOCAL_PREF   none                              as given, else 100
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from porter_bgp.rib.pack import fits
from porter_bgp.rib.route import NextHop
from porter_bgp.wire import EMPTY_AS_PATH, Afi, LargeCommunity, PathAttributes

if TYPE_CHECKING:
    from collections.abc import Iterable
    from ipaddress import IPv4Address, IPv6Address

    from porter_bgp.config import Address
    from porter_bgp.rib.route import RouteAttributes
    from porter_bgp.wire import AddressFamily, Codec

_T = TypeVar("_T", int, bytes, LargeCommunity)
_DEFAULT_LOCAL_PREF = 100
_REMEMBERED = 4096
"""Distinct attribute sets a session keeps interned; more only costs their sharing a message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportFacts:
    """What a session knows that concerns export.

    Attributes:
        external: Whether the peer's AS is another than ours.
        local_asn: The AS number we show this peer.
        codec: How this session spells; whether IPv4 routes may have an IPv6 next hop.
        self_ipv4: What SELF means where the next hop is IPv4; None if there is no such address.
        self_ipv6: What SELF means where the next hop is IPv6; None if there is no such address.
    """

    external: bool
    local_asn: int
    codec: Codec
    self_ipv4: IPv4Address | None = None
    self_ipv6: IPv6Address | None = None


class Exporter:
    """The export of one session: equal in, identical out."""

    def __init__(self, facts: ExportFacts) -> None:
        self._facts = facts
        self._interned = lru_cache(maxsize=_REMEMBERED)(self._make)

    def export(self, family: AddressFamily, attributes: RouteAttributes) -> PathAttributes | None:
        """The attributes to tell this peer.

        Returns:
            None where no UPDATE can: SELF or the address given is not of a family that next
            hops may have here, or the attributes are longer than one message (RFC 8654 §4).
        """
        return self._interned(family, attributes)

    def _make(self, family: AddressFamily, attributes: RouteAttributes) -> PathAttributes | None:
        facts = self._facts
        next_hop = self._next_hop(family, attributes.next_hop)
        if next_hop is None:
            return None
        as_path, local_pref = EMPTY_AS_PATH, attributes.local_pref
        if facts.external:
            as_path, local_pref = as_path.prepend(facts.local_asn, 1 + attributes.prepend), None
        elif local_pref is None:
            local_pref = _DEFAULT_LOCAL_PREF
        exported = PathAttributes(
            as_path=as_path,
            next_hop=next_hop,
            med=attributes.med,
            local_pref=local_pref,
            communities=_as_set(attributes.communities),
            extended_communities=_as_set(attributes.extended_communities),
            large_communities=_as_set(attributes.large_communities),
        )
        return exported if fits(family, facts.codec, exported) else None

    def _next_hop(self, family: AddressFamily, wanted: NextHop | Address) -> Address | None:
        facts = self._facts
        own = (facts.self_ipv4, facts.self_ipv6)
        for address in own if isinstance(wanted, NextHop) else (wanted,):
            if address is not None and self._may_lead_to(family, address):
                return address
        return None

    def _may_lead_to(self, family: AddressFamily, next_hop: Address) -> bool:
        if next_hop.version == 4:
            return family.afi == Afi.IPV4
        return family.afi == Afi.IPV6 or family in self._facts.codec.extended_next_hop


def _as_set(communities: Iterable[_T]) -> tuple[_T, ...]:
    """One order for one set: attribute sets that mean the same are the same."""
    return tuple(sorted(set(communities)))
