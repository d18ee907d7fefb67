"""Path attributes: the one table of rows, how each is read, written, checked and forgiven.

An attribute is a row (`row`) in the file of its family; `block` walks the octets and is blind to
what a row is about. To add one: its row, its field in `PathAttributes`, its number in `iana`.
"""

from __future__ import annotations

from porter_bgp.wire.attributes.block import (
    ROWS,
    DecodedAttributes,
    decode_attributes,
    encode_attributes,
)
from porter_bgp.wire.attributes.path_attributes import Aggregator, PathAttributes, RawAttribute

__all__ = [
    "ROWS",
    "Aggregator",
    "DecodedAttributes",
    "PathAttributes",
    "RawAttribute",
    "decode_attributes",
    "encode_attributes",
]
