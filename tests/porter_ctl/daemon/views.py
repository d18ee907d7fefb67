"""Views of speakers, for tests of what is told of them."""

from __future__ import annotations

from ipaddress import IPv4Address, ip_address
from typing import TYPE_CHECKING

from porter_bgp.config import PeerConfig, SessionConfig, TcpConfig
from porter_bgp.fsm import State
from porter_bgp.view import DownView, FamilyView, PeerView, SpeakerView
from porter_bgp.wire import IPV4_UNICAST

if TYPE_CHECKING:
    from collections.abc import Mapping

    from porter_bgp.wire import AddressFamily

TOR = IPv4Address("192.0.2.1")


def family(*, wanted: int = 3, advertised: int = 3, ended: bool = True) -> FamilyView:
    return FamilyView(
        wanted=wanted,
        advertised=advertised,
        pending=wanted - advertised,
        received=7,
        over_limit=False,
        end_of_rib_sent=ended,
        end_of_rib_received=True,
        add_path=False,
        stale=1,
    )


def up(
    name: str = "tor",
    *,
    families: Mapping[AddressFamily, FamilyView] | None = None,
    remote: str = str(TOR),
) -> PeerView:
    return PeerView(
        name=name,
        remote=ip_address(remote),
        port=179,
        local=IPv4Address("192.0.2.9"),
        state=State.ESTABLISHED,
        established_at=100.0,
        peer_asn=65000,
        peer_id=TOR,
        hold_time=90,
        families=families if families is not None else {IPV4_UNICAST: family()},
        last_down=None,
        flaps=2,
        received_messages={"OPEN": 1, "UPDATE": 4, "NOTIFICATION": 1},
        sent_messages={"OPEN": 1},
        faults={"DISCARD": 3},
        unacknowledged_since=150.0,
        graceful_restart=True,
        restarting_until=None,
    )


def down(name: str = "tor", *, remote: str = str(TOR)) -> PeerView:
    return PeerView(
        name=name,
        remote=ip_address(remote),
        port=1179,
        local=None,
        state=State.ACTIVE,
        established_at=None,
        peer_asn=65000,
        peer_id=None,
        hold_time=0,
        families={},
        last_down=DownView(reason="DialFailed", text="the dial failed: refused", at=90.0),
        flaps=0,
    )


def speaker(
    *peers: PeerView, listening: tuple[int, ...] = (), error: str | None = None
) -> SpeakerView:
    return SpeakerView(
        now=160.0,
        peers={peer.name: peer for peer in peers},
        prefixes=3,
        listening=listening,
        listen_error=error,
    )


def peer_config(remote: str = str(TOR)) -> PeerConfig:
    session = SessionConfig(local_asn=64512, router_id=IPv4Address("192.0.2.9"), peer_asn=65000)
    tcp = TcpConfig(remote=ip_address(remote), md5_password=b"hunter2")
    return PeerConfig(session=session, tcp=tcp)
