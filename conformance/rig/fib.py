"""A namespace's kernel routes: the next hops of a prefix, and when they changed."""

from __future__ import annotations

import subprocess
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from conformance.rig.hosts import run
from conformance.rig.objects import objects, parse, text
from conformance.rig.process import wait_until
from conformance.rig.router import family_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from conformance.rig.hosts import Host

NextHops = frozenset[str]


def next_hops(host: Host, prefix: str) -> NextHops:
    """The gateways of `prefix` in the main table of `host`; empty when there is no route."""
    return frozenset(hop for route in _routes(host, prefix) for hop in route)


def next_hop_count(host: Host, prefix: str) -> int:
    """How many next hops the kernel has for `prefix`, repetitions counted."""
    return sum(len(route) for route in _routes(host, prefix))


def wait_next_hops(
    host: Host, prefix: str, expected: Iterable[str], *, timeout: float = 10
) -> float:
    """Wait until the next hops of `prefix` are exactly `expected`; returns the seconds it took."""
    wanted = frozenset(expected)
    return wait_until(
        lambda: next_hops(host, prefix) == wanted,
        timeout=timeout,
        what=f"{host.name} routes {prefix} to {sorted(wanted) or 'nobody'}",
    )


def _routes(host: Host, prefix: str) -> list[list[str]]:
    family = "-6" if family_of(prefix) == "ipv6" else "-4"
    said = run(*("ip", "-n", host.namespace, "-j", family, "route", "show", "exact", prefix))
    return [
        [text(hop, "gateway") for hop in (objects(route, "nexthops") or [route])]
        for route in objects(parse(said or "[]"))
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A prefix's next hops after a change, in seconds of the monotonic clock.

    Attributes:
        told_at: When the kernel told of a change.
        read_at: When `next_hops` had been read; it may hold what changed in between.
    """

    prefix: str
    next_hops: NextHops
    told_at: float
    read_at: float


class FibWatch:
    """Records every change of some prefixes in one namespace, from `start` to `stop`."""

    def __init__(self, host: Host, prefixes: Iterable[str]) -> None:
        self._host = host
        self._prefixes = {_bare(prefix): prefix for prefix in prefixes}
        self._changes: list[Change] = []
        self._news = threading.Condition()
        self._monitor: subprocess.Popen[str] | None = None
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def start(self) -> Self:
        """Begin to record; the first entry of each prefix is how it is now."""
        self._monitor = subprocess.Popen(
            ["ip", "-n", self._host.namespace, "-o", "monitor", "route"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        self._thread.start()
        for prefix in self._prefixes.values():
            self._read(prefix, time.monotonic())
        return self

    def stop(self) -> None:
        if self._monitor:
            self._monitor.kill()
            self._monitor.wait()
            self._thread.join(5)
            if self._monitor.stdout:
                self._monitor.stdout.close()
        self._monitor = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_error: object) -> None:
        self.stop()

    @property
    def changes(self) -> list[Change]:
        """All changes so far, oldest first."""
        with self._news:
            return list(self._changes)

    def wait(self, wanted: Callable[[Change], bool], *, timeout: float = 10) -> Change:
        """The first change, past or to come, that is `wanted`."""
        deadline = time.monotonic() + timeout
        with self._news:
            while True:
                for change in self._changes:
                    if wanted(change):
                        return change
                if not self._news.wait(deadline - time.monotonic()):
                    raise TimeoutError(
                        f"no such change on {self._host.name} in {timeout:g} s: {self._changes}"
                    )

    def _follow(self) -> None:
        monitor = self._monitor
        if not monitor or not monitor.stdout:
            return
        for line in monitor.stdout:
            told_at = time.monotonic()
            for word in line.split()[:3]:  # after `Deleted` and the route's type, if any
                if word in self._prefixes:
                    self._read(self._prefixes[word], told_at)
                    break

    def _read(self, prefix: str, told_at: float) -> None:
        hops = next_hops(self._host, prefix)
        change = Change(prefix=prefix, next_hops=hops, told_at=told_at, read_at=time.monotonic())
        with self._news:
            last = next((c for c in reversed(self._changes) if c.prefix == prefix), None)
            if last is None or last.next_hops != hops:
                self._changes.append(change)
                self._news.notify_all()


def _bare(prefix: str) -> str:
    """A host route as `ip` prints it: without its length."""
    return prefix.removesuffix("/32" if family_of(prefix) == "ipv4" else "/128")
