"""ADD-PATH over a whole session: what is told is what is read, in all combinations of modes."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address
from itertools import product
from typing import TYPE_CHECKING

import pytest

from porter_bgp.config import AddPathConfig, Address, SessionConfig
from porter_bgp.rib import AdjRibOut
from porter_bgp.session import State, UpdateReceived
from porter_bgp.wire import (
    IPV4_UNICAST,
    IPV6_UNICAST,
    AddressFamily,
    AsPath,
    AsPathSegment,
    AsPathSegmentType,
    NlriKey,
    PathAttributes,
    Prefix,
    nlri_key,
)
from tests.support.pair import A_CONFIG, B_CONFIG, Pair

if TYPE_CHECKING:
    from porter_bgp.session import SessionEvent

PREFIXES = {
    IPV4_UNICAST: Prefix.parse("198.51.100.1/32"),
    IPV6_UNICAST: Prefix.parse("2001:db8::1/128"),
}
NEXT_HOPS: dict[AddressFamily, Address] = {
    IPV4_UNICAST: IPv4Address("203.0.113.7"),
    IPV6_UNICAST: IPv6Address("2001:db8:f::7"),
}


def config(
    base: SessionConfig, family: AddressFamily, *, send: bool, receive: bool
) -> SessionConfig:
    chosen, none = frozenset({family}), frozenset[AddressFamily]()
    add_path = AddPathConfig(send=chosen if send else none, receive=chosen if receive else none)
    return replace(base, families=(IPV4_UNICAST, IPV6_UNICAST), add_path=add_path)


def read(events: list[SessionEvent]) -> list[tuple[str, NlriKey]]:
    """What UPDATEs said, and of which paths."""
    said: list[tuple[str, NlriKey]] = []
    for event in events:
        if isinstance(event, UpdateReceived):
            assert not event.update.faults
            said += [("-", key) for _, keys in event.update.withdrawn_keys() for key in keys]
            said += [("+", key) for _, keys, _ in event.update.announced() for key in keys]
    return said


@pytest.mark.parametrize("family", PREFIXES, ids=str)
@pytest.mark.parametrize(
    ("we_send", "we_receive", "they_send", "they_receive"), list(product([False, True], repeat=4))
)
@pytest.mark.parametrize("way", ["a to b", "b to a"])
def test_both_ends_spell_alike(
    family: AddressFamily,
    way: str,
    *,
    we_send: bool,
    we_receive: bool,
    they_send: bool,
    they_receive: bool,
) -> None:
    pair = Pair(
        config(A_CONFIG, family, send=we_send, receive=we_receive),
        config(B_CONFIG, family, send=they_send, receive=they_receive),
    ).up()
    several = (we_send and they_receive) if way == "a to b" else (they_send and we_receive)
    sender, reader = (pair.a, "b") if way == "a to b" else (pair.b, "a")
    assert sender.negotiated is not None
    path_ids = (7, 0, 0xFFFF_FFFF) if several else (0,)
    keys = [nlri_key(PREFIXES[family], path_id) for path_id in path_ids]
    own = AsPathSegment(AsPathSegmentType.AS_SEQUENCE, (sender.negotiated.ours.asn,))
    attributes = PathAttributes(as_path=AsPath((own,)), next_hop=NEXT_HOPS[family])
    table = AdjRibOut(family)
    table.open(sender.negotiated.codec)

    table.set_all(keys, attributes)
    for withdrawn in (None, keys[0]):
        if withdrawn is not None:
            table.set(withdrawn, None)
        while (message := table.next_message(4096)) is not None:
            sender.send(message, pair.now)
        pair.pump()
        pair.settle()

    assert read(pair.ends[reader].events) == [*(("+", key) for key in keys), ("-", keys[0])]
    assert pair.a.state is pair.b.state is State.ESTABLISHED
