"""`porter run` beside a control plane, with nobody to peer with: allocators and nothing else."""

from __future__ import annotations

import contextlib
import signal
from typing import TYPE_CHECKING, Self

from conformance.rig.api import ApiError
from conformance.rig.hosts import run
from conformance.rig.kubelet import condition
from conformance.rig.objects import text, uid_of
from conformance.rig.porter import COMMAND, KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from conformance.rig.control_plane import ControlPlane
    from conformance.rig.objects import Json, Object
    from conformance.rig.process import Process

_PODS = "/api/v1/namespaces/kube-system/pods"
_LOCAL = "https://127.0.0.1:6443"


def serve_kinds(plane: ControlPlane) -> None:
    """Have the API server serve Porter's kinds."""
    definitions = run(str(COMMAND), "crd")
    plane.kubectl("apply", "--server-side", "-f", "-", manifest=definitions)
    plane.api.wait_established(*(f"{kind}.porter.network" for kind in KINDS))


class Allocator:
    """One process that seeks the lead; the API server knows it by its `name`.

    Args:
        plane: Where it writes; the Node of its name is made there.
        name: Its own, of the Node it runs on, and of the user it is.
        lease: Another Lease than the usual one: then it leads beside others.
        env: Added to its environment.
        arguments: Added to its command line.
    """

    def __init__(
        self,
        plane: ControlPlane,
        name: str,
        *,
        lease: str = "",
        env: Mapping[str, str] | None = None,
        arguments: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.lease = lease or "porter-allocator"
        self._plane = plane
        self._env = {**(env or {}), "PORTER_LEASE_NAME": self.lease}
        self._arguments = tuple(arguments)
        self.uid = ""
        self._process: Process | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self._process.kill()
        with contextlib.suppress(ApiError):
            self._plane.api.delete(f"{_PODS}/{self.name}", grace=0)
        with contextlib.suppress(ApiError):  # a node that is gone for good is awaited by nobody
            self._plane.api.delete(f"/api/v1/nodes/{self.name}")

    @property
    def process(self) -> Process:
        assert self._process is not None, "not started"
        return self._process

    def start(self) -> None:
        plane, name = self._plane, self.name
        certificate, _ = plane.certificates.pair(name)
        if not certificate.exists():
            plane.certificates.issue(name, f"/O=system:masters/CN={name}")
        labels: Object = {"node-role.kubernetes.io/control-plane": ""}
        metadata: Object = {"name": name, "labels": labels}
        plane.api.apply({"apiVersion": "v1", "kind": "Node", "metadata": metadata})
        self.uid = self._env["POD_UID"] = self._make_pod()
        kubeconfig = plane.write_kubeconfig(name, _LOCAL, client=name)
        folder = plane.host.folder / f"porter-{name}"
        folder.mkdir(exist_ok=True)
        self._process = plane.host.spawn(
            f"porter-{name}",
            *(str(COMMAND), "run", "--node", name, "--kubeconfig", str(kubeconfig)),
            *("--state-dir", str(folder), "--control", str(folder / "control.sock")),
            *("--http", "127.0.0.1:0", *self._arguments),
            env=self._env,
        )

    def _make_pod(self) -> str:
        """Its Pod, Ready, for a report counts only while one stands for it; returns the UID."""
        api = self._plane.api
        account: Object = {"name": "allocator", "namespace": "kube-system"}
        api.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account})
        labels: Object = {"app.kubernetes.io/name": "porter"}
        spec: Object = {
            "nodeName": self.name,
            "serviceAccountName": "allocator",
            "containers": [{"name": "main", "image": "process"}],
        }
        metadata: Object = {"name": self.name, "namespace": "kube-system", "labels": labels}
        api.apply({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
        ready: list[Json] = [condition("Ready", holds=True)]
        api.patch(f"{_PODS}/{self.name}/status", {"status": {"conditions": ready}})
        return uid_of(api.get(f"{_PODS}/{self.name}"))

    def leads(self) -> bool:
        """Whether its Lease says that it holds it."""
        path = f"/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/{self.lease}"
        if not self._plane.api.exists(path):
            return False
        holder = text(self._plane.api.get(path), "spec", "holderIdentity")
        return holder.partition("_")[0] == self.uid

    def stop(self) -> None:
        """SIGSTOP."""
        self.process.send(signal.SIGSTOP)

    def wake(self) -> None:
        """SIGCONT."""
        self.process.send(signal.SIGCONT)

    def log(self) -> str:
        """All that it wrote."""
        with contextlib.suppress(FileNotFoundError):
            return self.process.log.read_text(errors="replace")
        return ""
