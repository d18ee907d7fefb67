"""The composition root: everything is built here, runs, and is ended in order.

Health is served from the first moment, so that what is waited for can be asked. What this node
announced last is at hand before the cluster is, and is announced again if the cluster does not
answer. SIGTERM is a restart or a leave (`porter_ctl.daemon.ending`), SIGINT and a second signal a
leave without waiting; the status is 0. A task that ends by itself ends the process with one line
and status 1; to the peers that is a crash, and graceful restart covers it.
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
from porter_ctl.daemon.announcing import begin
from porter_ctl.daemon.control import control_server
from porter_ctl.daemon.ending import Ending, decide
from porter_ctl.daemon.facts import node_facts, process_facts
from porter_ctl.daemon.http import http_server
from porter_ctl.daemon.leave import Leave
from porter_ctl.daemon.loop_lag import LoopLag
from porter_ctl.daemon.metrics import MetricsPage
from porter_ctl.daemon.node_state import NodeLock, last_boot, note_boot
from porter_ctl.daemon.readiness import missing
from porter_ctl.daemon.running import build
from porter_ctl.daemon.watchdog import Watchdog
from porter_ctl.host.boot import read_boot
from porter_ctl.reconcile.last_good import LastGoodStart
from porter_ctl.record.journal import Journal
from porter_ctl.record.when import Fallback
from porter_ctl.store.port import Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Mapping

    from structlog.typing import FilteringBoundLogger

    from porter_ctl.daemon.announcing import Announcing
    from porter_ctl.daemon.cluster import Cluster
    from porter_ctl.daemon.facts import NodeFacts, ProcessFacts
    from porter_ctl.daemon.log_writer import LineWriter
    from porter_ctl.daemon.running import Running
    from porter_ctl.daemon.settings import Settings
    from porter_ctl.host.boot import Boot
    from porter_ctl.record.last_good import LastGood

log: FilteringBoundLogger = structlog.get_logger(__name__)

GOOD, BROKEN = 0, 1
_GIVING_BACK_SECONDS = 2.0  # the lead, so that another takes it at once
_OLD_GENERATION = 200  # times the default, for what is frozen need not be looked at
_LISTEN_AGAIN = 1.0  # seconds
_LOOK_AGAIN = 0.2


class CannotStartError(Exception):
    """Something of this machine that was asked for cannot be had."""


async def serve(settings: Settings, writer: LineWriter) -> int:
    """Be the speaker of this node until SIGTERM or SIGINT; returns the exit status."""
    told: asyncio.Queue[signal.Signals] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.put_nowait, number)
    app = App(settings, writer)
    living = asyncio.create_task(app.live(), name="porter")
    waiting = asyncio.create_task(told.get(), name="signals")
    await asyncio.wait((living, waiting), return_when=asyncio.FIRST_COMPLETED)
    if living.done():
        waiting.cancel()
    else:
        ending = asyncio.create_task(app.end(patiently=waiting.result() is signal.SIGTERM))
        again = asyncio.create_task(told.get(), name="signals")
        await asyncio.wait((ending, again), return_when=asyncio.FIRST_COMPLETED)
        again.cancel()
        if not ending.done():
            log.warning("told again: leaving at once")
            ending.cancel()
            await asyncio.wait((ending,))
            await app.end(patiently=False)
        elif (error := ending.exception()) is not None:
            log.error("leaving at once", err=f"{type(error).__name__}: {error}")
            await app.end(patiently=False)
        living.cancel()
    return await _outcome(living)


async def _outcome(living: asyncio.Task[None]) -> int:
    try:
        await living
    except asyncio.CancelledError:
        log.info("ended")
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
        self._announcing: Announcing | None = None
        self._leading: list[asyncio.Task[None]] = []
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
                boot = read_boot()
                last = last_boot(settings.state_dir)
            with _asked_for("--http", settings.http):
                await stack.enter_async_context(self._http())
            with _asked_for("--control", settings.control):
                control = control_server(settings.control, lambda: self._running)
                await stack.enter_async_context(control)
            journal = self._journal(boot)
            stack.callback(journal.close)
            kept = journal.load(time.time())
            self._announcing = announcing = begin(settings, journal, boot, last)
            await announcing.forwarding.learn()
            async with asyncio.TaskGroup() as group:
                self._announce(group, announcing, kept)
                cluster = await self._open()
                stack.push_async_callback(cluster.close)
                self._running = running = build(
                    settings, cluster, announcing, incarnation=self._incarnation
                )
                stack.callback(running.seeker.close)
                self._run(group, running)
                group.create_task(self._note(running, boot))

    async def end(self, *, patiently: bool) -> None:
        """End as evidence says: close without a word, or leave in good order.

        Args:
            patiently: It may be a restart, and a leave may take the time it needs.
        """
        began = asyncio.get_running_loop().time()
        self._leaving = True
        _cancel(self._leading)
        running = self._running
        context = None if running is None else running.node.context
        if patiently:
            port = None if running is None else running.cluster.port
            ending = await decide(self._settings, port, context)
        else:
            ending = Ending(restart=False, why="told to")
        log.info("restarting" if ending.restart else "leaving", why=ending.why)
        if self._announcing is not None:
            leave = Leave(self._announcing, self._deciding, began=began, patient=patiently)
            await leave.run(restart=ending.restart)
        if self._leading:
            await asyncio.wait(self._leading, timeout=_GIVING_BACK_SECONDS)

    def missing(self) -> tuple[str, ...]:
        """Why this process is not ready; empty when it is."""
        if self._leaving:
            return ("leaving this node",)
        if not self._lock.held:
            return (f"another porter on this node holds {self._lock.path}",)
        if self._running is None:
            return ("the cluster was not reached yet",)
        return missing(self._running)

    def _journal(self, boot: Boot) -> Journal:
        settings = self._settings
        return Journal(
            settings.state_dir / "last-good",
            settings.password_dir / "passwords",
            node=settings.node,
            boot_id=boot.id,
        )

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

    def _announce(
        self, group: asyncio.TaskGroup, announcing: Announcing, kept: LastGood | str
    ) -> None:
        """Run what announces, and have it announce what is kept if nothing better comes."""
        tasks = {
            "the speaker": announcing.speaker.run,
            "asking the dataplane": announcing.forwarding.run,
            "the loop's clock": self._lag.run,
            "the watchdog": Watchdog().run,
        }
        self._start(group, tasks)
        if isinstance(kept, str):
            log.info("nothing is kept of what was announced last", why=kept)
            return
        announcing.node.remember(kept)
        start = LastGoodStart(
            kept,
            Fallback(asyncio.get_running_loop().time(), kept.restart_seconds),
            node=announcing.node,
            seen=lambda: announcing.seen,
        )
        group.create_task(start.run())

    def _run(self, group: asyncio.TaskGroup, running: Running) -> None:
        self._leading = self._start(group, running.leading())
        self._deciding = self._start(group, running.deciding())
        self._start(group, running.serving())
        group.create_task(self._settle(running))

    def _start(
        self,
        group: asyncio.TaskGroup,
        tasks: Mapping[str, Callable[[], Coroutine[None, None, None]]],
    ) -> list[asyncio.Task[None]]:
        return [
            group.create_task(self._endless(name, run), name=name) for name, run in tasks.items()
        ]

    async def _settle(self, running: Running) -> None:
        """Once all is read, let the garbage collector pass over it from then on."""
        while not running.synced:  # noqa: ASYNC110 - once in a process's life
            await asyncio.sleep(_LOOK_AGAIN)
        gc.collect()
        gc.freeze()
        young, middle, old = gc.get_threshold()
        gc.set_threshold(young, middle, old * _OLD_GENERATION)
        log.info("planned", prefixes=len(running.node.desired))

    async def _note(self, running: Running, boot: Boot) -> None:
        """Once nothing waits for the dataplane any more, this boot is none to be careful in."""
        while not running.synced or running.gate.waiting:  # noqa: ASYNC110 - once in a process's life
            await asyncio.sleep(_LOOK_AGAIN)
        try:
            note_boot(self._settings.state_dir, boot)
        except OSError as error:
            log.warning("this boot cannot be noted", err=str(error))

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


def _cancel(tasks: Iterable[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()


@contextlib.contextmanager
def _asked_for(option: str, value: object) -> Iterator[None]:
    """Name the option that asked for what cannot be had."""
    try:
        yield
    except OSError as error:
        why = error.strerror or str(error)
        raise CannotStartError(f"{option} {value}: {why}; give another one") from error
