"""The answer to `/v1/routes`: what the plan wants each peer to hear, beside what it was told.

The plan is made afresh for the answer, in a thread, by the fold over everything: so a route that
was forgotten on the way to a peer shows as pending, rather than not at all.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from porter_bgp.rib import SELF
from porter_bgp.wire import format_community
from porter_ctl.daemon.answers import RouteRow, RoutesAnswer
from porter_ctl.plan import Memory, plan_node

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from porter_bgp.rib import Path
    from porter_bgp.wire import PathAttributes, Prefix
    from porter_ctl.daemon.running import Running

_SLICE = 32  # prefixes between two turns of the event loop


class UnknownPeerError(Exception):
    """There is no peer of that name; the text names those there are."""


async def routes_answer(running: Running, *, peer: str = "", service: str = "") -> RoutesAnswer:
    """Look at the routes to all peers or one, of all Services or one.

    Raises:
        UnknownPeerError: There is no such peer.
    """
    peers = running.speaker.view().peers
    if peer and peer not in peers:
        known = ", ".join(sorted(peers)) or "none"
        raise UnknownPeerError(f"no peer {peer} has a session here; there are: {known}")
    asked = [peer] if peer else sorted(peers)
    planned = await _plan(running)
    rows: list[RouteRow] = []
    for number, prefix in enumerate(sorted({*planned, *running.speaker.prefixes()})):
        if number % _SLICE == 0:
            await asyncio.sleep(0)
        services = running.node.services_of(prefix)
        if service and service not in services:
            continue
        for name in asked:
            wanted = planned.get(prefix, {}).get(name, ())
            up = peers[name].established
            for row in _rows(running, prefix, name, wanted, up=up):
                row["service"] = ",".join(services)
                rows.append(row)
    return RoutesAnswer(routes=rows)


async def _plan(running: Running) -> Mapping[Prefix, Mapping[str, tuple[Path, ...]]]:
    if running.node.context is None:
        return {}
    known = running.speaker.prefixes()
    memory = Memory(announced={prefix: running.gate.announced(prefix) for prefix in known})
    settings = running.settings
    plan = await asyncio.to_thread(
        plan_node,
        running.stores,
        settings.node,
        namespace=settings.pod.namespace,
        memory=memory,
    )
    return {prefix: one.paths for prefix, one in plan.prefixes.items() if one.paths}


def _rows(
    running: Running, prefix: Prefix, peer: str, wanted: tuple[Path, ...], *, up: bool
) -> Iterator[RouteRow]:
    told = dict(running.speaker.advertised(peer, prefix))
    for path_id, attributes in told.items():
        yield _told(prefix, peer, path_id, attributes)
    here = prefix in running.speaker.prefixes()
    for path in wanted:
        if path.path_id not in told:
            yield _not_told(prefix, peer, path, waiting=not (up and here))


def _told(prefix: Prefix, peer: str, path_id: int, attributes: PathAttributes) -> RouteRow:
    segments = attributes.as_path.segments
    return RouteRow(
        prefix=str(prefix),
        peer=peer,
        service="",
        nextHop=str(attributes.next_hop),
        asPath=[asn for segment in segments for asn in segment.asns],
        communities=[format_community(one) for one in attributes.communities],
        largeCommunities=[str(one) for one in attributes.large_communities],
        med=attributes.med,
        localPref=attributes.local_pref,
        pathID=path_id,
        state="advertised",
    )


def _not_told(prefix: Prefix, peer: str, path: Path, *, waiting: bool) -> RouteRow:
    attributes = path.attributes
    return RouteRow(
        prefix=str(prefix),
        peer=peer,
        service="",
        nextHop="self" if attributes.next_hop is SELF else str(attributes.next_hop),
        asPath=[],
        communities=[format_community(one) for one in attributes.communities],
        largeCommunities=[str(one) for one in attributes.large_communities],
        med=attributes.med,
        localPref=attributes.local_pref,
        pathID=path.path_id,
        state="waiting" if waiting else "pending",
    )
