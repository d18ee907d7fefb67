"""`porter_bgp.wire.framing`: RFC 4271 §4.1 and §6.1, RFC 8654 §4."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porter_bgp.wire.errors import MessageHeaderError
from porter_bgp.wire.framing import MARKER, Framer, frame
from porter_bgp.wire.iana import MessageHeaderSubcode, MessageType

LENGTH = MessageHeaderSubcode.BAD_MESSAGE_LENGTH
TYPE = MessageHeaderSubcode.BAD_MESSAGE_TYPE
MARKED = "ff" * 16

REFUSED = {
    "marker begins with 0": ("00" + "ff" * 15 + "0013 04", 4096, 1, ""),
    "marker ends with fe": ("ff" * 15 + "fe 0013 04", 4096, 1, ""),
    "length 0": (MARKED + "0000 04", 4096, LENGTH, "0000"),
    "length 18": (MARKED + "0012 04", 4096, LENGTH, "0012"),
    "length 4097": (MARKED + "1001 02", 4096, LENGTH, "1001"),
    "length 65535 where 4096 was settled": (MARKED + "ffff 02", 4096, LENGTH, "ffff"),
    "OPEN of 28": (MARKED + "001c 01", 4096, LENGTH, "001c"),
    "OPEN of 4097 even with RFC 8654": (MARKED + "1001 01", 65535, LENGTH, "1001"),
    "UPDATE of 22": (MARKED + "0016 02", 4096, LENGTH, "0016"),
    "KEEPALIVE of 20": (MARKED + "0014 04", 4096, LENGTH, "0014"),
    "KEEPALIVE of 4097 even with RFC 8654": (MARKED + "1001 04", 65535, LENGTH, "1001"),
    "ROUTE-REFRESH of 22": (MARKED + "0016 05", 4096, LENGTH, "0016"),
    "type 0": (MARKED + "0013 00", 4096, TYPE, "00"),
    "type 6": (MARKED + "0013 06", 4096, TYPE, "06"),
    "type 255": (MARKED + "0013 ff", 4096, TYPE, "ff"),
}

TAKEN = {
    "KEEPALIVE": (MessageType.KEEPALIVE, 0, 4096),
    "UPDATE of 23": (MessageType.UPDATE, 4, 4096),
    "UPDATE of 4096": (MessageType.UPDATE, 4077, 4096),
    "UPDATE of 65535 with RFC 8654": (MessageType.UPDATE, 65516, 65535),
    "OPEN of 4096": (MessageType.OPEN, 4077, 65535),
    "NOTIFICATION of 19, the peer's last word": (MessageType.NOTIFICATION, 0, 4096),
    "NOTIFICATION of 65535 with RFC 8654": (MessageType.NOTIFICATION, 65516, 65535),
}


@pytest.mark.parametrize(("octets", "max_length", "subcode", "data"), REFUSED.values(), ids=REFUSED)
def test_refusal_carries_its_notification(
    octets: str, max_length: int, subcode: int, data: str
) -> None:
    framer = Framer()
    framer.feed(bytes.fromhex(octets))

    with pytest.raises(MessageHeaderError) as caught:
        framer.next_frame(max_length)

    assert (caught.value.subcode, caught.value.data) == (subcode, bytes.fromhex(data))


@pytest.mark.parametrize(("kind", "body_length", "max_length"), TAKEN.values(), ids=TAKEN)
def test_shortest_and_longest_are_taken(
    kind: MessageType, body_length: int, max_length: int
) -> None:
    framer = Framer()
    framer.feed(frame(kind, bytes(body_length)))

    assert framer.next_frame(max_length) == (kind, bytes(body_length))


def test_a_refused_header_stays_refused() -> None:
    framer = Framer()
    framer.feed(bytes(19))

    for _ in range(2):
        with pytest.raises(MessageHeaderError):
            framer.next_frame()

    assert framer.buffered == 19


@pytest.mark.parametrize("kind", [MessageType.OPEN, MessageType.KEEPALIVE, MessageType.UPDATE])
def test_no_message_is_made_that_may_never_be(kind: MessageType) -> None:
    with pytest.raises(MessageHeaderError):
        frame(kind, bytes(65517))


@given(st.lists(st.binary(min_size=4, max_size=40), max_size=6), st.data())
def test_any_split_gives_the_same_messages(bodies: list[bytes], data: st.DataObject) -> None:
    octets = b"".join(frame(MessageType.UPDATE, body) for body in bodies)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(octets)), max_size=8)))
    framer, found = Framer(), []

    for start, stop in zip([0, *cuts], [*cuts, len(octets)], strict=True):
        framer.feed(octets[start:stop])
        while (one := framer.next_frame()) is not None:
            found.append(one[1])

    assert found == bodies
    assert framer.buffered == 0


def test_many_messages_in_one_read_cost_what_they_cost_one_by_one() -> None:
    def seconds(count: int) -> float:
        framer = Framer()
        framer.feed((MARKER + b"\x00\x13\x04") * count)
        start = time.thread_time()
        while framer.next_frame() is not None:
            pass
        return time.thread_time() - start

    small, large = (min(seconds(count) for _ in range(3)) for count in (4_000, 64_000))

    assert large < 16 * small * 4  # quadratic would be 256 times
