"""`porter_ctl.gate.session_guard`: peers that take the last paths along are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from porter_ctl.api import Kind
from porter_ctl.gate import Kinds, KindStands, SessionGuard
from tests.support.gated import prefix, yes
from tests.support.kept import peer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from porter_bgp.config import PeerConfig
    from porter_bgp.rib import Path
    from porter_bgp.wire import Prefix

PEERS = {"a": peer(1), "b": peer(2), "c": peer(3)}


def announced(*peers: str, count: int = 10) -> dict[Prefix, Mapping[str, tuple[Path, ...]]]:
    return {prefix(number): yes(number, *peers).paths for number in range(count)}


class Sessions:
    """The guard and the peers it leaves."""

    def __init__(self, told: dict[Prefix, Mapping[str, tuple[Path, ...]]]) -> None:
        self.kinds = Kinds()
        self.guard = SessionGuard(self.kinds)
        self.told = told
        self.now = 1000.0
        self.peers: Mapping[str, PeerConfig] = {}
        self.want(PEERS)

    def want(self, peers: Mapping[str, PeerConfig], *, passing: bool = False) -> None:
        self.wanted = peers
        self.peers = self.guard.admit_peers(peers, self.told, self.now, passing=passing)

    def wait(self, seconds: float) -> None:
        until = self.now + seconds
        while (at := self.guard.next_deadline()) is not None and at <= until:
            self.now = max(at, self.now)
            if self.guard.handle_timeout(self.now):
                self.want(self.wanted)
        self.now = until

    def answer(self, exists: bool | None) -> None:  # noqa: FBT001 - the answer
        for query in self.kinds.wanted(self.now):
            self.kinds.evidence(KindStands(query.kind, exists), self.now)


def test_all_peers_gone_at_once_are_kept_a_minute() -> None:
    sessions = Sessions(announced("a", "b", "c"))

    sessions.want({})
    sessions.wait(59.9)
    kept = sessions.peers
    sessions.wait(0.1)

    assert kept == PEERS
    assert sessions.peers == {}
    assert sessions.guard.kept == frozenset()
    assert sessions.guard.next_deadline() is None


def test_without_many_last_paths_a_peer_just_goes() -> None:
    sessions = Sessions(announced("a", "b", "c"))

    sessions.want({"a": PEERS["a"], "b": PEERS["b"]})

    assert sessions.peers.keys() == {"a", "b"}


def test_one_by_one_the_one_with_the_last_paths_is_kept() -> None:
    sessions = Sessions(announced("a", "b", "c"))

    sessions.want({"a": PEERS["a"], "b": PEERS["b"]})
    sessions.want({"a": PEERS["a"]})
    sessions.told = announced("a")
    sessions.want({})

    assert sessions.peers == {"a": PEERS["a"]}
    assert sessions.guard.kept == {"a"}


@pytest.mark.parametrize(
    ("count", "of", "kept"), [(5, 24, True), (5, 25, False), (4, 10, False), (4, 4, True)]
)
def test_many_are_what_they_are_for_prefixes(count: int, of: int, kept: bool) -> None:  # noqa: FBT001 - a column
    only_a = announced("a", count=count)
    others = {prefix(100 + number): yes(1, "b").paths for number in range(of - count)}
    sessions = Sessions(only_a | others)

    sessions.want({"b": PEERS["b"]})

    assert ("a" in sessions.peers) == kept


def test_only_peers_with_last_paths_are_kept() -> None:
    sessions = Sessions(announced("a"))

    sessions.want({})

    assert sessions.peers == {"a": PEERS["a"]}


def test_a_node_that_announces_nothing_keeps_nobody() -> None:
    sessions = Sessions({})

    sessions.want({})

    assert sessions.peers == {}


def test_what_is_said_to_be_meant_goes() -> None:
    sessions = Sessions(announced("a", "b", "c"))
    sessions.want({})

    sessions.want({}, passing=True)

    assert sessions.peers == {}
    assert sessions.kinds.wanted(sessions.now) == frozenset()


def test_a_renamed_peer_is_not_kept_beside_itself() -> None:
    sessions = Sessions(announced("a"))

    sessions.want({"new": PEERS["a"]})

    assert sessions.peers == {"new": PEERS["a"]}


def test_a_peer_that_comes_back_is_the_one_wanted() -> None:
    sessions = Sessions(announced("a", "b", "c"))
    sessions.want({})

    sessions.want({"a": peer(9)})

    assert sessions.peers == {"a": peer(9), "b": PEERS["b"], "c": PEERS["c"]}
    assert sessions.guard.kept == {"b", "c"}


def test_peers_of_the_last_process_are_kept_as_well() -> None:
    guard = SessionGuard(Kinds())
    guard.baseline(PEERS)

    assert guard.admit_peers({}, announced("a"), 1000.0, passing=False) == {"a": PEERS["a"]}


@pytest.mark.parametrize("exists", [False, None])
def test_while_the_kinds_cannot_be_listed_the_sessions_stay(exists: bool | None) -> None:  # noqa: FBT001 - the answer
    sessions = Sessions(announced("a", "b", "c"))
    sessions.want({})
    assert {one.kind for one in sessions.kinds.wanted(sessions.now)} == {
        Kind.BGP_PEER,
        Kind.BGP_CONFIG,
    }
    sessions.kinds.evidence(KindStands(Kind.BGP_PEER, exists), sessions.now)
    sessions.kinds.evidence(KindStands(Kind.BGP_CONFIG, exists=True), sessions.now)

    sessions.wait(600.0)
    kept, deadline = sessions.peers, sessions.guard.next_deadline()
    sessions.answer(exists=True)
    sessions.wait(59.0)
    still = sessions.peers
    sessions.wait(1.0)

    assert kept == still == PEERS
    assert deadline is None
    assert sessions.peers == {}


@pytest.mark.parametrize(("passing", "lost"), [(False, 0), (True, 10)])
def test_without_the_guard_the_last_paths_go_with_the_peers(passing: bool, lost: int) -> None:  # noqa: FBT001 - a column
    sessions = Sessions(announced("a", "b", "c"))

    sessions.want({}, passing=passing)

    assert sum(not paths.keys() & sessions.peers.keys() for paths in sessions.told.values()) == lost
