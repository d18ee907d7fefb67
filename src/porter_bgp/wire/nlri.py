"""A field of NLRI: checked octets, read when somebody asks (RFC 4271 §4.3, RFC 7911 §3).

    octets  field, repeated
    4       Path Identifier, only with ADD-PATH
    1       Length in bits
    0..16   Prefix

Messages carry thousands of these, so a field keeps its octets and hands out keys, which are octets
too; only `prefixes` makes an object of each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from porter_bgp.wire.prefix import NO_PATH_ID, AddressFamily, NlriKey, Prefix, split_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class NlriError(ValueError):
    """The octets do not divide into prefixes of the family."""


def _widths(bits: int) -> bytes:
    """Octets of an NLRI by its length in bits; 0 for lengths the family does not have."""
    return bytes(1 + (length + 7) // 8 if length <= bits else 0 for length in range(256))


_WIDTHS = {bits: _widths(bits) for bits in (32, 128)}
_MASKS = bytes(0xFF & 0xFF00 >> bits for bits in range(8))


@dataclass(frozen=True, slots=True)
class NlriField:
    """NLRI of one family, as they stand in a message.

    Attributes:
        family: The family of all of them.
        octets: Their spelling; bits beyond a prefix's length may be anything.
        add_path: Each is led by a path identifier.

    Raises:
        NlriError: A prefix is too long for the family, or cut off.
    """

    family: AddressFamily
    octets: bytes = b""
    add_path: bool = False

    def __post_init__(self) -> None:
        octets, widths = self.octets, _WIDTHS[self.family.bits]
        lead = 4 if self.add_path else 0
        position, end = lead, len(octets)
        while position < end:
            width = widths[octets[position]]
            if not width:
                raise NlriError(f"{self.family}: prefix length {octets[position]}")
            position += width + lead
        if position != end + lead:
            raise NlriError(f"{self.family}: the last prefix is cut off")

    @classmethod
    def of(cls, family: AddressFamily, keys: Iterable[NlriKey], add_path: bool) -> NlriField:  # noqa: FBT001  the wire's own bit
        """The field that spells `keys`, in their order; without ADD-PATH identifiers are lost."""
        return cls(family, b"".join(keys if add_path else (key[4:] for key in keys)), add_path)

    @property
    def empty(self) -> bool:
        """Whether there is nothing in it."""
        return not self.octets

    def keys(self) -> list[NlriKey]:
        """The key of each, in their order; host bits are cleared."""
        octets, widths, masks = self.octets, _WIDTHS[self.family.bits], _MASKS
        lead = 4 if self.add_path else 0
        path_id = b"" if self.add_path else NO_PATH_ID
        keys: list[NlriKey] = []
        append = keys.append
        position, end = 0, len(octets)
        while position < end:
            length = octets[position + lead]
            stop = position + lead + widths[length]
            if length & 7:
                last = stop - 1
                append(path_id + octets[position:last] + bytes((octets[last] & masks[length & 7],)))
            else:
                append(path_id + octets[position:stop])
            position = stop
        return keys

    def prefixes(self) -> Iterator[tuple[int, Prefix]]:
        """Path identifier and prefix of each, in their order."""
        return (split_key(self.family, key) for key in self.keys())
