"""Clients that keep asking while something happens, and what their routers did meanwhile."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from conformance.rig.fib import FibWatch
from conformance.rig.probes import Probes, outcomes, undisturbed
from conformance.rig.steady import prefix_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.rig.fib import Change
    from conformance.rig.layout import Layout
    from conformance.rig.probes import Probe

BEHIND = {"c1": "frr", "c2": "bird"}
_RATE = 25.0
_ENDLESS = 1_000_000
_TIMEOUT = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What came of the probes of some addresses behind one router.

    Attributes:
        probes: All of them.
        changes: Of the next hops in the router's kernel, but for how they were at first.
    """

    router: str
    probes: list[Probe]
    changes: list[Change]

    @property
    def lost(self) -> list[Probe]:
        return [probe for probe in self.probes if probe.lost]

    @property
    def undisturbed(self) -> list[Probe]:
        """Those during which the router's next hops did not change."""
        return undisturbed(self.probes, [change.told_at for change in self.changes])

    def __str__(self) -> str:
        count, lost = len(self.probes), len(self.lost)
        kinds = ", ".join(f"{n} {what}" for what, n in sorted(outcomes(self.lost).items()))
        return f"{self.router}: {lost} of {count} lost{f' ({kinds})' if kinds else ''}"


class Traffic:
    """New connections to some addresses from the client behind each router, until `stop`.

    Args:
        layout: Where.
        addresses: Of Services that answer.
        rate: Connections a second to each address from each client.
        port: Of the Services.
    """

    def __init__(
        self, layout: Layout, addresses: Iterable[str], *, rate: float = _RATE, port: int = 80
    ) -> None:
        addresses = list(addresses)
        self._watches = {
            router: FibWatch(layout.routers[router].host, map(prefix_of, addresses)).start()
            for router in BEHIND.values()
        }
        self._probes = {
            router: [
                Probes(
                    layout.clients[client],
                    address,
                    port,
                    rate=rate,
                    count=_ENDLESS,
                    timeout=_TIMEOUT,
                )
                for address in addresses
            ]
            for client, router in BEHIND.items()
        }
        self._first = {router: len(addresses) for router in self._watches}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        for watch in self._watches.values():
            watch.stop()
        for probes in self._probes.values():
            for one in probes:
                one.process.stop()

    def wait(self, count: int, *, timeout: float = 60) -> None:
        """Wait until each prober has begun and ended so many more probes."""
        since = time.monotonic()

        def enough(ended: list[Probe]) -> bool:
            return sum(probe.at > since for probe in ended) >= count

        for probes in self._probes.values():
            for one in probes:
                one.wait(enough, timeout=timeout)

    def stop(self) -> list[Seen]:
        """Begin no more; what was seen through each router."""
        seen = []
        for router, watch in self._watches.items():
            ended = [probe for one in self._probes[router] for probe in one.stop()]
            watch.stop()
            changes = watch.changes[self._first[router] :]
            seen.append(Seen(router=router, probes=ended, changes=changes))
        return seen
