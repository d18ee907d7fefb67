"""The metrics page: one collector that reads facts of one moment, so that no series outlives them.

Names follow Prometheus' rules: base units, `_total` on counters alone, times as timestamps,
identity in one info series to join with. `peer` is the peer's address everywhere; its name is in
`porter_bgp_peer_info`. To add a metric, add a family to the function of its subject.
"""

from __future__ import annotations

import asyncio
import platform
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from porter_bgp.fsm import State
from porter_ctl.daemon.loop_lag import BOUNDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from prometheus_client.core import Metric

    from porter_bgp.view import PeerView
    from porter_ctl.daemon.facts import NodeFacts, ProcessFacts

_FRESH = 1.0  # seconds for which a page is not rendered again
_VERDICTS = {"DISCARD": "discard", "TREAT_AS_WITHDRAW": "treat-as-withdraw", "RESET": "reset"}


class MetricsPage:
    """Renders the page, in a thread, one at a time, and at most once a second."""

    def __init__(
        self, process: Callable[[], ProcessFacts], node: Callable[[], NodeFacts | None]
    ) -> None:
        """Args give the facts; both are called in the event loop.

        Args:
            process: Of this process.
            node: Of the node; None before there is one.
        """
        self._process = process
        self._node = node
        self._facts = _FactsCollector()
        self._registry = CollectorRegistry()
        for collector in (ProcessCollector(registry=None), self._facts):
            self._registry.register(collector)
        GCCollector(registry=self._registry)
        self._rendering = asyncio.Lock()
        self._pages: dict[str, tuple[float, bytes]] = {}

    async def render(self, accept: str) -> tuple[bytes, str]:
        """The page in the format that the header `Accept` asks for, and its content type."""
        encode, content_type = choose_encoder(accept)
        async with self._rendering:
            now = asyncio.get_running_loop().time()
            at, page = self._pages.get(content_type, (-_FRESH, b""))
            if now - at >= _FRESH:
                self._facts.process, self._facts.node = self._process(), self._node()
                page = await asyncio.to_thread(encode, self._registry)
                self._pages[content_type] = now, page
        return page, content_type


class _FactsCollector(Collector):
    def __init__(self) -> None:
        self.process: ProcessFacts | None = None
        self.node: NodeFacts | None = None

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        if self.process is not None:
            yield from families_of_process(self.process)
        if self.node is not None:
            yield from families_of_node(self.node)


def families_of_process(facts: ProcessFacts) -> Iterator[Metric]:
    """What is told before there is a speaker."""
    build = InfoMetricFamily("porter_build", "What runs.")
    build.add_metric((), {"version": facts.version, "python": platform.python_version()})
    yield build
    yield CounterMetricFamily(
        "porter_log_lines_dropped",
        "Log lines that were not written because nobody read in time.",
        value=facts.lines_dropped,
    )
    lag = HistogramMetricFamily(
        "porter_event_loop_lag_seconds", "How late the event loop was; a stall loses sessions."
    )
    running, buckets = 0, []
    for bound, count in zip(BOUNDS, facts.lag_counts, strict=True):
        running += count
        buckets.append(("+Inf" if bound == BOUNDS[-1] else str(bound), float(running)))
    lag.add_metric((), buckets, facts.lag_total)
    yield lag


def families_of_node(facts: NodeFacts) -> Iterator[Metric]:
    """What is told of the node."""
    peers = tuple(facts.view.peers.values())
    yield from _sessions(facts, peers)
    yield from _messages(peers)
    yield from _prefixes(peers)
    yield from _services(facts)
    yield from _pools(facts)
    yield from _cluster(facts)


def _sessions(facts: NodeFacts, peers: tuple[PeerView, ...]) -> Iterator[Metric]:
    up = GaugeMetricFamily(
        "porter_bgp_session_up", "1 while the session is Established.", labels=("peer",)
    )
    state = GaugeMetricFamily(
        "porter_bgp_session_state",
        "1 for the state that the session is in (RFC 4271).",
        labels=("peer", "state"),
    )
    since = GaugeMetricFamily(
        "porter_bgp_session_established_timestamp_seconds",
        "When the present session came up, in seconds since 1970.",
        labels=("peer",),
    )
    hold = GaugeMetricFamily(
        "porter_bgp_hold_time_seconds", "The hold time agreed on.", labels=("peer",)
    )
    graceful = GaugeMetricFamily(
        "porter_bgp_session_graceful_restart",
        "1 while the session would survive a restart of either end, for all its families.",
        labels=("peer",),
    )
    unacknowledged = GaugeMetricFamily(
        "porter_bgp_unacknowledged_timestamp_seconds",
        "When the oldest octets were sent that the peer's kernel has not acknowledged.",
        labels=("peer",),
    )
    transitions = CounterMetricFamily(
        "porter_bgp_session_transitions", "Sessions that came up, or went.", labels=("peer", "to")
    )
    info = InfoMetricFamily("porter_bgp_peer", "Who the peer is.", labels=("peer",))
    for peer in peers:
        label = (str(peer.remote),)
        up.add_metric(label, float(peer.established))
        for one in State:
            state.add_metric((*label, one.value), float(one is peer.state))
        if peer.established_at is not None:
            since.add_metric(label, round(peer.established_at + facts.wall_offset, 3))
            hold.add_metric(label, peer.hold_time)
            graceful.add_metric(label, float(peer.graceful_restart))
        if peer.unacknowledged_since is not None:
            at = round(peer.unacknowledged_since + facts.wall_offset, 3)
            unacknowledged.add_metric(label, at)
        transitions.add_metric((*label, "established"), peer.flaps + peer.established)
        transitions.add_metric((*label, "down"), peer.flaps)
        info.add_metric(label, _identity(facts, peer))
    yield from (up, state, since, hold, graceful, unacknowledged, transitions, info)


def _identity(facts: NodeFacts, peer: PeerView) -> dict[str, str]:
    configured = facts.peers.get(peer.name)
    identity = {
        "name": peer.name,
        "peer_asn": str(peer.peer_asn or ""),
        "router_id": str(peer.peer_id or ""),
    }
    if configured is not None:
        session = configured.session
        identity["local_asn"] = str(session.shown_asn)
        identity["password"] = "yes" if configured.tcp.md5_password else "no"
        if peer.peer_asn is not None:
            external = session.external_to(peer.peer_asn)
            identity["type"] = "external" if external else "internal"
    return identity


def _messages(peers: tuple[PeerView, ...]) -> Iterator[Metric]:
    messages = CounterMetricFamily(
        "porter_bgp_messages", "BGP messages.", labels=("peer", "direction", "type")
    )
    notifications = CounterMetricFamily(
        "porter_bgp_notifications", "NOTIFICATIONs.", labels=("peer", "direction")
    )
    malformed = CounterMetricFamily(
        "porter_bgp_malformed_updates",
        "Faults in received UPDATEs, by what was done about them (RFC 7606).",
        labels=("peer", "action"),
    )
    for peer in peers:
        remote = str(peer.remote)
        for direction, counts in (("in", peer.received_messages), ("out", peer.sent_messages)):
            for name, count in counts.items():
                messages.add_metric((remote, direction, name.lower()), count)
            notifications.add_metric((remote, direction), counts.get("NOTIFICATION", 0))
        for verdict, action in _VERDICTS.items():
            malformed.add_metric((remote, action), peer.faults.get(verdict, 0))
    yield from (messages, notifications, malformed)


def _prefixes(peers: tuple[PeerView, ...]) -> Iterator[Metric]:
    labels = ("peer", "afi", "safi")
    advertised = GaugeMetricFamily(
        "porter_bgp_advertised_prefixes", "Routes that the peer was told.", labels=labels
    )
    pending = GaugeMetricFamily(
        "porter_bgp_pending_prefixes", "Routes that it has yet to be told.", labels=labels
    )
    received = GaugeMetricFamily(
        "porter_bgp_received_prefixes", "Routes that it told us.", labels=labels
    )
    stale = GaugeMetricFamily(
        "porter_bgp_stale_prefixes", "Routes of it that are kept while it restarts.", labels=labels
    )
    over = GaugeMetricFamily(
        "porter_bgp_prefix_limit_exceeded",
        "1 while it told us of more prefixes than maxPrefixes allows.",
        labels=labels,
    )
    for peer in peers:
        for family, seen in peer.families.items():
            afi, _, safi = str(family).partition("-")
            label = (str(peer.remote), afi, safi)
            advertised.add_metric(label, seen.advertised)
            pending.add_metric(label, seen.pending)
            received.add_metric(label, seen.received)
            stale.add_metric(label, seen.stale)
            over.add_metric(label, float(seen.over_limit))
    yield from (advertised, pending, received, stale, over)


def _services(facts: NodeFacts) -> Iterator[Metric]:
    decisions = GaugeMetricFamily(
        "porter_service_decisions",
        "Service addresses, and Services without one, by what this process decided about them.",
        labels=("reason",),
    )
    for reason, count in sorted(facts.reasons.counts.items()):
        decisions.add_metric((str(reason),), count)
    reasons = GaugeMetricFamily(
        "porter_service_reason",
        "1 for each Service that is not well, with the reason that porter why gives here.",
        labels=("namespace", "service", "reason"),
    )
    for key, reason in facts.reasons.named.items():
        namespace, _, name = key.partition("/")
        reasons.add_metric((namespace, name, str(reason)), 1)
    reasons_omitted = GaugeMetricFamily(
        "porter_service_reason_omitted",
        "Services that are not well and have no series of their own: there are too many.",
        value=facts.reasons.omitted,
    )
    announced = GaugeMetricFamily(
        "porter_speaker_announced",
        "1 for each Service address that this node announces.",
        labels=("namespace", "service", "ip"),
    )
    for key, address in facts.announced:
        namespace, _, name = key.partition("/")
        announced.add_metric((namespace, name, address), 1)
    omitted = GaugeMetricFamily(
        "porter_speaker_announced_omitted",
        "Addresses that have no series of their own, because there are too many.",
        value=facts.announced_omitted,
    )
    yield from (decisions, reasons, reasons_omitted, announced, omitted)


def _pools(facts: NodeFacts) -> Iterator[Metric]:
    size = GaugeMetricFamily(
        "porter_pool_addresses", "Addresses that a pool has.", labels=("pool", "family")
    )
    in_use = GaugeMetricFamily(
        "porter_pool_addresses_in_use", "Those that Services hold.", labels=("pool", "family")
    )
    for one in facts.pools:
        size.add_metric((one.pool, one.family), float(one.size))
        in_use.add_metric((one.pool, one.family), one.in_use)
    yield from (size, in_use)


def _cluster(facts: NodeFacts) -> Iterator[Metric]:
    objects = GaugeMetricFamily(
        "porter_watch_objects", "Objects that are known.", labels=("resource",)
    )
    for kind, count in facts.objects.items():
        objects.add_metric((kind,), count)
    leader = GaugeMetricFamily(
        "porter_leader", "1 while this process allocates addresses.", labels=("lease",)
    )
    leader.add_metric(("porter-allocator",), float(facts.leading))
    yield from (
        objects,
        leader,
        GaugeMetricFamily(
            "porter_config_loaded", "1 once there is a plan.", value=float(facts.loaded)
        ),
        GaugeMetricFamily(
            "porter_config_stale",
            "1 while the cluster has not been heard of for minutes.",
            value=float(facts.stale),
        ),
        GaugeMetricFamily(
            "porter_config_last_good",
            "1 while what is announced rests on the last-good file.",
            value=float(facts.last_good),
        ),
        GaugeMetricFamily(
            "porter_guard_kept_prefixes",
            "Prefixes that would have gone, with too many others, and are kept for a while.",
            value=facts.kept,
        ),
    )
