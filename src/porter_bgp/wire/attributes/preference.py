"""What ranks routes: MULTI_EXIT_DISC and LOCAL_PREF (RFC 4271 §5.1, RFC 7606 §7.4 and §7.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from porter_bgp.wire.attributes.row import (
    OPTIONAL_NON_TRANSITIVE,
    WELL_KNOWN,
    AttributeRow,
    exactly,
)
from porter_bgp.wire.errors import Verdict
from porter_bgp.wire.iana import AttributeType

if TYPE_CHECKING:
    from porter_bgp.wire.attributes.path_attributes import PathAttributes
    from porter_bgp.wire.attributes.row import Draft
    from porter_bgp.wire.codec import Codec


def _read_med(draft: Draft, value: bytes, _: Codec) -> None:
    draft.med = int.from_bytes(value)


def _write_med(attributes: PathAttributes, _: Codec) -> bytes | None:
    return None if attributes.med is None else attributes.med.to_bytes(4)


def _read_local_pref(draft: Draft, value: bytes, _: Codec) -> None:
    draft.local_pref = int.from_bytes(value)


def _write_local_pref(attributes: PathAttributes, _: Codec) -> bytes | None:
    return None if attributes.local_pref is None else attributes.local_pref.to_bytes(4)


ROWS = (
    AttributeRow(
        type=AttributeType.MULTI_EXIT_DISC,
        flags=OPTIONAL_NON_TRANSITIVE,
        length=exactly(4),
        read=_read_med,
        write=_write_med,
    ),
    AttributeRow(
        type=AttributeType.LOCAL_PREF,
        flags=WELL_KNOWN,
        external=Verdict.DISCARD,
        internal_only=True,
        length=exactly(4),
        read=_read_local_pref,
        write=_write_local_pref,
    ),
)
