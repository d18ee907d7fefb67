"""One leader among many: a Lease, judged on our own clock.

A lease is stale only after *we* saw it unchanged for as long as it lasts: times written by others
are never compared with our clock. We lead only until a deadline of our own, counted from before
the last successful write was sent: it passes also when a request hangs or this process is stopped,
and before anybody else may find our lease stale. Writes carry the resourceVersion read, so of two
that try one succeeds.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from porter_ctl.kube.errors import failure
from porter_ctl.kube.recorder import micro_time
from porter_ctl.store.port import AlreadyExists, Conflict, NotFound, PortFailure, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from porter_ctl.kube.client import KubeClient, Reply

_log = logging.getLogger(__name__)

LEASE_NAME = "porter-allocator"
_NAME_FOR_TESTS = "PORTER_LEASE_NAME"  # two allocators at once: nobody but a test wants that
_LONGEST = 120.0  # seconds that we wait for a holder, whatever it wrote
_PORTER = re.compile(r".*_[0-9a-f]{16}")  # an identity of ours: a Pod and a process


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseTimings:
    """All in seconds.

    Attributes:
        duration: So long others must see the lease unchanged before they may take it.
        deadline: So long after the last successful write was begun we still lead.
        retry: Between two attempts, and the longest a request may take.
        standby: Who is no candidate looks so often, and takes a lease unchanged for so long.
        give_back: The longest that giving the lead back may take at the end.
    """

    duration: float = 15.0
    deadline: float = 10.0
    retry: float = 2.0
    standby: float = 60.0
    give_back: float = 1.0


class _Spec(msgspec.Struct, frozen=True, rename="camel"):
    holder_identity: str | None = None
    lease_duration_seconds: int | None = None
    acquire_time: str | None = None
    renew_time: str | None = None
    lease_transitions: int | None = None


class _Metadata(msgspec.Struct, frozen=True, rename="camel"):
    resource_version: str = ""


class _Lease(msgspec.Struct, frozen=True):
    metadata: _Metadata = _Metadata()
    spec: _Spec = _Spec()


_ABSENT = _Lease()
_lease = msgspec.json.Decoder(_Lease)


class LeaseElection:
    """Implements `porter_ctl.store.port.Leadership` with a Lease."""

    def __init__(
        self,
        client: KubeClient,
        *,
        identity: str,
        candidate: bool,
        namespace: str = "kube-system",
        name: str = "",
        timings: LeaseTimings | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Args say who we are and which lead we seek.

        Args:
            client: How to reach the API server.
            identity: Ours alone: the Pod's UID and something of this process.
            candidate: Whether we seek the lead; else we stand in when nobody leads.
            namespace: Of the Lease.
            name: Of the Lease; empty for the usual one.
            timings: How long for what.
            jitter: Uniform in [0, 1).
        """
        self.on_change: Callable[[bool], None] = _nobody
        self.on_trouble: Callable[[], None] = _nowhere
        self._client = client
        self._identity = identity
        self._candidate = candidate
        self._sought = asyncio.Event()
        self._path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        self._namespace = namespace
        self._name = name or os.environ.get(_NAME_FOR_TESTS, LEASE_NAME)
        self._timings = timings or LeaseTimings()
        self._jitter = jitter
        self._seen = _ABSENT
        self._seen_since: float | None = None
        self._until = 0.0
        self._told = False
        self._lapse: asyncio.TimerHandle | None = None
        self._failure = ""
        self._told_of = ""

    @property
    def leading(self) -> bool:
        """Whether we lead now, judged on our own clock."""
        return self._until > 0 and _now() < self._until

    @property
    def identity(self) -> str:
        """What we call ourselves in the Lease."""
        return self._identity

    @property
    def holder(self) -> str:
        """Who held the Lease when we last looked; empty for nobody."""
        return self._seen.spec.holder_identity or ""

    @property
    def trouble(self) -> str:
        """Why no Service may be getting an address, and what to do; empty where all is well."""
        if self.leading:
            return ""
        if self._failure:
            return self._failure
        if not self.holder or _PORTER.fullmatch(self.holder):
            return ""
        return (
            f"the Lease {self._namespace}/{self._name} is held by {self.holder!r}, which is no"
            " Porter: no Service is given an address until it ends; end it, or delete the Lease"
        )

    def seek(self, candidate: bool) -> None:  # noqa: FBT001 - a fact about us, not an option
        """Seek the lead from now on, or stand in when nobody leads."""
        if candidate and not self._candidate:
            self._sought.set()
        self._candidate = candidate

    def fence(self) -> float:
        """See that we lead.

        Returns:
            The seconds for which we may still write.

        Raises:
            Unavailable: We do not lead, or no longer.
        """
        left = self._until - _now()
        if left <= 0:
            raise Unavailable("the lead was lost")
        return left

    async def run(self) -> None:
        """Seek and keep the lead until cancelled, then give it back."""
        try:
            while True:
                try:
                    await self._attempt()
                except (Conflict, AlreadyExists):
                    self._seen_since = None  # somebody was faster: look again
                except PortFailure as error:
                    passing = isinstance(error, Unavailable)
                    self._failure = "" if passing else str(error)
                    self._complain(str(error))
                else:
                    self._failure = ""
                    self._complain(self.trouble)
                await self._rest(self._pause())
        finally:
            was_leading = self.leading
            self._lead_until(0.0)
            if was_leading:
                await self._give_back()

    def _complain(self, trouble: str) -> None:
        """Say it once."""
        if trouble and trouble != self._told_of:
            _log.warning("election: %s", trouble)
        changed, self._told_of = trouble != self._told_of, trouble
        if changed:
            self.on_trouble()

    async def _rest(self, seconds: float) -> None:
        """Wait, but not for longer than until the lead is sought."""
        self._sought.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._sought.wait()

    def _pause(self) -> float:
        if self._candidate or self.leading:
            return self._timings.retry * (1 + 0.2 * self._jitter())
        return self._timings.standby * (1 + 0.1 * self._jitter())

    async def _attempt(self) -> None:
        """Renew what is ours, or take what is nobody's."""
        started = _now()
        if self.leading:  # the version is known: one write instead of a read and a write
            try:
                await self._write(started)
            except Conflict:
                await self._look()
            else:
                return
        else:
            await self._look()
        started = _now()
        if self._mine() or self._stale(started):
            await self._write(started)

    async def _look(self) -> None:
        reply = await self._request("GET", f"{self._path}/{self._name}", None)
        if reply.status == 404:
            found = _ABSENT
        elif reply.ok:
            found = _read(reply.body)
        else:
            raise failure(reply, "get", f"lease {self._namespace}/{self._name}")
        if self._seen_since is None or found != self._seen:
            self._seen, self._seen_since = found, _now()  # not before it was read
        if self.leading and not self._mine():
            self._lead_until(0.0)

    def _mine(self) -> bool:
        return self._seen.spec.holder_identity == self._identity

    def _stale(self, now: float) -> bool:
        """Whether nobody holds the lease, as far as we saw."""
        unchanged = now - (self._seen_since or now)
        if not self._candidate:
            return unchanged >= self._timings.standby
        if not self._seen.spec.holder_identity:
            return True
        lasts = min(float(self._seen.spec.lease_duration_seconds or 0), _LONGEST)
        return unchanged >= max(self._timings.duration, lasts)

    async def _write(self, started: float) -> None:
        """Enter ourselves as holder, if the Lease is as we saw it last."""
        spec = self._seen.spec
        now = micro_time()
        new = not self._mine()
        await self._put(
            _Spec(
                holder_identity=self._identity,
                lease_duration_seconds=round(self._timings.duration) or 1,
                acquire_time=now if new or spec.acquire_time is None else spec.acquire_time,
                renew_time=now,
                lease_transitions=(spec.lease_transitions or 0)
                + (new and self._seen is not _ABSENT),
            )
        )
        self._seen_since = started
        self._lead_until(started + self._timings.deadline)

    async def _put(self, spec: _Spec) -> None:
        version = self._seen.metadata.resource_version
        metadata = {"name": self._name, "namespace": self._namespace}
        body = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {**metadata, "resourceVersion": version} if version else metadata,
            "spec": msgspec.to_builtins(spec),
        }
        if version:
            reply = await self._request("PUT", f"{self._path}/{self._name}", body)
        else:
            reply = await self._request("POST", self._path, body)
        if not reply.ok:
            verb = "update" if version else "create"
            error = failure(reply, verb, f"lease {self._namespace}/{self._name}")
            raise Conflict(str(error)) if isinstance(error, NotFound) else error
        self._seen = _read(reply.body)

    async def _give_back(self) -> None:
        spec = msgspec.structs.replace(
            self._seen.spec,
            holder_identity="",
            lease_duration_seconds=1,
            renew_time=micro_time(),
        )
        with contextlib.suppress(PortFailure, TimeoutError):
            async with asyncio.timeout(self._timings.give_back):
                await self._put(spec)
                _log.info("gave the lead back")

    def _lead_until(self, until: float) -> None:
        """Move the deadline; tells `on_change` where that begins or ends the lead."""
        if self._lapse is not None:
            self._lapse.cancel()
            self._lapse = None
        self._until = until
        leading = self.leading
        if leading:
            loop = asyncio.get_running_loop()
            self._lapse = loop.call_later(until - _now(), self._lead_until, 0.0)
        if leading != self._told:
            self._told = leading
            _log.info("leading as %s" if leading else "no longer leading (%s)", self._identity)
            self.on_change(leading)

    async def _request(self, method: str, path: str, body: object) -> Reply:
        seconds = self._timings.retry
        if self.leading:
            seconds = min(seconds, self._until - _now())
        return await self._client.request(method, path, body=body, timeout=max(seconds, 0.01))


def _read(body: bytes) -> _Lease:
    try:
        return _lease.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unavailable(f"not a Lease: {error}") from error


def _now() -> float:
    """A clock that nobody sets, and that runs on while this machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _nowhere() -> None:
    """Nobody asks yet."""


def _nobody(leading: bool) -> None:  # noqa: FBT001 - the shape of Leadership.on_change
    """Nobody wants to know yet."""
