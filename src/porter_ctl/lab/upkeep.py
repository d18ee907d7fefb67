"""The second half of the script `demo`: what becomes of flows while nodes are looked after.

A node's process is killed and comes back, one node tells the paths of all, and a node is drained by
the command that an operator would use. Clients ask all the while.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from porter_ctl.lab import files
from porter_ctl.lab.clients import ask
from porter_ctl.lab.lab import NODES
from porter_ctl.lab.script import Look, Phase

if TYPE_CHECKING:
    from collections.abc import Callable

    from porter_ctl.lab.clients import Answers
    from porter_ctl.lab.lab import Lab

_KEPT, _SPEAKER, _RESTORED = "node2", "node1", "node3"
_FLOWS = 30
_DRAINED = "LastDraining"


class Given(Protocol):
    """What these steps stand on."""

    @property
    def comes_back(self) -> bool:
        """The process that was killed is started again."""

    @property
    def undrains(self) -> bool:
        """What was drained is taken back."""


class Upkeep:
    """The steps, on one lab."""

    def __init__(self, lab: Lab, given: Given, vip: Callable[[], str]) -> None:
        """Args say what is played on.

        Args:
            lab: The lab, in which two nodes have servers.
            given: The circumstances.
            vip: The prefix of the VIP that clients ask.
        """
        self._lab = lab
        self._given = given
        self._vip = vip
        self._known: frozenset[str] = frozenset()

    def phases(self) -> tuple[tuple[Phase, ...], ...]:
        """The phases of each step."""
        return (
            (Phase(self._kept, act=self._kill),),
            (Phase(self._back, act=self._start),),
            (Phase(self._told_by_one, act=self._tell_by_one),),
            (Phase(self._drained, act=self._drain),),
            (Phase(self._undrained, act=self._undrain),),
        )

    # Acts

    def _kill(self) -> None:
        self._ask_on()
        self._lab.kill_node(_KEPT)

    def _start(self) -> None:
        if self._given.comes_back:
            self._lab.start_node(_KEPT)

    def _tell_by_one(self) -> None:
        self._known = frozenset(self._lab.router.table())
        self._lab.restore_servers(_RESTORED)
        self._lab.write(f"by-{_SPEAKER}.yaml", files.advertisement_by(_SPEAKER))
        self._lab.add_service("maps", told_by=_SPEAKER)

    def _drain(self) -> None:
        self._ask_on()
        self._lab.drain(_KEPT)

    def _undrain(self) -> None:
        if self._given.undrains:
            self._lab.undrain(_KEPT)

    def _ask_on(self) -> None:
        vip = self._vip().removesuffix("/32")
        self._lab.traffic.start(self._lab.forwarder.port_of(vip))

    # Looks

    async def _kept(self) -> Look:
        """The router keeps the node's paths, although it has no session with it."""
        down = self._lab.router.sessions()[_KEPT].established_at is None
        kept_for = self._lab.router.restarts()[_KEPT].kept_for
        hops = self._hops()
        answers = await self._ask(self._vip())
        still = down and kept_for is not None and NODES[_KEPT] in hops
        seen = {
            "session": "down" if down else "Established",
            "next_hops": hops,
            "kept_for_seconds": None if kept_for is None else round(kept_for),
            **_told(answers),
        }
        return Look(still and _KEPT in answers.by_node and not answers.failed, seen)

    async def _back(self) -> Look:
        sight = self._lab.router.restarts()[_KEPT]
        hops = self._hops()
        good = sight.ended and sight.kept_for is None and NODES[_KEPT] in hops
        seen = {"end_of_rib": sight.ended, "next_hops": hops, **self._flows()}
        return Look(good and self._nothing_lost(), seen)

    async def _told_by_one(self) -> Look:
        """One node tells the router a path for each node, and the router uses them all."""
        new = {k: v for k, v in self._lab.router.table().items() if k not in self._known}
        told = {prefix: route for prefix, route in new.items() if route.told_by == (_SPEAKER,)}
        if not told:
            return Look(ok=False, seen={"routes": {k: v.next_hops for k, v in new.items()}})
        ((prefix, route),) = told.items()
        answers = await self._ask(prefix)
        seen = {
            "prefix": prefix,
            "told_by": route.told_by,
            "next_hops": route.next_hops,
            **_told(answers),
        }
        whole = set(route.next_hops) == set(NODES.values()) and len(self._hops()) == len(NODES)
        return Look(whole and set(answers.by_node) == set(NODES) and not answers.failed, seen)

    async def _drained(self) -> Look:
        """The node tells its paths as before, as the last resort, and the router uses others."""
        hops = self._hops()
        report = self._lab.report(_KEPT)
        tells = f"{report.announced}/{report.desired} VIPs, {report.reason}"
        good = (
            set(hops) == set(NODES.values()) - {NODES[_KEPT]}
            and report.reason == _DRAINED
            and 0 < report.desired == report.announced
        )
        return self._commanded(good=good, seen={"next_hops": hops, f"{_KEPT}_tells": tells})

    async def _undrained(self) -> Look:
        hops = self._hops()
        return self._commanded(good=set(hops) == set(NODES.values()), seen={"next_hops": hops})

    def _commanded(self, *, good: bool, seen: dict[str, object]) -> Look:
        status = self._lab.command_status(_KEPT)
        seen = {**seen, "exit_status": status, **self._flows()}
        return Look(good and status == 0 and self._nothing_lost(), seen)

    # What is seen

    def _hops(self) -> tuple[str, ...]:
        route = self._lab.router.table().get(self._vip())
        return () if route is None else route.next_hops

    def _nothing_lost(self) -> bool:
        answers = self._lab.traffic.answers
        return not answers.failed and answers.by_node.total() > 0

    def _flows(self) -> dict[str, object]:
        answers = self._lab.traffic.answers
        return {"flows_meanwhile": answers.by_node.total(), "lost": answers.failed}

    async def _ask(self, prefix: str) -> Answers:
        vip = prefix.removesuffix("/32")
        await self._lab.forwarder.open((vip,))
        return await ask(self._lab.forwarder.port_of(vip), _FLOWS)


def _told(answers: Answers) -> dict[str, object]:
    return {
        "answered_by": dict(sorted(answers.by_node.items())),
        "not_answered": answers.failed,
    }
