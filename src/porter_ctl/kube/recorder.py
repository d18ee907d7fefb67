"""Events (events.k8s.io/v1): what `kubectl describe` shows of what happened.

The same event again within some minutes becomes a series of the first one, and a burst about one
object is cut: Events help people, they must not load the API server. So the recorder loses events
rather than fail: it raises nothing, and is silent for a while after the API server was.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from porter_ctl.api import KINDS
from porter_ctl.kube.client import MERGE_PATCH
from porter_ctl.kube.errors import failure
from porter_ctl.store.port import NotFound, PortFailure

if TYPE_CHECKING:
    from porter_ctl.kube.client import KubeClient, Reply
    from porter_ctl.store.port import KubeEvent

K = TypeVar("K")
V = TypeVar("V")
_log = logging.getLogger(__name__)

CONTROLLER = "porter.network/porter"
_DEFAULT_NAMESPACE = "default"  # the only one for events about objects that are in none
_SERIES = 360.0  # seconds after which a repetition is a new event
_BURST = 25.0  # events about one object at once
_REFILL = 1 / 60  # and one more a minute
_KEPT = 4096  # series and budgets remembered; beyond, the oldest half is forgotten
_NOTE = 1024
_WORD = 128


@dataclass(slots=True, kw_only=True)
class _Series:
    path: str
    count: int = 1
    last: float


@dataclass(slots=True, kw_only=True)
class _Budget:
    tokens: float = _BURST
    since: float


class Recorder:
    """Writes events for one process."""

    def __init__(self, client: KubeClient, *, instance: str) -> None:
        """`instance` is the process that reports, usually its Pod's name."""
        self._client = client
        self._instance = instance[:_WORD]
        self._series: dict[KubeEvent, _Series] = {}
        self._budgets: dict[tuple[str, str, str], _Budget] = {}
        self._silent_until = 0.0
        self.lost = 0  # events not written, for the metrics

    async def emit(self, event: KubeEvent) -> None:
        """Write the event, or lose it."""
        now = asyncio.get_running_loop().time()
        if now < self._silent_until or not self._affordable(event, now):
            self.lost += 1
            return
        try:
            await self._write(event, now)
        except PortFailure as error:
            self.lost += 1
            self._silent_until = now + self._client.timings.silence
            _log.warning("events are lost for a while: %s", error)

    async def _write(self, event: KubeEvent, now: float) -> None:
        series = self._series.get(event)
        if series is not None and now - series.last < _SERIES:
            series.count += 1
            series.last = now
            try:
                await self._continue(series)
            except NotFound:  # the API server forgets events after an hour
                del self._series[event]
            else:
                return
        path = await self._create(event)
        _shrink(self._series)
        self._series[event] = _Series(path=path, last=now)

    async def _create(self, event: KubeEvent) -> str:
        ref = event.regarding
        namespace = ref.namespace or _DEFAULT_NAMESPACE
        name = f"{ref.name[:200]}.{secrets.token_hex(8)}"
        path = f"/apis/events.k8s.io/v1/namespaces/{namespace}/events"
        body = {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": namespace},
            "eventTime": micro_time(),
            "type": event.type,
            "reason": event.reason[:_WORD],
            "action": event.action[:_WORD],
            "note": event.note[:_NOTE],
            "regarding": {
                "apiVersion": KINDS[ref.kind].api_version,
                "kind": str(ref.kind),
                "name": ref.name,
                "namespace": namespace,
                "uid": event.uid,
            },
            "reportingController": CONTROLLER,
            "reportingInstance": self._instance,
        }
        reply = await self._send("POST", path, body)
        if not reply.ok:
            raise failure(reply, "create", f"an Event in {namespace}")
        return f"{path}/{name}"

    async def _continue(self, series: _Series) -> None:
        body = {"series": {"count": series.count, "lastObservedTime": micro_time()}}
        reply = await self._send("PATCH", series.path, body)
        if not reply.ok:
            raise failure(reply, "patch", "an Event")

    async def _send(self, method: str, path: str, body: object) -> Reply:
        return await self._client.request(
            method,
            path,
            body=body,
            content_type=MERGE_PATCH if method == "PATCH" else "application/json",
            timeout=self._client.timings.event,
        )

    def _affordable(self, event: KubeEvent, now: float) -> bool:
        ref = event.regarding
        about = (str(ref.kind), ref.namespace, ref.name)
        if about not in self._budgets:
            _shrink(self._budgets)
        budget = self._budgets.setdefault(about, _Budget(since=now))
        budget.tokens = min(_BURST, budget.tokens + (now - budget.since) * _REFILL)
        budget.since = now
        if budget.tokens < 1:
            return False
        budget.tokens -= 1
        return True


def micro_time() -> str:
    """Now, as the API spells times with microseconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _shrink(memory: dict[K, V]) -> None:
    """Keep what is remembered within bounds."""
    if len(memory) >= _KEPT:
        for key in list(memory)[: _KEPT // 2]:
            del memory[key]
