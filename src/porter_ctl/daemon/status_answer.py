"""The answer to `/v1/status`: the node in short, and what is wrong on it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from porter_bgp._version import __version__
from porter_ctl.api import PlanSource, SessionState
from porter_ctl.daemon.answers import (
    AllocatorState,
    FaultRow,
    PrefixCount,
    SessionCount,
    StatusAnswer,
    VerdictRow,
)
from porter_ctl.daemon.readiness import missing
from porter_ctl.daemon.why_rows import left_out_of, reason_of, with_remedy
from porter_ctl.plan import ALLOCATED, Reason, Verdict, node_sessions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from porter_ctl.api import Fault, Key, Kind, NodeSession
    from porter_ctl.daemon.running import Running
    from porter_ctl.plan import Context

LIMIT = 1000  # verdicts
_HOLDS = frozenset({Reason.DATAPLANE_NOT_READY, Reason.DAMPED, Reason.HELD_BY_GUARD})
_SLICE = 64  # objects between two turns of the event loop


async def status_answer(running: Running) -> StatusAnswer:
    """Look at everything once, in slices; of very many verdicts the first are told."""
    context = running.node.context
    lacking = missing(running)
    sessions = () if context is None else node_sessions(context, running.speaker.view())
    alarm = running.node.guards.alarm
    verdicts = [*_of_sessions(context, sessions), *_of_context(context)]
    verdicts += (_row(one) for one in (alarm,) if one is not None)
    omitted, held = await _add_prefixes(running, verdicts)
    await _add_services(running, verdicts)
    kept = running.node.source is PlanSource.LAST_GOOD
    return StatusAnswer(
        node=running.settings.node,
        version=__version__,
        source="LastGood" if kept else running.settings.source_name,
        ready=not lacking,
        notReady=list(lacking),
        peers=_count_sessions(running),
        prefixes=_count_prefixes(running, held),
        allocator=AllocatorState(
            leading=running.leadership.leading, candidate=running.candidacy.candidate
        ),
        verdicts=verdicts[:LIMIT],
        verdictsOmitted=max(0, len(verdicts) - LIMIT) + omitted,
        faults=[*running.cluster.faults(), *_faults(running)],
    )


def _count_sessions(running: Running) -> SessionCount:
    """Those that there are, and that there should be: those left out for a reason included."""
    context, peers = running.node.context, running.speaker.view().peers
    left_out = left_out_of(context.verdicts) if context is not None else {}
    return SessionCount(
        established=sum(peer.established for peer in peers.values()),
        configured=len({*peers, *left_out, *(context.peers if context is not None else ())}),
    )


def _count_prefixes(running: Running, held: int) -> PrefixCount:
    """What is planned; where that is not known yet, what is announced from the last-good file."""
    if running.node.source is PlanSource.LAST_GOOD:
        speaker = running.speaker
        told = [
            any(speaker.acknowledged(peer, prefix) for peer in speaker.planned(prefix))
            for prefix in speaker.prefixes()
        ]
        return PrefixCount(announced=sum(told), planned=len(told), held=held)
    return PrefixCount(
        announced=running.node_statuses.announced, planned=len(running.node.desired), held=held
    )


def _of_sessions(context: Context | None, sessions: Iterable[NodeSession]) -> Iterator[VerdictRow]:
    """Why sessions are not up."""
    left_out = {} if context is None else left_out_of(context.verdicts)
    for session in sessions:
        if session.state is SessionState.ESTABLISHED:
            continue
        down = Verdict(
            reason=reason_of(session.reason, Reason.SESSION_DOWN), message=session.message
        )
        yield _row(left_out.get(session.peer, down), peer=session.peer)


def _of_context(context: Context | None) -> Iterator[VerdictRow]:
    """Why nothing is announced at all, or all of it last."""
    if context is None:
        return
    yield from (_row(one) for one in _of_whole_node(context))


def _of_whole_node(context: Context) -> tuple[Verdict, ...]:
    peers = left_out_of(context.verdicts).values()
    found = [one for one in context.verdicts if one not in peers]
    found += (one for one in (context.barred, context.last) if one is not None)
    return tuple(dict.fromkeys(found))


async def _add_prefixes(running: Running, rows: list[VerdictRow]) -> tuple[int, int]:
    """Why prefixes are not announced here, or not to all, or last.

    Returns:
        How many verdicts were too many, and how many prefixes a gate or a guard holds.
    """
    omitted = held = 0
    context = running.node.context
    said = _of_whole_node(context) if context is not None else ()
    for number, (prefix, verdicts) in enumerate(tuple(running.node.verdicts.items())):
        held += any(verdict.reason in _HOLDS for verdict in verdicts)
        if len(rows) >= LIMIT:
            omitted += len(verdicts)
            continue
        if number % _SLICE == 0:
            await asyncio.sleep(0)
        for service in running.node.services_of(prefix) or ("",):
            rows += (
                _row(verdict, service=service, prefix=str(prefix), peer=verdict.subject)
                for verdict in verdicts
                if verdict not in said
            )
    return omitted, held


async def _add_services(running: Running, rows: list[VerdictRow]) -> None:
    """Why Services have no address, as the leader wrote it into them."""
    for number, (key, service) in enumerate(running.stores.services.items()):
        if number % _SLICE == 0:
            await asyncio.sleep(0)
        for condition in service.status.conditions:
            if condition.type == ALLOCATED and condition.status == "False":
                row = VerdictRow(
                    service=key,
                    prefix="",
                    peer="",
                    reason=condition.reason,
                    message=condition.message,
                    remedy="",
                )
                rows.append(row)


def _row(verdict: Verdict, *, service: str = "", prefix: str = "", peer: str = "") -> VerdictRow:
    verdict = with_remedy(verdict)
    return VerdictRow(
        service=service,
        prefix=prefix,
        peer=peer,
        reason=str(verdict.reason),
        message=verdict.message,
        remedy=verdict.remedy,
    )


def _faults(running: Running) -> Iterator[FaultRow]:
    for (kind, key), faults in sorted(running.stores.faults.items()):
        for fault in faults:
            yield fault_row(kind, key, fault)


def fault_row(kind: Kind, key: Key, fault: Fault) -> FaultRow:
    """One fault of one object."""
    return FaultRow(
        kind=str(kind),
        name=key,
        path=fault.path,
        value=fault.value,
        message=fault.message,
        remedy=fault.remedy,
        reason=str(fault.reason),
    )
