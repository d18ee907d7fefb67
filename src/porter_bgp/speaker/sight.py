"""What is seen of a peer: its session, sockets and tables as one `PeerView`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from porter_bgp.session import DownReason
from porter_bgp.view import DownView, FamilyView, PeerView
from porter_bgp.wire import AddressFamily

if TYPE_CHECKING:
    from porter_bgp.rib import AdjRibOut
    from porter_bgp.speaker.peer import Peer

_SOCKET_TELLS_MORE = {DownReason.DIAL_FAILED, DownReason.CONNECTION_LOST}


def see_peer(peer: Peer) -> PeerView:
    """The peer as it is now."""
    session, counters = peer.session, peer.session.counters
    negotiated, tables = session.negotiated, peer.outbound.tables
    families, several = peer.inbound.stale_families(), frozenset[AddressFamily]()
    if negotiated is not None and peer.connection is not None:
        families, several = negotiated.families, negotiated.codec.add_path_send
    return PeerView(
        name=peer.name,
        remote=peer.config.tcp.remote,
        port=peer.config.tcp.port,
        local=None if peer.connection is None else peer.connection.local,
        state=session.state,
        established_at=peer.established_at,
        peer_asn=negotiated.peer_asn if negotiated else peer.config.session.peer_asn,
        peer_id=negotiated.peer_id if negotiated else None,
        hold_time=negotiated.hold_time if negotiated else 0,
        families={
            family: _see_family(peer, tables[family], add_path=family in several)
            for family in sorted(families)
        },
        last_down=_see_down(peer),
        flaps=counters.flaps,
        received_messages={kind.name: count for kind, count in counters.received.items()},
        sent_messages={kind.name: count for kind, count in counters.sent.items()},
        faults={verdict.name: count for verdict, count in counters.faults.items()},
        graceful_restart=peer.retains,
        restarting_until=peer.inbound.restarting_until,
        unacknowledged_since=None if peer.progress is None else peer.progress.since,
    )


def _see_family(peer: Peer, table: AdjRibOut, *, add_path: bool) -> FamilyView:
    inbound, family = peer.inbound, table.family
    return FamilyView(
        wanted=table.desired_count,
        advertised=table.advertised_count,
        pending=table.pending,
        received=inbound.count(family),
        over_limit=family in inbound.over_limit,
        end_of_rib_sent=table.end_of_rib_sent,
        end_of_rib_received=family in inbound.ended,
        add_path=add_path,
        stale=inbound.stale(family),
    )


def _see_down(peer: Peer) -> DownView | None:
    if peer.down is None:
        return None
    text = peer.down.text
    if peer.down.reason in _SOCKET_TELLS_MORE and peer.last_error:
        text = f"{text}: {peer.last_error}"
    return DownView(reason=peer.down.reason.value, text=text, at=peer.down.at)
