"""What one row of the attribute table holds, and what the rows fill while a block is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from porter_bgp.wire.as_path import EMPTY_AS_PATH, AsPath
from porter_bgp.wire.attributes.path_attributes import Aggregator, PathAttributes, RawAttribute
from porter_bgp.wire.errors import Verdict
from porter_bgp.wire.iana import AttributeFlag, Origin
from porter_bgp.wire.open import AS_TRANS

if TYPE_CHECKING:
    from collections.abc import Callable
    from ipaddress import IPv4Address

    from porter_bgp.wire.codec import Codec
    from porter_bgp.wire.community import LargeCommunity
    from porter_bgp.wire.iana import AttributeType

WELL_KNOWN = AttributeFlag.TRANSITIVE
OPTIONAL_TRANSITIVE = AttributeFlag.OPTIONAL | AttributeFlag.TRANSITIVE
OPTIONAL_NON_TRANSITIVE = AttributeFlag.OPTIONAL

LengthRule: TypeAlias = "Callable[[int, Codec], bool]"


@dataclass(slots=True)
class Draft:
    """The attributes read so far; becomes a `PathAttributes` when the block ends."""

    origin: Origin = Origin.IGP
    as_path: AsPath = EMPTY_AS_PATH
    as4_path: AsPath | None = None
    next_hop: IPv4Address | None = None
    med: int | None = None
    local_pref: int | None = None
    atomic_aggregate: bool = False
    aggregator: Aggregator | None = None
    as4_aggregator: Aggregator | None = None
    communities: tuple[int, ...] = ()
    extended_communities: tuple[bytes, ...] = ()
    ipv6_extended_communities: tuple[bytes, ...] = ()
    large_communities: tuple[LargeCommunity, ...] = ()
    originator_id: IPv4Address | None = None
    cluster_list: tuple[IPv4Address, ...] = ()
    only_to_customer: int | None = None
    unknown: list[RawAttribute] = field(default_factory=list)

    def finish(self) -> PathAttributes:
        """The value, with the attributes of RFC 6793 merged in, in whatever order they came."""
        as_path, aggregator = self.as_path, self.aggregator
        # RFC 6793 §4.2.3: an AGGREGATOR that is not AS_TRANS was put there after the AS4 ones.
        if aggregator is None or aggregator.asn == AS_TRANS:
            if aggregator is not None and self.as4_aggregator is not None:
                aggregator = self.as4_aggregator
            if self.as4_path is not None:
                as_path = as_path.merge(self.as4_path)
        return PathAttributes(
            origin=self.origin,
            as_path=as_path,
            next_hop=self.next_hop,
            med=self.med,
            local_pref=self.local_pref,
            atomic_aggregate=self.atomic_aggregate,
            aggregator=aggregator,
            communities=self.communities,
            extended_communities=self.extended_communities,
            ipv6_extended_communities=self.ipv6_extended_communities,
            large_communities=self.large_communities,
            originator_id=self.originator_id,
            cluster_list=self.cluster_list,
            only_to_customer=self.only_to_customer,
            unknown=tuple(self.unknown),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeRow:
    """How one attribute is read, written, checked and forgiven.

    Attributes:
        type: Its type code.
        flags: Optional and Transitive as they must be.
        external: What its faults earn from a peer in another AS (RFC 7606 §7).
        internal: What they earn inside the AS.
        internal_only: From another AS its mere presence is a fault.
        length: Whether a value of so many octets can be well formed.
        read: Puts the value into the draft, or raises MalformedAttributeError.
        write: The value as octets; None where the attributes do not have it.
    """

    type: AttributeType
    flags: AttributeFlag
    external: Verdict = Verdict.TREAT_AS_WITHDRAW
    internal: Verdict = Verdict.TREAT_AS_WITHDRAW
    internal_only: bool = False
    length: LengthRule
    read: Callable[[Draft, bytes, Codec], None]
    write: Callable[[PathAttributes, Codec], bytes | None]

    def verdict(self, codec: Codec) -> Verdict:
        """What a fault in it earns on this session."""
        return self.external if codec.external else self.internal


def exactly(octets: int) -> LengthRule:
    """The rule of attributes with one length."""
    return lambda length, _: length == octets


def some_of(octets: int) -> LengthRule:
    """The rule of lists: at least one entry, none cut off."""
    return lambda length, _: length > 0 and length % octets == 0


def any_length(_: int, __: Codec) -> bool:
    """The rule of attributes whose reader knows better."""
    return True
