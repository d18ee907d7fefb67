"""`porter_ctl.reconcile.told`: what routers have acknowledged, and what they may have still."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from typing import TYPE_CHECKING

from porter_bgp.fsm import State
from porter_bgp.rib import Path, RouteAttributes
from porter_bgp.view import FamilyView, PeerView, SpeakerView
from porter_bgp.wire import IPV4_UNICAST, Prefix
from porter_ctl.plan.digest import bucket, numbers, term
from porter_ctl.reconcile.told import Told

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

WEB = Prefix.parse("192.0.2.1/32")
PLAIN, OTHER = Path(0, RouteAttributes()), Path(0, RouteAttributes(med=1))
FAMILY = FamilyView(
    wanted=0,
    advertised=0,
    pending=0,
    received=0,
    over_limit=False,
    end_of_rib_sent=True,
    end_of_rib_received=True,
)


class Tor:
    """A speaker with the one peer `tor`, which acknowledges what a test says."""

    def __init__(self) -> None:
        self.now = 0.0
        self.acked: tuple[Path, ...] = ()
        self.peer: PeerView | None = PeerView(
            name="tor",
            remote=ip_address("198.51.100.1"),
            port=179,
            local=None,
            state=State.ESTABLISHED,
            established_at=0.0,
            peer_asn=65000,
            peer_id=None,
            hold_time=90,
            families={IPV4_UNICAST: FAMILY},
            last_down=None,
            flaps=0,
        )
        self._changed: set[Prefix] = set()

    def tell(self, *acked: Path, waiting_since: float | None = None, pending: int = 0) -> None:
        """What is acknowledged of the prefix now, and since when something else is not."""
        self.acked = acked
        self._changed.add(WEB)
        self.wait(since=waiting_since, pending=pending)

    def wait(self, *, since: float | None, pending: int = 0) -> None:
        """Since when something is not acknowledged, and what is not even written."""
        assert self.peer is not None
        family = replace(FAMILY, pending=pending)
        self.peer = replace(self.peer, unacknowledged_since=since, families={IPV4_UNICAST: family})

    def lose(self) -> None:
        """The session is over."""
        self.tell()
        assert self.peer is not None
        self.peer = replace(self.peer, established_at=None, families={})

    def view(self) -> SpeakerView:
        peers = {"tor": self.peer} if self.peer is not None else {}
        return SpeakerView(now=self.now, peers=peers, prefixes=1, listening=(), listen_error=None)

    def take_changes(self) -> Mapping[str, AbstractSet[Prefix]]:
        changed, self._changed = self._changed, set()
        return {"tor": changed} if changed else {}

    def acknowledged(self, name: str, prefix: Prefix) -> tuple[Path, ...]:
        assert (name, prefix) == ("tor", WEB)
        return self.acked


def value(told: Told) -> int:
    values = numbers(told.digests(["tor"]))
    assert values is not None
    return values[bucket(WEB)]


def test_what_is_acknowledged_is_in_the_digest() -> None:
    tor = Tor()
    told = Told(tor)
    before = value(told)
    tor.tell(PLAIN)

    told.look()

    assert before == 0
    assert value(told) == term(WEB, "tor", PLAIN)
    assert told.prefixes == {WEB}


def test_the_digest_of_other_peers_is_without_it() -> None:
    tor = Tor()
    told = Told(tor)
    tor.tell(PLAIN)
    told.look()

    assert numbers(told.digests(["elsewhere"])) == (0,) * 64


def test_a_withdrawal_counts_once_the_peer_has_heard_it() -> None:
    tor = Tor()
    told = Told(tor)
    tor.tell(PLAIN)
    told.look()
    tor.now = 10.0
    tor.tell(waiting_since=10.0)
    told.look()
    meanwhile, waits = value(told), told.leaving
    tor.now = 11.0
    tor.wait(since=None)

    told.look()

    assert (meanwhile, waits) == (term(WEB, "tor", PLAIN), True)
    assert value(told) == 0
    assert not told.leaving
    assert not told.prefixes


def test_a_withdrawal_that_waits_in_our_own_queue_does_not_count() -> None:
    tor = Tor()
    told = Told(tor)
    tor.tell(PLAIN)
    told.look()
    tor.now = 10.0
    tor.tell(pending=1)
    told.look()
    tor.now = 20.0
    told.look()

    assert value(told) == term(WEB, "tor", PLAIN)


def test_octets_written_later_do_not_hold_a_withdrawal_up() -> None:
    tor = Tor()
    told = Told(tor)
    tor.tell(PLAIN)
    told.look()
    tor.now = 10.0
    tor.tell(waiting_since=9.0)
    told.look()
    tor.now = 12.0
    tor.wait(since=11.0)
    told.look()

    assert value(told) == 0


def test_a_replaced_path_stands_for_itself_until_the_new_one_is_acknowledged() -> None:
    tor = Tor()
    told = Told(tor)
    tor.tell(PLAIN)
    told.look()
    tor.now = 10.0
    tor.tell(waiting_since=10.0)
    told.look()
    meanwhile = value(told)
    tor.tell(OTHER)
    told.look()

    assert meanwhile == term(WEB, "tor", PLAIN)
    assert value(told) == term(WEB, "tor", OTHER)
    assert not told.leaving


def test_a_session_that_is_lost_takes_everything_along() -> None:
    tor = Tor()
    told = Told(tor)
    tor.tell(PLAIN)
    told.look()
    tor.lose()

    told.look()

    assert value(told) == 0
    assert not told.prefixes


def test_a_peer_that_is_removed_is_forgotten() -> None:
    tor = Tor()
    told = Told(tor)
    tor.tell(PLAIN)
    told.look()
    tor.tell()
    tor.peer = None

    told.look()

    assert value(told) == 0
    assert not told.prefixes
