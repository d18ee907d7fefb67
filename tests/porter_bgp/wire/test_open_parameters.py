"""`porter_bgp.wire.open`: the two forms of optional parameters (RFC 5492 §4, RFC 9072 §2)."""

from __future__ import annotations

import pytest
from hypothesis import given

from porter_bgp.wire.capabilities import RouteRefresh, UnknownCapability
from porter_bgp.wire.errors import OpenMessageError
from porter_bgp.wire.iana import OpenSubcode
from porter_bgp.wire.open import Open
from tests.strategies import opens

FIXED = "04 fde9 005a c0000201"
ANY = UnknownCapability(200)

TAKEN = {
    "no parameters": ("00", ()),
    "an empty list of capabilities": ("02 02 00", ()),
    "one parameter a capability": ("08 02 02 0200 02 02 c800", (RouteRefresh(), ANY)),
    "all in one parameter": ("06 02 04 0200 c800", (RouteRefresh(), ANY)),
    "extended though short": ("ff ff 0005 02 0002 c800", (ANY,)),
    "extended, the first length is not 255": ("01 ff 0005 02 0002 c800", (ANY,)),
    "extended and empty": ("ff ff 0000", ()),
    "plain list of 255 octets": (
        "ff 02 fd c8 fb" + "00" * 251,
        (UnknownCapability(200, bytes(251)),),
    ),
}

REFUSED = {
    "extended length runs over": ("ff ff 0006 02 0002 c800", OpenSubcode.UNSPECIFIC),
    "extended length falls short": ("ff ff 0004 02 0002 c800", OpenSubcode.UNSPECIFIC),
    "extended length cut off": ("ff ff 00", OpenSubcode.UNSPECIFIC),
    "extended length missing": ("ff ff", OpenSubcode.UNSPECIFIC),
    "extended parameter cut off": ("ff ff 0004 02 0002 c8", OpenSubcode.UNSPECIFIC),
    "parameter runs over": ("04 02 03 c800", OpenSubcode.UNSPECIFIC),
    "parameter header cut off": ("01 02", OpenSubcode.UNSPECIFIC),
    "capability runs over its parameter": ("06 02 02 c802 0200", OpenSubcode.UNSPECIFIC),
    "capability header cut off": ("03 02 01 c8", OpenSubcode.UNSPECIFIC),
    "trailing octets": ("04 02 02 c800 00", OpenSubcode.UNSPECIFIC),
    "authentication": ("03 01 01 00", OpenSubcode.UNSUPPORTED_OPTIONAL_PARAMETER),
    "type 255 after another": (
        "08 02 02 c800 ff 02 0000",
        OpenSubcode.UNSUPPORTED_OPTIONAL_PARAMETER,
    ),
}


@pytest.mark.parametrize(("parameters", "capabilities"), TAKEN.values(), ids=TAKEN)
def test_form_is_taken(parameters: str, capabilities: tuple[object, ...]) -> None:
    assert Open.decode(bytes.fromhex(FIXED + parameters)).capabilities == capabilities


@pytest.mark.parametrize(("parameters", "subcode"), REFUSED.values(), ids=REFUSED)
def test_form_is_refused(parameters: str, subcode: OpenSubcode) -> None:
    with pytest.raises(OpenMessageError) as caught:
        Open.decode(bytes.fromhex(FIXED + parameters))

    assert caught.value.subcode == subcode


def test_4060_octets_of_unknown_capabilities_are_kept() -> None:
    capabilities = tuple(UnknownCapability(200 + i % 8, bytes(248)) for i in range(16))

    value = Open.decode(bytes.fromhex(FIXED + "00"))
    large = Open(
        my_as=value.my_as,
        hold_time=value.hold_time,
        bgp_identifier=value.bgp_identifier,
        capabilities=capabilities,
    )

    assert Open.decode(large.encode()) == large


@given(opens())
def test_encoding_loses_nothing(value: Open) -> None:
    assert Open.decode(value.encode()) == value
