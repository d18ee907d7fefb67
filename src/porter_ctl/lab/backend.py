"""One web server of the lab: it answers every request with its node's name and its own.

    python -m porter_ctl.lab.backend DESCRIPTOR NODE NAME

It inherits its listening socket, so that it can be spoken to from the moment it is started.
"""

from __future__ import annotations

import socket
import sys
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import ClassVar


class _Answer(BaseHTTPRequestHandler):
    """Answers, and logs nothing. HTTP/1.0: one request is one flow."""

    text: ClassVar[bytes] = b""

    def do_GET(self) -> None:
        """Say who answers."""
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(self.text)))
        self.end_headers()
        self.wfile.write(self.text)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing."""


class _Server(ThreadingTCPServer):
    daemon_threads = True


def main(descriptor: int, node: str, name: str) -> None:
    """Answer until killed."""
    listening = socket.socket(fileno=descriptor)
    _Answer.text = f"{node} {name}\n".encode()
    server = _Server(listening.getsockname(), _Answer, bind_and_activate=False)
    server.socket.close()
    server.socket = listening
    server.serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
