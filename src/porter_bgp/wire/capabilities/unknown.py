"""A capability that is not understood: its code is unknown, or its value breaks its own rules."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UnknownCapability:
    """Kept byte for byte and otherwise ignored (RFC 5492 §3).

    Raises:
        ValueError: The code or the value does not fit its octet.
    """

    code: int
    value: bytes = b""

    def __post_init__(self) -> None:
        if not 0 <= self.code <= 0xFF or len(self.value) > 0xFF:
            raise ValueError(f"capability {self.code} with {len(self.value)} octets")

    def encode(self) -> bytes:
        """The value as it came."""
        return self.value
