"""`porter_ctl.record.last_good`: what is read is what was written, or nothing of it is."""

from __future__ import annotations

from dataclasses import replace
from zlib import crc32

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from porter_ctl.record.last_good import LastGood, Reading, UnusableError, decode, encode
from porter_ctl.record.lines import FORMAT
from tests.support.kept import AT, BOOT, LAST, NODE, RICH, SPEAKER, paths, peer, prefix

GOOD = LastGood(
    node=NODE,
    boot_id=BOOT,
    confirmed_at=AT,
    speaker=SPEAKER,
    peers={"tor-1": peer(1), "tor-2": peer(2, b"secret")},
    paths={
        prefix(1): paths("tor-1", "tor-2"),
        prefix(2): paths("tor-1", "tor-2"),
        prefix(3): paths("tor-2", attributes=RICH),
        prefix(4): paths("tor-1", attributes=LAST),
    },
    served={
        prefix(1): frozenset({"web"}),
        prefix(2): frozenset({"a", "b"}),
        prefix(3): frozenset(),
        prefix(4): frozenset({"x"}),
    },
    last="LastDraining",
)
PASSWORDS = {"tor-2": b"secret"}
OCTETS = encode(GOOD)


def read(octets: bytes, *, node: str = NODE, boot_id: str = BOOT, age: float = 0.0) -> Reading:
    return decode(octets, PASSWORDS, node=node, boot_id=boot_id, now=AT + age)


def lines(*records: object) -> bytes:
    """A file of any records, with the checksums it should have."""
    checksum, octets = 0, b""
    for record in records:
        line = record if isinstance(record, bytes) else msgspec.json.encode(record)
        checksum = crc32(line, checksum)
        octets += b"%08x %b\n" % (checksum, line)
    return octets


def test_what_is_read_is_what_was_written() -> None:
    reading = read(OCTETS)

    assert reading.good == GOOD
    assert (reading.octets, reading.lines) == (len(OCTETS), OCTETS.count(b"\n"))


def test_equal_paths_are_written_once() -> None:
    assert OCTETS.count(b'"type":"paths"') == 3


def test_no_password_is_in_the_file() -> None:
    assert b"secret" not in OCTETS.replace(b'"secret":', b"")
    assert b"c2VjcmV0" not in OCTETS  # in base64


def test_a_peer_without_its_password_is_left_out_and_said_to_be() -> None:
    reading = decode(OCTETS, {}, node=NODE, boot_id=BOOT, now=AT)

    assert reading.good.peers == {"tor-1": peer(1)}
    assert list(reading.good.left_out) == ["tor-2"]
    assert "the password of tor-2 was not kept" in reading.good.left_out["tor-2"]


def test_a_peer_without_a_password_has_none_whatever_the_other_file_says() -> None:
    reading = decode(OCTETS, PASSWORDS | {"tor-1": b"x"}, node=NODE, boot_id=BOOT, now=AT)

    assert reading.good.peers == GOOD.peers


def test_the_restart_time_is_the_shortest_of_those_offered() -> None:
    none = replace(peer(3), session=replace(peer(3).session, graceful_restart=None))

    assert GOOD.restart_seconds == 61.0
    assert replace(GOOD, peers={"tor-3": none}).restart_seconds == 0.0
    assert replace(GOOD, peers={}).restart_seconds == 0.0


@pytest.mark.parametrize("age", [-86400.0, -300.0, 0.0, 86400.0])
def test_a_day_is_not_too_old(age: float) -> None:
    assert read(OCTETS, age=age).good == GOOD


HEADER = {"type": "header", "format": FORMAT, "node": NODE, "boot_id": BOOT}
CONFIRM = {"type": "confirm", "at": AT}
PUT = {"type": "put", "prefix": "192.0.2.1/32", "paths": 0, "served": []}
PATHS = {"type": "paths", "number": 0, "peers": {"tor-1": [[0, {}]]}}


def test_the_hand_made_file_is_a_good_one() -> None:
    good = read(lines(HEADER, PATHS, PUT, CONFIRM)).good

    assert good.paths == {prefix(1): paths("tor-1")}


@pytest.mark.parametrize(
    ("octets", "says"),
    [
        (b"", "it holds no whole line"),
        (bytes(10 << 20), "it holds no whole line"),
        (b"\n", "line 1 has not the checksum"),
        (bytes(100) + b"\n", "line 1 has not the checksum"),
        (b"rubbish\nrubbish\n", "line 1 has not the checksum"),
        (OCTETS.replace(b'"med":4294967295', b'"med":4294967294'), "line 4 has not the checksum"),
        (OCTETS.replace(b"192.0.2.3", b"192.0.2.4"), "line 9 has not the checksum"),
        (OCTETS.split(b"\n", 1)[1], "line 1 has not the checksum"),
        (b"\n".join(OCTETS.split(b"\n")[:4] + OCTETS.split(b"\n")[5:]), "line 5 has not"),
        (OCTETS + OCTETS, "has not the checksum"),
        (OCTETS + bytes(4096) + b"\n", "has not the checksum"),
        (lines(CONFIRM, HEADER), "it does not begin with a header"),
        (lines(HEADER), "this node was never in step"),
        (lines(HEADER | {"format": 2, "more": 1}, CONFIRM), "it is of format 2, and this version"),
        (lines(HEADER, HEADER, CONFIRM), "line 2 makes no sense: a second"),
        (lines(HEADER, PUT, CONFIRM), "line 2 makes no sense: the paths 0 are not"),
        (
            lines(HEADER, PATHS, PUT | {"prefix": "192.0.2.1/24"}, CONFIRM),
            "line 3 makes no sense: 192.0.2.1/24 has host bits set",
        ),
        (lines(HEADER, PATHS | {"peers": {"tor-1": [[-1, {}]]}}, CONFIRM), "line 2 is no record"),
        (
            lines(HEADER, PATHS | {"peers": {"tor-1": [[0, {"med": -1}]]}}, CONFIRM),
            "line 2 makes no sense",
        ),
        (lines(HEADER, {"type": "forget"}, CONFIRM), "line 2 is no record"),
        (lines(HEADER, PUT | {"more": 1}, CONFIRM), "line 2 is no record"),
        (lines(HEADER, b"\xff\xfe", CONFIRM), "line 2 is no record"),
        (lines(HEADER, b"[" * 100_000, CONFIRM), "line 2 is no record"),
        (
            lines(HEADER, b'{"type":"configure","speaker":' + b"[" * 100_000, CONFIRM),
            "line 2 is no record",
        ),
    ],
)
def test_a_damaged_file_is_refused_whole(octets: bytes, says: str) -> None:
    with pytest.raises(UnusableError, match=says) as caught:
        read(octets)

    assert caught.value.remedy


@pytest.mark.parametrize(
    ("says", "remedy", "of"),
    [
        ("of Node/node-a, and this is Node/b", "a state directory of its own", {"node": "b"}),
        ("has booted since", "nothing to do", {"boot_id": BOOT.replace("a", "b")}),
    ],
)
def test_a_file_from_elsewhere_is_refused(says: str, remedy: str, of: dict[str, str]) -> None:
    with pytest.raises(UnusableError, match=says) as caught:
        read(OCTETS, node=of.get("node", NODE), boot_id=of.get("boot_id", BOOT))

    assert remedy in caught.value.remedy


@pytest.mark.parametrize(("age", "hours"), [(86401.0, "24"), (90e3, "25"), (-90e3, "-25")])
def test_an_old_file_is_refused_and_one_from_the_future_too(age: float, hours: str) -> None:
    with pytest.raises(UnusableError, match=f"API server {hours} hours ago, and 24 are allowed"):
        read(OCTETS, age=age)


def test_a_file_cut_short_says_what_its_whole_lines_say() -> None:
    for length in range(len(OCTETS)):
        whole = OCTETS[: OCTETS.rfind(b"\n", 0, length) + 1]

        assert outcome(OCTETS[:length]) == outcome(whole)


def outcome(octets: bytes) -> object:
    try:
        return read(octets).good
    except UnusableError as error:
        return str(error)


@given(st.binary(max_size=300), st.integers(0, len(OCTETS)), st.booleans())
def test_no_octets_make_a_reader_fall(rubbish: bytes, at: int, inserted: bool) -> None:  # noqa: FBT001 - drawn
    octets = OCTETS[:at] + rubbish + OCTETS[at if inserted else at + len(rubbish) :]

    found = outcome(octets)

    assert isinstance(found, str) or found == outcome(OCTETS[: octets.rfind(b"\n") + 1])
