"""`porter_ctl.daemon.settings`: addresses as people write them."""

from __future__ import annotations

import pytest

from porter_ctl.daemon.settings import HttpAddress

GOOD = {
    "127.0.0.1:7479": HttpAddress("127.0.0.1", 7479),
    "[::1]:80": HttpAddress("::1", 80),
    "localhost:0": HttpAddress("localhost", 0),
}


@pytest.mark.parametrize(("text", "address"), GOOD.items(), ids=GOOD)
def test_an_address_reads_both_ways(text: str, address: HttpAddress) -> None:
    assert HttpAddress.parse(text) == address
    assert str(address) == text


@pytest.mark.parametrize(
    "text", ["", "7479", ":7479", "127.0.0.1", "a:b", "a:65536", "a:-1", "a:²"]
)
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"write for example 127\.0\.0\.1:7479"):
        HttpAddress.parse(text)
