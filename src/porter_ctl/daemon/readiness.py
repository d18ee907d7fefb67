"""Is this process ready? If not, what is missing, each in one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from porter_bgp.config import SpeakerConfig
    from porter_bgp.view import PeerView, SpeakerView
    from porter_ctl.daemon.running import Running
    from porter_ctl.plan import Context


def missing(running: Running) -> tuple[str, ...]:
    """What is missing: objects not read yet, sockets that do not listen, routers that wait."""
    context = running.node.context
    if context is None:
        return (*_unread(running), *running.cluster.troubles())
    reported = (
        ("the last report of this node is outdated",) if running.node_statuses.outdated else ()
    )
    return (*what_is_missing(context, running.speaker.view()), *reported)


def what_is_missing(context: Context, view: SpeakerView) -> tuple[str, ...]:
    """What of a plan has not come true yet. A session that is down is the router's to mend."""
    return (*_not_listening(context.speaker, view), *_not_told(view.peers.values()))


def _unread(running: Running) -> tuple[str, ...]:
    kinds = ", ".join(running.node.missing)
    return (f"not read yet: {kinds}",) if kinds else ("nothing was planned yet",)


def _not_listening(wanted: SpeakerConfig, view: SpeakerView) -> Iterable[str]:
    if view.listen_error is not None:
        yield f"cannot listen: {view.listen_error}"
    elif len(view.listening) < len(wanted.listen):
        yield "does not listen yet"


def _not_told(peers: Iterable[PeerView]) -> Iterable[str]:
    for peer in peers:
        waiting = [str(f) for f, seen in peer.families.items() if not seen.end_of_rib_sent]
        if peer.established and waiting:
            yield f"peer {peer.name}: End-of-RIB was not sent yet for {', '.join(waiting)}"
