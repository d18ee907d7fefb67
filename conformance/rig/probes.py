"""Probes of one VIP from a client's namespace: started, read while they run, counted."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.rig.objects import number, parse, text
from conformance.rig.process import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from conformance.rig.hosts import Host

_PROBER = Path(__file__).with_name("prober.py")
ANSWERED = "answered"
_SYN_TIMEOUT = 0.9  # of a second, the kernel's first


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One connection and what came of it.

    Attributes:
        at: When it was begun, in seconds of the monotonic clock, the same in every namespace.
        seconds: How long it took.
        outcome: answered, refused (RST to the SYN), reset (RST later), unreachable (ICMP),
            ttl-exceeded (ICMP), timeout, closed (FIN without an answer), or `error ERRNO`.
        node: Who answered.
        icmp: unreachable or ttl-exceeded if such an ICMP message came, even when TCP then
            succeeded by retransmission. Of "no route" in IPv4 the kernel sends five, then one a
            second to a client, whatever its settings: the rest are timeouts.
        resent: How many SYNs had to be sent again: after a second where the network lost them, at
            once where the server still remembered the last connection from that port.
    """

    number: int
    at: float
    seconds: float
    outcome: str
    node: str
    icmp: str
    resent: int = 0

    @property
    def lost(self) -> bool:
        """Whether any of its packets was lost on the way, even if an answer came at last."""
        again = self.resent > 0 and self.seconds > _SYN_TIMEOUT
        return self.outcome != ANSWERED or bool(self.icmp) or again

    @property
    def clean(self) -> bool:
        """Answered, or lost in silence: no RST and no ICMP told the client to give up."""
        return self.outcome in {ANSWERED, "timeout"} and not self.icmp


class Probes:
    """One prober process: `rate` new connections a second to `address`:`port`, at most `count`."""

    def __init__(
        self,
        host: Host,
        address: str,
        port: int = 80,
        *,
        rate: float = 50,
        count: int = 6000,
        timeout: float = 2.0,
    ) -> None:
        settings = (address, str(port), str(rate), str(count), str(timeout))
        name = f"probes-{len(host.processes)}"
        self._timeout = timeout
        self.process = host.spawn(name, sys.executable, str(_PROBER), *settings)
        self.process.require(lambda: bool(self.records()), timeout=10, what="a first probe ends")

    def records(self) -> list[Probe]:
        """The probes that have ended so far, by their beginning."""
        said = self.process.log.read_text()
        lines = said[: said.rfind("\n") + 1].splitlines()
        return sorted((_probe(line) for line in lines if line.startswith("{")), key=_began)

    def wait(self, wanted: Callable[[list[Probe]], bool], *, timeout: float = 10) -> list[Probe]:
        """Wait until the records so far are `wanted`; returns them."""
        self.process.require(lambda: wanted(self.records()), timeout=timeout, what="such probes")
        return self.records()

    def stop(self) -> list[Probe]:
        """Begin no more, let those under way end, and return all."""
        self.process.stop(self._timeout + 3)
        return self.records()


def outcomes(probes: Iterable[Probe]) -> Counter[str]:
    """How many of each outcome; answers are counted by node: `answered by n1`."""
    return Counter(
        f"answered by {probe.node}" if probe.outcome == ANSWERED else probe.outcome
        for probe in probes
    )


def undisturbed(
    probes: Iterable[Probe], moments: Iterable[float], *, margin: float = 0.05
) -> list[Probe]:
    """The probes that were not under way at any of `moments`, give or take `margin` seconds.

    When a router's next hops change, its hash sends flows that are under way to another node,
    which resets them: no speaker can help that.
    """
    times = list(moments)
    return [
        probe
        for probe in probes
        if not any(probe.at - margin < at < probe.at + probe.seconds + margin for at in times)
    ]


def fetch(host: Host, address: str, port: int = 80, *, times: int = 1) -> Counter[str]:
    """Ask `times` times as fast as answers come; counts as `outcomes` does."""
    probes = Probes(host, address, port, rate=500, count=times)
    probes.process.wait(30)
    wait_until(lambda: len(probes.records()) == times, timeout=1, what="all probes are recorded")
    return outcomes(probes.records())


def _began(probe: Probe) -> float:
    return probe.at


def _probe(line: str) -> Probe:
    record = parse(line)
    return Probe(
        number=number(record, "number"),
        at=float(text(record, "at")),
        seconds=float(text(record, "seconds")),
        outcome=text(record, "outcome"),
        node=text(record, "node"),
        icmp=text(record, "icmp"),
        resent=number(record, "resent"),
    )
