"""The answer to `/v1/peers`: every peer, those that may not have a session here included."""

from __future__ import annotations

from typing import TYPE_CHECKING

from porter_ctl.daemon.answers import FamilyRow, PeerRow, PeersAnswer

if TYPE_CHECKING:
    from porter_bgp.view import FamilyView, PeerView, SpeakerView
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
    down = peer.last_down
    return PeerRow(
        name=peer.name,
        remote=str(peer.remote),
        port=peer.port,
        asn=peer.peer_asn,
        state=peer.state.value,
        uptimeSeconds=_between(peer.established_at, view.now),
        localAddress=None if peer.local is None else str(peer.local),
        routerID=None if peer.peer_id is None else str(peer.peer_id),
        holdSeconds=peer.hold_time,
        families={str(family): _family(seen) for family, seen in peer.families.items()},
        gracefulRestart=peer.graceful_restart,
        restartingSeconds=_between(view.now, peer.restarting_until),
        unacknowledgedSeconds=_between(peer.unacknowledged_since, view.now),
        flaps=peer.flaps,
        reason="" if down is None else down.reason,
        message="" if down is None else down.text,
        lastDownSecondsAgo=None if down is None else _between(down.at, view.now),
        messagesIn=dict(peer.received_messages),
        messagesOut=dict(peer.sent_messages),
    )


def _family(seen: FamilyView) -> FamilyRow:
    return FamilyRow(
        wanted=seen.wanted,
        advertised=seen.advertised,
        pending=seen.pending,
        received=seen.received,
        stale=seen.stale,
        overLimit=seen.over_limit,
        addPath=seen.add_path,
        endOfRIBSent=seen.end_of_rib_sent,
        endOfRIBReceived=seen.end_of_rib_received,
    )


def _between(since: float | None, until: float | None) -> float | None:
    """Seconds; None where one of the two is not."""
    return None if since is None or until is None else round(until - since, 3)


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
        gracefulRestart=False,
        restartingSeconds=None,
        unacknowledgedSeconds=None,
        flaps=0,
        reason=str(verdict.reason),
        message=str(verdict),
        lastDownSecondsAgo=None,
        messagesIn={},
        messagesOut={},
    )
