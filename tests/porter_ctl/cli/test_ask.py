"""`porter_ctl.cli.ask` and the exit status of those who ask."""

from __future__ import annotations

import json
import signal
import socketserver
import subprocess
import sys
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from porter_ctl.cli.main import porter
from tests.porter_ctl.cli import answers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def daemon(path: Path, replies: dict[str, tuple[int, object]]) -> Iterator[list[str]]:
    """Somebody who answers on the control socket; gives the paths that were asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            status, body = replies[self.path.partition("?")[0]]
            text = body if isinstance(body, str) else json.dumps(body)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
            del format, args

        def address_string(self) -> str:
            return ""

    with socketserver.ThreadingUnixStreamServer(str(path), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield asked
        finally:
            server.shutdown()
            thread.join()


def run(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(porter, list(arguments))
    return done.exit_code, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("command", "reply", "status"),
    [
        ("status", answers.status(), 0),
        ("status", answers.status(established=1), 1),
        ("peers", {"peers": [answers.UP]}, 0),
        ("peers", answers.PEERS, 1),
        ("routes", answers.ROUTES, 0),
    ],
)
def test_the_exit_status_says_whether_all_is_good(
    tmp_path: Path, command: str, reply: object, status: int
) -> None:
    path = tmp_path / "c"
    with daemon(path, {f"/v1/{command}": (200, reply)}):
        code, out, _ = run(command, "--control", str(path), "-o", "json")

    assert code == status
    assert json.loads(out) == reply


def test_routes_are_asked_for_as_narrowly_as_they_are_wanted(tmp_path: Path) -> None:
    path = tmp_path / "c"
    with daemon(path, {"/v1/routes": (200, answers.ROUTES)}) as asked:
        run("routes", "--control", str(path), "--peer", "tor-a", "--service", "default/web")
        run("routes", "--control", str(path))

    assert asked == ["/v1/routes?peer=tor-a&service=default%2Fweb", "/v1/routes"]


@pytest.mark.parametrize(
    ("status", "text", "remedy"),
    [
        (404, "no peer x has a session here; there are: tor", "check the names given"),
        (503, "starting: the cluster was not reached yet", "ask again in a moment"),
        (500, "", "check the names given"),
    ],
)
def test_a_refusal_is_passed_on(tmp_path: Path, status: int, text: str, remedy: str) -> None:
    path = tmp_path / "c"
    with daemon(path, {"/v1/routes": (status, text + "\n")}):
        code, _, err = run("routes", "--control", str(path), "--peer", "x")

    assert code == 3
    assert err == f"Error: {path}: {text or f'status {status}'}; {remedy}\n"


def test_nobody_to_ask_is_neither_good_nor_wrong(tmp_path: Path) -> None:
    path = tmp_path / "none.sock"
    code, out, err = run("status", "--control", str(path))

    assert code == 3
    assert out == ""
    assert err == (
        f"Error: {path}: there is no such socket; start `porter run`, or name its --control\n"
    )


def test_a_socket_without_a_process_is_told_from_none(tmp_path: Path) -> None:
    path = tmp_path / "c"
    with daemon(path, {}):
        pass
    code, _, err = run("peers", "--control", str(path))

    assert code == 3
    assert "nobody listens there" in err


def test_watching_draws_again_until_it_is_told_to_stop(tmp_path: Path) -> None:
    path = tmp_path / "c"
    with daemon(path, {"/v1/peers": (200, answers.PEERS)}) as asked:
        watching = subprocess.Popen(
            (
                *("env", "--default-signal=INT"),  # whoever started the tests may ignore it
                *(sys.executable, "-m", "porter_ctl", "peers", "--watch", "--control", str(path)),
            ),
            stdout=subprocess.PIPE,
            text=True,
        )
        assert watching.stdout is not None
        lines = [watching.stdout.readline() for _ in range(6)]
        watching.send_signal(signal.SIGINT)
        watching.communicate(timeout=30)

    assert [line[:4] for line in lines] == ["NAME", "tor-", "tor-"] * 2
    assert len(asked) >= 2
    assert watching.returncode == 1  # one session is down
