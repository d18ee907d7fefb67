"""ADD-PATH (RFC 7911 §4): who sends and who takes several paths of a prefix.

octets  field, repeated
2 + 1   AFI and SAFI
1       Send/Receive: 1 receive, 2 send, 3 both
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar

from porter_bgp.wire.iana import AddPathMode, CapabilityCode
from porter_bgp.wire.prefix import AddressFamily

_ENTRY = struct.Struct("!HBB")


@dataclass(frozen=True, slots=True)
class AddPath:
    """The families in which the sender of it sends or takes several paths.

    Attributes:
        entries: Family and mode; all families stand in one instance (RFC 7911 §4).
    """

    code: ClassVar[int] = CapabilityCode.ADD_PATH
    entries: tuple[tuple[AddressFamily, AddPathMode], ...]

    @classmethod
    def decode(cls, value: bytes) -> AddPath:
        """Decode the capability's value.

        Raises:
            ValueError: It is cut off, or a mode is not 1, 2 or 3 (RFC 7911 §4).
        """
        if len(value) % _ENTRY.size:
            raise ValueError(f"ADD-PATH of {len(value)} octets")
        return cls(
            tuple(
                (AddressFamily(afi, safi), AddPathMode(mode))
                for afi, safi, mode in _ENTRY.iter_unpack(value)
            )
        )

    def encode(self) -> bytes:
        """Encode the capability's value."""
        return b"".join(_ENTRY.pack(*family, mode) for family, mode in self.entries)
