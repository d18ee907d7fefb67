"""No first announcement before this node's kube-proxy serves the address.

Traffic that arrives before the rules leaves conntrack entries without NAT, and such flows fail
long after the rules came. *First* is per prefix and the Services (by UID) that hold it: what was
announced for them once passes from then on, and so does, after a mere restart of the process, what
stood in a Service's status when the first list came.

The evidence for `KubeProxy`: a sync of that IP version that ended after the address was seen here,
or 2 s without any, for then kube-proxy had seen the address before we did (it syncs within a second
of what it sees, and not again for nothing); then, since such a sync may still have missed it, one
TCP connect to the address that is answered or refused, or where there is no TCP port one second
more; for `Local` Services also a healthy healthCheckNodePort. Where nothing answers for kube-proxy
for 10 s, a delay has to do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, assert_never

from porter_bgp.wire import Prefix
from porter_ctl.api import DataplaneGate as Mode
from porter_ctl.gate.agenda import Agenda
from porter_ctl.gate.evidence import (
    Connected,
    ConnectQuery,
    HealthQuery,
    Healthy,
    SyncQuery,
    SyncRefused,
    SyncTimes,
)
from porter_ctl.plan import Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from porter_ctl.gate.evidence import Evidence, Query
    from porter_ctl.plan import PrefixPlan, Serving

POLL_INTERVAL = 0.1  # seconds between two questions of one kind
REFUSED_LIMIT = 10.0  # seconds without an answer for kube-proxy, after which a delay has to do
QUIET = 2.0  # seconds without a sync, after which there is none to come for what was seen
GRACE_WITHOUT_TCP = 1.0  # seconds after a sync, where no connect can tell


@dataclass(slots=True)
class _Waiting:
    serving: Serving
    version: int
    since: float
    sync_after: float  # a sync that ended earlier proves nothing
    synced_at: float | None = None
    connected: bool = False
    healthy: bool = False


class DataplaneGate:
    """Holds the first announcement of a prefix back until it would be served here.

    The driver calls `wanted` after every call of `admit`, `evidence` and `handle_timeout`, carries
    the queries out, and gives exactly one answer to each: a query is not repeated before.
    """

    def __init__(self, *, new_boot: bool) -> None:
        """Begin.

        Args:
            new_boot: The node has booted since Porter last ran: no address is programmed yet.
        """
        self._mode = Mode.KUBE_PROXY
        self._delay = 3.0
        self._trusting = not new_boot
        self._known: dict[Prefix, frozenset[str]] = {}  # these need no evidence any more
        self._announced: dict[Prefix, frozenset[str]] = {}  # and these had paths
        self._waiting: dict[Prefix, _Waiting] = {}
        self._unsynced: set[Prefix] = set()
        self._health: dict[int, set[Prefix]] = {}
        self._refused_since: float | None = None
        self._unverified = False
        self._open: set[Query] = set()
        self._queries: Agenda[Query] = Agenda()
        self._timeouts: Agenda[Prefix] = Agenda()

    def configure(self, mode: Mode, delay: float) -> None:
        """Set the kind of evidence asked for; every prefix is to be admitted again after this.

        Args:
            mode: What to ask.
            delay: Seconds to wait where there is nobody to ask.
        """
        self._mode, self._delay = mode, delay

    def remember(self, served: Mapping[Prefix, frozenset[str]]) -> None:
        """Take it that these have passed before, in this boot, for the Services of these UIDs."""
        self._known.update(served)
        self._announced.update(served)

    def first_list_done(self) -> None:
        """Say that all of the first list has been admitted: from now on new addresses are new."""
        self._trusting = False

    @property
    def waiting(self) -> int:
        """How many prefixes are held back."""
        return len(self._waiting)

    @property
    def unverified(self) -> bool:
        """Whether a delay has to do for want of a kube-proxy (DataplaneUnverified)."""
        return self._unverified

    def announced(self, prefix: Prefix) -> frozenset[str]:
        """Return the UIDs of the Services for which `prefix` has passed: the planner's question."""
        return self._announced.get(prefix, frozenset())

    def admit(self, wanted: PrefixPlan, now: float) -> PrefixPlan:
        """Let `wanted` pass, or hold all its paths back with the reason."""
        prefix, serving = wanted.prefix, wanted.serving
        if serving is not None and self._passes(wanted, serving, now):
            self._known[prefix] = serving.holders
            if wanted.paths:
                self._announced[prefix] = serving.holders
            self._drop(prefix)
            return wanted
        self._known.pop(prefix, None)
        self._announced.pop(prefix, None)
        if serving is None or not wanted.paths:
            self._drop(prefix)
            return wanted
        self._wait(prefix, serving, now)
        return replace(wanted, paths={}, verdicts=(self._verdict(prefix),))

    def wanted(self, now: float) -> frozenset[Query]:
        """Return the queries that are due and not on their way yet."""
        due = {query for query in self._queries.due(now) if self._needed(query)}
        return frozenset(due)

    def evidence(self, item: Evidence, now: float) -> frozenset[Prefix]:
        """Take an answer; return the prefixes to admit again."""
        match item:
            case SyncTimes(ended):
                self._open.discard(SyncQuery())
                return self._synced(dict(ended), now)
            case SyncRefused():
                self._open.discard(SyncQuery())
                return self._refused(now)
            case Connected(address, port, reached):
                self._open.discard(ConnectQuery(address, port))
                return self._connected(ConnectQuery(address, port), now, reached=reached)
            case Healthy(port, ok):
                self._open.discard(HealthQuery(port))
                return self._healthy(port, now, ok=ok)
            case _:
                assert_never(item)

    def next_deadline(self) -> float | None:
        """Return when `handle_timeout` and then `wanted` are due."""
        times = (self._queries.next(), self._timeouts.next())
        return min((time for time in times if time is not None), default=None)

    def handle_timeout(self, now: float) -> frozenset[Prefix]:
        """Return the prefixes whose waiting may be over."""
        return frozenset(prefix for prefix in self._timeouts.due(now) if prefix in self._waiting)

    # What has passed

    def _passes(self, wanted: PrefixPlan, serving: Serving, now: float) -> bool:
        if self._known.get(wanted.prefix, frozenset()) & serving.holders:
            return True
        if self._trusting and serving.in_status:
            return True
        if self._mode is Mode.NONE:
            return bool(wanted.paths)
        waiting = self._waiting.get(wanted.prefix)
        return (
            waiting is not None
            and waiting.serving.holders == serving.holders
            and self._proven(waiting, now)
        )

    def _proven(self, waiting: _Waiting, now: float) -> bool:
        if self._mode is Mode.DELAY or self._unverified:
            return now >= waiting.since + self._delay
        if waiting.synced_at is None:
            return False
        if waiting.serving.health_check_port is not None and not waiting.healthy:
            return False
        if waiting.serving.tcp_port is not None:
            return waiting.connected
        return now >= waiting.synced_at + GRACE_WITHOUT_TCP

    def _verdict(self, prefix: Prefix) -> Verdict:
        if self._mode is Mode.DELAY or self._unverified:
            return Verdict(
                reason=Reason.DATAPLANE_NOT_READY,
                message=f"{prefix} is announced {self._delay:g} s after it was first seen here",
            )
        return Verdict(
            reason=Reason.DATAPLANE_NOT_READY,
            message=f"kube-proxy on this node does not serve {prefix} yet",
            remedy="if this lasts, look at kube-proxy's log on this node",
        )

    # What is waited for

    def _wait(self, prefix: Prefix, serving: Serving, now: float) -> None:
        waiting = self._waiting.get(prefix)
        if waiting is None or waiting.serving.holders != serving.holders:
            self._drop(prefix)
            if not self._unsynced and not self._unverified:
                self._refused_since = None  # nobody has asked for a while
            version = 4 if prefix.family.bits == 32 else 6
            waiting = self._waiting[prefix] = _Waiting(serving, version, since=now, sync_after=now)
            self._unsynced.add(prefix)
        elif waiting.serving != serving:
            self._forget_health(prefix, waiting.serving)
            waiting.serving, waiting.connected, waiting.healthy = serving, False, False
        if self._mode is Mode.DELAY or self._unverified:
            self._timeouts.add(waiting.since + self._delay, prefix)
        if self._mode is Mode.KUBE_PROXY:
            self._ask(SyncQuery(), now)
            if serving.health_check_port is not None and not waiting.healthy:
                self._health.setdefault(serving.health_check_port, set()).add(prefix)
                self._ask(HealthQuery(serving.health_check_port), now)
            if waiting.synced_at is not None:
                self._ask_connect(prefix, waiting, now)

    def _drop(self, prefix: Prefix) -> None:
        waiting = self._waiting.pop(prefix, None)
        if waiting is not None:
            self._unsynced.discard(prefix)
            self._forget_health(prefix, waiting.serving)

    def _forget_health(self, prefix: Prefix, serving: Serving) -> None:
        if serving.health_check_port in self._health:
            self._health[serving.health_check_port].discard(prefix)
            if not self._health[serving.health_check_port]:
                del self._health[serving.health_check_port]

    # Questions and answers

    def _ask(self, query: Query, at: float) -> None:
        if query not in self._open:
            self._open.add(query)
            self._queries.add(at, query)

    def _needed(self, query: Query) -> bool:
        match query:
            case SyncQuery():
                needed = bool(self._unsynced)
            case ConnectQuery(address, port):
                waiting = self._waiting.get(Prefix.of(address))
                needed = waiting is not None and waiting.serving.tcp_port == port
            case HealthQuery(port):
                needed = port in self._health
            case _:
                assert_never(query)
        if not needed:
            self._open.discard(query)
        return needed

    def _synced(self, ended: dict[int, float], now: float) -> frozenset[Prefix]:
        self._refused_since, was_unverified = None, self._unverified
        self._unverified = False
        passed = set()
        for prefix in tuple(self._unsynced):
            waiting = self._waiting[prefix]
            later = ended.get(waiting.version, float("-inf")) > waiting.sync_after
            if not later and now < waiting.sync_after + QUIET:
                continue
            waiting.synced_at = now
            self._unsynced.discard(prefix)
            self._ask_connect(prefix, waiting, now)
            if self._proven(waiting, now):
                passed.add(prefix)
        if self._unsynced:
            self._ask(SyncQuery(), now + POLL_INTERVAL)
        return frozenset(self._waiting) if was_unverified else frozenset(passed)

    def _ask_connect(self, prefix: Prefix, waiting: _Waiting, now: float) -> None:
        if waiting.serving.tcp_port is None:
            self._timeouts.add(now + GRACE_WITHOUT_TCP, prefix)
        elif not waiting.connected:
            self._ask(ConnectQuery(prefix.address, waiting.serving.tcp_port), now)

    def _refused(self, now: float) -> frozenset[Prefix]:
        if self._refused_since is None:
            self._refused_since = now
        if self._unsynced:
            self._ask(SyncQuery(), now + POLL_INTERVAL)
        if self._unverified or now < self._refused_since + REFUSED_LIMIT:
            return frozenset()
        self._unverified = True
        return frozenset(self._waiting)

    def _connected(self, asked: ConnectQuery, now: float, *, reached: bool) -> frozenset[Prefix]:
        prefix = Prefix.of(asked.address)
        waiting = self._waiting.get(prefix)
        if waiting is None or waiting.synced_at is None or waiting.serving.tcp_port != asked.port:
            return frozenset()
        if reached:
            waiting.connected = True
            return frozenset({prefix}) if self._proven(waiting, now) else frozenset()
        waiting.synced_at, waiting.sync_after = None, now
        self._unsynced.add(prefix)
        self._ask(SyncQuery(), now + POLL_INTERVAL)
        return frozenset()

    def _healthy(self, port: int, now: float, *, ok: bool) -> frozenset[Prefix]:
        prefixes = self._health.get(port, set())
        if not ok:
            if prefixes:
                self._ask(HealthQuery(port), now + POLL_INTERVAL)
            return frozenset()
        self._health.pop(port, None)
        for prefix in prefixes:
            self._waiting[prefix].healthy = True
        return frozenset(prefix for prefix in prefixes if self._proven(self._waiting[prefix], now))
