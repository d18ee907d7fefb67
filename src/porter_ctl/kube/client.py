"""Requests to the API server, in raw JSON, each bounded in time.

This module asks and hands back what it got: a status and octets. What an answer means is said in
`porter_ctl.kube.errors`; what is asked, in `port`, `reflector`, `lease` and `recorder`. Whatever
keeps an answer from coming is `Unavailable`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import struct
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import aiohttp
import yaml

from porter_ctl.kube import _lean
from porter_ctl.kube.timings import Timings
from porter_ctl.store.port import Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping
    from pathlib import Path
    from types import SimpleNamespace

_log = logging.getLogger(__name__)

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
_IN_CLUSTER = "KUBERNETES_SERVICE_HOST"
_RENEW_AFTER = 30.0  # seconds: credentials and CA are read again at most this often
# What the library raises over a kubeconfig file that is none: it checks little.
_MALFORMED = (yaml.YAMLError, ValueError, TypeError, LookupError, AttributeError)
_KEEPALIVE = (  # the first probe after 30 s of silence, the end after another 30 s
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 10),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
)
_LAST_SEND = 10_000  # milliseconds: the kernel sends nothing again after that
_FORGET = struct.pack("ii", 1, 0)  # what was not sent yet is not sent once we close
_fence: ContextVar[Callable[[], object] | None] = ContextVar("fence", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer, read to its end.

    Attributes:
        status: The HTTP status code.
        body: The octets as they came.
        retry_after: Seconds that the server asked us to wait; None if it did not.
    """

    status: int
    body: bytes
    retry_after: float | None = None

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status <= 299


class KubeClient:
    """One API server. Create it with `connect`, in the event loop that uses it."""

    def __init__(
        self,
        *,
        kubeconfig: Path | None = None,
        context: str | None = None,
        timings: Timings | None = None,
    ) -> None:
        """Args say where the API server is.

        Args:
            kubeconfig: That file; None for this Pod's ServiceAccount, or outside of a cluster for
                the usual file ($KUBECONFIG, ~/.kube/config).
            context: A context of the file; None for its current one.
            timings: How long to wait for what.
        """
        self.timings = timings or Timings()
        self._kubeconfig = kubeconfig
        self._context = context
        self._library = _lean.load()
        self._api: _lean.ApiClient | None = None
        self._connecting = asyncio.Lock()
        self._connected_at = 0.0
        self._closed = False

    async def connect(self) -> None:
        """Read the credentials; opens no connection yet. The first request does it otherwise.

        Raises:
            Unavailable: There are none, or they cannot be read.
        """
        # At DEBUG the library logs answers, Secrets included.
        logging.getLogger("kubernetes_asyncio").setLevel(logging.INFO)
        configuration = self._library.configuration()
        try:
            if self._kubeconfig is None and os.environ.get(_IN_CLUSTER):
                self._library.load_in_cluster(configuration)
            else:
                path = str(self._kubeconfig) if self._kubeconfig else None
                await self._library.load_kubeconfig(path, self._context, configuration)
            api = self._library.client(configuration)
        except (self._library.config_error, OSError, *_MALFORMED) as error:
            raise Unavailable(
                f"no usable credentials for the API server ({error})",
                remedy="name a kubeconfig file, or run as a Pod with a ServiceAccount",
            ) from error
        api.user_agent = "porter"
        _send_nothing_late(api.rest_client.pool_manager)
        stale, self._api = self._api, api
        self._connected_at = asyncio.get_running_loop().time()
        if stale is not None:
            await stale.close()

    async def close(self) -> None:
        """Close all connections for good; open watches end."""
        self._closed = True
        api, self._api = self._api, None
        if api is not None:
            await api.close()

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: object = None,
        content_type: str = JSON,
        timeout: float | None = None,  # noqa: ASYNC109 - the caller's bound on one HTTP exchange
        fence: Callable[[], object] | None = None,
    ) -> Reply:
        """Send one request and read the whole answer.

        Args:
            method: GET, POST, PUT, PATCH or DELETE.
            path: From the root of the API server, e.g. "/api/v1/services".
            params: The query.
            body: Anything JSON can spell; None for no body.
            content_type: Of the body; it says what kind of PATCH this is.
            timeout: Seconds for everything; None for `Timings.request`.
            fence: Called when the body is about to leave; what it raises keeps it here.

        Raises:
            Unavailable: No complete answer came in time.
        """
        _fence.set(fence)
        seconds = self.timings.request if timeout is None else timeout
        # No total: where it and a cancellation meet, aiohttp 3.14 forgets the cancellation.
        bound = aiohttp.ClientTimeout(total=None, connect=min(seconds, self.timings.connect))
        with _unavailable(method, path):
            # The library's own waits (an exec plugin, a token file) are bounded here as well.
            async with asyncio.timeout(seconds):
                response = await self._send(method, path, params, bound, (body, content_type))
                async with response:
                    return Reply(
                        status=response.status,
                        body=await response.read(),
                        retry_after=_seconds(response.headers.get("Retry-After")),
                    )

    @contextlib.asynccontextmanager
    async def stream(
        self, path: str, params: Mapping[str, str]
    ) -> AsyncIterator[Reply | AsyncIterator[bytes]]:
        """Open a watch: yields its octets as they come, or the whole answer if it is not 2xx.

        The iterator raises Unavailable when the stream breaks, or is silent for `Timings.idle`.
        """
        bound = aiohttp.ClientTimeout(
            total=None, connect=self.timings.connect, sock_read=self.timings.idle
        )
        with _unavailable("GET", path):
            async with asyncio.timeout(self.timings.request):
                response = await self._send("GET", path, params, bound, (None, JSON))
        async with response:
            if response.ok:
                _keep_alive(response)
                yield _octets(response, path)
                return
            with _unavailable("GET", path):
                async with asyncio.timeout(self.timings.request):
                    body = await response.read()
            retry_after = _seconds(response.headers.get("Retry-After"))
            yield Reply(status=response.status, body=body, retry_after=retry_after)

    async def _send(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        bound: aiohttp.ClientTimeout,
        content: tuple[object, str],
    ) -> aiohttp.ClientResponse:
        if self._api is None:
            await self._renew(0.0)
        try:
            response = await self._call(method, path, params, bound, content)
        except aiohttp.ClientSSLError:  # the server's CA may have been replaced: read it again
            if not await self._renew(_RENEW_AFTER):
                raise
            return await self._call(method, path, params, bound, content)
        if response.status == 401 and await self._renew(_RENEW_AFTER):
            response.release()
            return await self._call(method, path, params, bound, content)
        return response

    async def _call(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        bound: aiohttp.ClientTimeout,
        content: tuple[object, str],
    ) -> aiohttp.ClientResponse:
        if self._api is None or self._closed:
            raise Unavailable(f"{method} {path}: the client is closed")
        body, content_type = content
        headers = {"Accept": JSON}
        if body is not None:
            headers["Content-Type"] = content_type
        try:
            return await self._api.call_api(
                path,
                method,
                query_params=list((params or {}).items()),
                header_params=headers,
                body=body,
                auth_settings=["BearerToken"],
                _preload_content=False,
                _request_timeout=bound,
            )
        except self._library.config_error as error:
            raise Unavailable(f"{method} {path}: {error}") from error

    async def _renew(self, not_before: float) -> bool:
        """Read the credentials again; False if that happened less than `not_before` ago."""
        async with self._connecting:
            if self._closed:
                return False
            age = asyncio.get_running_loop().time() - self._connected_at
            if self._api is not None and age < not_before:
                return False
            _log.info("reading the credentials for the API server again")
            await self.connect()
            return True


@contextlib.contextmanager
def _unavailable(method: str, path: str) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise Unavailable(f"{method} {path}: no answer in time") from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise Unavailable(f"{method} {path}: {str(error) or type(error).__name__}") from error


def _send_nothing_late(session: aiohttp.ClientSession) -> None:
    """See to it that a write leaves now or never.

    The fence of a request is called between the last wait and the octets of its body; what the
    kernel could not deliver is not sent again after a while, nor after we gave up.
    """

    async def look(_session: aiohttp.ClientSession, _: SimpleNamespace, _chunk: object) -> None:
        fence = _fence.get()
        if fence is not None:
            fence()

    def open_socket(address: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol = address[:3]
        sock = socket.socket(family, kind, protocol)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _LAST_SEND)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _FORGET)
        return sock

    config = aiohttp.TraceConfig()
    config.on_request_chunk_sent.append(look)
    config.freeze()
    session.trace_configs.append(config)
    if isinstance(session.connector, aiohttp.TCPConnector):
        session.connector._socket_factory = open_socket  # noqa: SLF001 - the library builds it


async def _octets(response: aiohttp.ClientResponse, path: str) -> AsyncIterator[bytes]:
    with _unavailable("GET", path):
        async for chunk in response.content.iter_any():
            yield chunk


def _keep_alive(response: aiohttp.ClientResponse) -> None:
    """A peer that vanished is found by the kernel, too."""
    connection = response.connection
    if connection is None or connection.transport is None:  # the answer has ended already
        return
    sock = connection.transport.get_extra_info("socket")
    if sock is not None:
        for level, option, value in _KEEPALIVE:
            sock.setsockopt(level, option, value)


def _seconds(header: str | None) -> float | None:
    """Retry-After in seconds; API servers send no dates there."""
    return float(header) if header is not None and header.isascii() and header.isdigit() else None
