"""The control socket: HTTP over a Unix socket that only this user and root may open.

A port on loopback would be open to every process of a node whose Pods use the host's network.
"""

from __future__ import annotations

import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec
from aiohttp import web

from porter_ctl.daemon.peers_answer import peers_answer
from porter_ctl.daemon.routes_answer import UnknownPeerError, routes_answer
from porter_ctl.daemon.status_answer import status_answer
from porter_ctl.daemon.why_answer import CannotTellError, why_answer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from porter_ctl.daemon.running import Running

_SHUTDOWN_SECONDS = 0.2


@asynccontextmanager
async def control_server(path: Path, running: Callable[[], Running | None]) -> AsyncIterator[None]:
    """Serve within the context.

    Args:
        path: The socket. A file that a dead process left there is replaced.
        running: What to tell of; None while there is nothing yet.

    Raises:
        OSError: It cannot be had, or a living process has it.
    """
    runner = web.AppRunner(
        _application(running), access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS
    )
    await runner.setup()
    listening = _listen(path)
    try:
        await web.SockSite(runner, listening).start()
        yield
    finally:
        await runner.cleanup()
        listening.close()
        _remove(path)


def _application(running: Callable[[], Running | None]) -> web.Application:
    def there() -> Running:
        found = running()
        if found is None:
            raise web.HTTPServiceUnavailable(text="starting: the cluster was not reached yet\n")
        return found

    async def status(_: web.Request) -> web.Response:
        return _json(await status_answer(there()))

    async def peers(_: web.Request) -> web.Response:
        return _json(peers_answer(there()))

    async def routes(request: web.Request) -> web.Response:
        peer, service = (request.query.get(name, "") for name in ("peer", "service"))
        try:
            return _json(await routes_answer(there(), peer=peer, service=service))
        except UnknownPeerError as error:
            raise web.HTTPNotFound(text=f"{error}\n") from error

    async def why(request: web.Request) -> web.Response:
        asked = request.query.get("service", "")
        try:
            return _json(await why_answer(there(), asked))
        except CannotTellError as error:
            raise web.HTTPServiceUnavailable(text=f"{error}\n") from error
        except ValueError as error:
            wanted = "write NAMESPACE/NAME or an address"
            raise web.HTTPBadRequest(text=f"{asked!r}: {wanted}\n") from error

    application = web.Application()
    application.router.add_get("/v1/status", status)
    application.router.add_get("/v1/peers", peers)
    application.router.add_get("/v1/routes", routes)
    application.router.add_get("/v1/why", why)
    return application


def _json(answer: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(answer), content_type="application/json")


def _listen(path: Path) -> socket.socket:
    """A socket at `path`: its mode is set before anybody can connect."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.is_socket():
        _remove_stale(path)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listening.bind(str(path))
        path.chmod(0o600)
        listening.settimeout(0)
    except OSError:
        listening.close()
        raise
    return listening


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


def _remove_stale(path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            _remove(path)
            return
    raise OSError(f"{path}: another process answers there")
