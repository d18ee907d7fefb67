"""How routes share UPDATEs: those with one attribute set go together, as many as fit.

A message carries one of withdrawn routes, NLRI, MP_REACH_NLRI and MP_UNREACH_NLRI, the MP
attribute first (RFC 7606 §5.1). IPv4 unicast goes in the fields of RFC 4271 §4.3, or, where
its next hop is IPv6, in MP_REACH_NLRI (RFC 8950 §4); every other family goes in RFC 4760's.

Which routes are to be told stands in `porter_bgp.rib.adj_rib_out`.
"""

from __future__ import annotations

from functools import lru_cache, partial
from ipaddress import IPv4Address
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from porter_bgp.wire import (
    IPV4_UNICAST,
    encode_attributes,
    encode_mp_reach,
    encode_mp_unreach,
    update_message,
)

if TYPE_CHECKING:
    from collections import OrderedDict
    from collections.abc import Callable

    from porter_bgp.wire import AddressFamily, Codec, NlriKey, PathAttributes

_REMEMBERED = 256
"""Distinct attribute sets whose octets a session keeps; others are encoded when they are used."""

_EMPTY_UPDATE = 23  # header and two lengths, RFC 4271 §4.1 and §4.3


class _Envelope(NamedTuple):
    """All of an UPDATE but its NLRI: how many octets that is, and the function that adds them."""

    overhead: int
    update: Callable[[bytes], bytes]


class Packer:
    """The spelling of one family's UPDATEs in one session.

    Attributes:
        codec: The session's.
    """

    def __init__(self, family: AddressFamily, codec: Codec) -> None:
        self.codec = codec
        self._skip = 0 if family in codec.add_path_send else 4  # RFC 7911 §3
        self._longest = _longest_nlri(family, codec)
        self._envelope = lru_cache(maxsize=_REMEMBERED)(partial(_envelope, family, codec))

    def pack(
        self,
        attributes: PathAttributes | None,
        waiting: OrderedDict[NlriKey, PathAttributes | None],
        room: int,
    ) -> tuple[bytes, list[NlriKey]] | None:
        """Take from the front of `waiting` what one UPDATE can tell.

        Args:
            attributes: What to tell of them; None withdraws them.
            waiting: At least one route. Those in the message are removed.
            room: The octets that the message may have; the session's own limit holds as well.

        Returns:
            The message and the keys in it, or None if there is no room for the first.

        Raises:
            ValueError: No message of this session is long enough: see `fits`.
        """
        overhead, update = self._envelope(attributes)
        limit = self.codec.max_send
        if overhead + self._longest > limit:
            raise ValueError(f"{overhead} octets of attributes leave no room for a prefix")
        keys = self._take(waiting, min(room, limit) - overhead)
        if not keys:
            return None
        skip = self._skip
        return update(b"".join([key[skip:] for key in keys])), keys

    def end_of_rib(self) -> bytes:
        """The End-of-RIB marker: an UPDATE that withdraws nothing (RFC 4724 §2)."""
        return self._envelope(None).update(b"")

    def _take(
        self, waiting: OrderedDict[NlriKey, PathAttributes | None], octets: int
    ) -> list[NlriKey]:
        taken: list[NlriKey] = []
        while waiting:
            count = min(octets // self._longest, len(waiting))
            if count <= 0:  # though a shorter prefix may still fit
                if len(next(iter(waiting))) - self._skip > octets:
                    break
                count = 1
            batch = list(islice(waiting, count))
            for key in batch:
                del waiting[key]
            octets -= sum(map(len, batch)) - self._skip * count
            taken += batch
        return taken


def fits(family: AddressFamily, codec: Codec, attributes: PathAttributes) -> bool:
    """Whether a message can carry the attributes and any one prefix (RFC 8654 §4)."""
    overhead = _envelope(family, codec, attributes).overhead
    return overhead + _longest_nlri(family, codec) <= codec.max_send


def _longest_nlri(family: AddressFamily, codec: Codec) -> int:
    return 1 + family.bits // 8 + (4 if family in codec.add_path_send else 0)


def _envelope(family: AddressFamily, codec: Codec, attributes: PathAttributes | None) -> _Envelope:
    if attributes is not None:
        return _announcement(family, codec, attributes)
    if family == IPV4_UNICAST:
        return _Envelope(_EMPTY_UPDATE, lambda nlri: update_message(nlri, b"", b""))
    return _around_mp(lambda nlri: encode_mp_unreach(family, nlri), b"")


def _announcement(family: AddressFamily, codec: Codec, attributes: PathAttributes) -> _Envelope:
    next_hop, link_local = attributes.next_hop, attributes.link_local
    if next_hop is None:
        raise ValueError(f"a route of {family} without next hop")
    block = encode_attributes(attributes, codec, family=family)
    if family == IPV4_UNICAST and isinstance(next_hop, IPv4Address):
        return _Envelope(_EMPTY_UPDATE + len(block), lambda nlri: update_message(b"", block, nlri))
    return _around_mp(
        lambda nlri: encode_mp_reach(family, next_hop, nlri, link_local=link_local), block
    )


def _around_mp(attribute: Callable[[bytes], bytes], block: bytes) -> _Envelope:
    # Measured around NLRI so long that the attribute's own length takes both its octets.
    overhead = _EMPTY_UPDATE + len(attribute(bytes(256))) - 256 + len(block)
    return _Envelope(overhead, lambda nlri: update_message(b"", attribute(nlri) + block, b""))
