"""The answer to `/v1/why`: a verdict for a Service on every node, for every peer and address.

What is asked of the own node is what its plans, gates and sessions say. Whoever reads all Nodes
plans for the others too, as they plan, and reads in their reports how their sessions are and what
they leave out; the rest of the processes say that they do not know.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from ipaddress import ip_address
from typing import TYPE_CHECKING

from porter_bgp.wire import Prefix
from porter_ctl.api import vip_name
from porter_ctl.daemon.answers import ConditionRow, Told, WhyAnswer, WhyRow
from porter_ctl.daemon.why_headline import Headline, headline
from porter_ctl.daemon.why_rows import Answer, Sight, answers_of, left_out_of, reason_of
from porter_ctl.daemon.why_service import allocation
from porter_ctl.plan import (
    ConfigSnapshot,
    NodeFacts,
    PrefixPlan,
    Reason,
    Verdict,
    compile_context,
    node_sessions,
    plan_prefix,
)
from porter_ctl.plan.conditions import SERVICE_PREFIX
from porter_ctl.plan.index import Surroundings, gather

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from porter_ctl.api import VIP, BGPNode, EndpointSlice, Key, Node
    from porter_ctl.daemon.running import Running
    from porter_ctl.plan import Context

_NOT_KNOWN = (
    "other nodes: this process reads its own Node only; ask a Pod that allocates (on a "
    "control-plane node, `porter status` says so), or run porter why on each node"
)
_SLICE = 4  # nodes between two turns of the event loop
_NODE_READY = "Ready"


class CannotTellError(Exception):
    """It is too early to say anything; the text says what is missing."""


async def why_answer(running: Running, asked: str) -> WhyAnswer:
    """Say why.

    Args:
        running: This process.
        asked: namespace/name of a Service, or the address of a VIP.

    Raises:
        CannotTellError: Not everything has been read yet.
    """
    if running.node.context is None:
        missing = ", ".join(running.node.missing) or "the configuration"
        raise CannotTellError(f"not read yet: {missing}")
    key = asked if "/" in asked else _holder(running, asked)
    if key is None:
        return _answer(running, asked, Headline(_nobody(running, asked), "Wrong"), ())
    verdict, has_address = allocation(running, key)
    prefixes = _prefixes(running, key)
    if not has_address or not prefixes:
        return _answer(running, key, Headline(verdict, "Wrong"), ())
    answers = _own_answers(running, running.node.context, prefixes)
    answers += [one async for one in _others(running, prefixes)]
    found = headline(key, answers, complete=_knows_all(running))
    if verdict.reason is not Reason.ALLOCATED:  # of two families it got one
        found = Headline(verdict, "Wrong")
    return _answer(running, key, found, answers)


# Which Service, which addresses


def _holder(running: Running, address: str) -> Key | None:
    vip = running.stores.vips.get(vip_name(ip_address(address)))
    if vip is None or vip.spec is None or not vip.spec.holders:
        return None
    first = vip.spec.holders[0]
    return f"{first.namespace}/{first.name}"


def _nobody(running: Running, address: str) -> Verdict:
    pools = [
        pool.name
        for pool in running.allocator.ledger.pools.values()
        if pool.has(ip_address(address))
    ]
    if not pools:
        return Verdict(
            reason=Reason.NO_POOL,
            message=f"no accepted VIPPool has {address}",
            remedy="add it to one, if Services are to have it",
        )
    return Verdict(
        reason=Reason.NOT_ALLOCATED,
        message=f"no Service has {address} of VIPPool/{pools[0]}",
        remedy="ask for it with the annotation porter.network/addresses of a Service",
    )


def _prefixes(running: Running, key: Key) -> list[tuple[Prefix, VIP]]:
    found = running.allocator.ledger.addresses_of(key)
    return [(Prefix.of(address), entry.vip) for address, entry in found if key in entry.owners]


# This node


def _own_answers(
    running: Running, context: Context, prefixes: Iterable[tuple[Prefix, VIP]]
) -> list[Answer]:
    speaker = running.speaker
    sessions = node_sessions(context, speaker.view())
    answers = []
    for prefix, _ in prefixes:

        def acknowledged(peer: str, prefix: Prefix = prefix) -> bool:
            return bool(speaker.acknowledged(peer, prefix))

        sight = Sight(
            name=context.node.name,
            sessions={session.peer: session for session in sessions},
            peers=tuple(context.peers),
            left_out=_left_out(running, context),
            acknowledged=acknowledged,
        )
        plan = PrefixPlan(
            prefix=prefix,
            paths=speaker.planned(prefix),
            verdicts=running.node.verdicts.get(prefix, ()),
        )
        answers += answers_of(sight, plan)
    return answers


def _left_out(running: Running, context: Context) -> dict[str, Verdict]:
    """The peers left out on a node, of those that an advertisement wants to tell anything."""
    found = left_out_of(context.verdicts)
    wanted: set[str] = set()
    for spec in [one.spec for _, one in running.stores.bgp_advertisements.items()]:
        if spec is not None:
            wanted |= set(spec.peers) or found.keys()
    return {peer: verdict for peer, verdict in found.items() if peer in wanted}


# The other nodes


def _knows_all(running: Running) -> bool:
    """Whether this process reads all Nodes."""
    return running.candidacy.allocates


async def _others(running: Running, prefixes: list[tuple[Prefix, VIP]]) -> AsyncIterator[Answer]:
    if not _knows_all(running):
        return
    snapshot = ConfigSnapshot.of(running.stores, running.settings.pod.namespace)
    slices = _slices(running, prefixes)
    others = [item for item in running.stores.nodes.items() if item[0] != running.settings.node]
    for number, (name, node) in enumerate(sorted(others)):
        if number % _SLICE == 0:
            await asyncio.sleep(0)
        context = compile_context(snapshot, NodeFacts.of(name, node))
        report = running.stores.bgp_nodes.get(name)
        sight = _sight(running, context, node, report)
        for prefix, vip in prefixes:
            around = Surroundings(running.stores.services, lambda key: slices.get(key, ()), name)
            plan = plan_prefix(context, gather(prefix, vip, frozenset(), around))
            for answer in answers_of(sight, _as_reported(plan, report)):
                yield answer


def _slices(
    running: Running, prefixes: Iterable[tuple[Prefix, VIP]]
) -> dict[Key, list[EndpointSlice]]:
    holders = {
        f"{holder.namespace}/{holder.name}"
        for _, vip in prefixes
        for holder in (vip.spec.holders if vip.spec is not None else ())
    }
    found: dict[Key, list[EndpointSlice]] = {holder: [] for holder in holders}
    for key, one in (
        (f"{one.metadata.namespace}/{one.service}", one)
        for _, one in running.stores.endpoint_slices.items()
    ):
        if key in found:
            found[key].append(one)
    return found


def _sight(running: Running, context: Context, node: Node, report: BGPNode | None) -> Sight:
    told = report is not None and bool(report.status.incarnation) and _is_ready(node)
    sessions = report.status.sessions if report is not None and told else None
    return Sight(
        name=context.node.name,
        sessions=None if sessions is None else {one.peer: one for one in sessions},
        peers=tuple(context.peers),
        left_out=_left_out(running, context),
    )


def _is_ready(node: Node) -> bool:
    """Whether its kubelet vouches for what the node reports; where no kubelet is, nobody need."""
    return NodeFacts.of(node.metadata.name, node).conditions.get(_NODE_READY, "True") == "True"


def _as_reported(plan: PrefixPlan, report: BGPNode | None) -> PrefixPlan:
    """Lay what the gates of that node do over the plan."""
    if report is None:
        return plan
    name = report.metadata.name
    exceptions = tuple(
        Verdict(
            reason=reason_of(one.reason, Reason.SOME_PATHS),
            message=f"Node/{name} reports {one.reason} of {one.prefix}",
            subject=one.peer,
        )
        for one in report.status.exceptions
        if one.prefix == str(plan.prefix)
    )
    if not exceptions:
        return plan
    held = any(one.reason in _NOT_ANNOUNCED for one in exceptions)
    known = {verdict.reason for verdict in plan.verdicts}
    added = tuple(one for one in exceptions if one.reason not in known)
    return replace(plan, paths={} if held else plan.paths, verdicts=plan.verdicts + added)


_NOT_ANNOUNCED = frozenset({Reason.DATAPLANE_NOT_READY, Reason.DAMPED, Reason.STATUS_PENDING})


# The answer


def _answer(running: Running, key: Key, found: Headline, answers: Iterable[Answer]) -> WhyAnswer:
    service = running.stores.services.get(key)
    conditions = service.status.conditions if service is not None else ()
    rows = list(map(_row, answers))
    return WhyAnswer(
        service=key,
        node=running.settings.node,
        state=found.state,
        headline=_told(found.verdict),
        addresses=[str(prefix.address) for prefix, _ in _prefixes(running, key)],
        verdicts=rows,
        conditions=[
            ConditionRow(type=one.type, status=one.status, reason=one.reason, message=one.message)
            for one in conditions
            if one.type.startswith(SERVICE_PREFIX)
        ],
        notes=_notes(running) if rows else [],
    )


def _notes(running: Running) -> list[str]:
    if _knows_all(running):
        return []
    return [_NOT_KNOWN]


def _row(answer: Answer) -> WhyRow:
    return WhyRow(
        node=answer.node,
        peer=answer.peer,
        prefix=answer.prefix,
        yes=answer.yes,
        **_told(answer.verdict),
    )


def _told(verdict: Verdict) -> Told:
    return Told(reason=str(verdict.reason), message=verdict.message, remedy=verdict.remedy)
