"""The live lab: keys change the world, and the screen shows what the router makes of it."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from porter_ctl.lab.clients import ask
from porter_ctl.lab.lab import NODES, POOL, World, running_lab
from porter_ctl.lab.screen import NodeRow, RouteRow, Scene, render
from porter_ctl.lab.terminal import DOWN, UP, Terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from porter_ctl.lab.lab import Lab

_REFRESH = 0.5  # seconds
_BETWEEN_FLOWS = 0.25  # seconds: a trickle, so that the counters move
_POOLS = (POOL, "198.51.100.0/25", "198.51.100.128/25")
_SERVICES = ("web", "shop", "news", "mail", "maps", "chat", "docs", "blog")


async def live() -> int:
    """Run until `q`; returns the exit status."""
    terminal = Terminal()
    async with running_lab(World()) as lab:
        lab.add_service(_SERVICES[0])
        with terminal.opened():
            await Live(lab, terminal).run()
    return 0


class Live:
    """One live lab."""

    def __init__(self, lab: Lab, terminal: Terminal) -> None:
        """Args say what is shown, and where."""
        self._lab = lab
        self._terminal = terminal
        self._chosen = 0
        self._pool = 0
        self._acts: Mapping[str, Callable[[], None]] = {
            UP: lambda: self._choose(self._chosen - 1),
            DOWN: lambda: self._choose(self._chosen + 1),
            "1": lambda: self._choose(0),
            "2": lambda: self._choose(1),
            "3": lambda: self._choose(2),
            "k": self._kill_or_restart,
            "n": self._drain_or_undrain,
            "e": self._lose_or_restore,
            "p": self._change_pool,
            "s": self._add_service,
            "d": self._delete_service,
        }

    async def run(self) -> None:
        """Show, and do what keys say, until `q`."""
        clients = asyncio.create_task(self._clients())
        try:
            while True:
                await self._show()
                key = ""
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_REFRESH):
                        key = await self._terminal.keys.get()
                if key == "q":
                    return
                if act := self._acts.get(key):
                    act()
        finally:
            clients.cancel()
            await asyncio.gather(clients, return_exceptions=True)

    # What keys do

    @property
    def _node(self) -> str:
        return list(NODES)[self._chosen]

    def _choose(self, number: int) -> None:
        self._chosen = number % len(NODES)

    def _kill_or_restart(self) -> None:
        if self._lab.is_alive(self._node):
            self._lab.kill_node(self._node)
        else:
            self._lab.start_node(self._node)

    def _drain_or_undrain(self) -> None:
        if self._lab.drained(self._node):
            self._lab.undrain(self._node)
        else:
            self._lab.drain(self._node)

    def _lose_or_restore(self) -> None:
        if self._lab.servers(self._node):
            self._lab.lose_server(self._node)
        else:
            self._lab.restore_servers(self._node)

    def _change_pool(self) -> None:
        self._pool = (self._pool + 1) % len(_POOLS)
        self._lab.write_pool(_POOLS[self._pool])

    def _add_service(self) -> None:
        unused = [name for name in _SERVICES if name not in self._lab.services]
        if unused:
            self._lab.add_service(unused[0])

    def _delete_service(self) -> None:
        if self._lab.services:
            self._lab.remove_service(self._lab.services[-1])

    # What is seen

    async def _show(self) -> None:
        table = self._lab.router.table()
        vips = {prefix: prefix.partition("/")[0] for prefix in table}
        await self._lab.forwarder.open(vips.values())
        routes = tuple(
            RouteRow(
                prefix=prefix,
                next_hops=route.next_hops,
                communities=route.communities,
                url=self._lab.forwarder.url(vips[prefix]),
            )
            for prefix, route in table.items()
        )
        scene = Scene(
            directory=str(self._lab.directory),
            control=str(self._lab.control(self._node)),
            nodes=tuple(map(self._row, NODES)),
            chosen=self._node,
            routes=routes,
            lost=self._lab.forwarder.counts.refused,
            pool=_POOLS[self._pool],
            refusals=self._lab.refusals(),
        )
        self._terminal.show(render(scene, self._terminal.width))

    def _row(self, node: str) -> NodeRow:
        since = self._lab.router.sessions()[node].established_at
        porter = "running" if self._lab.is_alive(node) else "ended"
        return NodeRow(
            name=node,
            address=NODES[node],
            porter=f"{porter}, drained" if self._lab.drained(node) else porter,
            up_for=None if since is None else asyncio.get_running_loop().time() - since,
            kept_for=self._lab.router.restarts()[node].kept_for,
            servers=tuple(self._lab.servers(node)),
            flows=self._lab.forwarder.counts.by_hop[NODES[node]],
        )

    async def _clients(self) -> None:
        """Have a flow to each VIP now and then."""
        while True:
            for prefix in self._lab.router.table():
                vip = prefix.partition("/")[0]
                await self._lab.forwarder.open((vip,))
                await ask(self._lab.forwarder.port_of(vip), 1)
            await asyncio.sleep(_BETWEEN_FLOWS)
