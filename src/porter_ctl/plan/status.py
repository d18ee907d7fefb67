"""What the status of each object should say, as the leader writes it.

Each function returns the whole status; whoever writes compares it with what stands and writes
nothing where they are equal. What a node says of itself is in `porter_ctl.plan.node_status`, what
a Service is told about its address in `porter_ctl.plan.service`.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from porter_ctl.api import AddPathMode, SessionState
from porter_ctl.plan.addresses import addresses_in
from porter_ctl.plan.announced import VIP_ANNOUNCED, word_in
from porter_ctl.plan.conditions import ACCEPTED, condition, find, merged
from porter_ctl.plan.verdict import Reason, Verdict, foremost, reason_of
from porter_ctl.plan.withheld import DEFAULT_CONFIG, plan_withheld

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from porter_ctl.api import (
        VIP,
        BGPAdvertisement,
        BGPAdvertisementStatus,
        BGPConfig,
        BGPConfigStatus,
        BGPNode,
        BGPPeer,
        BGPPeerStatus,
        Condition,
        Fault,
        Node,
        NodeSession,
        ObjectMeta,
        VIPPool,
        VIPPoolStatus,
        VIPSpec,
        VIPStatus,
    )
    from porter_ctl.plan.announced import Word
    from porter_ctl.plan.ledger import Ledger
    from porter_ctl.plan.pools import Pool

Spec = TypeVar("Spec")
NO_OVERLAP = "NoOverlap"
ASSIGNED = "Assigned"
IN_POOL = "InPool"
NO_CONFLICT = "NoConflict"
ESTABLISHED = "Established"
ADD_PATH = "AddPath"
_TOLD_FAULTS = 8


def _everybody(_: str) -> bool:
    """Every report is evidence where nobody judges them."""
    return True


def vip_pool_status(
    pool: VIPPool, faults: tuple[Fault, ...], ledger: Ledger, at: str
) -> VIPPoolStatus:
    """Say how full a pool is, whether it is accepted, and what it must not give."""
    meta = pool.metadata
    wanted = [_accepted(meta, faults, fallback=pool.spec is not None)]
    usage = ""
    compiled = ledger.pools.get(meta.name)
    if compiled is not None:
        usage = compiled.usage(ledger.held)
        verdicts = (*compiled.overlaps, *compiled.taboos)
        fine = Verdict(reason=Reason.ACCEPTED, message="all its addresses can be given")
        wanted.append(_of(meta, NO_OVERLAP, verdicts, fine))
    return replace(
        pool.status,
        usage=usage,
        accepted=_kept(pool.status.accepted, pool.spec, faults),
        conditions=merged(pool.status.conditions, wanted, at=at),
    )


def vip_status(
    vip: VIP,
    pools: Mapping[str, Pool],
    at: str,
    faults: tuple[Fault, ...] = (),
    word: Word | None = None,
) -> VIPStatus:
    """Say who has an address, whether it is still one of its pool, and whether it is announced.

    Whether it is accepted is said where it is not, or was not: there may be very many VIPs.

    Args:
        vip: As it stands.
        pools: All pools.
        at: RFC 3339.
        faults: What is wrong with it by itself.
        word: What to say of its announcement; None: what is said of it stands.
    """
    known = find(vip.status.conditions, ACCEPTED) is not None
    judged = (_vip_accepted(vip, faults),) if faults or known else ()
    if vip.spec is None:
        return replace(vip.status, conditions=merged(vip.status.conditions, judged, at=at))
    owners = [f"{holder.namespace}/{holder.name}" for holder in vip.spec.holders]
    holder = owners[0] if owners else ""
    if len(owners) > 1:
        holder = f"{holder} (+{len(owners) - 1})"
    generation = vip.metadata.generation
    wanted = [
        condition(
            ASSIGNED,
            holds=bool(owners),
            verdict=_assignment(vip.spec, holder),
            generation=generation,
        ),
        _in_pool(vip.spec, pools, generation),
        *judged,
    ]
    paths = ""
    said = word or word_in(find(vip.status.conditions, VIP_ANNOUNCED), vip.status.paths)
    if owners and said is not None:
        paths = said.paths
        wanted.append(
            condition(VIP_ANNOUNCED, holds=said.holds, verdict=said.verdict, generation=generation)
        )
    conditions = merged(vip.status.conditions, wanted, at=at)
    return replace(vip.status, holder=holder, paths=paths, conditions=conditions)


def bgp_config_status(
    config: BGPConfig, faults: tuple[Fault, ...], nodes: Iterable[Node], at: str
) -> BGPConfigStatus:
    """Say whether a BGPConfig is in use as it stands; of `default`, which nodes are withheld.

    Args:
        config: As it stands.
        faults: What is wrong with it by itself.
        nodes: All nodes.
        at: RFC 3339.
    """
    meta, spec = config.metadata, config.spec
    reasons = spec.withhold_on if spec is not None and meta.name == DEFAULT_CONFIG else ()
    return replace(
        config.status,
        accepted=_kept(config.status.accepted, spec, faults),
        withheld=plan_withheld(nodes, config.status.withheld, reasons, at),
        conditions=merged(
            config.status.conditions,
            [_accepted(meta, faults, fallback=spec is not None)],
            at=at,
        ),
    )


def bgp_advertisement_status(
    advertisement: BGPAdvertisement,
    faults: tuple[Fault, ...],
    verdicts: Iterable[Verdict],
    at: str,
) -> BGPAdvertisementStatus:
    """Say whether an advertisement is in use, and what of it yields to an older one.

    Args:
        advertisement: As it stands.
        faults: What is wrong with it by itself.
        verdicts: Of any prefix plans; those about other objects are passed over.
        at: RFC 3339.
    """
    meta = advertisement.metadata
    mine = _about(f"BGPAdvertisement/{meta.name}", verdicts)
    fine = Verdict(reason=Reason.ACCEPTED, message="no older BGPAdvertisement disagrees")
    wanted = [
        _accepted(meta, faults, fallback=advertisement.spec is not None),
        _of(meta, NO_CONFLICT, mine, fine),
    ]
    return replace(
        advertisement.status,
        accepted=_kept(advertisement.status.accepted, advertisement.spec, faults),
        conditions=merged(advertisement.status.conditions, wanted, at=at),
    )


def bgp_peer_status(
    peer: BGPPeer,
    faults: tuple[Fault, ...],
    nodes: Iterable[BGPNode],
    at: str,
    believed: Callable[[str], bool] = _everybody,
) -> BGPPeerStatus:
    """Say on how many nodes the sessions with a peer are up, and why not on the others.

    Args:
        peer: As it stands.
        faults: What is wrong with it by itself.
        nodes: What all nodes report; one that lists the peer wants a session with it.
        at: RFC 3339.
        believed: Whether a node's report is evidence: of the others nothing is known but that
            they should have a session.
    """
    name = peer.metadata.name
    all_ = [
        (node.metadata.name, session)
        for node in nodes
        for session in node.status.sessions
        if session.peer == name or session.peer.startswith(f"{name}/")
    ]
    reported = [(node, one) for node, one in all_ if believed(node)]
    silent = [node for node, _ in all_ if not believed(node)]
    down = [(node, one) for node, one in reported if one.state is not SessionState.ESTABLISHED]
    single = [one for one in reported if one[1].reason == Reason.ADD_PATH_NOT_NEGOTIATED]
    worst = down or ([] if silent else single)
    reasons = Counter(session.reason for _, session in worst if session.reason)
    reasons.update([Reason.NO_REPORT.value] * len(silent))
    reason = min(reasons, key=lambda one: (-reasons[one], one), default="")
    conflicts = tuple(
        Verdict(reason=Reason.CONFLICTING, message=f"on Node/{node}: {session.message}")
        for node, session in down
        if session.reason == Reason.CONFLICTING
    )
    fine = Verdict(reason=Reason.ACCEPTED, message="no older BGPPeer has its address")
    wanted = [
        _accepted(peer.metadata, faults, fallback=peer.spec is not None),
        _of(peer.metadata, NO_CONFLICT, conflicts, fine),
        _established(peer.metadata, len(all_), down, silent),
    ]
    if single or (peer.spec is not None and peer.spec.add_path.mode is AddPathMode.SEND):
        wanted.append(_add_path(peer.metadata, len(all_), single))
    return replace(
        peer.status,
        sessions=f"{len(reported) - len(down)}/{len(all_)}",
        reason=reason,
        accepted=_kept(peer.status.accepted, peer.spec, faults),
        conditions=merged(peer.status.conditions, wanted, at=at),
    )


def _kept(accepted: Spec | None, spec: Spec | None, faults: tuple[Fault, ...]) -> Spec | None:
    """What to fall back to: while an object is faulty, what was accepted, or at least is in use."""
    return spec if not faults or accepted is None else accepted


def _accepted(meta: ObjectMeta, faults: tuple[Fault, ...], *, fallback: bool) -> Condition:
    kept = "the last accepted spec stays in use" if fallback else "nothing of it is in use"
    return _judged(meta, faults, kept)


def _vip_accepted(vip: VIP, faults: tuple[Fault, ...]) -> Condition:
    return _judged(vip.metadata, faults, "who has the address keeps it, and nobody else gets it")


def _judged(meta: ObjectMeta, faults: tuple[Fault, ...], kept: str) -> Condition:
    if not faults:
        verdict = Verdict(reason=Reason.ACCEPTED, message="the spec is in use")
        return condition(ACCEPTED, holds=True, verdict=verdict, generation=meta.generation)
    told = [fault.sentence for fault in faults[:_TOLD_FAULTS]]
    if len(faults) > _TOLD_FAULTS:
        told.append(f"and {len(faults) - _TOLD_FAULTS} more")
    verdict = Verdict(reason=Reason(faults[0].reason), message=". ".join((*told, kept)))
    return condition(ACCEPTED, holds=False, verdict=verdict, generation=meta.generation)


def _of(meta: ObjectMeta, kind: str, verdicts: tuple[Verdict, ...], fine: Verdict) -> Condition:
    """Make a condition that holds unless there are verdicts."""
    worst = foremost(verdicts)
    return condition(kind, holds=worst is None, verdict=worst or fine, generation=meta.generation)


def _about(subject: str, verdicts: Iterable[Verdict]) -> tuple[Verdict, ...]:
    return tuple(sorted({v for v in verdicts if v.subject == subject}, key=str))


def _assignment(spec: VIPSpec, holder: str) -> Verdict:
    if holder:
        return Verdict(reason=Reason.ALLOCATED, message=f"it is held by {holder}")
    if spec.released_at is not None:
        return Verdict(reason=Reason.ADDRESS_RESTING, message=f"released at {spec.released_at}")
    return Verdict(
        reason=Reason.NOT_ALLOCATED,
        message="it is kept for a Service that asks for it by its address",
    )


def _in_pool(spec: VIPSpec, pools: Mapping[str, Pool], generation: int) -> Condition:
    owner = next((p for p in pools.values() if p.has(addresses_in((spec.address,))[0])), None)
    if owner is not None:
        verdict = Verdict(reason=Reason.ACCEPTED, message=f"VIPPool/{owner.name} has it")
    else:
        verdict = Verdict(
            reason=Reason.OUT_OF_POOL,
            message="no accepted VIPPool has it; it stays with its holder",
            remedy="add it to a pool, or let the Service ask for another",
        )
    return condition(IN_POOL, holds=owner is not None, verdict=verdict, generation=generation)


def _established(
    meta: ObjectMeta, expected: int, down: list[tuple[str, NodeSession]], silent: list[str]
) -> Condition:
    holds: bool | None = False
    if down:
        node, session = down[0]
        verdict = Verdict(
            reason=reason_of(session.reason, Reason.SESSION_DOWN),
            message=f"down on {len(down)} of {expected} nodes, such as {node}: {session.message}",
        )
    elif silent:
        holds = None
        verdict = Verdict(
            reason=Reason.NO_REPORT,
            message=f"no report from {len(silent)} of {expected} nodes, such as {silent[0]}",
            remedy="look at the Porter Pod of that node, and at the node",
        )
    elif expected:
        holds = True
        verdict = Verdict(reason=Reason.ALL_PATHS, message=f"on all {expected} nodes")
    else:
        verdict = Verdict(
            reason=Reason.NODE_NOT_SELECTED, message="no node wants a session with it"
        )
    return condition(ESTABLISHED, holds=holds, verdict=verdict, generation=meta.generation)


def _add_path(meta: ObjectMeta, expected: int, single: list[tuple[str, NodeSession]]) -> Condition:
    if single:
        node, session = single[0]
        verdict = Verdict(
            reason=Reason.ADD_PATH_NOT_NEGOTIATED,
            message=f"on {len(single)} of {expected} nodes, such as {node}: {session.message}",
        )
    else:
        verdict = Verdict(
            reason=Reason.ACCEPTED, message="no session that is told several paths lacks it"
        )
    return condition(ADD_PATH, holds=not single, verdict=verdict, generation=meta.generation)
