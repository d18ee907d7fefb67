"""Does this node's kube-proxy serve an address yet? The evidence a dataplane gate asks for.

Three questions, each asked once a call: when kube-proxy last completed a sync (its metrics on
loopback), whether a TCP connect from this node to an address is answered, and whether a
healthCheckNodePort is well. What follows from the answers, and when to ask again, is the gate's
to say.
"""

from __future__ import annotations

import asyncio
import re
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from ipaddress import IPv4Address, IPv6Address

_LOOPBACK = "127.0.0.1"
METRICS_URL = "http://127.0.0.1:10249/metrics"
SYNC_METRIC = "kubeproxy_sync_proxy_rules_last_timestamp_seconds"

_SAMPLE = re.compile(rf"^{SYNC_METRIC}(?:\{{(?P<labels>[^}}\n]*)\}})? (?P<value>\S+)", re.MULTILINE)
_FAMILY = re.compile(r'\bip_family="IPv([46])"')
_OF_KUBE_PROXY = re.compile(r"^kubeproxy_", re.MULTILINE)


class NoKubeProxyError(Exception):
    """Nothing answers as kube-proxy does; the text says how that shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataplaneSettings:
    """Where and how long to ask.

    Attributes:
        metrics_url: kube-proxy's metrics.
        patience: Seconds of silence that count as no answer.
    """

    metrics_url: str = METRICS_URL
    patience: float = 1.0


class SyncClock:
    """Puts the times of kube-proxy's syncs, told on the wall clock, onto the monotonic one.

    A wall clock may jump. So a value is converted once, when it is first seen, and a value that
    differs from the one seen before belongs to a sync that ended between the two looks, whatever
    the wall clock says. On the first look there is nothing but the wall clock to go by, and a time
    to come says that it was set back since: no evidence.
    """

    def __init__(self) -> None:
        self._seen: dict[int, float] = {}
        self._ended: dict[int, float] = {}
        self._looked: float | None = None

    def read(
        self, stamps: Mapping[int, float], *, asked: float, now: float, wall: float
    ) -> Mapping[int, float]:
        """Convert what one look showed.

        Args:
            stamps: Wall clock times (seconds since 1970) by IP version, as kube-proxy tells them.
            asked: When the look began, on the monotonic clock.
            now: When its answer was there, on the monotonic clock.
            wall: The same moment on the wall clock.

        Returns:
            When the last sync ended, on the monotonic clock, by IP version; absent where that
            cannot be told yet.
        """
        for version, stamp in stamps.items():
            if self._seen.get(version) == stamp:
                continue
            ended = now - (wall - stamp)
            if ended <= now or self._looked is not None:
                earliest = ended if self._looked is None else self._looked
                self._ended[version] = min(max(ended, earliest), now)
        self._seen.update(stamps)
        self._looked = asked
        return {version: self._ended[version] for version in stamps if version in self._ended}


class Dataplane:
    """Asks. Times are seconds on the monotonic clock that `clock` reads."""

    def __init__(
        self,
        settings: DataplaneSettings | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """Nothing is opened before the first question.

        Args:
            settings: Where and how long to ask.
            clock: The monotonic clock of whoever judges the answers.
            wall: The clock that kube-proxy goes by.
        """
        self._settings = settings or DataplaneSettings()
        self._clock = clock
        self._wall = wall
        self._syncs = SyncClock()

    async def sync_times(self) -> Mapping[int, float]:
        """Read when kube-proxy's last completed sync ended, by IP version (4 or 6).

        Raises:
            NoKubeProxyError: Nothing listens there, or it is silent, or it is something else.
        """
        url = self._settings.metrics_url
        asked = self._clock()
        try:
            async with self._session() as session, session.get(url) as response:
                status, body = response.status, await response.read()
        except TimeoutError:
            raise NoKubeProxyError(f"{url}: no answer in {self._settings.patience:g} s") from None
        except aiohttp.ClientError as error:
            raise NoKubeProxyError(f"{url}: {error}") from error
        if status != 200:
            raise NoKubeProxyError(f"{url}: status {status}")
        text = body.decode("utf-8", "replace")
        if not _OF_KUBE_PROXY.search(text):
            raise NoKubeProxyError(f"{url}: the answer is not kube-proxy's")
        return self._syncs.read(
            parse_sync_stamps(text), asked=asked, now=self._clock(), wall=self._wall()
        )

    async def connect(self, address: IPv4Address | IPv6Address, port: int) -> bool:
        """Connect once: True if answered or refused, False if unreachable or silent.

        A refusal counts: it comes from whom the rules lead to, or from the rules themselves.
        """
        family = socket.AF_INET if address.version == 4 else socket.AF_INET6
        loop = asyncio.get_running_loop()
        try:
            with socket.socket(family, socket.SOCK_STREAM) as connection:
                connection.settimeout(0)
                async with asyncio.timeout(self._settings.patience):
                    await loop.sock_connect(connection, (str(address), port))
        except ConnectionRefusedError:
            return True
        except OSError:  # TimeoutError is one; and there may be no socket to be had
            return False
        return True

    async def healthy(self, port: int, hosts: Iterable[str]) -> bool:
        """Ask a Service's healthCheckNodePort once: True for status 200, anywhere it listens.

        Args:
            port: The port.
            hosts: Where it may listen besides loopback: kube-proxy binds it to all addresses or,
                depending on its settings, to those of the node alone. IPv6 without brackets.
        """
        async with self._session() as session:
            for host in (_LOOPBACK, *hosts):
                authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
                try:
                    async with session.get(f"http://{authority}/healthz") as response:
                        if response.status == 200:
                            return True
                except (TimeoutError, aiohttp.ClientError):
                    continue
        return False

    def _session(self) -> aiohttp.ClientSession:
        """A session for one question: between two, kube-proxy may have been replaced."""
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(force_close=True),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=self._settings.patience),
            headers={"Accept-Encoding": "identity"},
        )


def parse_sync_stamps(text: str) -> dict[int, float]:
    """Find the ends of the last syncs, on the wall clock, in kube-proxy's metrics.

    Args:
        text: The metrics in Prometheus' text format.

    Returns:
        Seconds since 1970 by IP version; absent where no sync has ended. A kube-proxy that tells
        only one time means it for both.
    """
    stamps: dict[int, float] = {}
    for sample in _SAMPLE.finditer(text):
        try:
            stamp = float(sample["value"])
        except ValueError:
            continue
        if not 0 < stamp < float("inf"):
            continue
        family = _FAMILY.search(sample["labels"] or "")
        for version in [int(family[1])] if family else [4, 6]:
            stamps[version] = stamp
    return stamps
