"""`porter_bgp.rib.adj_rib_out`: one rule a test; all of them at once in test_adj_rib_out_model."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from porter_bgp.rib import AdjRibOut
from porter_bgp.wire import (
    IPV4_UNICAST,
    IPV6_UNICAST,
    AddressFamily,
    Codec,
    Framer,
    NlriKey,
    PathAttributes,
    Prefix,
    RouteRefreshMessage,
    RouteRefreshSubtype,
    Update,
    decode_message,
    encode_message,
    nlri_key,
)

A = PathAttributes(next_hop=IPv4Address("192.0.2.1"))
B = PathAttributes(next_hop=IPv4Address("192.0.2.1"), med=5)
PLAIN = Codec()
ENHANCED = Codec(enhanced_route_refresh=True)
ONE, TWO, THREE = (nlri_key(Prefix.parse(f"198.51.100.{n}")) for n in (1, 2, 3))
ROOM = 65535


def opened(
    routes: dict[NlriKey, PathAttributes] | None = None, *, codec: Codec = PLAIN
) -> AdjRibOut:
    """A table whose peer was told `routes`, without End-of-RIB."""
    table = AdjRibOut(IPV4_UNICAST)
    for key, attributes in (routes or {}).items():
        table.set(key, attributes)
    table.open(codec)
    drain(table)
    table.acknowledge(ROOM)
    table.take_arrived()
    return table


def drain(table: AdjRibOut, room: int = ROOM) -> list[bytes]:
    messages: list[bytes] = []
    while (message := table.next_message(room)) is not None:
        messages.append(message)
    return messages


def told(messages: list[bytes]) -> list[str]:
    """What the messages say, in one word for each thing said."""
    words: list[str] = []
    names = {ONE: "1", TWO: "2", THREE: "3"}
    values = {A: "A", B: "B"}
    for message in messages:
        framer = Framer()
        framer.feed(message)
        frame = framer.next_frame()
        assert frame is not None
        match decode_message(*frame, PLAIN):
            case RouteRefreshMessage(_, subtype):
                words.append({1: "BoRR", 2: "EoRR"}[subtype])
            case Update() as update if update.end_of_rib:
                words.append("EoR")
            case Update() as update:
                words += [f"-{names[key]}" for _, keys in update.withdrawn_keys() for key in keys]
                words += [
                    names[key] + values[attributes]
                    for _, keys, attributes in update.announced()
                    for key in keys
                ]
            case other:
                pytest.fail(f"unexpected {other}")
    return words


def test_without_a_session_there_is_nothing_to_send() -> None:
    table = AdjRibOut(IPV4_UNICAST)
    table.set(ONE, A)
    table.complete()

    assert table.next_message(ROOM) is None
    assert (table.pending, table.desired_count, table.advertised_count) == (1, 1, 0)


def test_routes_with_equal_attributes_share_a_message() -> None:
    table = AdjRibOut(IPV4_UNICAST)
    for key, attributes in ((ONE, A), (TWO, B), (THREE, PathAttributes(next_hop=A.next_hop))):
        table.set(key, attributes)
    table.open(PLAIN)

    messages = drain(table)

    assert [told([message]) for message in messages] == [["1A", "3A"], ["2B"]]


def test_withdrawals_go_before_announcements() -> None:
    table = opened({ONE: A})
    table.set(TWO, A)
    table.set(ONE, None)

    messages = drain(table)

    assert told(messages) == ["-1", "2A"]


# What is said of one key that the peer knows with A, and what is left to send.
SAID = {
    "the same again": ([A], []),
    "an equal value": ([PathAttributes(next_hop=A.next_hop)], []),
    "another": ([B], ["1B"]),
    "another and another": ([B, None, B], ["1B"]),
    "there and back": ([B, A], []),
    "away": ([None], ["-1"]),
    "away twice": ([None, None], ["-1"]),
    "away and back": ([None, A], []),
    "away and back as another": ([None, B], ["1B"]),
}


@pytest.mark.parametrize(("said", "expected"), SAID.values(), ids=SAID)
def test_only_the_difference_to_what_the_peer_knows_is_sent(
    said: list[PathAttributes | None], expected: list[str]
) -> None:
    table = opened({ONE: A})
    for attributes in said:
        table.set(ONE, attributes)

    assert table.pending == len(expected)
    assert told(drain(table)) == expected
    assert table.advertised(ONE) == said[-1]


def test_announced_and_withdrawn_before_sending_leaves_nothing() -> None:
    table = opened()
    table.set(ONE, A)
    table.set(ONE, B)
    table.set(ONE, None)

    assert (table.pending, table.desired_count, drain(table)) == (0, 0, [])


def test_withdrawing_what_was_never_there_says_nothing() -> None:
    table = opened()
    table.set(ONE, None)

    assert drain(table) == []


def test_many_keys_are_set_as_each_alone_would_be() -> None:
    table = opened({ONE: A, TWO: A})
    table.set(ONE, None)
    table.set(TWO, B)
    table.set_all([ONE, TWO, THREE], A)
    table.set_all([ONE, TWO, THREE], A)

    messages = drain(table)

    assert told(messages) == ["3A"]


def test_many_keys_join_those_that_wait_with_the_same_attributes() -> None:
    table = opened()
    table.set(ONE, A)
    table.set_all([TWO, THREE, TWO], A)

    messages = drain(table)

    assert [told([message]) for message in messages] == [["1A", "2A", "3A"]]
    assert table.desired_count == 3


def test_what_waits_and_what_is_known_are_told_apart() -> None:
    table = opened({ONE: A, TWO: A})
    table.set(ONE, B)
    table.set(TWO, None)
    table.set(THREE, B)

    assert [table.advertised(key) for key in (ONE, TWO, THREE)] == [A, A, None]
    assert (table.pending, table.desired_count, table.advertised_count) == (3, 2, 2)
    assert told(drain(table)) == ["-2", "1B", "3B"]
    assert [table.advertised(key) for key in (ONE, TWO, THREE)] == [B, None, B]
    assert (table.pending, table.desired_count, table.advertised_count) == (0, 2, 2)


def test_what_is_told_counts_when_its_octets_are_acknowledged() -> None:
    table = opened()
    table.set(ONE, A)
    waiting = table.acknowledged(ONE)
    message = table.next_message(ROOM, 1000)
    assert message is not None
    end = 1000 + len(message)

    assert not waiting
    assert not table.acknowledged(ONE)
    assert not table.acknowledge(end - 1)
    assert not table.acknowledged(ONE)
    assert table.acknowledge(end)
    assert table.acknowledged(ONE)
    assert table.take_arrived() == {ONE}
    assert table.take_arrived() == set()


@pytest.mark.parametrize("attributes", [B, None], ids=["replaced", "withdrawn"])
def test_what_is_replaced_or_withdrawn_counts_no_more(attributes: PathAttributes | None) -> None:
    table = opened({ONE: A})
    assert table.acknowledged(ONE)

    table.set(ONE, attributes)

    assert not table.acknowledged(ONE)
    drain(table)
    assert not table.acknowledged(ONE)
    table.acknowledge(ROOM)
    assert table.acknowledged(ONE) == (attributes is not None)


def test_what_comes_back_before_anything_was_sent_was_acknowledged_all_along() -> None:
    table = opened({ONE: A})
    table.set(ONE, B)
    table.set(ONE, A)

    assert table.acknowledged(ONE)


def test_a_refresh_takes_no_acknowledgement_back_but_of_what_has_changed() -> None:
    table = opened({ONE: A, TWO: A})
    table.refresh()
    table.set(TWO, B)

    while table.next_message(ROOM, ROOM) is not None:
        pass

    assert table.acknowledged(ONE)
    assert not table.acknowledged(TWO)


def test_end_of_rib_waits_for_the_table_to_be_complete() -> None:
    table = AdjRibOut(IPV4_UNICAST)
    table.set(ONE, A)
    table.open(PLAIN)

    assert told(drain(table)) == ["1A"]
    assert not table.end_of_rib_sent

    table.complete()

    assert told(drain(table)) == ["EoR"]
    assert table.end_of_rib_sent


def test_end_of_rib_goes_behind_what_is_pending_and_once() -> None:
    table = AdjRibOut(IPV4_UNICAST)
    table.complete()
    table.set(ONE, A)
    table.open(PLAIN)

    assert told(drain(table)) == ["1A", "EoR"]

    table.set(ONE, B)

    assert told(drain(table)) == ["1B"]


def test_an_empty_table_has_its_end_of_rib_too() -> None:
    table = AdjRibOut(IPV6_UNICAST)
    table.complete()
    table.open(Codec(families=frozenset({IPV6_UNICAST})))

    (message,) = drain(table)

    assert message[16:] == bytes.fromhex("001d 02 0000 0006 800f03 0002 01")


@pytest.mark.parametrize("lost", [True, False], ids=["forgotten first", "opened at once"])
def test_the_next_session_starts_from_nothing(lost: bool) -> None:  # noqa: FBT001  a table's column
    table = opened({ONE: A, TWO: B})
    table.complete()
    drain(table)
    table.set(TWO, None)
    if lost:
        table.forget()
        assert (table.pending, table.advertised_count, table.end_of_rib_sent) == (1, 0, False)
        assert table.take_arrived() == set()
        assert not table.acknowledged(ONE)

    table.open(PLAIN)
    assert not table.acknowledged(ONE)

    assert told(drain(table)) == ["1A", "EoR"]


def test_a_refresh_without_a_session_means_nothing() -> None:
    table = AdjRibOut(IPV4_UNICAST)
    table.set(ONE, A)
    table.refresh()
    table.set(ONE, None)

    assert table.pending == 0


def test_a_refresh_sends_all_again_and_ends_with_end_of_rib() -> None:
    table = opened({ONE: A, TWO: B})
    table.complete()
    drain(table)

    table.refresh()

    assert table.advertised_count == 2
    assert told(drain(table)) == ["1A", "2B", "EoR"]


def test_an_enhanced_refresh_stands_between_its_demarcations() -> None:
    table = opened({ONE: A}, codec=ENHANCED)
    table.complete()
    drain(table)
    table.refresh()
    table.set(TWO, B)

    messages = drain(table)

    assert told(messages) == ["BoRR", "1A", "2B", "EoRR"]
    assert messages[0] == encode_message(
        RouteRefreshMessage(IPV4_UNICAST, RouteRefreshSubtype.BEGIN), ENHANCED
    )


def test_an_enhanced_refresh_waits_for_end_of_rib() -> None:
    table = opened({ONE: A}, codec=ENHANCED)
    table.refresh()

    assert drain(table) == []

    table.complete()

    assert told(drain(table)) == ["EoR", "BoRR", "1A", "EoRR"]


def test_a_plain_refresh_does_not_wait_for_end_of_rib() -> None:
    table = opened({ONE: A})
    table.refresh()

    assert told(drain(table)) == ["1A"]

    table.complete()

    assert told(drain(table)) == ["EoR"]


# What is said of key 1 while its refresh waits, and all that the peer is then told of it.
SAID_MEANWHILE = {
    "another value": ([B], ["1B"]),
    "another and back": ([B, A], ["1A"]),
    "away": ([None], ["-1"]),
    "away and back": ([None, A], ["1A"]),
}


@pytest.mark.parametrize(("said", "expected"), SAID_MEANWHILE.values(), ids=SAID_MEANWHILE)
def test_nothing_that_a_refresh_owes_is_lost_on_the_way(
    said: list[PathAttributes | None], expected: list[str]
) -> None:
    table = opened({ONE: A})
    table.refresh()
    for attributes in said:
        table.set(ONE, attributes)

    assert told(drain(table)) == expected


def test_a_withdrawal_that_waits_at_a_refresh_is_owed_too() -> None:
    table = opened({ONE: A})
    table.set(ONE, None)
    table.refresh()
    table.set(ONE, A)

    assert told(drain(table)) == ["1A"]


def test_a_route_that_was_never_told_is_not_owed_by_a_refresh() -> None:
    table = opened()
    table.set(ONE, A)
    table.refresh()
    table.set(ONE, None)

    assert drain(table) == []


def test_when_a_refresh_has_been_answered_changes_coalesce_again() -> None:
    table = opened({ONE: A})
    table.refresh()
    drain(table)
    table.set(ONE, B)
    table.set(ONE, A)

    assert drain(table) == []


@pytest.mark.parametrize(("family", "smallest"), [(IPV4_UNICAST, 23), (IPV6_UNICAST, 29)], ids=str)
def test_end_of_rib_waits_for_room(family: AddressFamily, smallest: int) -> None:
    table = AdjRibOut(family)
    table.complete()
    table.open(Codec(families=frozenset({family})))

    assert table.next_message(smallest - 1) is None
    assert len(table.next_message(smallest) or b"") == smallest
    assert table.next_message(smallest) is None


def test_demarcations_wait_for_room() -> None:
    table = opened(codec=ENHANCED)
    table.complete()
    drain(table)
    table.refresh()

    assert table.next_message(22) is None
    assert told([table.next_message(23) or b""]) == ["BoRR"]
    assert table.next_message(22) is None
    assert told([table.next_message(23) or b""]) == ["EoRR"]


def test_a_route_waits_for_room() -> None:
    table = AdjRibOut(IPV4_UNICAST)
    table.set(ONE, A)
    table.open(PLAIN)
    whole = 23 + 14 + 5  # an UPDATE's least, three attributes, one host route

    assert table.next_message(whole - 1) is None
    assert table.pending == 1
    assert len(table.next_message(whole) or b"") == whole
    assert table.pending == 0


def test_a_small_room_splits_a_group_in_the_order_it_came() -> None:
    table = AdjRibOut(IPV4_UNICAST)
    for key in (THREE, ONE, TWO):
        table.set(key, A)
    table.open(PLAIN)

    messages = drain(table, room=23 + 14 + 5 + 5)

    assert [told([message]) for message in messages] == [["3A", "1A"], ["2A"]]
