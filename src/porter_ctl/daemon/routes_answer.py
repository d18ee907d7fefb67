"""The answer to `/v1/routes`: what each peer should hear, beside what it was told and has.

What should be heard is what the gates let through. A route that they hold back is not listed:
`/v1/status` and `/v1/why` say what it waits for.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from porter_bgp.rib import SELF
from porter_bgp.wire import format_community
from porter_ctl.daemon.answers import RouteRow, RoutesAnswer
from porter_ctl.daemon.why_rows import ANNOUNCED_YET
from porter_ctl.plan import foremost

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    rows: list[RouteRow] = []
    for number, prefix in enumerate(sorted(running.speaker.prefixes())):
        if number % _SLICE == 0:
            await asyncio.sleep(0)
        services = running.node.services_of(prefix)
        if service and service not in services:
            continue
        for name in asked:
            for row in _rows(running, prefix, name, up=peers[name].established):
                row["service"] = ",".join(services)
                rows.append(row)
    return RoutesAnswer(routes=rows)


def _rows(running: Running, prefix: Prefix, peer: str, *, up: bool) -> Iterator[RouteRow]:
    speaker = running.speaker
    wanted = speaker.planned(prefix).get(peer, ())
    has = {path.path_id for path in speaker.acknowledged(peer, prefix)}
    told = dict(speaker.advertised(peer, prefix))
    reason = _reason(running, prefix, peer)
    for path_id, attributes in told.items():
        yield _told(prefix, peer, path_id, attributes, reason, acknowledged=path_id in has)
    for path in wanted:
        if path.path_id not in told:
            yield _not_told(prefix, peer, path, reason, waiting=not up)


def _reason(running: Running, prefix: Prefix, peer: str) -> str:
    """Why it is announced last, or kept."""
    verdicts = running.node.verdicts.get(prefix, ())
    found = foremost(
        tuple(v for v in verdicts if v.reason in ANNOUNCED_YET and v.subject in {"", peer})
    )
    return "" if found is None else str(found.reason)


def _told(
    prefix: Prefix,
    peer: str,
    path_id: int,
    attributes: PathAttributes,
    reason: str,
    *,
    acknowledged: bool,
) -> RouteRow:
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
        state="acknowledged" if acknowledged else "advertised",
        reason=reason,
    )


def _not_told(prefix: Prefix, peer: str, path: Path, reason: str, *, waiting: bool) -> RouteRow:
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
        reason=reason,
    )
