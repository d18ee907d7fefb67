"""Carries the gates' questions to this node's kube-proxy and to the API, and the answers back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, assert_never

from porter_ctl.gate import (
    Connected,
    ConnectQuery,
    HealthQuery,
    Healthy,
    KindStands,
    SyncQuery,
    SyncRefused,
    SyncTimes,
)
from porter_ctl.host.dataplane import NoKubeProxyError
from porter_ctl.store.port import PortFailure

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from porter_ctl.api import Key, Kind
    from porter_ctl.gate import DataplaneGate, Evidence, KindQuery, Query
    from porter_ctl.host.dataplane import Dataplane
    from porter_ctl.reconcile.node import NodeReconciler


class EvidenceSeeker:
    """Asks what the gates want to know, each question in a task of its own.

    Args:
        gate: Who asks of the dataplane.
        dataplane: Who answers that.
        kind_exists: Answers whether the API serves a kind, or raises PortFailure.
        node: Who plans again what an answer concerns, and whose guards ask of kinds.
        wake: Has it do so.
    """

    def __init__(
        self,
        gate: DataplaneGate,
        dataplane: Dataplane,
        kind_exists: Callable[[Kind], Awaitable[bool]],
        *,
        node: NodeReconciler,
        wake: Callable[[], None],
    ) -> None:
        self._gate = gate
        self._dataplane = dataplane
        self._kind_exists = kind_exists
        self._node = node
        self._wake = wake
        self._loop = asyncio.get_running_loop()
        self._asked: set[asyncio.Task[None]] = set()

    def touch(self, kind: Kind, key: Key) -> None:
        """Nothing follows from a key alone."""

    def work(self, until: float) -> bool:
        """Ask what is due; `until` does not matter, for asking takes no time."""
        del until
        now = self._loop.time()
        for query in self._gate.wanted(now):
            self._begin(self._ask(query))
        for about in self._node.guards.wanted(now):
            self._begin(self._ask_of(about))
        return False

    def next_deadline(self) -> float | None:
        """When the next question is due."""
        return self._gate.next_deadline()

    def close(self) -> None:
        """Ask no more."""
        for task in self._asked:
            task.cancel()

    def _begin(self, asking: Coroutine[None, None, None]) -> None:
        task = self._loop.create_task(asking)
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)

    async def _ask_of(self, query: KindQuery) -> None:
        try:
            exists: bool | None = await self._kind_exists(query.kind)
        except PortFailure:
            exists = None
        answer = KindStands(query.kind, exists)
        self._node.plan_again(self._node.guards.evidence(answer, self._loop.time()))
        self._wake()

    async def _ask(self, query: Query) -> None:
        evidence = await self._answer(query)
        self._node.plan_again(self._gate.evidence(evidence, self._loop.time()))
        self._wake()

    @property
    def _addresses(self) -> tuple[str, ...]:
        context = self._node.context
        return tuple(map(str, context.node.addresses)) if context is not None else ()

    async def _answer(self, query: Query) -> Evidence:
        match query:
            case SyncQuery():
                try:
                    return SyncTimes(await self._dataplane.sync_times())
                except NoKubeProxyError as error:
                    return SyncRefused(str(error))
            case ConnectQuery(address, port):
                return Connected(address, port, await self._dataplane.connect(address, port))
            case HealthQuery(port):
                return Healthy(port, await self._dataplane.healthy(port, self._addresses))
            case _:
                assert_never(query)
