"""The lab's world: a directory, a router, and a node's worth of processes three times over.

A node is a real `porter run` and two web servers, on an address of loopback. What a kubelet and
the controllers of a cluster would do, the lab does: when servers come or go, it writes so.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import socket
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from porter_ctl.lab import files
from porter_ctl.lab.children import Child, Janitor
from porter_ctl.lab.forwarder import Forwarder
from porter_ctl.lab.router import ADDRESS, ASN, Router
from porter_ctl.lab.traffic import Traffic
from porter_ctl.manifests.document import as_object
from porter_ctl.manifests.own_files import FOLDER
from porter_ctl.manifests.parse import parse_object
from porter_ctl.plan import ALLOCATED

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from porter_ctl.manifests.document import Json

NODES = {"node1": "127.0.0.11", "node2": "127.0.0.12", "node3": "127.0.0.13"}
POOL = "198.51.100.0/24"
COMMUNITY = "65000:100"
_SERVERS = ("a", "b")  # of each node
_BACKLOG = 128
_TRIES = 20  # to find a port that is free on all nodes' addresses
_LAST_LINES = 5
_PREFIX = "porter-lab-"
_LONGEST_HOME = 107 - len(f"/{_PREFIX}12345678/node1.sock")  # unix(7): sun_path


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What the lab starts with.

    Attributes:
        pool: What the VIPPool has to give; None: there is no VIPPool.
        hold_seconds: How long an address rests there.
        started: The nodes whose `porter run` is started.
        multipath: Whether the router forwards over all its paths.
        graceful_restart: Whether nodes ask it to keep their routes over a restart.
        several_paths: Whether nodes may tell it several paths of a prefix.
        drains: Whether the annotation of `porter drain` counts.
    """

    pool: str | None = POOL
    hold_seconds: int = 600
    started: tuple[str, ...] = tuple(NODES)
    multipath: bool = True
    graceful_restart: bool = True
    several_paths: bool = True
    drains: bool = True


class NodeReport(NamedTuple):
    """What a node says of itself.

    Attributes:
        reason: How it announces, or why it does not: a reason code; empty before it said so.
        announced: The VIPs that the router has acknowledged.
        desired: Those that the node should announce.
    """

    reason: str
    announced: int
    desired: int


class Lab:
    """A lab that runs.

    Attributes:
        directory: The manifests; edited like any others.
        router: What the nodes talk to.
        forwarder: What leads clients to VIPs.
        traffic: Clients that never pause, once they are started.
    """

    def __init__(self, root: Path, world: World) -> None:
        """Args say where and what; `running_lab` makes it, and clears it away."""
        self.directory = root / "manifests"
        self._root = root
        self._world = world
        self.router = Router(NODES, multipath=world.multipath)
        self._sockets = _listening_sockets()
        self.port: int = next(iter(self._sockets.values())).getsockname()[1]
        self.forwarder = Forwarder(self._next_hops, port=self.port)
        self.traffic = Traffic()
        self._speakers: dict[str, Child] = {}
        self._servers: dict[files.Endpoint, Child] = {}
        self._services: list[str] = []
        self._commands: dict[str, Child] = {}

    def prepare(self) -> None:
        """Write the manifests and start the processes; the router must listen already."""
        self.directory.mkdir()
        self.write("nodes.yaml", files.nodes(NODES))
        world = self._world
        speaker = files.speaker(graceful_restart=world.graceful_restart, drains=world.drains)
        self.write("bgpconfig.yaml", speaker)
        self.write(
            "bgppeers.yaml",
            files.peers(
                NODES,
                router=str(ADDRESS),
                port=self.router.port,
                asn=ASN,
                several_paths=world.several_paths,
            ),
        )
        self.write("bgpadvertisement.yaml", files.advertisement(COMMUNITY))
        if world.pool is not None:
            self.write_pool(world.pool)
        for node in world.started:
            self.start_node(node)
        for endpoint, listening in self._sockets.items():
            self._serve(endpoint, listening)
        self._sockets.clear()

    async def close(self) -> None:
        """End every process."""
        self.traffic.stop()
        for listening in self._sockets.values():
            listening.close()
        children = (*self._speakers.values(), *self._servers.values(), *self._commands.values())
        for child in children:
            child.kill()
        await self.forwarder.close()

    # Nodes

    def start_node(self, node: str) -> None:
        """Start a node's `porter run`."""
        own = self._root / node
        own.mkdir(exist_ok=True)
        arguments = {
            "--node": node,
            "--manifests": self.directory,
            "--state-dir": own / "state",
            "--control": self.control(node),
            "--http": f"{NODES[node]}:0",
            "--log-format": "console",
        }
        words = [str(word) for pair in arguments.items() for word in pair]
        self._speakers[node] = Child("porter_ctl", "run", *words, log=own / "log")

    def kill_node(self, node: str) -> None:
        """End a node's `porter run` as a crash would."""
        self._speakers.pop(node).kill()

    def is_alive(self, node: str) -> bool:
        """Whether a node's `porter run` runs."""
        return node in self._speakers and self._speakers[node].alive

    def has_failed(self) -> bool:
        """Whether a node's `porter run` ended that nobody ended."""
        return not all(child.alive for child in self._speakers.values())

    def last_words(self, node: str) -> list[str]:
        """What a node's `porter run` printed last."""
        with contextlib.suppress(FileNotFoundError):
            return (
                (self._root / node / "log").read_text(errors="replace").splitlines()[-_LAST_LINES:]
            )
        return []

    def control(self, node: str) -> Path:
        """The socket that `porter status` asks a node by."""
        return self._root / f"{node}.sock"

    def drain(self, node: str) -> None:
        """Run `porter drain` for a node, as an operator would."""
        self._command(node, "drain")

    def undrain(self, node: str) -> None:
        """Run `porter undrain` for a node."""
        self._command(node, "undrain")

    def drained(self, node: str) -> bool:
        """Whether the last command of the two that ran for a node was to drain it."""
        return node in self._commands and self._commands[node].argument == "drain"

    def command_status(self, node: str) -> int | None:
        """The exit status of the last of these commands; None while it runs, or if none did."""
        return self._commands[node].status if node in self._commands else None

    def _command(self, node: str, word: str) -> None:
        if node in self._commands:
            self._commands[node].kill()
        words = (word, node, "--manifests", str(self.directory), "--timeout", "20")
        log = self._root / node / "log"
        self._commands[node] = Child("porter_ctl", *words, log=log)

    # Servers

    def servers(self, node: str) -> list[str]:
        """The names of a node's servers that answer."""
        return [endpoint.name for endpoint in self._servers if endpoint.node == node]

    def lose_server(self, node: str) -> None:
        """End one of a node's servers, if one is left, and say so in the EndpointSlices."""
        endpoint = next((endpoint for endpoint in self._servers if endpoint.node == node), None)
        if endpoint is not None:
            self._servers.pop(endpoint).kill()
            self._write_endpoints()

    def restore_servers(self, node: str) -> None:
        """Have all of a node's servers again."""
        for endpoint in _endpoints():
            if endpoint.node == node and endpoint not in self._servers:
                self._serve(endpoint, _listen(endpoint.address, self.port))
        self._write_endpoints()

    def _serve(self, endpoint: files.Endpoint, listening: socket.socket) -> None:
        with listening:
            self._servers[endpoint] = Child(
                "porter_ctl.lab.backend",
                str(listening.fileno()),
                endpoint.node,
                endpoint.name,
                log=self._root / "servers.log",
                inherit=(listening.fileno(),),
            )

    # Files

    @property
    def services(self) -> tuple[str, ...]:
        """The Services that the lab wrote, the oldest first."""
        return tuple(self._services)

    def write(self, name: str, text: str) -> None:
        """Write a manifest: whole, or not at all."""
        draft = self.directory / f".{name}"
        draft.write_text(text)
        draft.rename(self.directory / name)

    def write_pool(self, addresses: str) -> None:
        """Let the pool have these addresses."""
        self.write("vippool.yaml", files.pool(addresses, hold_seconds=self._world.hold_seconds))

    def add_service(
        self, name: str, *, address: str | None = None, told_by: str | None = None
    ) -> None:
        """Write a Service and its EndpointSlice."""
        self._services.append(name)
        self._write_endpoints()
        text = files.service(name, port=self.port, address=address, told_by=told_by)
        self.write(f"{name}.yaml", text)

    def remove_service(self, name: str) -> None:
        """Remove both."""
        self._services.remove(name)
        (self.directory / f"{name}.yaml").unlink(missing_ok=True)  # a user may have been faster
        (self.directory / f"{name}-endpoints.yaml").unlink(missing_ok=True)

    def refusals(self) -> dict[str, str]:
        """Why objects are not accepted, by kind and name: what their status files say."""
        found: dict[str, str] = {}
        for path in sorted(self.directory.glob(f"{FOLDER}/*/*.yaml")):
            with contextlib.suppress(FileNotFoundError):
                why = _refusal(parse_object(path.read_bytes(), path.name))
                if why:
                    found[f"{path.parent.name}/{path.stem}"] = why
        return found

    def allocation(self, name: str) -> str:
        """Why a Service has an address or none, as its condition says; empty before it does."""
        with contextlib.suppress(FileNotFoundError):
            path = self.directory / FOLDER / "Service" / f"default_{name}.yaml"
            status = as_object(parse_object(path.read_bytes(), path.name).get("status"))
            reason, message = _condition(status, ALLOCATED)
            return f"{reason}: {message}"
        return ""

    def report(self, node: str) -> NodeReport:
        """What a node says of itself in its BGPNode."""
        with contextlib.suppress(FileNotFoundError):
            path = self.directory / FOLDER / "BGPNode" / f"{node}.yaml"
            status = as_object(parse_object(path.read_bytes(), path.name).get("status"))
            reason, _ = _condition(status, "Announcing")
            return NodeReport(
                reason, int(str(status.get("announced", 0))), int(str(status.get("desired", 0)))
            )
        return NodeReport("", 0, 0)

    def _write_endpoints(self) -> None:
        for name in self._services:
            text = files.endpoints(name, sorted(self._servers), port=self.port)
            self.write(f"{name}-endpoints.yaml", text)

    def _next_hops(self, vip: str) -> tuple[str, ...]:
        return self.router.next_hops(f"{vip}/32")


@contextlib.asynccontextmanager
async def running_lab(world: World) -> AsyncIterator[Lab]:
    """A lab. Nothing of it is left afterwards, not even where this process is killed."""
    root = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_home()))
    with _swept(root):
        lab = Lab(root, world)
        async with lab.router.running():
            try:
                lab.prepare()
                yield lab
            finally:
                await lab.close()


def _home() -> str:
    """Where directories of processes go, unless no socket's name could be that long."""
    home = tempfile.gettempdir()
    return home if len(os.fsencode(home)) <= _LONGEST_HOME else "/tmp"  # noqa: S108 - mkdtemp's own


@contextlib.contextmanager
def _swept(root: Path) -> Iterator[None]:
    janitor = Janitor(root)
    try:
        yield
    finally:
        shutil.rmtree(root, ignore_errors=True)
        janitor.dismiss()


def _refusal(obj: Json) -> str:
    reason, message = _condition(as_object(obj.get("status")), "Accepted", status="False")
    return f"{reason}: {message}" if reason else ""


def _condition(of: Json, kind: str, *, status: str = "") -> tuple[str, str]:
    """Reason and message of a condition, if it has that status; empty for any."""
    conditions = of.get("conditions")
    for one in conditions if isinstance(conditions, list) else ():
        condition = as_object(one)
        if condition.get("type") == kind and status in {"", condition.get("status")}:
            return str(condition.get("reason")), str(condition.get("message"))
    return "", ""


def _endpoints() -> list[files.Endpoint]:
    return [
        files.Endpoint(node, f"web-{node.removeprefix('node')}{letter}", address)
        for node, address in NODES.items()
        for letter in _SERVERS
    ]


def _listening_sockets() -> dict[files.Endpoint, socket.socket]:
    """Sockets for all servers, on one port: a node's share theirs, and its kernel deals out."""
    for left in reversed(range(_TRIES)):
        with contextlib.ExitStack() as stack:
            found: dict[files.Endpoint, socket.socket] = {}
            port = 0
            try:
                for endpoint in _endpoints():
                    found[endpoint] = stack.enter_context(_listen(endpoint.address, port))
                    port = found[endpoint].getsockname()[1]
            except OSError as error:
                if error.errno != errno.EADDRINUSE or not left:
                    raise
            else:
                stack.pop_all()
                return found
    raise AssertionError("the last try returns or raises")


def _listen(address: str, port: int) -> socket.socket:
    listening = socket.socket()
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listening.bind((address, port))
        listening.listen(_BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening
