"""`AdjRibOut` against a model: whatever happens, the peer ends with what is desired.

The octets are read by `porter_bgp.wire` as a peer would read them, into the table that this peer
would have. A refresh may find that the peer has kept or dropped what it was told.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import ClassVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from porter_bgp.rib import AdjRibOut
from porter_bgp.wire import (
    IPV4_UNICAST,
    IPV6_UNICAST,
    AddressFamily,
    AsPath,
    AsPathSegment,
    AsPathSegmentType,
    Codec,
    Framer,
    NlriKey,
    PathAttributes,
    Prefix,
    RouteRefreshMessage,
    RouteRefreshSubtype,
    Update,
    decode_message,
    nlri_key,
)

OWN = AsPath((AsPathSegment(AsPathSegmentType.AS_SEQUENCE, (64512,)),))
V4, V6 = IPv4Address("192.0.2.1"), IPv6Address("2001:db8::1")


def attribute_sets(next_hop: IPv4Address | IPv6Address) -> list[PathAttributes]:
    return [
        PathAttributes(as_path=OWN, next_hop=next_hop),
        PathAttributes(as_path=OWN, next_hop=next_hop, med=5),
        PathAttributes(as_path=OWN, next_hop=next_hop, communities=(1, 2)),
    ]


class Peer:
    """The other end: reads octets, keeps the routes, holds us to the rules of RFC 7313."""

    def __init__(self, family: AddressFamily, ours: Codec) -> None:
        self.routes: dict[NlriKey, PathAttributes] = {}
        self.refreshing = False
        self._stale: set[NlriKey] = set()
        self._framer = Framer()
        self._codec = Codec(
            families=frozenset({family}),
            add_path_receive=ours.add_path_send,
            max_receive=ours.max_send,
            extended_next_hop=frozenset({IPV4_UNICAST}),
            enhanced_route_refresh=ours.enhanced_route_refresh,
        )

    def read(self, octets: bytes) -> Update | RouteRefreshMessage:
        self._framer.feed(octets)
        frame = self._framer.next_frame(self._codec.max_receive)
        assert frame is not None
        assert self._framer.next_frame() is None
        message = decode_message(*frame, self._codec)
        if isinstance(message, RouteRefreshMessage):
            self._demarcated(message.subtype)
            return message
        assert isinstance(message, Update)
        assert not message.faults
        for _, keys in message.withdrawn_keys():
            for key in keys:
                self.routes.pop(key, None)
                self._stale.discard(key)
        for _, keys, attributes in message.announced():
            self.routes.update(dict.fromkeys(keys, attributes))
            self._stale.difference_update(keys)
        return message

    def _demarcated(self, subtype: int) -> None:
        if subtype == RouteRefreshSubtype.BEGIN:
            self._stale = set(self.routes)
        else:
            assert self.refreshing
            for key in self._stale:
                del self.routes[key]
        self.refreshing = subtype == RouteRefreshSubtype.BEGIN


class AdjRibOutMachine(RuleBasedStateMachine):
    family: ClassVar[AddressFamily]
    add_path: ClassVar[bool]
    keys: ClassVar[list[NlriKey]]
    values: ClassVar[list[PathAttributes]]

    def __init__(self) -> None:
        super().__init__()
        self.table = AdjRibOut(self.family)
        self.desired: dict[NlriKey, PathAttributes] = {}
        self.sent_attributes: dict[NlriKey, PathAttributes] = {}
        self.offset = 0  # octets written on the session
        self.acknowledged = 0  # of them
        self.ends: dict[NlriKey, int] = {}  # of the last message that told a key anew
        self.arrived: set[NlriKey] = set()
        self.complete = False
        self.codec: Codec | None = None
        self.peer = Peer(self.family, Codec())
        self.end_of_ribs = 0
        self.end_of_ribs_due = 0
        self.asked = False  # a refresh is not answered to its end

    # What we want

    @rule(data=st.data(), first=st.integers(0, 99), count=st.integers(1, 60))
    def set_some(self, data: st.DataObject, first: int, count: int) -> None:
        attributes = data.draw(st.sampled_from([None, *self.values]))
        for key in self.keys[first : first + count]:
            self.set_one(key, attributes)

    @rule(data=st.data(), first=st.integers(0, 99), count=st.integers(0, 60))
    def set_many(self, data: st.DataObject, first: int, count: int) -> None:
        attributes, keys = data.draw(st.sampled_from(self.values)), self.keys[first : first + count]
        self.table.set_all(keys, attributes)
        self.desired.update(dict.fromkeys(keys, attributes))

    @rule(data=st.data(), index=st.integers(0, 99))
    def flap(self, data: st.DataObject, index: int) -> None:
        key = self.keys[index % len(self.keys)]
        for attributes in data.draw(
            st.lists(st.sampled_from([None, *self.values]), min_size=1, max_size=4)
        ):
            self.set_one(key, attributes)

    def set_one(self, key: NlriKey, attributes: PathAttributes | None) -> None:
        self.table.set(key, attributes)
        self.desired.pop(key, None)
        if attributes is not None:
            self.desired[key] = attributes

    @rule()
    def say_complete(self) -> None:
        self.table.complete()
        self.complete = True

    # What happens to the session

    @rule(
        max_send=st.sampled_from([120, 300, 4096, 65535]),
        enhanced=st.booleans(),
    )
    def open(self, max_send: int, enhanced: bool) -> None:  # noqa: FBT001  Hypothesis draws it
        families = frozenset({self.family})
        self.forget()
        self.codec = Codec(
            families=families,
            max_send=max_send,
            add_path_send=families if self.add_path else frozenset(),
            extended_next_hop=frozenset({IPV4_UNICAST}),
            enhanced_route_refresh=enhanced,
        )
        self.table.open(self.codec)
        self.peer = Peer(self.family, self.codec)
        self.end_of_ribs_due = 1

    @rule()
    def forget(self) -> None:
        self.table.forget()
        self.codec = None
        self.sent_attributes.clear()
        self.offset = self.acknowledged = 0
        self.ends.clear()
        self.arrived.clear()
        self.end_of_ribs = self.end_of_ribs_due = 0
        self.asked = False

    @precondition(lambda self: self.codec is not None)
    @rule(dropped=st.booleans())
    def refresh(self, dropped: bool) -> None:  # noqa: FBT001  Hypothesis draws it
        assert self.codec is not None
        self.table.refresh()
        self.asked = True
        if not self.codec.enhanced_route_refresh:
            self.end_of_ribs_due = self.end_of_ribs + 1
        if dropped:
            self.peer.routes.clear()

    # What the peer hears

    @rule(room=st.one_of(st.integers(0, 200), st.sampled_from([4096, 65536])))
    def send(self, room: int) -> None:
        self.step(room)

    @rule()
    def drain(self) -> None:
        while self.step(65536):
            pass
        if self.codec is not None and (self.complete or not self.asked):
            assert self.peer.routes == self.desired
        assert self.table.pending == (len(self.desired) if self.codec is None else 0)
        if self.codec is not None and self.complete:
            assert self.end_of_ribs == self.end_of_ribs_due
            assert not self.peer.refreshing

    @rule(data=st.data())
    def acknowledge(self, data: st.DataObject) -> None:
        before = self.acknowledged
        self.acknowledged = data.draw(st.integers(before, self.offset))
        arrived = {key for key, end in self.ends.items() if before < end <= self.acknowledged}
        assert self.table.acknowledge(self.acknowledged) == bool(arrived)
        self.arrived |= arrived

    @rule()
    def take_arrived(self) -> None:
        assert self.table.take_arrived() == self.arrived
        self.arrived.clear()

    def step(self, room: int) -> bool:
        octets = self.table.next_message(room, self.offset)
        if octets is None:
            assert self.codec is None or room < 120 or self.table.pending == 0
            return False
        assert self.codec is not None
        limit = min(room, self.codec.max_send)
        assert len(octets) <= limit
        self.offset += len(octets)
        message = self.peer.read(octets)
        if isinstance(message, RouteRefreshMessage):
            assert self.codec.enhanced_route_refresh
            assert self.end_of_ribs == 1
            assert message.family == self.family
            if message.subtype == RouteRefreshSubtype.END:
                assert self.table.pending == 0
                self.asked = False
        elif message.end_of_rib is not None:
            assert message.end_of_rib == self.family
            assert self.complete
            assert self.sent_attributes == self.desired
            self.end_of_ribs += 1
            self.asked &= self.codec.enhanced_route_refresh
        else:
            self.told(message, len(octets), limit)
        return True

    def told(self, update: Update, length: int, limit: int) -> None:
        fields = [update.withdrawn, update.nlri]
        fields += [mp.nlri for mp in (update.mp_reach, update.mp_unreach) if mp is not None]
        assert sum(not field.empty for field in fields) == 1  # RFC 7606 §5.1
        for _, keys in update.withdrawn_keys():
            assert not self.desired.keys() & keys
            for key in keys:
                del self.sent_attributes[key]
            self.full(None, length, limit)
        for _, keys, attributes in update.announced():
            assert self.sent_attributes.keys() <= self.desired.keys()  # withdrawals went first
            assert {self.desired[key] for key in keys} == {attributes}
            news = [key for key in keys if self.sent_attributes.get(key) != attributes]
            self.ends.update(dict.fromkeys(news, self.offset))
            self.sent_attributes.update(dict.fromkeys(keys, attributes))
            self.full(attributes, length, limit)

    def full(self, target: PathAttributes | None, length: int, limit: int) -> None:
        """What waits for the same target has one too long for what is left of this message."""
        waiting = [
            len(key) - (0 if self.add_path else 4)
            for key in self.keys
            if self.desired.get(key) == target != self.sent_attributes.get(key)
        ]
        # One octet: the length of an MP attribute may turn out to need only one.
        assert not waiting or length + max(waiting) + 1 > limit

    # What is true at any time

    @invariant()
    def counts_and_knowledge_agree(self) -> None:
        table = self.table
        changed = [
            key for key in self.keys if self.desired.get(key) != self.sent_attributes.get(key)
        ]
        assert table.desired_count == len(self.desired)
        assert table.advertised_count == len(self.sent_attributes)
        assert [table.advertised(key) for key in self.keys] == [
            self.sent_attributes.get(key) for key in self.keys
        ]
        assert [table.acknowledged(key) for key in self.keys] == [
            key in self.desired
            and key not in changed
            and self.ends.get(key, 0) <= self.acknowledged
            for key in self.keys
        ]
        assert len(changed) <= table.pending
        assert self.asked or table.pending == len(changed)
        assert table.end_of_rib_sent == (self.end_of_ribs > 0)


def run(machine: type[AdjRibOutMachine]) -> None:
    run_state_machine_as_test(
        machine, settings=settings(max_examples=60, stateful_step_count=40, deadline=None)
    )


IPV4_KEYS = [nlri_key(Prefix.parse(f"198.51.100.{n}/32")) for n in range(60)] + [
    nlri_key(Prefix.parse(f"{n}.0.0.0/{8 + n}")) for n in (0, 4, 8, 16)
]
IPV6_KEYS = [nlri_key(Prefix.parse(f"2001:db8::{n:x}/128")) for n in range(40)] + [
    nlri_key(Prefix.parse(f"2001:db8:{n:x}::/{40 + n}")) for n in (0, 8)
]

TWO_PATHS_EACH = [path_id.to_bytes(4) + key[4:] for key in IPV4_KEYS[::3] for path_id in (1, 2)]


def test_ipv4_reaches_the_peer_as_desired() -> None:
    class Machine(AdjRibOutMachine):
        family, add_path = IPV4_UNICAST, False
        keys, values = IPV4_KEYS, attribute_sets(V4)

    run(Machine)


def test_ipv4_with_both_kinds_of_next_hop_reaches_the_peer_as_desired() -> None:
    class Machine(AdjRibOutMachine):
        family, add_path = IPV4_UNICAST, False
        keys, values = IPV4_KEYS, attribute_sets(V4)[:1] + attribute_sets(V6)[:2]

    run(Machine)


def test_ipv6_reaches_the_peer_as_desired() -> None:
    class Machine(AdjRibOutMachine):
        family, add_path = IPV6_UNICAST, False
        keys, values = IPV6_KEYS, attribute_sets(V6)

    run(Machine)


def test_several_paths_to_a_prefix_reach_the_peer_as_desired() -> None:
    class Machine(AdjRibOutMachine):
        family, add_path = IPV4_UNICAST, True
        keys, values = TWO_PATHS_EACH, attribute_sets(V4)

    run(Machine)
