"""Ways in which speakers end and come back, and how long until routers have forgotten it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from conformance.rig import steady
from conformance.rig.layout import HOSTS
from conformance.rig.porter import Porter
from conformance.rig.process import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from conformance.rig.layout import Layout
    from conformance.rig.router import Session

Sessions = dict[tuple[str, str], "Session"]


def kill(porters: Iterable[Porter]) -> None:
    """SIGKILL all of them, then start them in the same Pods."""
    porters = list(porters)
    for porter in porters:
        porter.crash()
    for porter in porters:
        porter.restart()


def replace(porters: Iterable[Porter]) -> list[int | None]:
    """Delete their Pods all at once, with all that was in them, and make new ones.

    Returns:
        The exit statuses of the old processes.
    """
    porters = list(porters)
    with ThreadPoolExecutor(len(porters)) as pool:
        return list(pool.map(Porter.replace, porters))


def wait_back(
    layout: Layout, before: Sessions, porters: Mapping[str, Porter], addresses: Iterable[str]
) -> None:
    """Wait until the routers have new sessions with these nodes and nothing stale of them.

    Args:
        layout: Where.
        before: The sessions as they were, by router and address of the node.
        porters: By the node's name, those that came back.
        addresses: Of Services that they announce.
    """
    theirs = {address for node in porters for address in HOSTS[node]}
    wanted = {key: session for key, session in before.items() if key[1] in theirs}

    def renewed() -> bool:
        now = steady.established(layout)
        return all(key in now and now[key].epoch != wanted[key].epoch for key in wanted)

    wait_until(renewed, timeout=60, what=f"{sorted(porters)} have new sessions")
    if layout.control_plane.apiserver.running:  # without it no Pod can be called ready
        for porter in porters.values():
            porter.wait_ready()
    wait_until(lambda: not stale(layout, addresses), timeout=30, what="no route is stale")


def stale(layout: Layout, addresses: Iterable[str]) -> bool:
    """Whether a router keeps routes of a peer that restarts."""
    prefixes = map(steady.prefix_of, addresses)
    return layout.bird.helping or any(
        path.stale for prefix in prefixes for path in layout.frr.routes(prefix)
    )
