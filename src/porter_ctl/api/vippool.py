"""VIPPool: addresses to give away, and to whom."""

from __future__ import annotations

from enum import StrEnum
from itertools import pairwise
from typing import Annotated, ClassVar

from msgspec import Meta

from porter_ctl.api.addresses import EXCLUDE_BLOCK, VIP_BLOCK, AddressRange, parse_block
from porter_ctl.api.meta import ApiStruct, Conditions, Kind, ObjectMeta
from porter_ctl.api.rules import Rule
from porter_ctl.api.values import LabelSelectors, NamespaceName


class Skip(StrEnum):
    """Addresses of a pool that some equipment does not like."""

    NETWORK_AND_BROADCAST = "NetworkAndBroadcast"


class Allocation(StrEnum):
    """When a pool gives addresses."""

    AUTOMATIC = "Automatic"
    ON_REQUEST = "OnRequest"
    DISABLED = "Disabled"


class WhenOutOfPool(StrEnum):
    """What happens to a given address that its pool no longer holds."""

    KEEP = "Keep"
    REALLOCATE = "Reallocate"


Block = Annotated[str, Meta(min_length=2, max_length=91, extra={"check": VIP_BLOCK})]
ExcludeBlock = Annotated[str, Meta(min_length=2, max_length=91, extra={"check": EXCLUDE_BLOCK})]


class PoolLimits(ApiStruct, frozen=True, kw_only=True):
    """How many addresses one party may draw."""

    per_namespace: Annotated[
        Annotated[int, Meta(ge=1, le=1_000_000)] | None,
        Meta(description="Addresses of this pool for one namespace; absent: no limit."),
    ] = None
    per_service: Annotated[
        int, Meta(ge=1, le=64, description="Addresses of this pool for one Service.")
    ] = 2


class VIPPoolSpec(ApiStruct, frozen=True, kw_only=True):
    """What the pool holds and who may draw from it."""

    addresses: Annotated[
        tuple[Block, ...],
        Meta(
            min_length=1,
            max_length=256,
            description=(
                "Addresses to give: CIDR, `first-last`, or one address; IPv4 and IPv6 may be mixed."
            ),
        ),
    ]
    exclude: Annotated[
        tuple[ExcludeBlock, ...],
        Meta(
            max_length=256,
            description="Addresses never given, spelt as in `addresses`; each lies inside one.",
        ),
    ] = ()
    skip: Annotated[
        tuple[Skip, ...],
        Meta(
            max_length=1,
            description="Further addresses not given. NetworkAndBroadcast: .0 and .255 of IPv4.",
        ),
    ] = ()
    allocation: Annotated[
        Allocation,
        Meta(
            description=(
                "Automatic: to any Service that may draw. OnRequest: only when asked for. "
                "Disabled: keep what is given, give nothing new."
            )
        ),
    ] = Allocation.AUTOMATIC
    priority: Annotated[
        int,
        Meta(
            ge=-1_000_000,
            le=1_000_000,
            description="The pool with the higher number is tried first; ties by name.",
        ),
    ] = 0
    namespaces: Annotated[
        tuple[NamespaceName, ...],
        Meta(
            max_length=256,
            description="Namespaces that may draw, also by explicit request; absent: all.",
        ),
    ] = ()
    namespace_selectors: Annotated[
        LabelSelectors,
        Meta(description="Namespaces that may draw, by their labels; absent: all."),
    ] = ()
    service_selectors: Annotated[
        LabelSelectors,
        Meta(
            description=(
                "Services that may draw, by their labels; absent: all. "
                "No fence: whoever writes a Service writes its labels."
            )
        ),
    ] = ()
    limits: Annotated[PoolLimits, Meta(description="How many addresses one party may draw.")] = (
        PoolLimits()
    )
    hold_seconds: Annotated[
        int,
        Meta(
            ge=0,
            le=604_800,
            description=(
                "How long a released address rests for the same namespace/name. Others get it "
                "earlier only when the pool is otherwise full."
            ),
        ),
    ] = 600
    when_out_of_pool: Annotated[
        WhenOutOfPool,
        Meta(
            description=(
                "What happens to given addresses that an edit puts outside the pool. "
                "Keep: they stay. Reallocate: the Service gets another."
            )
        ),
    ] = WhenOutOfPool.KEEP

    rules: ClassVar[tuple[Rule[VIPPoolSpec], ...]] = (
        Rule(
            reads=("addresses",),
            cel="",
            holds=lambda self: not _overlap(self.address_ranges()),
            message="two entries overlap",
            remedy="write each address once",
            exact=False,
        ),
        Rule(
            reads=("exclude", "addresses"),
            cel="",
            holds=lambda self: all(
                any(
                    block.contains(excluded.first) and block.contains(excluded.last)
                    for block in self.address_ranges()
                )
                for excluded in self.exclude_ranges()
            ),
            message="an entry does not lie inside one entry of addresses",
            remedy="exclude only addresses that the pool would give",
            exact=False,
        ),
    )

    def address_ranges(self) -> tuple[AddressRange, ...]:
        """Give `addresses` as ranges, in the order written."""
        return tuple(parse_block(text) for text in self.addresses)

    def exclude_ranges(self) -> tuple[AddressRange, ...]:
        """Give `exclude` as ranges, in the order written."""
        return tuple(parse_block(text) for text in self.exclude)


def _overlap(ranges: tuple[AddressRange, ...]) -> bool:
    ordered = sorted(ranges, key=lambda r: (r.first.version, int(r.first)))
    return any(earlier.overlaps(later) for earlier, later in pairwise(ordered))


class VIPPoolStatus(ApiStruct, frozen=True, kw_only=True):
    """How full the pool is, and whether its spec is in use."""

    usage: Annotated[
        str,
        Meta(max_length=128, description='Given and all addresses by family: "12/254, 3/2^64".'),
    ] = ""
    conditions: Conditions = ()
    accepted: Annotated[
        VIPPoolSpec | None,
        Meta(
            description="The last spec that was accepted; in use while the present one is not.",
            extra_json_schema={"x-kubernetes-preserve-unknown-fields": True},
        ),
    ] = None


class VIPPool(ApiStruct, frozen=True, kw_only=True):
    """Addresses to give to Services.

    Without `spec` it is quarantined: faulty, and nothing was accepted before.
    """

    kind: ClassVar[Kind] = Kind.VIP_POOL
    metadata: ObjectMeta
    spec: VIPPoolSpec | None = None
    status: VIPPoolStatus = VIPPoolStatus()
