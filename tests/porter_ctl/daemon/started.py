"""`porter run` as a process of its own, and a router beside it, for tests of the whole daemon."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from ipaddress import IPv4Address, ip_address
from typing import IO, TYPE_CHECKING, NamedTuple

from porter_bgp.config import (
    Connection,
    DialConfig,
    ImportPolicy,
    ListenConfig,
    PeerConfig,
    SessionConfig,
    SpeakerConfig,
    TcpConfig,
)
from porter_bgp.speaker.speaker import Speaker
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

NODE = "127.0.0.71"
SECONDS = 30.0  # for anything to happen on a busy machine

CLUSTER = """\
apiVersion: porter.network/v1beta1
kind: BGPConfig
metadata: {name: default}
spec: {asn: 64512, routerID: 192.0.2.71, dataplane: {gate: None}}
---
apiVersion: porter.network/v1beta1
kind: BGPPeer
metadata: {name: tor}
spec: {asn: 65000, address: 127.0.0.1, port: PORT, source: {address: NODE}}
---
apiVersion: porter.network/v1beta1
kind: VIPPool
metadata: {name: lab}
spec: {addresses: [198.51.100.7]}
---
apiVersion: porter.network/v1beta1
kind: BGPAdvertisement
metadata: {name: all}
spec: {communities: {standard: ["65000:100"]}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: LoadBalancer, ports: [{port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
endpoints: [{addresses: [127.0.0.1], nodeName: a, conditions: {ready: true}}]
"""


class Answer(NamedTuple):
    status: int
    text: str


@dataclass
class Started:
    """A running process; the address of its health is in its log."""

    process: subprocess.Popen[bytes]
    folder: Path
    log: Path
    address: tuple[str, int] | None = field(default=None)

    @property
    def control(self) -> Path:
        return self.folder / "run" / "control.sock"

    def get(self, path: str) -> Answer:
        """Status and body; status 0 where nobody answers."""
        if self.address is None:
            found = re.search(r'"address":"([^":]+):(\d+)"', self.log.read_text())
            if found is None:
                return Answer(0, "")
            self.address = found[1], int(found[2])
        connection = HTTPConnection(*self.address, timeout=5)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return Answer(response.status, response.read().decode())
        except (OSError, HTTPException):
            return Answer(0, "")
        finally:
            connection.close()

    async def ready(self) -> None:
        await eventually(lambda: self.get("/readyz").status == 200, seconds=SECONDS)

    async def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return await asyncio.to_thread(self.process.wait, SECONDS)


def manifests(folder: Path, text: str, *, port: int = 1) -> Path:
    directory = folder / "manifests"
    directory.mkdir(exist_ok=True)
    text = text.replace("PORT", str(port)).replace("NODE", NODE)
    (directory / "all.yaml").write_text(text)
    return directory


@contextmanager
def porter(
    folder: Path, source: Path, *arguments: str, stdout: int | IO[bytes] | None = None
) -> Iterator[Started]:
    """`porter run` on that directory or kubeconfig; its log is in a file unless `stdout` says."""
    option = "--manifests" if source.is_dir() else "--kubeconfig"
    log = folder / "porter.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            (
                *(sys.executable, "-m", "porter_ctl", "run", "--node", "a"),
                *(option, str(source), "--state-dir", str(folder / "state")),
                *("--control", str(folder / "run" / "control.sock")),
                *("--http", "127.0.0.1:0", "--log-format", "json", *arguments),
            ),
            stdout=output if stdout is None else stdout,
            env={key: value for key, value in os.environ.items() if not key.startswith("POD_")},
        )
    try:
        yield Started(process, folder, log)
    finally:
        process.kill()
        process.wait()


def _router_side() -> PeerConfig:
    session = SessionConfig(
        local_asn=65000,
        router_id=IPv4Address("192.0.2.100"),
        peer_asn=64512,
        connection=Connection.PASSIVE_ONLY,
        dial=DialConfig(first=0.01, limit=0.02, rejected=0.02, passive_after=0.1),
        loopback=True,
    )
    return PeerConfig(
        session=session, tcp=TcpConfig(remote=ip_address(NODE)), import_policy=ImportPolicy.ACCEPT
    )


@asynccontextmanager
async def router() -> AsyncIterator[tuple[Speaker, int]]:
    """A router that takes what the node tells it, and its port."""
    listen = ListenConfig(address=IPv4Address("127.0.0.1"), port=0)
    speaker = Speaker(SpeakerConfig(listen=(listen,)))
    task = asyncio.create_task(speaker.run())
    await eventually(lambda: bool(speaker.view().listening))
    speaker.configure({"node": _router_side()})
    try:
        yield speaker, speaker.view().listening[0]
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
