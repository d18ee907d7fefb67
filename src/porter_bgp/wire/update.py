"""The UPDATE message (RFC 4271 §4.3), judged as RFC 7606 asks.

    octets  field
    2       Withdrawn Routes Length
    ...     Withdrawn Routes
    2       Total Path Attribute Length
    ...     Path Attributes
    ...     Network Layer Reachability Information

What the routes are worth to us is asked in `porter_bgp.rib`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from porter_bgp.wire.announcement import judge_announcement
from porter_bgp.wire.attributes import PathAttributes, decode_attributes, encode_attributes
from porter_bgp.wire.cursor import Reader, ShortReadError
from porter_bgp.wire.errors import AttributeFault, UpdateMessageError, Verdict
from porter_bgp.wire.framing import frame
from porter_bgp.wire.iana import MessageType, UpdateSubcode
from porter_bgp.wire.mp_nlri import MpReach, MpUnreach
from porter_bgp.wire.nlri import NlriError, NlriField
from porter_bgp.wire.prefix import IPV4_UNICAST, AddressFamily, NlriKey

if TYPE_CHECKING:
    from collections.abc import Iterator

    from porter_bgp.wire.attributes import DecodedAttributes
    from porter_bgp.wire.codec import Codec

NO_NLRI = NlriField(IPV4_UNICAST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """Routes that come and go. `announced` and `withdrawn_keys` are what it means in the end.

    Attributes:
        withdrawn: IPv4 routes that go.
        attributes: Of all routes that come; None where there are none.
        nlri: IPv4 routes that come, with the NEXT_HOP of `attributes`.
        mp_reach: Routes that come, with a next hop of their own.
        mp_unreach: Routes that go.
        faults: What RFC 7606 forgives: never a `Verdict.RESET`.
        ignored: Families in it that were not negotiated.
    """

    withdrawn: NlriField = NO_NLRI
    attributes: PathAttributes | None = None
    nlri: NlriField = NO_NLRI
    mp_reach: MpReach | None = None
    mp_unreach: MpUnreach | None = None
    faults: tuple[AttributeFault, ...] = ()
    ignored: frozenset[AddressFamily] = frozenset()

    @property
    def verdict(self) -> Verdict | None:
        """The strongest verdict of its faults (RFC 7606 §3 h)."""
        return max((fault.verdict for fault in self.faults), default=None)

    @property
    def end_of_rib(self) -> AddressFamily | None:
        """The family whose table ends here (RFC 4724 §2), if the message says nothing else."""
        if self.attributes is not None or self.faults or self.ignored or self.mp_reach is not None:
            return None
        if not (self.withdrawn.empty and self.nlri.empty):
            return None
        if self.mp_unreach is None:
            return IPV4_UNICAST
        return self.mp_unreach.family if self.mp_unreach.nlri.empty else None

    def announced(self) -> Iterator[tuple[AddressFamily, list[NlriKey], PathAttributes]]:
        """The routes that come, by family; none if RFC 7606 withdraws them."""
        if self.attributes is None or self.verdict is Verdict.TREAT_AS_WITHDRAW:
            return
        if not self.nlri.empty:
            yield self.nlri.family, self.nlri.keys(), self.attributes
        reach = self.mp_reach
        if reach is not None and not reach.nlri.empty:
            attributes = self.attributes.with_next_hop(reach.next_hop, reach.link_local)
            yield reach.family, reach.nlri.keys(), attributes

    def withdrawn_keys(self) -> Iterator[tuple[AddressFamily, list[NlriKey]]]:
        """The routes that go, by family: also those that RFC 7606 treats as withdrawn.

        What the same message announces does not go (RFC 4271 §4.3).
        """
        coming = [self.nlri] + ([self.mp_reach.nlri] if self.mp_reach else [])
        going = [self.withdrawn] + ([self.mp_unreach.nlri] if self.mp_unreach else [])
        if self.verdict is Verdict.TREAT_AS_WITHDRAW:
            going, coming = going + coming, []
        for field in going:
            keys = field.keys()
            staying: set[NlriKey] = set()
            if keys:
                staying.update(*(come.keys() for come in coming if come.family == field.family))
            if staying:
                keys = [key for key in keys if key not in staying]
            if keys:
                yield field.family, keys

    @classmethod
    def decode(cls, body: bytes, codec: Codec) -> Update:
        """Decode the octets that follow the message header.

        Raises:
            UpdateMessageError: RFC 7606 leaves nothing but to end the session.
        """
        reader = Reader(body)
        try:
            withdrawn = reader.take(reader.u16())
            block = reader.take(reader.u16())
        except ShortReadError as error:
            raise UpdateMessageError(
                UpdateSubcode.MALFORMED_ATTRIBUTE_LIST, f"lengths exceed the message: {error}"
            ) from error
        nlri = reader.take(reader.remaining)
        decoded = decode_attributes(block, codec)
        fields = [decoded.mp_reach, decoded.mp_unreach]
        ignored = {field for field in fields if isinstance(field, AddressFamily)}
        if IPV4_UNICAST not in codec.families and (withdrawn or nlri):
            ignored.add(IPV4_UNICAST)
        faults = _judge(decoded, nlri, codec)
        _raise_if_reset(faults, reachable=_reachable(decoded, nlri))
        return cls(
            withdrawn=_field(withdrawn, codec),
            attributes=decoded.attributes,
            nlri=_field(nlri, codec),
            mp_reach=decoded.mp_reach if isinstance(decoded.mp_reach, MpReach) else None,
            mp_unreach=decoded.mp_unreach if isinstance(decoded.mp_unreach, MpUnreach) else None,
            faults=faults,
            ignored=frozenset(ignored),
        )

    def encode(self, codec: Codec) -> bytes:
        """Encode the octets that follow the message header; MP attributes first (RFC 7606 §5.1).

        Fields are written as they are: theirs must be the form `codec` asks for.
        """
        parts: list[bytes] = []
        family = IPV4_UNICAST
        if self.mp_reach is not None:
            parts.append(self.mp_reach.encode())
            family = self.mp_reach.family if self.nlri.empty else IPV4_UNICAST
        if self.mp_unreach is not None:
            parts.append(self.mp_unreach.encode())
        if self.attributes is not None:
            parts.append(encode_attributes(self.attributes, codec, family=family))
        return update_body(self.withdrawn.octets, b"".join(parts), self.nlri.octets)


def update_body(withdrawn: bytes, attributes: bytes, nlri: bytes) -> bytes:
    """The body of an UPDATE from its three fields.

    Raises:
        UpdateMessageError: A field does not fit its length.
    """
    if len(withdrawn) > 0xFFFF or len(attributes) > 0xFFFF:
        raise UpdateMessageError(
            UpdateSubcode.MALFORMED_ATTRIBUTE_LIST,
            f"fields of {len(withdrawn)} and {len(attributes)} octets",
        )
    lengths = len(withdrawn).to_bytes(2), len(attributes).to_bytes(2)
    return b"".join((lengths[0], withdrawn, lengths[1], attributes, nlri))


def update_message(withdrawn: bytes, attributes: bytes, nlri: bytes) -> bytes:
    """A whole UPDATE, with its header, from its three fields."""
    return frame(MessageType.UPDATE, update_body(withdrawn, attributes, nlri))


def _field(octets: bytes, codec: Codec) -> NlriField:
    if IPV4_UNICAST not in codec.families or not octets:
        return NO_NLRI
    try:
        return NlriField(IPV4_UNICAST, octets, IPV4_UNICAST in codec.add_path_receive)
    except NlriError as error:
        raise UpdateMessageError(UpdateSubcode.INVALID_NETWORK_FIELD, str(error)) from error


def _judge(decoded: DecodedAttributes, nlri: bytes, codec: Codec) -> tuple[AttributeFault, ...]:
    faults = list(decoded.faults)
    if nlri and IPV4_UNICAST in codec.families:
        faults += judge_announcement(decoded, None, codec)
    reach = decoded.mp_reach
    if isinstance(reach, MpReach) and not reach.nlri.empty:
        faults += judge_announcement(decoded, reach.next_hop, codec)
    return tuple(dict.fromkeys(faults))


def _reachable(decoded: DecodedAttributes, nlri: bytes) -> bool:
    """Whether there are routes that withdrawing can undo; those ignored were never there."""
    reach = decoded.mp_reach
    if isinstance(reach, MpReach):
        return bool(nlri) or not reach.nlri.empty
    return bool(nlri) or reach is not None


def _raise_if_reset(faults: tuple[AttributeFault, ...], *, reachable: bool) -> None:
    # RFC 7606 §5.2: an error without routes may hide that there were some.
    worst = max(faults, key=lambda fault: fault.verdict, default=None)
    limit = Verdict.RESET if reachable else Verdict.TREAT_AS_WITHDRAW
    if worst is not None and worst.verdict >= limit:
        raise UpdateMessageError(worst.subcode, worst.reason, data=worst.data)
