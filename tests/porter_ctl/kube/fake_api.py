"""An API server that misbehaves as told: for what a real one cannot be made to do.

Each request takes the next answer of the script; when the script is over, a watch is held open
in silence and everything else is 503.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Self, TypeAlias

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | bool | None"
Object: TypeAlias = dict[str, Json]
Answer: TypeAlias = "Callable[[web.Request], Awaitable[web.StreamResponse]]"


class Asked:
    """One request as it came."""

    def __init__(self, request: web.Request, body: bytes, at: float) -> None:
        self.method = request.method
        self.path = request.path
        self.query = dict(request.query)
        self.headers = dict(request.headers)
        self.body: Object = json.loads(body) if body else {}
        self.at = at


class FakeApi:
    """Listens on a free port of the loopback while entered."""

    def __init__(self) -> None:
        self.script: list[Answer] = []
        self.always: Answer | None = None  # the answer to every request, instead of the script
        self.asked: list[Asked] = []
        self.url = ""
        self._over = asyncio.Event()
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._over.set()
        if self._runner:
            await self._runner.cleanup()

    def kubeconfig(self, folder: Path, *, token: str = "first") -> Path:  # noqa: S107 - not a secret
        """A kubeconfig file for this server."""
        path = folder / "kubeconfig"
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "fake",
            "clusters": [{"name": "fake", "cluster": {"server": self.url}}],
            "users": [{"name": "fake", "user": {"token": token}}],
            "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "fake"}}],
        }
        path.write_text(json.dumps(config))
        return path

    async def silence(self) -> None:
        """Wait for the end of the server: what a hung one does."""
        await self._over.wait()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        now = asyncio.get_running_loop().time()
        self.asked.append(Asked(request, await request.read(), now))
        if self.always:
            return await self.always(request)
        if self.script:
            return await self.script.pop(0)(request)
        if request.query.get("watch"):
            return await self.stream()(request)
        return web.Response(status=503, text="the script is over")

    # Answers.

    def stream(self, *events: Object | bytes, ends: bool = False, at_once: int = 0) -> Answer:
        """A watch that says these events, then is silent, or ends; `at_once` octets at a time."""
        sent = b"".join(event if isinstance(event, bytes) else line(event) for event in events)
        step = at_once or len(sent) or 1

        async def answer(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse(headers={"Content-Type": "application/json"})
            await response.prepare(request)
            for start in range(0, len(sent), step):
                await response.write(sent[start : start + step])
            if not ends:
                await self.silence()
            return response

        return answer

    async def hang(self, _: web.Request) -> web.StreamResponse:
        """Takes the request and never answers."""
        await self.silence()
        return web.Response(status=503)


def reply(status: int, body: Json | str = None, **headers: str) -> Answer:
    """A whole answer: an object as JSON, a text as a web page."""

    async def answer(_: web.Request) -> web.StreamResponse:
        if isinstance(body, str):
            return web.Response(status=status, text=body, content_type="text/html", headers=headers)
        return web.json_response(body, status=status, headers=headers)

    return answer


def refusal(code: int, reason: str = "", message: str = "", **details: Json) -> Answer:
    """The Status with which a real API server refuses."""
    return reply(code, status(code, reason, message, **details))


def status(code: int, reason: str = "", message: str = "", **details: Json) -> Object:
    return {
        "kind": "Status",
        "code": code,
        "reason": reason,
        "message": message,
        "details": dict(details),
    }


async def drop(request: web.Request) -> web.StreamResponse:
    """Cuts the connection instead of answering."""
    if request.transport:
        request.transport.abort()
    return web.Response()


def line(event: Object) -> bytes:
    return json.dumps(event).encode() + b"\n"


def namespace(name: str, version: int, **labels: str) -> Object:
    metadata: Object = {
        "name": name,
        "uid": f"uid-{name}",
        "resourceVersion": str(version),
        "labels": dict(labels),
    }
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def added(name: str, version: int, **labels: str) -> Object:
    return {"type": "ADDED", "object": namespace(name, version, **labels)}


def modified(name: str, version: int, **labels: str) -> Object:
    return {"type": "MODIFIED", "object": namespace(name, version, **labels)}


def deleted(name: str, version: int) -> Object:
    return {"type": "DELETED", "object": namespace(name, version)}


def bookmark(version: int, *, ends_initial: bool = False) -> Object:
    annotations: Object = {"k8s.io/initial-events-end": "true"} if ends_initial else {}
    metadata: Object = {"resourceVersion": str(version), "annotations": annotations}
    return {"type": "BOOKMARK", "object": {"kind": "Namespace", "metadata": metadata}}


def complete(version: int) -> Object:
    """The bookmark after the last initial event."""
    return bookmark(version, ends_initial=True)


def error(code: int, reason: str = "", message: str = "") -> Object:
    return {"type": "ERROR", "object": status(code, reason, message)}


def page(version: int, *names: str, more: str = "") -> Answer:
    """One page of a list."""
    metadata: Object = {"resourceVersion": str(version), "continue": more}
    return reply(200, {"metadata": metadata, "items": [namespace(n, version) for n in names]})
