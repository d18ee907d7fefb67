"""An EndpointSlice as a watch tells of it, from its line to the UPDATEs at two routers.

The line is written by an API server of ours on loopback (`bench/stub_api.py`), the daemon is the
one that is installed. An endpoint that is no longer ready withdraws its VIP, one that is ready
again announces it: an event each, of one Service after the other, so that none of them is damped.
Daemons with few and with many Services run side by side and take turns, event by event.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple

from bench import objects
from bench.daemon import daemon
from bench.routes import host_route
from bench.stub_api import StubApi
from bench.watched import ANNOUNCED, WITHDRAWN, Witness, pause, witness

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from conformance.rig.objects import Object

EVENTS = 300  # for each number of Services
ROUTERS = ("127.0.0.1", "127.0.0.3")
_HOLD_SECONDS = 60.0
_REST = 2.0  # seconds, once all is told, for what is done afterwards
_GAP = (0.01, 0.03)  # seconds between two events
_SLICES = "/apis/discovery.k8s.io/v1/endpointslices"


class _Way(NamedTuple):
    services: int
    api: StubApi
    seen: Sequence[Witness]


def controller(directory: Path, counts: Sequence[int]) -> dict[int, list[float]]:
    """Seconds of each event, to the slower of the two routers, by the number of Services."""
    with ExitStack() as stack:
        ways = [_start(stack, directory / str(count), count) for count in counts]
        time.sleep(_REST)
        seconds: dict[int, list[float]] = {count: [] for count in counts}
        for number in range(EVENTS):
            for way in ways:
                seconds[way.services].append(_event(way, number))
    return seconds


def _start(stack: ExitStack, directory: Path, count: int) -> _Way:
    directory.mkdir()
    seen = [stack.enter_context(witness(directory, count, address)) for address in ROUTERS]
    routers = {address: one.port for address, one in zip(ROUTERS, seen, strict=True)}
    api = stack.enter_context(StubApi(_world(count, routers)))
    stack.enter_context(daemon(directory, "--kubeconfig", str(api.kubeconfig(directory))))
    for one in seen:
        one.wait_full(_HOLD_SECONDS)
    return _Way(count, api, seen)


def _event(way: _Way, number: int) -> float:
    """Have an endpoint be ready no more (even numbers) or again (odd ones)."""
    which, ready = number // 2 * (way.services // EVENTS), bool(number % 2)
    line = way.api.event(objects.endpoint_slice(which, ready=ready))
    began = time.monotonic()
    way.api.tell(_SLICES, line)
    pause(*_GAP)
    sign = ANNOUNCED if ready else WITHDRAWN
    return max(one.wait(sign, host_route(which)) for one in way.seen) - began


def _world(count: int, routers: Mapping[str, int]) -> dict[str, list[Object]]:
    """All objects, by the path of their collection."""
    porter, numbers = "/apis/porter.network/v1beta1", range(count)
    uids = [objects.uid("Service", f"web-{number}") for number in numbers]
    world: dict[str, list[Object]] = {
        f"{porter}/bgpnodes": [objects.bgp_node()],
        f"{porter}/vips": [objects.vip(number, uids[number]) for number in numbers],
        "/api/v1/nodes": [objects.node()],
        "/api/v1/services": [objects.allocated(number, uids[number]) for number in numbers],
        _SLICES: [objects.endpoint_slice(number) for number in numbers],
    }
    for item in objects.configuration(routers):
        world.setdefault(f"{porter}/{str(item['kind']).lower()}s", []).append(item)
    return world
