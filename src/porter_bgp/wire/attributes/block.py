"""A block of path attributes, read and written by the table (RFC 4271 §4.3, RFC 7606 §3 to §5).

    octets  field, repeated
    1       Flags: Optional, Transitive, Partial, Extended Length
    1       Type code
    1|2     Length of the value
    ...     Value

Peers repeat their blocks, so what the block says is kept by its octets; MP_REACH_NLRI and
MP_UNREACH_NLRI, which differ each time, are taken out of it first.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from porter_bgp.wire.attributes import aggregation, communities, loops, mandatory, preference
from porter_bgp.wire.attributes.path_attributes import PathAttributes, RawAttribute
from porter_bgp.wire.attributes.row import Draft
from porter_bgp.wire.errors import AttributeFault, MalformedAttributeError, Verdict
from porter_bgp.wire.iana import AttributeFlag, AttributeType, UpdateSubcode
from porter_bgp.wire.mp_nlri import MpReach, MpUnreach, encode_attribute
from porter_bgp.wire.prefix import IPV4_UNICAST, AddressFamily

if TYPE_CHECKING:
    from collections.abc import Iterator

    from porter_bgp.wire.attributes.row import AttributeRow
    from porter_bgp.wire.codec import Codec

ROWS: tuple[AttributeRow, ...] = tuple(
    sorted(
        mandatory.ROWS + preference.ROWS + aggregation.ROWS + communities.ROWS + loops.ROWS,
        key=lambda row: row.type,
    )
)
"""The table: every attribute read here but the two of RFC 4760, by type code."""

_BY_TYPE: dict[int, AttributeRow] = {row.type: row for row in ROWS}
_MP = frozenset({AttributeType.MP_REACH_NLRI.value, AttributeType.MP_UNREACH_NLRI.value})
_KIND_BITS = int(AttributeFlag.OPTIONAL | AttributeFlag.TRANSITIVE)
_OPTIONAL, _TRANSITIVE = int(AttributeFlag.OPTIONAL), int(AttributeFlag.TRANSITIVE)
_EXTENDED_LENGTH, _PARTIAL = int(AttributeFlag.EXTENDED_LENGTH), int(AttributeFlag.PARTIAL)
_CACHED_BLOCKS, _CACHED_OCTETS = 1024, 1024  # so at most 1 MiB of keys


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodedAttributes:
    """What a block says.

    Attributes:
        attributes: None where it holds none but MP_REACH_NLRI and MP_UNREACH_NLRI.
        present: The type codes of these attributes, well formed or not.
        mp_reach: Routes, or the name of a family that is to be ignored.
        mp_unreach: Withdrawn routes, or the name of a family that is to be ignored.
        faults: All that is wrong with it.
    """

    attributes: PathAttributes | None = None
    present: frozenset[int] = frozenset()
    mp_reach: MpReach | AddressFamily | None = None
    mp_unreach: MpUnreach | AddressFamily | None = None
    faults: tuple[AttributeFault, ...] = ()


_Ordinary: TypeAlias = tuple[PathAttributes | None, frozenset[int], tuple[AttributeFault, ...]]


class _Item(NamedTuple):
    flags: int
    type: int
    start: int
    value: int
    stop: int


def decode_attributes(octets: bytes, codec: Codec) -> DecodedAttributes:
    """Decode the Path Attributes field of an UPDATE. Never raises: what is wrong is a value."""
    mp_items: list[_Item] = []
    ordinary: list[bytes] = []
    start = rest = 0
    for item in _divide(octets):
        rest = item.stop
        if item.type in _MP:
            mp_items.append(item)
            ordinary.append(octets[start : item.start])
            start = rest
    ordinary.append(octets[start:rest])
    attributes, present, faults = _read_ordinary(b"".join(ordinary), codec)
    mp_reach: MpReach | AddressFamily | None = None
    mp_unreach: MpUnreach | AddressFamily | None = None
    found = list(faults)
    if rest < len(octets):
        found.append(_overrun(octets, rest))
    seen: set[int] = set()
    for item in mp_items:
        try:
            _check_mp(item, seen)
            if item.type == AttributeType.MP_REACH_NLRI:
                mp_reach = MpReach.decode(octets[item.value : item.stop], codec)
            else:
                mp_unreach = MpUnreach.decode(octets[item.value : item.stop], codec)
        except MalformedAttributeError as error:
            found.append(_fault(error, item, octets, Verdict.RESET))
            break
    return DecodedAttributes(
        attributes=attributes,
        present=present,
        mp_reach=mp_reach,
        mp_unreach=mp_unreach,
        faults=tuple(found),
    )


def encode_attributes(
    attributes: PathAttributes, codec: Codec, *, family: AddressFamily = IPV4_UNICAST
) -> bytes:
    """Encode all but MP_REACH_NLRI and MP_UNREACH_NLRI, by type code.

    Args:
        attributes: What to say. Attributes that may not leave the AS are left out where they
            would, and unknown ones that are not transitive.
        codec: How to spell it.
        family: Of the routes: NEXT_HOP is for IPv4 alone, and only with an IPv4 next hop.
    """
    parts: list[tuple[int, bytes]] = []
    for row in ROWS:
        if row.internal_only and codec.external:
            continue
        if row.type == AttributeType.NEXT_HOP and family != IPV4_UNICAST:
            continue
        value = row.write(attributes, codec)
        if value is not None:
            parts.append((row.type, encode_attribute(row.flags, row.type, value)))
    passed_on = (raw for raw in attributes.unknown if raw.flags & _TRANSITIVE)
    parts += ((raw.type, encode_attribute(*raw)) for raw in passed_on)
    return b"".join(octets for _, octets in sorted(parts))


def _divide(octets: bytes) -> Iterator[_Item]:
    """The attributes, as far as they stay in the block."""
    start, end = 0, len(octets)
    while start + 3 <= end:
        flags, kind, length = octets[start : start + 3]
        value = start + 3
        if flags & _EXTENDED_LENGTH:
            if value >= end:
                return
            length = length << 8 | octets[value]
            value += 1
        stop = value + length
        if stop > end:
            return
        yield _Item(flags, kind, start, value, stop)
        start = stop


def _read_ordinary(octets: bytes, codec: Codec) -> _Ordinary:
    cacheable = len(octets) <= _CACHED_OCTETS
    return _cached(octets, codec) if cacheable else _decode_ordinary(octets, codec)


def _decode_ordinary(octets: bytes, codec: Codec) -> _Ordinary:
    if not octets:
        return None, frozenset(), ()
    draft = Draft()
    present: set[int] = set()
    repeated: set[int] = set()
    faults: list[AttributeFault] = []
    for item in _divide(octets):
        if item.type in present:
            repeated.add(item.type)  # RFC 7606 §3 g: the first counts
            continue
        present.add(item.type)
        row = _BY_TYPE.get(item.type)
        try:
            if row is None:
                _read_unknown(draft, item, octets)
            else:
                _read_known(draft, item, octets, codec)
        except MalformedAttributeError as error:
            verdict = Verdict.RESET if row is None else row.verdict(codec)
            faults.append(_fault(error, item, octets, verdict))
    faults += map(_duplicate, sorted(repeated))
    return draft.finish(), frozenset(present), tuple(faults)


_cached = lru_cache(_CACHED_BLOCKS)(_decode_ordinary)


def _read_known(draft: Draft, item: _Item, octets: bytes, codec: Codec) -> None:
    row = _BY_TYPE[item.type]
    if item.flags & _KIND_BITS != row.flags:
        raise MalformedAttributeError(
            UpdateSubcode.ATTRIBUTE_FLAGS, f"{row.type.name}: flags {item.flags:#04x}"
        )
    if row.internal_only and codec.external:
        raise MalformedAttributeError(
            UpdateSubcode.OPTIONAL_ATTRIBUTE, f"{row.type.name}: from another AS"
        )
    length = item.stop - item.value
    if not row.length(length, codec):
        raise MalformedAttributeError(
            UpdateSubcode.ATTRIBUTE_LENGTH, f"{row.type.name}: {length} octets"
        )
    row.read(draft, octets[item.value : item.stop], codec)


def _read_unknown(draft: Draft, item: _Item, octets: bytes) -> None:
    if not item.flags & _OPTIONAL:  # RFC 4271 §6.3
        raise MalformedAttributeError(
            UpdateSubcode.UNRECOGNIZED_WELL_KNOWN_ATTRIBUTE,
            f"attribute {item.type} calls itself well-known",
        )
    flags = item.flags & ~_EXTENDED_LENGTH
    if flags & _TRANSITIVE:
        flags |= _PARTIAL  # RFC 4271 §5: not everyone on its way knew it
    draft.unknown.append(RawAttribute(flags, item.type, octets[item.value : item.stop]))


def _check_mp(item: _Item, seen: set[int]) -> None:
    if item.type in seen:  # RFC 7606 §3 g
        raise MalformedAttributeError(
            UpdateSubcode.MALFORMED_ATTRIBUTE_LIST, f"attribute {item.type} twice"
        )
    seen.add(item.type)
    if item.flags & _KIND_BITS != _OPTIONAL:
        raise MalformedAttributeError(
            UpdateSubcode.ATTRIBUTE_FLAGS, f"attribute {item.type}: flags {item.flags:#04x}"
        )


def _fault(
    error: MalformedAttributeError, item: _Item, octets: bytes, verdict: Verdict
) -> AttributeFault:
    # RFC 4271 §6.3: the attribute goes along, except with these two.
    bare = {UpdateSubcode.MALFORMED_ATTRIBUTE_LIST, UpdateSubcode.MALFORMED_AS_PATH}
    data = b"" if error.subcode in bare else octets[item.start : item.stop]
    return AttributeFault(
        type=item.type, verdict=verdict, reason=str(error), subcode=error.subcode, data=data
    )


def _overrun(octets: bytes, start: int) -> AttributeFault:
    """RFC 7606 §4; if it held routes they cannot be withdrawn, which leaves a reset (§5.3)."""
    kind = octets[start + 1] if start + 1 < len(octets) else 0
    return AttributeFault(
        type=kind,
        verdict=Verdict.RESET if kind in _MP else Verdict.TREAT_AS_WITHDRAW,
        reason=f"attribute {kind} runs over the block of {len(octets)} octets",
        subcode=UpdateSubcode.MALFORMED_ATTRIBUTE_LIST,
    )


def _duplicate(kind: int) -> AttributeFault:
    return AttributeFault(
        type=kind,
        verdict=Verdict.DISCARD,
        reason=f"attribute {kind} again",
        subcode=UpdateSubcode.MALFORMED_ATTRIBUTE_LIST,
    )
