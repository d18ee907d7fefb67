"""What a process is told when it starts: where it runs, where it reads, where it is asked."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal, NamedTuple

STATE_DIR = Path("/var/lib/porter")
CONTROL = Path("/run/porter/control.sock")
NAMESPACE = "kube-system"


class LogFormat(StrEnum):
    """How a log line is spelt."""

    JSON = "json"
    CONSOLE = "console"


class LogLevel(StrEnum):
    """From which level on events of Porter are logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class HttpAddress(NamedTuple):
    """Where health and metrics are served."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> HttpAddress:
        """Read `HOST:PORT`, an IPv6 host in brackets; port 0 lets the kernel choose.

        Raises:
            ValueError: It is something else.
        """
        host, _, port = text.rpartition(":")
        if not host or not port.isascii() or not port.isdigit() or int(port) > 0xFFFF:
            raise ValueError(f"{text!r} is not HOST:PORT; write for example 127.0.0.1:7479")
        return cls(host.removeprefix("[").removesuffix("]"), int(port))

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


HTTP = HttpAddress("127.0.0.1", 7479)


@dataclass(frozen=True, slots=True, kw_only=True)
class PodIdentity:
    """The Pod this process runs in, as the downward API tells; empty where there is none.

    Attributes:
        name: Its name; reported by Events.
        namespace: Porter's own namespace, where its Secrets are.
        uid: Its UID: a report is believed only while that Pod lives.
    """

    name: str = ""
    namespace: str = NAMESPACE
    uid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one `porter run`.

    Attributes:
        node: The name of the Node object that stands for this machine.
        state_dir: Where this node's lock and memory are; one process at a time.
        passwords: Where the passwords of peers are kept for a restart, if not there: a medium that
            forgets.
        control: The socket that the other commands of `porter` talk to.
        http: Where /healthz, /readyz and /metrics are.
        manifests: The directory that stands for the cluster; None: an API server does.
        kubeconfig: How to reach it; None: as this Pod's ServiceAccount.
        service_classes: The `loadBalancerClass`es that are ours; "" stands for none named.
        pod: Who we are in the cluster.
    """

    node: str
    state_dir: Path = STATE_DIR
    passwords: Path | None = None
    control: Path = CONTROL
    http: HttpAddress = HTTP
    manifests: Path | None = None
    kubeconfig: Path | None = None
    service_classes: frozenset[str]
    pod: PodIdentity = PodIdentity()

    @property
    def password_dir(self) -> Path:
        """Where the passwords of peers are kept."""
        return self.passwords or self.state_dir

    @property
    def source_name(self) -> Literal["API", "Manifests"]:
        """What is followed: `API` or `Manifests`."""
        return "API" if self.manifests is None else "Manifests"
