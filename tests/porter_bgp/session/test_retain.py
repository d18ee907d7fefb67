"""`porter_bgp.session.retain`: which ends leave the peer's routes where they are."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from porter_bgp.config import GracefulRestartConfig
from porter_bgp.session import (
    RestartFacts,
    SessionDown,
    SessionEstablished,
    Stop,
    retained,
    still_retained,
)
from porter_bgp.wire import (
    IPV4_UNICAST,
    IPV6_UNICAST,
    AddressFamily,
    CeaseSubcode,
    Codec,
    Notification,
    encode_message,
    hard_reset,
)
from tests.support.pair import A_CONFIG, B_CONFIG, Pair

if TYPE_CHECKING:
    from collections.abc import Callable

BOTH = (IPV4_UNICAST, IPV6_UNICAST)
RESET = Notification.cease(CeaseSubcode.ADMINISTRATIVE_RESET)


def pair_of(*, graceful: bool = True, facts: RestartFacts) -> Pair:
    restart = GracefulRestartConfig() if graceful else None
    configs = (replace(c, graceful_restart=restart, families=BOTH) for c in (A_CONFIG, B_CONFIG))
    pair = Pair(*configs)
    pair.a.restart_facts(facts)
    pair.b.restart_facts(facts)
    return pair.up()


def told(notification: Notification) -> Callable[[Pair], None]:
    return lambda pair: pair.deliver("a", encode_message(notification, Codec()))


def silence(pair: Pair) -> None:
    pair.cut()
    pair.advance(100.0)


def stopped(how: Stop) -> Callable[[Pair], None]:
    def stop(pair: Pair) -> None:
        pair.a.stop(pair.now, how)
        pair.pump()

    return stop


# How it ends; are the routes kept without the N bit, and with it.
ENDS: dict[str, tuple[Callable[[Pair], None], bool, bool]] = {
    "the connection breaks": (Pair.break_links, True, True),
    "the hold timer expires": (silence, False, True),
    "the peer resets": (told(RESET), False, True),
    "the peer leaves": (told(hard_reset(RESET)), False, False),
    "a Hard Reset that says no more": (
        told(Notification(RESET.code, CeaseSubcode.HARD_RESET)),
        False,
        False,
    ),
    "we reset": (stopped(Stop.admin_reset()), False, True),
    "we take the peer out": (stopped(Stop.deconfigured()), False, False),
    "it sent too much": (stopped(Stop.max_prefixes(IPV4_UNICAST, 1)), False, False),
    "BFD lost it": (stopped(Stop.bfd_down()), False, False),
    "we restart": (stopped(Stop.RESTART), False, False),
}


@pytest.mark.parametrize("hard", [False, True], ids=["without N", "with N"])
@pytest.mark.parametrize(("end", "plain", "notified"), ENDS.values(), ids=ENDS)
def test_how_it_ends_decides(
    end: Callable[[Pair], None], *, plain: bool, notified: bool, hard: bool
) -> None:
    pair = pair_of(facts=RestartFacts(notification=hard))
    negotiated = pair.a.negotiated
    assert negotiated is not None

    end(pair)

    (down,) = pair.ends["a"].told(SessionDown)[:1]
    assert isinstance(down, SessionDown)
    assert down.established
    assert retained(down, negotiated) == (set(BOTH) if (notified if hard else plain) else set())


def test_a_peer_that_restarts_before_we_noticed_keeps_its_routes_here() -> None:
    pair = pair_of(facts=RestartFacts())
    negotiated = pair.a.negotiated
    assert negotiated is not None
    pair.cut()
    pair.ends["b"].session.stop(pair.now, Stop.RESTART)
    pair.ends["b"].session.start(pair.now)
    pair.pump()
    pair.settle()

    (down,) = pair.ends["a"].told(SessionDown)
    assert isinstance(down, SessionDown)
    assert retained(down, negotiated) == set(BOTH)
    assert len(pair.ends["a"].told(SessionEstablished)) == 2


@pytest.mark.parametrize(
    ("graceful", "forwarding", "kept"),
    [
        (True, {IPV4_UNICAST: True, IPV6_UNICAST: True}, set(BOTH)),
        (True, {IPV4_UNICAST: True, IPV6_UNICAST: False}, {IPV4_UNICAST}),
        (True, {}, set()),
        (False, {IPV4_UNICAST: True}, set()),
    ],
    ids=["both", "one", "neither", "without the capability"],
)
def test_what_the_peer_still_forwards_stays_when_it_is_back(
    graceful: bool,  # noqa: FBT001  a table's column
    forwarding: dict[AddressFamily, bool],
    kept: set[AddressFamily],
) -> None:
    pair = pair_of(graceful=graceful, facts=RestartFacts(forwarding=forwarding))

    assert pair.a.negotiated is not None
    assert still_retained(pair.a.negotiated) == kept
