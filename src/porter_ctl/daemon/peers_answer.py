"""The answer to `/v1/peers`: every peer, those that may not have a session here included."""

from __future__ import annotations

from typing import TYPE_CHECKING

from porter_ctl.daemon.answers import FamilyRow, PeerRow, PeersAnswer

if TYPE_CHECKING:
    from porter_bgp.view import PeerView, SpeakerView
    from porter_ctl.daemon.running import Running
    from porter_ctl.plan import Verdict

_PEER = "BGPPeer/"


def peers_answer(running: Running) -> PeersAnswer:
    """Look at all sessions once."""
    context, view = running.node.context, running.speaker.view()
    rows = [_row(view, peer) for peer in view.peers.values()]
    if context is not None:
        left_out = [v for v in context.verdicts if v.subject.startswith(_PEER)]
        rows += [_left_out(running, verdict) for verdict in left_out]
    return PeersAnswer(peers=sorted(rows, key=lambda row: row["name"]))


def _row(view: SpeakerView, peer: PeerView) -> PeerRow:
    down, since = peer.last_down, peer.established_at
    return PeerRow(
        name=peer.name,
        remote=str(peer.remote),
        port=peer.port,
        asn=peer.peer_asn,
        state=peer.state.value,
        uptimeSeconds=None if since is None else round(view.now - since, 3),
        localAddress=None if peer.local is None else str(peer.local),
        routerID=None if peer.peer_id is None else str(peer.peer_id),
        holdSeconds=peer.hold_time,
        families={
            str(family): FamilyRow(
                wanted=seen.wanted,
                advertised=seen.advertised,
                pending=seen.pending,
                received=seen.received,
            )
            for family, seen in peer.families.items()
        },
        flaps=peer.flaps,
        reason="" if down is None else down.reason,
        message="" if down is None else down.text,
        lastDownSecondsAgo=None if down is None else round(view.now - down.at, 3),
        messagesIn=dict(peer.received_messages),
        messagesOut=dict(peer.sent_messages),
    )


def _left_out(running: Running, verdict: Verdict) -> PeerRow:
    """A peer that plans leave out: it is as its object says, and Idle."""
    name = verdict.subject.removeprefix(_PEER)
    peer = running.stores.bgp_peers.get(name)
    spec = None if peer is None else peer.spec
    return PeerRow(
        name=name,
        remote="" if spec is None else spec.address or "",
        port=179 if spec is None else spec.port,
        asn=None if spec is None else spec.asn,
        state="Idle",
        uptimeSeconds=None,
        localAddress=None,
        routerID=None,
        holdSeconds=0,
        families={},
        flaps=0,
        reason=str(verdict.reason),
        message=str(verdict),
        lastDownSecondsAgo=None,
        messagesIn={},
        messagesOut={},
    )
