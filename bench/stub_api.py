"""An API server of few words: it tells what it holds, then what it is given, line by line.

It answers lists and watches as a real one does, streaming lists included. A status that
is written is answered with 404, and a Lease is held by somebody else: whoever asks does not lead.
"""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self
from urllib.parse import parse_qs, urlsplit

from bench.objects import stored
from bench.processes import CannotMeasureError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from conformance.rig.objects import Object

_LEASE = "/leases/"
_WATCH_SECONDS = 30.0


class StubApi:
    """Listens on loopback while entered.

    Args:
        items: What it holds, by the path of its collection.
    """

    def __init__(self, items: Mapping[str, Iterable[Object]]) -> None:
        self._version = 1
        self._items = {path: [stored(one, 1) for one in held] for path, held in items.items()}
        self._watches: dict[str, _Handler] = {}
        self._opened = threading.Condition()
        self._server = _Server(("127.0.0.1", 0), _Handler, self)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def kubeconfig(self, directory: Path) -> Path:
        """Write a kubeconfig file for it."""
        server = f"http://127.0.0.1:{self._server.server_address[1]}"
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "stub",
            "clusters": [{"name": "stub", "cluster": {"server": server}}],
            "users": [{"name": "stub", "user": {"token": "none"}}],
            "contexts": [{"name": "stub", "context": {"cluster": "stub", "user": "stub"}}],
        }
        path = directory / "kubeconfig"
        path.write_text(json.dumps(config))
        return path

    def event(self, item: Object) -> bytes:
        """The line that tells of a change of an object."""
        self._version += 1
        return _line("MODIFIED", stored(item, self._version))

    def tell(self, path: str, line: bytes) -> None:
        """Write a line to whoever watches the collection at this path.

        Raises:
            CannotMeasureError: Nobody does.
        """
        with self._opened:
            if not self._opened.wait_for(lambda: path in self._watches, _WATCH_SECONDS):
                raise CannotMeasureError(f"nobody watches {path}; see what the daemon says")
            watch = self._watches[path]
        watch.chunk(line)

    def answer(self, handler: _Handler) -> None:
        """Answer a GET: a watch, a list, a Lease, or nothing that is there."""
        address = urlsplit(handler.path)
        query = parse_qs(address.query)
        items = self._items.get(address.path, [])
        if _LEASE in address.path:
            handler.whole(200, _lease())
        elif "watch" in query:
            self._stream(handler, address.path, items if "sendInitialEvents" in query else [])
        elif address.path in self._items:
            metadata: Object = {"resourceVersion": str(self._version)}
            handler.whole(200, {"metadata": metadata, "items": [*items]})
        else:
            handler.whole(404, {"kind": "Status", "code": 404, "reason": "NotFound"})

    def _stream(self, handler: _Handler, path: str, items: Iterable[Object]) -> None:
        handler.start()
        handler.chunk(b"".join(_line("ADDED", item) for item in items))
        handler.chunk(_line("BOOKMARK", _end(self._version)))
        with self._opened:
            self._watches[path] = handler
            self._opened.notify_all()
        handler.rfile.read(1)  # until it goes


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], handler: type[_Handler], api: StubApi) -> None:
        self.api = api
        super().__init__(address, handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client went: its connection ends, and there is nothing to say."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        self.server.api.answer(self)

    def do_PATCH(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.whole(404, {"kind": "Status", "code": 404, "reason": "NotFound"})

    def start(self) -> None:
        """Begin an answer of unknown length."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def chunk(self, octets: bytes) -> None:
        """Go on with it."""
        if octets:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(octets), octets))

    def whole(self, status: int, body: Object) -> None:
        """Answer at once."""
        octets = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(octets)))
        self.end_headers()
        self.wfile.write(octets)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _line(verb: str, item: Object) -> bytes:
    return json.dumps({"type": verb, "object": item}, separators=(",", ":")).encode() + b"\n"


def _end(version: int) -> Object:
    annotations: Object = {"k8s.io/initial-events-end": "true"}
    return {"metadata": {"resourceVersion": str(version), "annotations": annotations}}


def _lease() -> Object:
    spec: Object = {
        "holderIdentity": "somebody",
        "leaseDurationSeconds": 15,
        "renewTime": datetime.now(UTC).isoformat(),
    }
    return {"metadata": {"name": "lease", "resourceVersion": str(datetime.now(UTC))}, "spec": spec}
