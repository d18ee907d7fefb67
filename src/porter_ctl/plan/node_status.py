"""What a node says of itself in its BGPNode: sessions, counts, and what it leaves out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from porter_ctl.api import (
    AddressFamily,
    BGPNodeStatus,
    DataplaneGate,
    NodeException,
    NodeSession,
    PlanSource,
    SessionState,
)
from porter_ctl.plan.conditions import condition, merged
from porter_ctl.plan.digest import ALGORITHM
from porter_ctl.plan.verdict import Reason, Verdict, foremost

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet

    from porter_bgp.view import PeerView, SpeakerView
    from porter_ctl.api import BGPNode, Condition
    from porter_ctl.plan.context import Context
    from porter_ctl.plan.prefix import PrefixPlan

ANNOUNCING = "Announcing"
DATAPLANE_VERIFIED = "DataplaneVerified"
LEASE_USABLE = "LeaseUsable"
MAX_SESSIONS = 128
MAX_EXCEPTIONS = 64
_MAX_MESSAGE = 1024
# What a node holds back although its plan, which is the leader's too, announces it.
HELD_BACK = frozenset({Reason.DATAPLANE_NOT_READY})
# What is so on every node, or for every prefix of this one (the conditions tell), or rightly so
# here, is no exception.
_EXPECTED = frozenset(
    {
        Reason.NOT_ALLOCATED,
        Reason.NO_ADVERTISEMENT,
        Reason.NODE_NOT_SELECTED,
        Reason.NO_CONFIG,
        Reason.NODE_EXCLUDED,
        Reason.NODE_DRAINED,
        Reason.NO_ENDPOINT,
        Reason.NO_LOCAL_ENDPOINT,
        Reason.LAST_WITHHELD,
        Reason.LAST_DRAINING,
        Reason.PATH_LIMIT,
    }
)
_ONE_PATH = (
    "it takes one path a prefix, so one node is all it is told of; set spec.addPath.mode of "
    "BGPPeer/{} to Send, and have the router receive additional paths (RFC 7911)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeReport:
    """What a node knows of itself.

    Attributes:
        context: Under which it plans.
        view: What its speaker sees.
        desired: How many prefixes its plans announce.
        announced: How many of them at least one peer was sent.
        exceptions: As `exception_of` gives them.
        dataplane_unverified: The dataplane gate has nobody to ask.
        pod_uid: Of its Pod.
        incarnation: Of its process.
        source: What its plans rest on.
        digests: What the peers have acknowledged, but those in `stuck`.
        stuck: Peers that have acknowledged nothing for too long.
        lease_trouble: Why nobody may allocate, as far as this node sees; empty: all is well.
    """

    context: Context
    view: SpeakerView
    desired: int
    announced: int
    exceptions: tuple[NodeException, ...] = ()
    dataplane_unverified: bool = False
    pod_uid: str = ""
    incarnation: str = ""
    source: PlanSource = PlanSource.API
    digests: tuple[str, ...] = ()
    stuck: frozenset[str] = frozenset()
    lease_trouble: str = ""


def exception_of(plan: PrefixPlan) -> NodeException | None:
    """Return what to report of a plan as the gates admitted it; None if all is as expected."""
    unexpected = tuple(one for one in plan.verdicts if one.reason not in _EXPECTED)
    held = next((one for one in unexpected if one.reason in HELD_BACK), None)
    worst = held or foremost(unexpected)
    if worst is None:
        return None
    about_peer = worst.reason is Reason.NO_NEXT_HOP and not worst.subject.startswith("Node/")
    peer = worst.subject if about_peer else ""
    return NodeException(prefix=str(plan.prefix), peer=peer, reason=worst.reason)


def bgp_node_status(before: BGPNode, report: NodeReport, at: str) -> BGPNodeStatus:
    """Return the status that the node should write."""
    sessions = node_sessions(report.context, report.view, report.stuck)
    up = sum(session.state is SessionState.ESTABLISHED for session in sessions)
    exceptions = sorted(
        report.exceptions,
        key=lambda one: (one.reason not in HELD_BACK, one.prefix, one.peer),
    )
    return BGPNodeStatus(
        pod_uid=report.pod_uid,
        incarnation=report.incarnation,
        source=report.source,
        summary=f"{up}/{len(sessions)} peers, {report.announced}/{report.desired} VIPs",
        sessions=sessions[:MAX_SESSIONS],
        desired=report.desired,
        announced=report.announced,
        digests=report.digests,
        digest_version=ALGORITHM if report.digests else 0,
        exceptions=tuple(exceptions[:MAX_EXCEPTIONS]),
        exceptions_omitted=max(0, len(exceptions) - MAX_EXCEPTIONS),
        conditions=merged(
            before.status.conditions,
            (
                condition(
                    ANNOUNCING,
                    holds=report.context.barred is None,
                    verdict=report.context.barred
                    or report.context.last
                    or Verdict(reason=Reason.ACCEPTED, message="this node may announce"),
                ),
                condition(
                    DATAPLANE_VERIFIED,
                    holds=not report.dataplane_unverified,
                    verdict=_dataplane(report),
                ),
                *_lease(report),
            ),
            at=at,
        ),
    )


def _lease(report: NodeReport) -> tuple[Condition, ...]:
    """Say what is wrong with the Lease, as long as something is: nobody else may be able to."""
    if not report.lease_trouble:
        return ()
    verdict = Verdict(reason=Reason.LEASE_UNUSABLE, message=report.lease_trouble)
    return (condition(LEASE_USABLE, holds=False, verdict=verdict),)


def node_sessions(
    context: Context, view: SpeakerView, stuck: AbstractSet[str] = frozenset()
) -> tuple[NodeSession, ...]:
    """Return all sessions this node should have, those it may not have included, by name.

    Args:
        context: Which it should have.
        view: How they are.
        stuck: Those whose peer has acknowledged nothing for too long.
    """
    sessions = [
        _not_acknowledged(name)
        if name in stuck
        else _session(name, view.peers.get(name), several=context.needs_add_path(name))
        for name in context.peers
    ]
    sessions += (
        NodeSession(
            peer=verdict.subject.removeprefix("BGPPeer/"),
            reason=verdict.reason,
            message=str(verdict)[:_MAX_MESSAGE],
        )
        for verdict in context.verdicts
        if verdict.subject.startswith("BGPPeer/")
    )
    return tuple(sorted(sessions, key=lambda session: session.peer))


def _session(name: str, peer: PeerView | None, *, several: bool) -> NodeSession:
    if peer is None:
        return NodeSession(peer=name, reason=Reason.SESSION_DOWN, message="it was not begun yet")
    if peer.established:
        lacking = several and not all(family.add_path for family in peer.families.values())
        return NodeSession(
            peer=name,
            state=SessionState.ESTABLISHED,
            reason=Reason.ADD_PATH_NOT_NEGOTIATED if lacking else "",
            message=_ONE_PATH.format(name) if lacking else "",
            families=tuple(AddressFamily(str(family)) for family in sorted(peer.families)),
            add_path=tuple(
                AddressFamily(str(family))
                for family, seen in sorted(peer.families.items())
                if seen.add_path
            ),
        )
    down = peer.last_down
    return NodeSession(
        peer=name,
        state=SessionState[peer.state.name],
        reason=Reason.SESSION_DOWN,
        message=(down.text if down else f"no answer from {peer.remote} yet")[:_MAX_MESSAGE],
    )


def _not_acknowledged(name: str) -> NodeSession:
    return NodeSession(
        peer=name,
        state=SessionState.ESTABLISHED,
        reason=Reason.NOT_ACKNOWLEDGED,
        message="its router has acknowledged nothing for a third of the hold time",
    )


def _dataplane(report: NodeReport) -> Verdict:
    if report.dataplane_unverified:
        return Verdict(
            reason=Reason.DATAPLANE_UNVERIFIED,
            message="nothing answers for kube-proxy on this node; first announcements wait a while",
            remedy="set dataplane.gate of the BGPConfig to Delay if there is no kube-proxy here",
        )
    gate, delay = report.context.dataplane_gate, report.context.dataplane_delay
    waits = {
        DataplaneGate.KUBE_PROXY: "until kube-proxy serves the address",
        DataplaneGate.DELAY: f"{delay:g} s",
        DataplaneGate.NONE: "for nothing, as the BGPConfig says",
    }
    return Verdict(reason=Reason.ACCEPTED, message=f"first announcements wait {waits[gate]}")


def conflicts(plans: Iterable[PrefixPlan]) -> frozenset[Verdict]:
    """Return the verdicts about other objects that plans brought up, each once."""
    return frozenset(
        verdict
        for plan in plans
        for verdict in plan.verdicts
        if verdict.reason is Reason.CONFLICTING
    )
