"""The composition root: everything is built here, runs, and is ended in order.

Health is served from the first moment, so that what is waited for can be asked. SIGTERM is a plain
leave: nothing more is decided, everything is withdrawn, the peers are told, and the status is 0. A
task that ends by itself ends the process with one line and status 1; to the peers that is a crash,
and graceful restart covers it.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import secrets
import signal
import time
from typing import TYPE_CHECKING

import structlog

from porter_bgp._version import __version__
from porter_ctl.daemon.control import control_server
from porter_ctl.daemon.facts import node_facts, process_facts
from porter_ctl.daemon.http import http_server
from porter_ctl.daemon.loop_lag import LoopLag
from porter_ctl.daemon.metrics import MetricsPage
from porter_ctl.daemon.node_state import NodeLock, is_new_boot
from porter_ctl.daemon.readiness import missing
from porter_ctl.daemon.running import build
from porter_ctl.host.boot import read_boot
from porter_ctl.store.port import Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator

    from structlog.typing import FilteringBoundLogger

    from porter_ctl.daemon.cluster import Cluster
    from porter_ctl.daemon.facts import NodeFacts, ProcessFacts
    from porter_ctl.daemon.log_writer import LineWriter
    from porter_ctl.daemon.running import Running
    from porter_ctl.daemon.settings import Settings

log: FilteringBoundLogger = structlog.get_logger(__name__)

GOOD, BROKEN = 0, 1
LEAVE_SECONDS = 3.0  # for all of leaving
_LAST_WORDS = "Porter leaves this node"
_OLD_GENERATION = 200  # times the default, for what is frozen need not be looked at
_LISTEN_AGAIN = 1.0  # seconds
_LOOK_AGAIN = 0.2


class CannotStartError(Exception):
    """Something of this machine that was asked for cannot be had."""


async def serve(settings: Settings, writer: LineWriter) -> int:
    """Be the speaker of this node until SIGTERM or SIGINT; returns the exit status."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    app = App(settings, writer)
    living = asyncio.create_task(app.live(), name="porter")
    waiting = asyncio.create_task(told.wait(), name="signals")
    await asyncio.wait((living, waiting), return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if not living.done():
        log.info("leaving")
        await app.leave()
        living.cancel()
    return await _outcome(living)


async def _outcome(living: asyncio.Task[None]) -> int:
    try:
        await living
    except asyncio.CancelledError:
        log.info("left")
        return GOOD
    except (BaseExceptionGroup, CannotStartError, Unavailable) as error:
        cause = _first(error)
        if isinstance(cause, CannotStartError | Unavailable):
            log.error("ending", err=str(cause))  # noqa: TRY400 - the sentence is all
        else:
            log.exception("ending", err=f"{type(cause).__name__}: {cause}", exc_info=cause)
    return BROKEN


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


class App:
    """One process.

    Args:
        settings: What it was told.
        writer: Where its log goes.
    """

    def __init__(self, settings: Settings, writer: LineWriter) -> None:
        self._settings = settings
        self._writer = writer
        self._lock = NodeLock(settings.state_dir)
        self._lag = LoopLag()
        self._running: Running | None = None
        self._leaving = False
        self._deciding: list[asyncio.Task[None]] = []
        self._incarnation = secrets.token_hex(8)
        self._wall_offset = time.time() - asyncio.get_running_loop().time()
        self._page = MetricsPage(self._process_facts, self._node_facts)

    async def live(self) -> None:
        """Live until cancelled.

        Raises:
            CannotStartError: A directory or a socket cannot be had.
            Unavailable: There are no credentials for the API server.
            BaseExceptionGroup: A task has ended.
        """
        log.info("starting", node=self._settings.node, version=__version__)
        async with contextlib.AsyncExitStack() as stack:
            settings = self._settings
            with _asked_for("--state-dir", settings.state_dir):
                descriptor = stack.enter_context(self._lock.opened())
            if not self._lock.try_take(descriptor):
                await self._wait_for(descriptor)
            with _asked_for("--state-dir", settings.state_dir):
                new_boot = is_new_boot(settings.state_dir, read_boot())
            with _asked_for("--http", settings.http):
                await stack.enter_async_context(self._http())
            with _asked_for("--control", settings.control):
                control = control_server(settings.control, lambda: self._running)
                await stack.enter_async_context(control)
            cluster = await self._open()
            stack.push_async_callback(cluster.close)
            self._running = build(
                settings, cluster, new_boot=new_boot, incarnation=self._incarnation
            )
            stack.callback(self._running.seeker.close)
            await self._run(self._running)

    async def leave(self) -> None:
        """Decide nothing more, withdraw everything, and tell the peers that we go."""
        self._leaving = True
        for task in self._deciding:
            task.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_SECONDS):
                speaker = None if self._running is None else self._running.speaker
                if speaker is not None and speaker.view().now:  # 0 until it runs
                    await speaker.leave(_LAST_WORDS, seconds=LEAVE_SECONDS / 2)
                if self._deciding:
                    await asyncio.wait(self._deciding)

    def missing(self) -> tuple[str, ...]:
        """Why this process is not ready; empty when it is."""
        if self._leaving:
            return ("leaving this node",)
        if not self._lock.held:
            return (f"another porter on this node holds {self._lock.path}",)
        if self._running is None:
            return ("the cluster was not reached yet",)
        return missing(self._running)

    # The way up

    async def _wait_for(self, descriptor: int) -> None:
        """Wait for the process before us, or beside us, to end; say so meanwhile."""
        log.warning("waiting for another porter on this node to end", path=str(self._lock.path))
        async with self._http_if_free():
            await self._lock.take(descriptor)

    @contextlib.asynccontextmanager
    async def _http_if_free(self) -> AsyncIterator[None]:
        """Health, as soon as the address is free: whoever has the lock may have that, too."""

        async def serve_when_free() -> None:
            while True:
                with contextlib.suppress(OSError):
                    async with self._http():
                        await asyncio.Event().wait()
                await asyncio.sleep(_LISTEN_AGAIN)

        serving = asyncio.create_task(serve_when_free())
        try:
            yield
        finally:
            serving.cancel()
            await asyncio.wait((serving,))

    @contextlib.asynccontextmanager
    async def _http(self) -> AsyncIterator[None]:
        address = self._settings.http
        async with http_server(address, missing=self.missing, page=self._page) as served:
            log.info("health and metrics are served", address=str(served))
            yield

    async def _open(self) -> Cluster:
        """Open the one that was asked for; only its libraries are loaded."""
        settings = self._settings
        if settings.manifests is not None:
            from porter_ctl.daemon.from_files import open_files  # noqa: PLC0415 - 24 MiB

            return await open_files(settings.manifests, settings.node, self._incarnation)
        from porter_ctl.daemon.from_api import open_api  # noqa: PLC0415 - 29 MiB and 0.4 s

        return await open_api(settings, self._incarnation)

    async def _run(self, running: Running) -> None:
        async with asyncio.TaskGroup() as group:
            self._deciding = [
                group.create_task(self._endless(name, run), name=name)
                for name, run in running.deciding().items()
            ]
            for name, run in running.serving().items():
                group.create_task(self._endless(name, run), name=name)
            group.create_task(self._endless("the loop's clock", self._lag.run))
            group.create_task(self._settle(running))

    async def _settle(self, running: Running) -> None:
        """Once all is read, let the garbage collector pass over it from then on."""
        while not running.synced:  # noqa: ASYNC110 - once in a process's life
            await asyncio.sleep(_LOOK_AGAIN)
        gc.collect()
        gc.freeze()
        young, middle, old = gc.get_threshold()
        gc.set_threshold(young, middle, old * _OLD_GENERATION)
        log.info("planned", prefixes=len(running.node.desired))

    async def _endless(self, name: str, run: Callable[[], Coroutine[None, None, None]]) -> None:
        """Run what should never end by itself, unless we leave.

        Raises:
            RuntimeError: It has.
        """
        await run()
        if not self._leaving:
            raise RuntimeError(f"{name} has ended")

    # What it tells of itself

    def _process_facts(self) -> ProcessFacts:
        return process_facts(__version__, self._writer.dropped, self._lag)

    def _node_facts(self) -> NodeFacts | None:
        if self._running is None:
            return None
        now = asyncio.get_running_loop().time()
        return node_facts(self._running, now=now, wall_offset=self._wall_offset)


@contextlib.contextmanager
def _asked_for(option: str, value: object) -> Iterator[None]:
    """Name the option that asked for what cannot be had."""
    try:
        yield
    except OSError as error:
        why = error.strerror or str(error)
        raise CannotStartError(f"{option} {value}: {why}; give another one") from error
