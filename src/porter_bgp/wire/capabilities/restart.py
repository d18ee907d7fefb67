"""What survives a restart: Graceful Restart (RFC 4724, RFC 8538) and its long-lived kin (RFC 9494).

octets  field
2       R, N, two reserved bits; Restart Time in 12 bits, in seconds
2 + 1   AFI and SAFI, repeated from here
1       F and seven reserved bits
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from porter_bgp.wire.iana import CapabilityCode
from porter_bgp.wire.prefix import AddressFamily

_RESTARTING, _NOTIFICATION, _TIME = 0x8000, 0x4000, 0x0FFF
_FORWARDING = 0x80
_FAMILY = struct.Struct("!HBB")
_LONG_LIVED = struct.Struct("!HBB3s")


@dataclass(frozen=True, slots=True, kw_only=True)
class GracefulRestart:
    """The sender asks to be waited for when it goes without a NOTIFICATION (RFC 4724 §3).

    Attributes:
        restarting: R: it has just restarted, do not wait for its End-of-RIB.
        notification: N: also when it goes with a NOTIFICATION (RFC 8538 §2).
        restart_time: Seconds until it is given up: 0 to 4095.
        families: Family, and F: its forwarding state was kept.
    """

    code: ClassVar[int] = CapabilityCode.GRACEFUL_RESTART
    restarting: bool = False
    notification: bool = False
    restart_time: int = 0
    families: tuple[tuple[AddressFamily, bool], ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.restart_time <= _TIME:
            raise ValueError(f"restart time {self.restart_time} s; at most {_TIME}")

    @classmethod
    def decode(cls, value: bytes) -> GracefulRestart:
        """Decode the capability's value.

        Raises:
            ValueError: It is cut off.
        """
        if len(value) % _FAMILY.size != 2:
            raise ValueError(f"Graceful Restart of {len(value)} octets")
        head = int.from_bytes(value[:2])
        rows = _FAMILY.iter_unpack(value[2:])
        return cls(
            restarting=bool(head & _RESTARTING),
            notification=bool(head & _NOTIFICATION),
            restart_time=head & _TIME,
            families=tuple(
                (AddressFamily(afi, safi), bool(flags & _FORWARDING)) for afi, safi, flags in rows
            ),
        )

    def encode(self) -> bytes:
        """Encode the capability's value."""
        head = self.restart_time
        head |= _RESTARTING if self.restarting else 0
        head |= _NOTIFICATION if self.notification else 0
        rows = (_FAMILY.pack(*family, _FORWARDING * kept) for family, kept in self.families)
        return head.to_bytes(2) + b"".join(rows)


class LongLivedFamily(NamedTuple):
    """One row of `LongLivedGracefulRestart`; the stale time is in seconds, up to 2^24 - 1."""

    family: AddressFamily
    forwarding: bool
    stale_time: int


@dataclass(frozen=True, slots=True)
class LongLivedGracefulRestart:
    """The sender asks that its routes be kept as a last resort (RFC 9494 §3).

    Means nothing without `GracefulRestart`.
    """

    code: ClassVar[int] = CapabilityCode.LONG_LIVED_GRACEFUL_RESTART
    families: tuple[LongLivedFamily, ...] = ()

    @classmethod
    def decode(cls, value: bytes) -> LongLivedGracefulRestart:
        """Decode the value: AFI, SAFI, flags, stale time in three octets; repeated.

        Raises:
            ValueError: It is cut off.
        """
        if len(value) % _LONG_LIVED.size:
            raise ValueError(f"Long-Lived Graceful Restart of {len(value)} octets")
        return cls(
            tuple(
                LongLivedFamily(
                    AddressFamily(afi, safi), bool(flags & _FORWARDING), int.from_bytes(time)
                )
                for afi, safi, flags, time in _LONG_LIVED.iter_unpack(value)
            )
        )

    def encode(self) -> bytes:
        """Encode the capability's value."""
        return b"".join(
            _LONG_LIVED.pack(*family, _FORWARDING * forwarding, stale_time.to_bytes(3))
            for family, forwarding, stale_time in self.families
        )
