"""The answer to `/v1/status`: the node in short, and what is wrong on it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from porter_bgp._version import __version__
from porter_ctl.api import SessionState
from porter_ctl.daemon.answers import (
    AllocatorState,
    FaultRow,
    PrefixCount,
    SessionCount,
    StatusAnswer,
    VerdictRow,
)
from porter_ctl.daemon.readiness import missing
from porter_ctl.plan import ALLOCATED, node_sessions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from porter_ctl.api import Fault, Key, Kind, NodeSession
    from porter_ctl.daemon.running import Running
    from porter_ctl.plan import Verdict

LIMIT = 1000  # verdicts
_PEER = "BGPPeer/"
_SLICE = 64  # objects between two turns of the event loop


async def status_answer(running: Running) -> StatusAnswer:
    """Look at everything once, in slices; of very many verdicts the first are told."""
    context = running.node.context
    lacking = missing(running)
    sessions = () if context is None else node_sessions(context, running.speaker.view())
    up = sum(session.state is SessionState.ESTABLISHED for session in sessions)
    verdicts = [*_of_sessions(sessions), *_of_context(running)]
    omitted = await _add_prefixes(running, verdicts)
    await _add_services(running, verdicts)
    return StatusAnswer(
        node=running.settings.node,
        version=__version__,
        source=running.settings.source_name,
        ready=not lacking,
        notReady=list(lacking),
        peers=SessionCount(established=up, configured=len(sessions)),
        prefixes=PrefixCount(
            announced=running.node_statuses.announced, planned=len(running.node.desired)
        ),
        allocator=AllocatorState(
            leading=running.leadership.leading, candidate=running.cluster.candidate
        ),
        verdicts=verdicts[:LIMIT],
        verdictsOmitted=max(0, len(verdicts) - LIMIT) + omitted,
        faults=[*running.cluster.faults(), *_faults(running)],
    )


def _of_sessions(sessions: Iterable[NodeSession]) -> Iterator[VerdictRow]:
    """Why sessions are not up."""
    for session in sessions:
        if session.state is not SessionState.ESTABLISHED:
            yield VerdictRow(
                service="",
                prefix="",
                peer=session.peer,
                reason=session.reason,
                message=session.message,
                remedy="",
            )


def _of_context(running: Running) -> Iterator[VerdictRow]:
    """Why nothing is announced at all."""
    context = running.node.context
    if context is not None:
        for verdict in context.verdicts:
            if not verdict.subject.startswith(_PEER):
                yield _row(verdict)


async def _add_prefixes(running: Running, rows: list[VerdictRow]) -> int:
    """Why prefixes are not announced here, or not to all; returns how many were too many."""
    omitted = 0
    for number, (prefix, verdicts) in enumerate(tuple(running.node.verdicts.items())):
        if len(rows) >= LIMIT:
            omitted += len(verdicts)
            continue
        if number % _SLICE == 0:
            await asyncio.sleep(0)
        for service in running.node.services_of(prefix) or ("",):
            rows += (
                _row(verdict, service=service, prefix=str(prefix), peer=verdict.subject)
                for verdict in verdicts
            )
    return omitted


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
