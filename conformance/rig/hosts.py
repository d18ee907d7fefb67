"""Hosts of a rig: network namespaces, the links between them, and the processes in them.

All that a rig makes carries its prefix, `p<pid>x<number>-`: namespaces by name, the folder of
temporary files by name, the one link into the root namespace by name. The folder holds a lock for
as long as its rig lives, so `sweep` knows a dead rig's leavings from a living one's.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import re
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self, TextIO

from conformance.rig.errors import RigError, require_root
from conformance.rig.process import Process, wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

_FOLDER = "porter-rig-"
_PREFIX = re.compile(r"p\d+x\d+-")
_NUMBERS = itertools.count()
_FORWARDING = {
    "net.ipv4.ip_forward": "1",
    "net.ipv6.conf.all.forwarding": "1",
    "net.ipv4.fib_multipath_hash_policy": "1",  # by ports too, or one client takes one path
    "net.ipv6.fib_multipath_hash_policy": "1",
    "net.ipv4.icmp_ratelimit": "0",  # a client's probes must hear every ICMP error
    "net.ipv4.icmp_msgs_per_sec": "100000",
    "net.ipv6.icmp.ratelimit": "0",
}
_QUIET = {
    "net.ipv4.conf.all.rp_filter": "0",
    "net.ipv4.conf.default.rp_filter": "0",
    "net.ipv6.conf.all.disable_ipv6": "0",
    "net.ipv6.conf.default.disable_ipv6": "0",
    "net.ipv6.conf.all.accept_dad": "0",
    "net.ipv6.conf.default.accept_dad": "0",
}


def run(*argv: str, text: str | None = None, check: bool = True, timeout: float = 30) -> str:
    """Run a command to its end and return its standard output.

    Raises:
        RigError: It failed and `check` was asked for, or it does not exist.
    """
    try:
        done = subprocess.run(
            argv, input=text, capture_output=True, text=True, check=False, timeout=timeout
        )
    except FileNotFoundError as error:
        raise RigError(f"{argv[0]} is not installed; run: make setup") from error
    if check and done.returncode:
        said = (done.stderr.strip() or done.stdout.strip())[-2000:]
        raise RigError(f"{' '.join(argv)}: exit {done.returncode}: {said}")
    return done.stdout


@dataclass(slots=True, kw_only=True)
class Host:
    """One machine of the rig: a network namespace and the processes in it."""

    name: str
    namespace: str
    folder: Path
    processes: list[Process] = field(default_factory=list)

    def run(self, *argv: str, text: str | None = None, check: bool = True) -> str:
        """Run a command in this namespace; returns its standard output."""
        return run("ip", "netns", "exec", self.namespace, *argv, text=text, check=check)

    def ip(self, *commands: str) -> None:
        """Run `ip` commands (without the leading `ip`) in this namespace, all in one process."""
        run("ip", "-n", self.namespace, "-batch", "-", text="\n".join(commands) + "\n")

    def address(self, interface: str, *addresses: str) -> None:
        """Bring `interface` up with `addresses` (each with its length), usable at once."""
        self.ip(
            *(f"addr add {a} dev {interface}{' nodad' if ':' in a else ''}" for a in addresses),
            f"link set {interface} up",
        )

    def sysctl(self, settings: Mapping[str, str]) -> None:
        self.run("sysctl", "-qe", "-w", *(f"{key}={value}" for key, value in settings.items()))

    def forward(self) -> None:
        """Make this host a router: forwarding, and flows spread by their ports, both families."""
        self.sysctl(_FORWARDING)

    def spawn(
        self, name: str, *argv: str, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> Process:
        """Start a process in this namespace; `env` is added to ours. It ends with the rig."""
        log = self.folder / "logs" / f"{self.name}-{name}.log"
        with log.open("ab") as output:
            popen = subprocess.Popen(
                ["ip", "netns", "exec", self.namespace, *argv],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **(env or {})},
                cwd=cwd,
                start_new_session=True,  # a Ctrl-C is ours to pass on
            )
        process = Process(name=f"{name} on {self.name}", popen=popen, log=log)
        self.processes.append(process)
        return process

    def pids(self) -> list[int]:
        """All processes in this namespace, whoever started them."""
        return [int(pid) for pid in run("ip", "netns", "pids", self.namespace).split()]


class Hosts:
    """The namespaces, links and processes of one rig; `close` takes all of them away."""

    def __init__(self) -> None:
        require_root()
        sweep()
        self.prefix = f"p{os.getpid()}x{next(_NUMBERS)}-"
        self.folder = Path(tempfile.gettempdir()) / f"{_FOLDER}{self.prefix}"
        (self.folder / "logs").mkdir(parents=True)
        self._lock: TextIO = (self.folder / "lock").open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self._hosts: dict[str, Host] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def host(self, name: str) -> Host:
        """Make the host `name`: an empty namespace with its loopback up."""
        namespace = self.prefix + name
        run("ip", "netns", "add", namespace)
        host = Host(name=name, namespace=namespace, folder=self.folder)
        self._hosts[name] = host
        host.sysctl(_QUIET)
        host.ip("link set lo up")
        return host

    def switch(self, name: str, bridge: str = "fabric") -> Host:
        """Make a host that only bridges; `plug` connects others to it."""
        host = self.host(name)
        host.ip(f"link add {bridge} type bridge", f"link set {bridge} up")
        return host

    def plug(self, host: Host, interface: str, switch: Host, bridge: str = "fabric") -> None:
        """Connect `interface` of `host` to a port of `switch`; the port is named as the host."""
        self.connect(host, interface, switch, host.name)
        switch.ip(f"link set {host.name} master {bridge}", f"link set {host.name} up")

    def connect(self, one: Host, interface: str, other: Host, far: str) -> None:
        """Lay a cable between `interface` of `one` and `far` of `other`; both stay down."""
        run(
            *("ip", "link", "add", interface, "netns", one.namespace, "type", "veth"),
            *("peer", "name", far, "netns", other.namespace),
        )

    def uplink(self, host: Host, interface: str, ours: str, theirs: str) -> None:
        """Lay a cable from `host` into the root namespace; addresses with their lengths."""
        near = f"{self.prefix}up"
        run(
            *("ip", "link", "add", near, "type", "veth"),
            *("peer", "name", interface, "netns", host.namespace),
        )
        run("ip", "addr", "add", ours, "dev", near)
        run("ip", "link", "set", near, "up")
        host.address(interface, theirs)

    def close(self) -> None:
        """End every process, newest first, then take away links, namespaces and files."""
        processes = [process for host in self._hosts.values() for process in host.processes]
        for process in processes:
            process.send(signal.SIGCONT)
            process.send(signal.SIGTERM)
        deadline = 3.0
        with contextlib.suppress(RigError):
            wait_until(
                lambda: not any(process.running for process in processes),
                timeout=deadline,
                what="the processes end",
            )
        for process in processes:
            if process.running:
                process.kill()
        kept = os.environ.get("PORTER_RIG_LOGS")
        if kept:
            shutil.copytree(self.folder / "logs", Path(kept) / self.prefix, dirs_exist_ok=True)
        _remove(self.prefix)
        self._hosts.clear()
        self._lock.close()


def sweep() -> list[str]:
    """Remove what dead rigs left behind; returns their prefixes."""
    found = {match[0] for name in _namespaces() if (match := _PREFIX.match(name))}
    folders = Path(tempfile.gettempdir()).glob(f"{_FOLDER}p*x*-")
    found |= {folder.name.removeprefix(_FOLDER) for folder in folders}
    dead = sorted(prefix for prefix in found if not _alive(prefix))
    for prefix in dead:
        _remove(prefix)
    return dead


def _alive(prefix: str) -> bool:
    lock = Path(tempfile.gettempdir()) / f"{_FOLDER}{prefix}" / "lock"
    if not lock.exists():
        return Path(
            f"/proc/{prefix[1:].partition('x')[0]}"
        ).exists()  # not yet, or no longer, there
    with lock.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _namespaces() -> list[str]:
    return [line.split()[0] for line in run("ip", "netns", "list").splitlines() if line]


def _empty(namespace: str) -> None:
    """Kill what runs in `namespace`, until nothing does."""

    def emptied() -> bool:
        pids = run("ip", "netns", "pids", namespace, check=False).split()
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        return not pids

    with contextlib.suppress(RigError):
        wait_until(emptied, timeout=3, what=f"{namespace} is empty")


def _remove(prefix: str) -> None:
    for name in _namespaces():
        if name.startswith(prefix):
            _empty(name)
            run("ip", "netns", "del", name, check=False)
    run("ip", "link", "del", f"{prefix}up", check=False)
    shutil.rmtree(Path(tempfile.gettempdir()) / f"{_FOLDER}{prefix}", ignore_errors=True)
