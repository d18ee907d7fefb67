"""What real daemons say, recorded on loopback: each file names its daemon and version.

The peer they spoke to announced IPv4 and IPv6 unicast, four-octet AS numbers, ADD-PATH both ways,
extended messages, route refresh and graceful restart; it asked for a refresh and was shut down.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from porter_bgp.wire import (
    IPV4_UNICAST,
    IPV6_UNICAST,
    AddPath,
    AddPathMode,
    Codec,
    Message,
    MessageType,
    Open,
    Update,
    decode_message,
    encode_message,
)
from porter_bgp.wire.framing import HEADER_LENGTH, Framer
from tests.support.vectors import captured, meaning

VECTORS = Path(__file__).parents[2] / "vectors"
FILES = sorted(VECTORS.glob("*/*.hex"))
BOTH = frozenset({IPV4_UNICAST, IPV6_UNICAST})


def read(octets: bytes, codec: Codec) -> Message:
    framer = Framer()
    framer.feed(octets)
    frame = framer.next_frame(codec.max_receive)
    assert frame is not None
    assert framer.buffered == 0
    return decode_message(*frame, codec)


def negotiated(opening: bytes) -> Codec:
    """As the two OPENs settle it: they send several paths in the families their ADD-PATH says."""
    value = Open.decode(opening[HEADER_LENGTH:])
    entries = [e for c in value.capabilities if isinstance(c, AddPath) for e in c.entries]
    sends = frozenset(family for family, mode in entries if mode & AddPathMode.SEND)
    return Codec(
        families=BOTH,
        add_path_send=sends,
        add_path_receive=sends,
        enhanced_route_refresh=True,
        loopback=True,
    )


def test_all_five_daemons_are_here() -> None:
    daemons = {path.parent.name.partition("-")[0] for path in FILES}

    assert daemons == {"bird", "exabgp", "frr", "gobgp", "openbgpd"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_every_message_means_what_the_file_says(path: Path) -> None:
    vectors = captured(path)
    codec = negotiated(vectors[0][1])

    assert [meaning(read(octets, codec)) for _, octets in vectors] == [told for told, _ in vectors]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_every_message_is_without_fault_and_can_be_said_again(path: Path) -> None:
    vectors = captured(path)
    codec = negotiated(vectors[0][1])
    for _, octets in vectors:
        message = read(octets, codec)
        again = encode_message(message, codec)

        assert read(again, codec) == message
        if isinstance(message, Update):
            assert (message.faults, message.ignored) == ((), frozenset())
        elif octets[18] != MessageType.OPEN:
            assert again == octets
