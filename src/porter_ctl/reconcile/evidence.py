"""Carries the dataplane gate's questions to this node's kube-proxy, and the answers back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, assert_never

from porter_ctl.gate import (
    Connected,
    ConnectQuery,
    HealthQuery,
    Healthy,
    SyncQuery,
    SyncRefused,
    SyncTimes,
)
from porter_ctl.host.dataplane import NoKubeProxyError

if TYPE_CHECKING:
    from collections.abc import Callable

    from porter_ctl.api import Key, Kind
    from porter_ctl.gate import DataplaneGate, Evidence, Query
    from porter_ctl.host.dataplane import Dataplane
    from porter_ctl.reconcile.node import NodeReconciler


class EvidenceSeeker:
    """Asks what the gate wants to know, each question in a task of its own.

    Args:
        gate: Who asks.
        dataplane: Who answers.
        node: Who plans again what an answer concerns.
        wake: Has it do so.
    """

    def __init__(
        self,
        gate: DataplaneGate,
        dataplane: Dataplane,
        *,
        node: NodeReconciler,
        wake: Callable[[], None],
    ) -> None:
        self._gate = gate
        self._dataplane = dataplane
        self._node = node
        self._wake = wake
        self._loop = asyncio.get_running_loop()
        self._asked: set[asyncio.Task[None]] = set()

    def touch(self, kind: Kind, key: Key) -> None:
        """Nothing follows from a key alone."""

    def work(self, until: float) -> bool:
        """Ask what is due; `until` does not matter, for asking takes no time."""
        del until
        for query in self._gate.wanted(self._loop.time()):
            task = self._loop.create_task(self._ask(query))
            self._asked.add(task)
            task.add_done_callback(self._asked.discard)
        return False

    def next_deadline(self) -> float | None:
        """When the next question is due."""
        return self._gate.next_deadline()

    def close(self) -> None:
        """Ask no more."""
        for task in self._asked:
            task.cancel()

    async def _ask(self, query: Query) -> None:
        evidence = await self._answer(query)
        self._node.plan_again(self._gate.evidence(evidence, self._loop.time()))
        self._wake()

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
                return Healthy(port, await self._dataplane.healthy(port))
            case _:
                assert_never(query)
