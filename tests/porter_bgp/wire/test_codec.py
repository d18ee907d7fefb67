"""`porter_bgp.wire.codec`: only families that can be read are negotiated."""

from __future__ import annotations

import pytest

from porter_bgp.wire.codec import Codec
from porter_bgp.wire.prefix import AddressFamily


@pytest.mark.parametrize("family", [AddressFamily(1, 128), AddressFamily(25, 70)])
def test_a_family_whose_nlri_are_no_prefixes_is_refused(family: AddressFamily) -> None:
    with pytest.raises(ValueError, match="no prefixes"):
        Codec(families=frozenset({family}))
