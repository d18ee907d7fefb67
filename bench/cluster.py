"""Beyond a bare watch: the daemon on a real API server, and what it adds to the server's own time.

Each event, an endpoint that is no longer ready or is so again, is seen by a watch that does nothing
else (`bench/bare_watch.py`) and, as an UPDATE, by a router. What counts is the time between the
two. The daemon is the only one of its cluster, so it leads: it has allocated all addresses, and it
writes the statuses that follow from each event.
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from bench import objects
from bench.daemon import daemon
from bench.processes import CannotMeasureError, running
from bench.routes import host_route
from bench.watched import ANNOUNCED, WITHDRAWN, Witness, pause, witness
from conformance.rig.control_plane import ControlPlane
from conformance.rig.errors import RigError
from conformance.rig.hosts import Hosts
from conformance.rig.objects import name_of, text
from porter_ctl.api import to_yaml
from porter_ctl.daemon.from_api import CONTROL_PLANE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bench.processes import Program
    from conformance.rig.api import Api

SERVICES = 1000
EVENTS = 300
_HOLD_SECONDS = 180.0
_REST = 5.0  # seconds, once all is told, for the statuses that are written then
_GAP = (0.05, 0.1)  # seconds between two events
_SECONDS = 10.0
_HANDS = 4  # that create objects at once
_ROUTER = "127.0.0.1"
_KINDS = ("vippools", "vips", "bgpconfigs", "bgppeers", "bgpadvertisements", "bgpnodes")
_SLICES = "/apis/discovery.k8s.io/v1/endpointslices"
_PATCHED = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"


class Event(NamedTuple):
    """Seconds from the request of a change to when it was seen.

    Attributes:
        bare: By a bare watch.
        routed: By the router.
    """

    bare: float
    routed: float


def cluster(directory: Path) -> list[Event]:
    """Each event.

    Raises:
        CannotMeasureError: There is no control plane, or it refuses.
    """
    try:
        with Hosts() as hosts, witness(directory, SERVICES, _ROUTER) as seen:
            plane = ControlPlane(hosts, hosts.host("cp"))
            plane.wait_ready()
            _configure(plane, seen.port)
            where = ("--kubeconfig", str(plane.kubeconfig))
            with daemon(directory, *where), _bare(directory, *where) as bare:
                _fill(plane.api)
                seen.wait_full(_HOLD_SECONDS)
                time.sleep(_REST)
                return [_event(plane.api, bare, seen, number) for number in range(EVENTS)]
    except (RigError, OSError) as error:
        raise CannotMeasureError(f"real API server: {error}") from error


def _configure(plane: ControlPlane, port: int) -> None:
    """Create the node, and what says how it speaks."""
    plane.kubectl("apply", "--server-side", "-f", "-", manifest=to_yaml())
    plane.api.wait_established(*(f"{kind}.porter.network" for kind in _KINDS))
    for item in (objects.node(**{CONTROL_PLANE: ""}), *objects.configuration({_ROUTER: port})):
        plane.api.create(item)


def _fill(api: Api) -> None:
    """Create the Services and their endpoints, while addresses are given already."""
    with ThreadPoolExecutor(_HANDS) as hands:
        for make in (objects.endpoint_slice, objects.service):
            list(hands.map(api.create, map(make, range(SERVICES))))


@contextmanager
def _bare(directory: Path, *where: str) -> Iterator[Program]:
    command = [sys.executable, "-m", "bench.bare_watch", _SLICES, *where]
    with running("the bare watch", command, directory / "bare.log") as program:
        program.wait_for("watching\n", "to watch", _SECONDS)
        yield program


def _event(api: Api, bare: Program, seen: Witness, number: int) -> Event:
    """Have an endpoint be ready no more (even numbers) or again (odd ones)."""
    which, ready = number // 2 * (2 * SERVICES // EVENTS), bool(number % 2)
    changed = objects.endpoint_slice(which, ready=ready)
    name = name_of(changed)
    pause(*_GAP)
    began = time.monotonic()
    answer = api.patch(f"{_PATCHED}/{name}", {"endpoints": changed["endpoints"]})
    version = text(answer, "metadata", "resourceVersion")
    at = bare.wait_for(rf"{name} {version} (\S+)\n", f"to see {name}", _SECONDS)
    routed = seen.wait(ANNOUNCED if ready else WITHDRAWN, host_route(which))
    return Event(bare=float(at[1]) - began, routed=routed - began)
