"""Health and metrics over HTTP, on loopback: `/healthz`, `/readyz`, `/metrics`.

`/healthz` answers when the event loop turns. `/readyz` says what is missing, a line each, with
status 503, or `ok`.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from porter_ctl.daemon.metrics import MetricsPage
    from porter_ctl.daemon.settings import HttpAddress

SHUTDOWN_SECONDS = 0.2  # for answers that are on their way


@asynccontextmanager
async def http_server(
    address: HttpAddress, *, missing: Callable[[], tuple[str, ...]], page: MetricsPage
) -> AsyncIterator[HttpAddress]:
    """Serve within the context; gives the address that is served, its port chosen.

    Args:
        address: Where to listen.
        missing: Why the process is not ready; empty when it is.
        page: The metrics.

    Raises:
        OSError: The address cannot be had.
    """

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(_: web.Request) -> web.Response:
        lines = missing()
        if lines:
            return web.Response(status=503, text="".join(f"{line}\n" for line in lines))
        return web.Response(text="ok\n")

    async def metrics(request: web.Request) -> web.Response:
        body, content_type = await page.render(request.headers.get("Accept", ""))
        response = web.Response(body=body, headers={"Content-Type": content_type})
        response.enable_compression()
        return response

    application = web.Application()
    application.router.add_get("/healthz", healthz)
    application.router.add_get("/readyz", readyz)
    application.router.add_get("/metrics", metrics)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        site = web.TCPSite(runner, address.host, address.port)
        await site.start()
        host, port = runner.addresses[0][:2]
        yield type(address)(str(host), int(port))
    finally:
        await runner.cleanup()
