"""The script `demo`: the life of a Service, seen by the router and by HTTP clients.

What a step looks for never depends on what was taken away: `--without` changes the circumstances,
one of which each step stands or falls with, and nothing else.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from porter_ctl.lab import files
from porter_ctl.lab.clients import Answers, ask
from porter_ctl.lab.lab import COMMUNITY, NODES, World
from porter_ctl.lab.script import PATIENCE, Look, Phase, Step
from porter_ctl.lab.upkeep import Upkeep

if TYPE_CHECKING:
    from collections.abc import Mapping

    from porter_ctl.lab.lab import Lab
    from porter_ctl.lab.router import Route, SessionSight

_EDITED, _REFUSED = "65000:200", "65000:70000"  # in the second a half exceeds 65535
_LOST = "node3"
_FLOWS, _FEW_FLOWS = 60, 20
_LEAST = 6  # flows of _FLOWS that a node must have had: a fair hash misses that once in 10**5
_LEFT = {address for node, address in NODES.items() if node != _LOST}
_NO_ROUTE = ((), ())
_RESTING, _RESTS = "AddressResting: ", "rests for default/web"
_LONG = 6.0  # seconds: more than a node needs to show that it has withdrawn an address


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What the steps stand on.

    Attributes:
        world: What the lab starts with.
        loses_servers: Whether the servers of one node are lost.
        community: What the advertisement says after its edit.
        bad_community: What it says after the edit that is to be refused.
        comes_back: Whether the process that was killed is started again.
        undrains: Whether the node that was drained is taken back.
    """

    world: World = field(default_factory=World)
    loses_servers: bool = True
    community: str = _EDITED
    bad_community: str = _REFUSED
    comes_back: bool = True
    undrains: bool = True


@dataclass(frozen=True, slots=True)
class Cause:
    """What a step stands on, and how the world is without it.

    Attributes:
        name: As given to `--without`.
        step: The step's name.
        without: The world without it, for people.
        circumstances: The same, to play in.
        patience: Seconds for what cannot come then, and for its opposite to come.
    """

    name: str
    step: str
    without: str
    circumstances: Circumstances
    patience: float = 3.0


_ALL = Circumstances()
CAUSES = (
    Cause(
        "pool",
        "address given",
        "there is no VIPPool",
        replace(_ALL, world=World(pool=None)),
    ),
    Cause(
        "node3",
        "three next hops",
        "porter does not run on node3",
        replace(_ALL, world=World(started=("node1", "node2"))),
    ),
    Cause(
        "multipath",
        "flows spread over three",
        "the router forwards over its best path only",
        replace(_ALL, world=World(multipath=False)),
    ),
    Cause(
        "endpoint-loss",
        "endpoint lost, next hop gone",
        "node3 keeps its servers",
        replace(_ALL, loses_servers=False),
    ),
    Cause(
        "edit",
        "community changed without a session reset",
        "the BGPAdvertisement stays as it is",
        replace(_ALL, community=COMMUNITY),
    ),
    Cause(
        "hold",
        "Service deleted, route withdrawn, address rests",
        "the VIPPool has holdSeconds 0",
        replace(_ALL, world=World(hold_seconds=0)),
        patience=8.0,  # every node has to prove first that it no longer announces the address
    ),
    Cause(
        "fault",
        "invalid object refused, the rest goes on",
        "the object is valid",
        replace(_ALL, bad_community="65000:300"),
    ),
    Cause(
        "graceful-restart",
        "node process killed, routes kept, flows answered",
        "gracefulRestart.mode of the BGPConfig is Disabled",
        replace(_ALL, world=World(graceful_restart=False)),
    ),
    Cause(
        "return",
        "node back, nothing lost",
        "the process stays away",
        replace(_ALL, comes_back=False),
    ),
    Cause(
        "add-path",
        "one speaker, three paths",
        "addPath.mode of the BGPPeers is None",
        replace(_ALL, world=World(several_paths=False)),
    ),
    Cause(
        "drain",
        "node drained, announced last, no flow lost",
        "drain.triggers of the BGPConfig does not name Annotation",
        replace(_ALL, world=World(drains=False)),
    ),
    Cause(
        "undrain",
        "undrained, all next hops again",
        "nobody runs porter undrain",
        replace(_ALL, undrains=False),
    ),
)


class Demo:
    """The script on one lab. Between its steps it remembers the VIP and the sessions."""

    def __init__(self, lab: Lab, circumstances: Circumstances) -> None:
        """Args say what is played on, and under which circumstances."""
        self._lab = lab
        self._given = circumstances
        self._vip = ""
        self._sessions: Mapping[str, SessionSight] = {}
        self._deleted_at = 0.0

    def steps(self) -> tuple[Step, ...]:
        """The steps; each has the name of its cause's step, in that order."""
        names = [cause.step for cause in CAUSES]
        phases = (
            (
                Phase(self._sessions_up, seconds=PATIENCE),
                Phase(self._one_route, act=lambda: self._lab.add_service("web")),
            ),
            (Phase(self._three_next_hops),),
            (Phase(self._flows_spread),),
            (Phase(self._next_hop_gone, act=self._lose_servers),),
            (Phase(self._community_changed, act=self._edit),),
            (
                Phase(self._withdrawn, act=self._delete),
                Phase(self._rests, act=lambda: self._lab.add_service("shop")),
                Phase(self._again, act=self._create_again),
            ),
            (Phase(self._refused, act=self._edit_badly),),
            *Upkeep(self._lab, self._given, lambda: self._vip).phases(),
        )
        return tuple(map(Step, names, phases))

    # Acts

    def _lose_servers(self) -> None:
        while self._given.loses_servers and self._lab.servers(_LOST):
            self._lab.lose_server(_LOST)

    def _edit(self) -> None:
        self._sessions = self._lab.router.sessions()
        self._lab.write("bgpadvertisement.yaml", files.advertisement(self._given.community))

    def _delete(self) -> None:
        """Delete the Service while another is after its address."""
        self._lab.add_service("rival", address=self._vip.removesuffix("/32"))
        self._lab.remove_service("web")
        self._deleted_at = time.monotonic()

    def _create_again(self) -> None:
        self._lab.remove_service("rival")
        self._lab.add_service("web")

    def _edit_badly(self) -> None:
        self._sessions = self._lab.router.sessions()
        self._lab.write("bgpadvertisement.yaml", files.advertisement(self._given.bad_community))
        self._lab.add_service("news")

    # Looks

    async def _sessions_up(self) -> Look:
        up = [name for name, one in self._lab.router.sessions().items() if one.established_at]
        return Look(set(up) >= set(self._given.world.started), {"sessions": up})

    async def _one_route(self) -> Look:
        table = self._lab.router.table()
        if ok := len(table) == 1:
            (self._vip,) = table
        return Look(ok, {"routes": _shown(table)})

    async def _three_next_hops(self) -> Look:
        hops, _ = self._route()
        return Look(set(hops) == set(NODES.values()), {"prefix": self._vip, "next_hops": hops})

    async def _flows_spread(self) -> Look:
        answers = await self._ask(self._vip, _FLOWS)
        spread = all(answers.by_node[node] >= _LEAST for node in NODES)
        return Look(spread and not answers.failed, {"url": self._url(), **_told(answers)})

    async def _next_hop_gone(self) -> Look:
        hops, _ = self._route()
        answers = await self._ask(self._vip, _FEW_FLOWS)
        good = not answers.failed and _LOST not in answers.by_node
        return Look(set(hops) == _LEFT and good, {"next_hops": hops, **_told(answers)})

    async def _community_changed(self) -> Look:
        hops, communities = self._route()
        resets = self._resets()
        seen = {"next_hops": hops, "communities": communities, "session_resets": resets}
        return Look(communities == (_EDITED,) and not resets, seen)

    async def _withdrawn(self) -> Look:
        gone = self._vip not in self._lab.router.table()
        answers = await self._ask(self._vip, 1)
        seen = {"prefix": self._vip, "withdrawn": gone, "answered": not answers.failed}
        return Look(gone and bool(answers.failed), seen)

    async def _rests(self) -> Look:
        """The other Service that asked for the address has none; one that asks for any has.

        An address that does not rest is given when every node has shown that it is withdrawn. So
        the reason counts, or that it is refused for longer than that takes.
        """
        others = self._lab.router.table()
        rival = self._lab.allocation("rival")
        for_long = time.monotonic() - self._deleted_at > _LONG
        refused = _RESTS in rival or (for_long and rival.startswith(_RESTING))
        rests = _complete(others, 1) and self._vip not in others and refused
        return Look(rests, {"meanwhile": _shown(others), "rival": rival})

    async def _again(self) -> Look:
        table = self._lab.router.table()
        return Look(_complete(table, 2) and self._vip in table, {"again": _shown(table)})

    async def _refused(self) -> Look:
        refusal = self._lab.refusals().get("BGPAdvertisement/all", "")
        table = self._lab.router.table()
        answers = [await self._ask(vip, _FEW_FLOWS) for vip in table]
        _, communities = self._route()
        resets = self._resets()
        goes_on = _complete(table, 3) and not any(one.failed for one in answers) and not resets
        kept = communities == (_EDITED,)
        named = "spec.communities.standard[0]" in refusal and self._given.bad_community in refusal
        seen = {"refusal": refusal, "communities": communities, "session_resets": resets}
        return Look(goes_on and kept and named, {**seen, "routes": _shown(table)})

    # What the router and the clients see

    def _route(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        route = self._lab.router.table().get(self._vip)
        return _NO_ROUTE if route is None else (route.next_hops, route.communities)

    def _resets(self) -> int:
        now = self._lab.router.sessions()
        return sum(now[node] != before for node, before in self._sessions.items())

    def _url(self) -> str:
        return self._lab.forwarder.url(self._vip.removesuffix("/32"))

    async def _ask(self, prefix: str, times: int) -> Answers:
        vip = prefix.removesuffix("/32")
        await self._lab.forwarder.open((vip,))
        return await ask(self._lab.forwarder.port_of(vip), times)


def _complete(table: Mapping[str, Route], prefixes: int) -> bool:
    """Whether there are so many routes, each with all next hops that are left."""
    return len(table) == prefixes and all(set(one.next_hops) == _LEFT for one in table.values())


def _shown(table: Mapping[str, Route]) -> dict[str, tuple[str, ...]]:
    return {prefix: route.next_hops for prefix, route in table.items()}


def _told(answers: Answers) -> dict[str, object]:
    by_node = dict(sorted(answers.by_node.items()))
    return {"answered_by": by_node, "not_answered": answers.failed}
