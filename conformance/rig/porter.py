"""Porter in the rig: its CustomResourceDefinitions, its rights, `porter run` as pods."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.rig import rbac
from conformance.rig.hosts import run
from conformance.rig.layout import HOSTS
from conformance.rig.objects import Object, as_object, parse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from conformance.rig.control_plane import ControlPlane
    from conformance.rig.kubelet import Pod
    from conformance.rig.layout import Layout
    from conformance.rig.process import Process

COMMAND = Path(sys.executable).with_name("porter")
HTTP = "127.0.0.1:7479"
KINDS = ("vippools", "vips", "bgpconfigs", "bgppeers", "bgpadvertisements", "bgpnodes")


def install(control_plane: ControlPlane, *, secrets: Sequence[str] = ()) -> None:
    """Apply what `porter crd` prints, and the ServiceAccount with its rights; wait until served.

    Args:
        control_plane: Where to.
        secrets: Names in Porter's namespace that it may read.
    """
    definitions = run(str(COMMAND), "crd")
    control_plane.kubectl("apply", "--server-side", "-f", "-", manifest=definitions)
    control_plane.api.apply(*rbac.objects(secrets))
    control_plane.api.wait_established(*(f"{kind}.porter.network" for kind in KINDS))


class Porter:
    """`porter run` on one node, the process of a Pod with a Pod-bound token.

    Its state lives in the Pod's folder: over restarts of the process, not over those of the Pod.

    Args:
        server: The API server as it reaches it; by default directly, not through kube-proxy.
        env: Added to its environment, for example PORTER_CRASH_AT.
        arguments: Added to its command line.
    """

    def __init__(
        self,
        layout: Layout,
        node: str,
        *,
        server: str = f"https://{HOSTS['cp'][0]}:6443",
        env: Mapping[str, str] | None = None,
        arguments: Sequence[str] = (),
    ) -> None:
        self.layout = layout
        self.node = node
        self.host = layout.nodes[node]
        self.server = server
        self.env = dict(env or {})
        self.arguments = tuple(arguments)
        self.pod = self._make_pod()

    @property
    def control(self) -> Path:
        """Its control socket, which the other commands of `porter` talk to."""
        return self.pod.folder / "control.sock"

    @property
    def process(self) -> Process:
        process = self.pod.process
        assert process is not None, "not started"
        return process

    def start(self) -> Process:
        """Start the process; `wait_ready` marks the Pod ready."""
        return self.pod.start(*self._command())

    def wait_ready(self, timeout: float = 30) -> float:
        """Wait until /readyz answers ok, then mark the Pod ready; returns the seconds it took."""
        seconds = self.process.require(self.ready, timeout=timeout, what="porter is ready")
        self.pod.set_ready()
        return seconds

    def ready(self) -> bool:
        return bool(self.host.run("curl", "-sf", f"http://{HTTP}/readyz", check=False))

    def metrics(self) -> str:
        return self.host.run("curl", "-sf", f"http://{HTTP}/metrics")

    def cli(self, *arguments: str) -> str:
        """What `porter ARGUMENTS` says of this process, be all well or not."""
        arguments = (*arguments, "--control", str(self.control))
        return self.host.run(str(COMMAND), *arguments, check=False)

    def view(self, command: str) -> Object:
        """What `porter COMMAND -o json` says, for example status, peers or routes."""
        return as_object(parse(self.cli(command, "-o", "json")))

    def crash(self) -> None:
        """SIGKILL; the Pod stays."""
        self.pod.crash()

    def restart(self) -> Process:
        """Start a process that has ended again in the same Pod, as kubelet does."""
        return self.pod.restart(*self._command())

    def replace(self, grace: int = 30) -> int | None:
        """Delete the Pod gracefully and start a new one; returns the old one's exit status."""
        status = self.pod.delete(grace)
        self.pod = self._make_pod()
        self.start()
        return status

    def _command(self) -> tuple[Sequence[str], Mapping[str, str]]:
        """Arguments and environment."""
        token = self.pod.token_file
        kubeconfig = self.layout.control_plane.write_kubeconfig(
            self.pod.name, self.server, client=rbac.ACCOUNT, token_file=token
        )
        host, port = self.server.removeprefix("https://").rsplit(":", 1)
        return (
            (
                *(str(COMMAND), "run", "--node", self.node, "--kubeconfig", str(kubeconfig)),
                *("--state-dir", str(self.pod.folder), "--control", str(self.control)),
                *("--http", HTTP, *self.arguments),
            ),
            {
                "KUBERNETES_SERVICE_HOST": host,
                "KUBERNETES_SERVICE_PORT": port,
                "NODE_NAME": self.node,
                "POD_NAME": self.pod.name,
                "POD_NAMESPACE": rbac.NAMESPACE,
                "POD_UID": self.pod.uid,
                **self.env,
            },
        )

    def _make_pod(self) -> Pod:
        pod = self.layout.kubelet.make_pod(
            self.host,
            f"porter-{self.node}",
            namespace=rbac.NAMESPACE,
            labels={"app.kubernetes.io/name": "porter"},
            account=rbac.ACCOUNT,
        )
        pod.refresh_token()
        return pod


def start_porters(layout: Layout) -> dict[str, Porter]:
    """Start Porter on every node and wait until all are ready."""
    porters = {node: Porter(layout, node) for node in layout.nodes}
    for porter in porters.values():
        porter.start()
    for porter in porters.values():
        porter.wait_ready()
    return porters
