"""Asks the daemon on this node, over its control socket; with the standard library alone."""

from __future__ import annotations

import socket
import sys
import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeVar
from urllib.parse import urlencode

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Command = TypeVar("Command", bound="Callable[..., object]")

CONTROL = "/run/porter/control.sock"
PATIENCE = 5.0  # seconds for an answer
REDRAW = 1.0  # seconds between two of `--watch`

GOOD, WRONG = 0, 1
_CLEAR = "\x1b[H\x1b[J"


class CouldNotTell(click.ClickException):
    """Nobody could be asked."""

    exit_code = 3


def control_option(command: Command) -> Command:
    """Give a command `--control`."""
    return click.option(
        "--control",
        type=click.Path(path_type=Path),
        default=CONTROL,
        show_default=True,
        envvar="PORTER_CONTROL",
        help="The socket of `porter run` on this node.",
    )(command)


def ask(control: Path, what: str, query: Mapping[str, str] | None = None) -> str:
    """Ask for `/v1/WHAT` and return the JSON.

    Raises:
        CouldNotTell: Nobody answers there, or not with what was asked for.
    """
    path = f"/v1/{what}?{urlencode(query)}" if query else f"/v1/{what}"
    connection = _UnixConnection(control)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read().decode()
    except FileNotFoundError:
        _give_up(control, "there is no such socket", "start `porter run`, or name its --control")
    except PermissionError:
        _give_up(control, "this user may not use it", "run as the user of `porter run`, or as root")
    except ConnectionRefusedError:
        _give_up(control, "nobody listens there", "start `porter run`")
    except (OSError, HTTPException, UnicodeDecodeError) as error:
        _give_up(control, str(error) or type(error).__name__, "look at the log of `porter run`")
    finally:
        connection.close()
    if response.status != 200:
        remedy = "ask again in a moment" if response.status == 503 else "check the names given"
        _give_up(control, body.strip() or f"status {response.status}", remedy)
    return body


def show(draw: Callable[[], tuple[str, int]], *, watch: bool) -> NoReturn:
    """Print what `draw` gives and exit with its status; with `watch`, again and again."""
    if not watch:
        text, status = draw()
        click.echo(text, nl=False)
        raise click.exceptions.Exit(status)
    status = GOOD
    try:
        while True:
            text, status = draw()
            click.echo(_CLEAR + text if _terminal() else text, nl=False)
            time.sleep(REDRAW)
    except KeyboardInterrupt:
        raise click.exceptions.Exit(status) from None


def _terminal() -> bool:
    return sys.stdout.isatty()


def _give_up(control: Path, what: str, remedy: str) -> NoReturn:
    raise CouldNotTell(f"{control}: {what}; {remedy}") from None


class _UnixConnection(HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=PATIENCE)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))
