"""What a page of metrics is made from: immutable, taken in the event loop, of one moment."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from porter_ctl.api import Kind, PlanSource
from porter_ctl.daemon.service_reasons import service_reasons

if TYPE_CHECKING:
    from collections.abc import Mapping

    from porter_bgp.config import PeerConfig
    from porter_bgp.view import SpeakerView
    from porter_ctl.daemon.loop_lag import LoopLag
    from porter_ctl.daemon.running import Running
    from porter_ctl.daemon.service_reasons import ServiceReasons

SERVICE_LIMIT = 1000  # series that each name a Service
_STALE_SECONDS = 180.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolUse:
    """How full one family of one pool is, in addresses."""

    pool: str
    family: str
    size: int
    in_use: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessFacts:
    """What is known of the process whether or not it runs a speaker yet.

    Attributes:
        version: Porter's.
        lines_dropped: Log lines that nobody read in time.
        lag_counts: As `LoopLag.counts`.
        lag_total: As `LoopLag.total`.
    """

    version: str
    lines_dropped: int
    lag_counts: tuple[int, ...]
    lag_total: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFacts:
    """What is known of the node.

    Attributes:
        view: What its speaker sees.
        peers: Its sessions as configured.
        wall_offset: What to add to the speaker's clock to have seconds since 1970.
        reasons: Which Services are not well, and why.
        announced: Namespace/name of a Service and its address, as far as the limit goes.
        announced_omitted: How many are beyond it.
        pools: How full they are.
        objects: How many objects are known, by kind.
        leading: Whether this process allocates.
        loaded: Whether there is a plan.
        stale: Whether what is known may be old.
        last_good: Whether what is announced rests on the last-good file.
        kept: How many prefixes a guard keeps that would have gone.
    """

    view: SpeakerView
    peers: Mapping[str, PeerConfig]
    wall_offset: float
    reasons: ServiceReasons
    announced: tuple[tuple[str, str], ...]
    announced_omitted: int
    pools: tuple[PoolUse, ...]
    objects: Mapping[str, int]
    leading: bool
    loaded: bool
    stale: bool
    last_good: bool
    kept: int


def process_facts(version: str, lines_dropped: int, lag: LoopLag) -> ProcessFacts:
    """Take what is known of the process."""
    return ProcessFacts(
        version=version,
        lines_dropped=lines_dropped,
        lag_counts=tuple(lag.counts),
        lag_total=lag.total,
    )


def node_facts(running: Running, *, now: float, wall_offset: float) -> NodeFacts:
    """Take what is known of the node; `now` is loop time."""
    node, stores, speaker = running.node, running.stores, running.speaker
    prefixes = speaker.prefixes()
    shown = islice(prefixes, SERVICE_LIMIT)
    return NodeFacts(
        view=speaker.view(),
        peers=node.context.peers if node.context is not None else {},
        wall_offset=wall_offset,
        reasons=service_reasons(running),
        announced=tuple((key, str(p.address)) for p in shown for key in node.services_of(p)),
        announced_omitted=max(0, len(prefixes) - SERVICE_LIMIT),
        pools=_pools(running),
        objects={str(kind): len(stores.of(kind)) for kind in Kind},
        leading=running.leadership.leading,
        loaded=node.context is not None,
        stale=running.cluster.source.stale_for(now) > _STALE_SECONDS,
        last_good=node.source is PlanSource.LAST_GOOD,
        kept=node.guards.kept,
    )


def _pools(running: Running) -> tuple[PoolUse, ...]:
    ledger = running.allocator.ledger
    return tuple(
        PoolUse(
            pool=pool.name,
            family=f"ipv{version}",
            size=owned.size,
            in_use=ledger.held[version].count(owned),
        )
        for pool in ledger.pools.values()
        for version, owned in pool.owned.items()
        if owned
    )
