"""What one node says of one prefix, peer by peer: a verdict for each, and none without a remedy.

For the own node the plan is the one the gates admitted, and what was acknowledged is known. For
another node the plan is made here, and its report tells of its sessions and of what it leaves out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from porter_ctl.api import SessionState
from porter_ctl.plan import Reason, Verdict, foremost
from porter_ctl.plan.verdict import ANNOUNCED_LAST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from porter_ctl.api import NodeSession
    from porter_ctl.plan import PrefixPlan

_PEER = "BGPPeer/"
# These say how a prefix is announced; all others say that it is not.
ANNOUNCED_YET = ANNOUNCED_LAST | {Reason.ADD_PATH_NOT_NEGOTIATED, Reason.HELD_BY_GUARD}
_REMEDIES: Mapping[Reason, str] = {
    Reason.FOREIGN_CLASS: "leave it to its own controller, or name its class with --service-class",
    Reason.STATUS_PENDING: "wait; if it lasts, look at the log of the porter that allocates",
    Reason.NOT_ALLOCATED: "wait; if it lasts, porter status says who allocates",
    Reason.NODE_NOT_SELECTED: "let spec.nodeSelectors of a BGPAdvertisement select the node",
    Reason.NO_LOCAL_ENDPOINT: "run a ready Pod of it there, or set externalTrafficPolicy: Cluster",
    Reason.LAST_WITHHELD: "mend the condition of the Node that is named",
    Reason.LAST_DRAINING: "porter undrain NODE, or undo what drains it",
    Reason.LAST_TERMINATING: "wait until a new Pod is ready",
    Reason.LAST_BEYOND_MAX_NODES: "raise maxNodes of the BGPAdvertisement",
    Reason.DATAPLANE_NOT_READY: "look whether kube-proxy runs on the node",
    Reason.HELD_BY_GUARD: "porter status on that node says what it waits for",
    Reason.SESSION_DOWN: "look at both ends: porter peers -o wide there, and the router's own view",
    Reason.ADD_PATH_NOT_NEGOTIATED: "have the router receive additional paths (RFC 7911)",
    Reason.NO_REPORT: "look whether porter runs on that node, and at the node itself",
    Reason.NOT_ACKNOWLEDGED: "wait; if it lasts, the connection to the router is stuck",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One verdict.

    Attributes:
        node: Whose.
        peer: To whom; empty where the node has no peer.
        prefix: Of what.
        verdict: Why, or why not.
        yes: Whether it is announced there; None: not known here.
    """

    node: str
    peer: str
    prefix: str
    verdict: Verdict
    yes: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What is known of a node.

    Attributes:
        name: Its name.
        sessions: By peer; None: it has not reported.
        peers: Those it should have a session with.
        left_out: Why peers have no session there, by peer.
        acknowledged: Whether a peer's kernel has it; None: not known here.
    """

    name: str
    sessions: Mapping[str, NodeSession] | None
    peers: tuple[str, ...]
    left_out: Mapping[str, Verdict] = field(default_factory=dict)
    acknowledged: Callable[[str], bool] | None = None


def left_out_of(verdicts: Iterable[Verdict]) -> dict[str, Verdict]:
    """Pick the peers that a context leaves out, by name."""
    return {
        verdict.subject.removeprefix(_PEER): verdict
        for verdict in verdicts
        if verdict.subject.startswith(_PEER)
    }


def with_remedy(verdict: Verdict, node: str = "") -> Verdict:
    """Return the verdict with a remedy, where there is one for its reason."""
    if verdict.remedy:
        return verdict
    remedy = _REMEDIES.get(verdict.reason, "").replace("NODE", node or "NODE")
    return Verdict(
        reason=verdict.reason,
        message=verdict.message,
        remedy=remedy,
        subject=verdict.subject,
    )


def answers_of(sight: Sight, plan: PrefixPlan) -> list[Answer]:
    """Answer for every peer of a node.

    Args:
        sight: The node.
        plan: What it should say of the prefix, the gates included where they are known.
    """
    names = sorted({*sight.peers, *sight.left_out})
    found = [_answer(sight, plan, peer) for peer in names]
    if not found:
        found = [_no(sight, plan, "", _why_not(plan, ""))]
    return found


def _answer(sight: Sight, plan: PrefixPlan, peer: str) -> Answer:
    if plan.paths.get(peer):
        return _session_answer(sight, plan, peer)
    left_out = sight.left_out.get(peer)
    barrier = foremost(_about(plan, peer))
    if left_out is not None and (barrier is None or barrier.reason is Reason.NO_PEER):
        return _no(sight, plan, peer, left_out)
    return _no(sight, plan, peer, _why_not(plan, peer))


def _session_answer(sight: Sight, plan: PrefixPlan, peer: str) -> Answer:
    session = sight.sessions.get(peer) if sight.sessions is not None else None
    if session is None:
        text = f"Node/{sight.name} should announce it and has not reported that session"
        verdict = Verdict(reason=Reason.NO_REPORT, message=text)
        return _is(sight, plan, peer, verdict, yes=None)
    if session.state is not SessionState.ESTABLISHED:
        return _no(sight, plan, peer, _session_down(session, peer))
    if sight.acknowledged is not None and not sight.acknowledged(peer):
        text = f"it was planned for {peer}, whose kernel has not acknowledged it yet"
        return _no(sight, plan, peer, Verdict(reason=Reason.NOT_ACKNOWLEDGED, message=text))
    told = foremost(tuple(one for one in _about(plan, peer) if one.reason in ANNOUNCED_YET))
    if session.reason:
        told = Verdict(reason=reason_of(session.reason, Reason.SOME_PATHS), message=session.message)
    if told is None:
        how = "has acknowledged it" if sight.acknowledged is not None else "is told so by its node"
        told = Verdict(reason=Reason.ALL_PATHS, message=f"{peer} {how}")
    return _is(sight, plan, peer, told, yes=True)


def reason_of(code: str, otherwise: Reason) -> Reason:
    """Read a reason code that some version of Porter wrote."""
    try:
        return Reason(code)
    except ValueError:
        return otherwise


def _session_down(session: NodeSession, peer: str) -> Verdict:
    reason = reason_of(session.reason, Reason.SESSION_DOWN)
    message = f"the session with {peer} is {session.state}: {session.message or 'no reason known'}"
    return Verdict(reason=reason, message=message)


def _why_not(plan: PrefixPlan, peer: str) -> Verdict:
    found = foremost(tuple(one for one in _about(plan, peer) if one.reason not in ANNOUNCED_YET))
    if found is not None:
        return found
    if not peer:
        text = "the node has no BGPPeer"
        return Verdict(
            reason=Reason.NO_PEER, message=text, remedy="create a BGPPeer that selects the node"
        )
    return Verdict(
        reason=Reason.NO_PEER,
        message=f"no BGPAdvertisement of {plan.prefix} selects BGPPeer/{peer}",
        remedy="name it in spec.peers of the BGPAdvertisement, if it should hear of it",
    )


def _about(plan: PrefixPlan, peer: str) -> tuple[Verdict, ...]:
    """The verdicts on the prefix itself, and on this peer; not those on other objects."""
    return tuple(one for one in plan.verdicts if one.subject in {"", peer})


def _no(sight: Sight, plan: PrefixPlan, peer: str, verdict: Verdict) -> Answer:
    return _is(sight, plan, peer, verdict, yes=False)


def _is(sight: Sight, plan: PrefixPlan, peer: str, verdict: Verdict, *, yes: bool | None) -> Answer:
    return Answer(
        node=sight.name,
        peer=peer,
        prefix=str(plan.prefix),
        verdict=with_remedy(verdict, sight.name),
        yes=yes,
    )
