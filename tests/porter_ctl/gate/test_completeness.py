"""`porter_ctl.gate.completeness`: when End-of-RIB may go."""

from __future__ import annotations

from ipaddress import IPv4Address

from porter_bgp.config import PeerConfig, SessionConfig, TcpConfig
from porter_ctl.gate import Completeness


def peer(address: str) -> PeerConfig:
    session = SessionConfig(local_asn=64512, router_id=IPv4Address("10.0.0.1"), peer_asn=65000)
    return PeerConfig(session=session, tcp=TcpConfig(remote=IPv4Address(address)))


TOR, CORE = peer("10.0.0.254"), peer("10.0.0.253")


def complete(**peers: PeerConfig) -> Completeness:
    found = Completeness()
    found.configure(peers)
    found.swept(1.0)
    found.decide(1.0, held=False)
    return found


def test_no_peer_is_complete_before_everything_was_planned() -> None:
    found = Completeness()
    found.configure({"tor": TOR})

    assert not found.decide(99.0, held=False)
    assert found.complete == frozenset()


def test_a_sweep_completes_the_peers_it_held() -> None:
    found = Completeness()
    found.configure({"tor": TOR, "core": CORE})
    found.swept(1.0)

    assert found.decide(1.0, held=False)
    assert found.complete == {"tor", "core"}


def test_a_gate_delays_by_five_seconds_at_most() -> None:
    found = Completeness()
    found.configure({"tor": TOR})
    found.swept(1.0)

    assert not found.decide(5.9, held=True)
    assert found.next_deadline() == 6.0
    assert found.decide(6.0, held=True)
    assert found.next_deadline() is None


def test_a_new_peer_does_not_take_the_others_back() -> None:
    found = complete(tor=TOR)

    found.configure({"tor": TOR, "core": CORE})

    assert found.complete == {"tor"}
    found.swept(2.0)
    found.decide(2.0, held=False)
    assert found.complete == {"tor", "core"}


def test_a_peer_that_is_configured_anew_is_incomplete() -> None:
    found = complete(tor=TOR)

    found.configure({"tor": CORE})

    assert found.complete == frozenset()


def test_a_peer_that_is_gone_and_comes_back_is_incomplete() -> None:
    found = complete(tor=TOR)
    found.configure({})

    found.configure({"tor": TOR})

    assert found.complete == frozenset()


def test_a_peer_configured_anew_while_it_waits_needs_a_sweep_of_its_own() -> None:
    found = Completeness()
    found.configure({"tor": TOR})
    found.swept(1.0)
    found.configure({"tor": CORE})

    assert not found.decide(9.0, held=False)
