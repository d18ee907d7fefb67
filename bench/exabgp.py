"""ExaBGP 4, fed by the pipe of a process that it starts, or by its configuration file.

By the pipe all routes are announced in one command, which costs ExaBGP least; it answers `done`
once it holds them. From its file it starts faster still.
"""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING

from bench.routes import host_route

if TYPE_CHECKING:
    from pathlib import Path

    from bench.processes import Program

_SECONDS = 30.0

_NEIGHBOUR = """\
neighbor 127.0.0.1 {{
    router-id 127.0.0.2;
    local-address 127.0.0.2;
    local-as 64512;
    peer-as 65000;
    connect {port};
    family {{ ipv4 unicast; }}
    {routes}
}}
"""

_PIPE = """\
process feed {{
    run /bin/sh {feed};
    encoder text;
}}
"""

# What it answers is read to the end, which comes with its own.
_FEED = """\
cat {routes}
read answer
echo "$answer" > {held}.part && mv {held}.part {held}
exec cat > /dev/null
"""


class ExaBgp:
    """Debian's exabgp, fed by its pipe."""

    name = "ExaBGP 4"
    program = "exabgp"

    def __init__(self) -> None:
        self.environment = {
            "exabgp.daemon.user": getpass.getuser(),
            "exabgp.api.ack": "true",
            "exabgp.api.cli": "false",
            "exabgp.log.destination": "stderr",
            "exabgp.log.level": "WARNING",
        }

    def prepare(self, directory: Path, port: int, count: int) -> list[str]:
        """Write its configuration, the routes, and the process that feeds them."""
        config, feed = directory / "exabgp.conf", directory / "feed.sh"
        routes = " ".join(f"{host_route(number)}/32" for number in range(count))
        command = directory / "routes"
        command.write_text(f"announce attributes next-hop self nlri {routes}\n")
        feed.write_text(_FEED.format(routes=command, held=_held(directory)))
        neighbour = _NEIGHBOUR.format(port=port, routes="api { processes [ feed ]; }")
        config.write_text(_PIPE.format(feed=feed) + neighbour)
        return [self.program, str(config)]

    def hold(self, running: Program, directory: Path, count: int) -> None:
        """Wait for its answer to the command."""
        held = _held(directory)
        running.wait_until(held.exists, f"to take {count} routes", _SECONDS)
        if held.read_text() != "done\n":
            raise running.failure(f"answered {held.read_text().strip()} to its routes")


class ExaBgpFile(ExaBgp):
    """Debian's exabgp with its routes in its configuration."""

    name = "ExaBGP 4 file"

    def prepare(self, directory: Path, port: int, count: int) -> list[str]:
        """Write its configuration, the routes in it."""
        config = directory / "exabgp.conf"
        routes = [f"route {host_route(number)}/32 next-hop self;" for number in range(count)]
        static = "\n".join(["static {", *routes, "}"])
        config.write_text(_NEIGHBOUR.format(port=port, routes=static))
        return [self.program, str(config)]

    def hold(self, running: Program, directory: Path, count: int) -> None:
        """It reads its configuration before it does anything else."""


def _held(directory: Path) -> Path:
    return directory / "held"
