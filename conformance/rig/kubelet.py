"""Plays scheduler and kubelet: Nodes with their addresses, Pods that are processes on hosts."""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.rig.api import ApiError
from conformance.rig.errors import RigError
from conformance.rig.objects import Object, text, uid_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from conformance.rig.api import Api
    from conformance.rig.hosts import Host
    from conformance.rig.objects import Json
    from conformance.rig.process import Process

_LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
_LEASE_SECONDS = 40
_RENEW_SECONDS = 5.0


def now(*, micro: bool = False) -> str:
    """The wall clock as the API spells it; a Lease wants microseconds."""
    seconds = time.time()
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{whole}.{int(seconds % 1 * 1_000_000):06d}Z" if micro else f"{whole}Z"


def condition(kind: str, *, holds: bool | None, reason: str = "Rig") -> Object:
    """A condition; `holds` is None where nobody knows."""
    status = "Unknown" if holds is None else str(holds)
    return {"type": kind, "status": status, "reason": reason, "lastTransitionTime": now()}


@dataclass(slots=True, kw_only=True)
class Pod:
    """A Pod object with hostNetwork, and the process in its node's namespace that it stands for.

    Attributes:
        folder: Like an emptyDir: it lives as long as the Pod, over restarts of its process.
        argv: What the process runs; `env` is added to the rig's own environment.
        uid: Of the Pod object.
    """

    kubelet: Kubelet
    host: Host
    namespace: str
    name: str
    uid: str
    folder: Path
    account: str
    argv: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    process: Process | None = None
    restarts: int = 0

    @property
    def path(self) -> str:
        return f"/api/v1/namespaces/{self.namespace}/pods/{self.name}"

    @property
    def token_file(self) -> Path:
        return self.folder / "token"

    def start(self, argv: Sequence[str] = (), env: Mapping[str, str] | None = None) -> Process:
        """Start its process, as before unless told otherwise; the Pod's status is left alone."""
        self.argv, self.env = argv or self.argv, env if env is not None else self.env
        self.process = self.host.spawn(self.name, *self.argv, env=self.env)
        return self.process

    def restart(self, argv: Sequence[str] = (), env: Mapping[str, str] | None = None) -> Process:
        """Start a process that has ended once more: a container restart, same Pod."""
        if self.process and self.process.running:
            raise RigError(f"{self.process.name} still runs")
        self.restarts += 1
        return self.start(argv, env)

    def crash(self) -> None:
        """SIGKILL the process; the Pod stays as it is until `restart` or `set_ready`."""
        if self.process:
            self.process.kill()

    def set_ready(self, *, ready: bool = True) -> None:
        """Patch its status: Running, Ready or not."""
        addresses = self.kubelet.addresses[self.host.name]
        v4_first = sorted(addresses, key=lambda address: ":" in address)
        self.kubelet.api.patch(
            f"{self.path}/status",
            {
                "status": {
                    "phase": "Running",
                    "startTime": now(),
                    "hostIP": v4_first[0],
                    "podIP": v4_first[0],
                    "podIPs": [{"ip": address} for address in v4_first],
                    "conditions": [
                        condition("PodScheduled", holds=True),
                        condition("Initialized", holds=True),
                        condition("ContainersReady", holds=ready),
                        condition("Ready", holds=ready),
                    ],
                    "containerStatuses": [
                        {
                            "name": "main",
                            "image": "process",
                            "imageID": "process",
                            "ready": ready,
                            "started": True,
                            "restartCount": self.restarts,
                            "state": {"running": {"startedAt": now()}},
                        }
                    ],
                }
            },
        )

    def refresh_token(self, seconds: int = 3600) -> str:
        """Write a new token of its ServiceAccount, bound to this Pod, into `token_file`."""
        bound: Object = {"kind": "Pod", "apiVersion": "v1", "name": self.name, "uid": self.uid}
        answer = self.kubelet.api.post(
            f"/api/v1/namespaces/{self.namespace}/serviceaccounts/{self.account}/token",
            {"spec": {"expirationSeconds": seconds, "boundObjectRef": bound}},
        )
        token = text(answer, "status", "token")
        part = self.token_file.with_suffix(".part")
        part.write_text(token)
        part.replace(self.token_file)
        return token

    def mark_deleted(self, grace: int = 30) -> None:
        """DELETE it gracefully: from now on it has a deletionTimestamp."""
        self.kubelet.api.delete(self.path, grace=grace)

    def delete(self, grace: int = 30) -> int | None:
        """What a kubelet does on DELETE: SIGTERM, SIGKILL after `grace` seconds, then forget it.

        Returns:
            The exit status of its process; None when it had none.
        """
        self.mark_deleted(grace)
        status = self.process.stop(grace) if self.process else None
        self.remove()
        return status

    def remove(self) -> None:
        """Take the object and its folder away at once, whatever its process does."""
        with contextlib.suppress(ApiError):
            self.kubelet.api.delete(self.path, grace=0)
        self.kubelet.pods.pop((self.namespace, self.name), None)
        shutil.rmtree(self.folder, ignore_errors=True)


class Kubelet:
    """The kubelet of every node, and the scheduler.

    Args:
        api: An administrator's.
        folder: Where pods have their folders.
    """

    def __init__(self, api: Api, folder: Path) -> None:
        self.api = api
        self.addresses: dict[str, tuple[str, ...]] = {}
        self.pods: dict[tuple[str, str], Pod] = {}
        self._folder = folder
        self._stopped = threading.Event()
        self._renewer = threading.Thread(target=self._renew_forever, daemon=True)

    def register(
        self, name: str, addresses: Sequence[str], labels: Mapping[str, str] | None = None
    ) -> None:
        """Make the Node `name`, ready, with these InternalIPs."""
        self.addresses[name] = tuple(addresses)
        spoken: list[Json] = [{"type": "InternalIP", "address": a} for a in addresses]
        spoken.append({"type": "Hostname", "address": name})
        self.api.create(
            {
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": {
                    "name": name,
                    "labels": {"kubernetes.io/hostname": name, **(labels or {})},
                },
                "status": {
                    "addresses": spoken,
                    "conditions": [
                        condition("Ready", holds=True),
                        condition("NetworkUnavailable", holds=False),
                    ],
                },
            }
        )

    def set_condition(self, node: str, kind: str, *, holds: bool | None) -> None:
        """Set one condition of a Node, leaving the others; None: nobody knows."""
        self.api.patch(
            f"/api/v1/nodes/{node}/status",
            {"status": {"conditions": [condition(kind, holds=holds)]}},
            kind="strategic",
        )

    def keep_leases(self) -> None:
        """Renew every node's Lease each 5 s; needed with node-lifecycle-controller only."""
        self._renewer.start()

    def stop(self) -> None:
        self._stopped.set()
        if self._renewer.is_alive():
            self._renewer.join(5)

    def make_pod(
        self,
        host: Host,
        name: str,
        *,
        namespace: str = "default",
        labels: Mapping[str, str] | None = None,
        account: str = "default",
        grace: int = 30,
    ) -> Pod:
        """Make the Pod object, bound to `host`; no process yet, no status."""
        made = self.api.post(
            f"/api/v1/namespaces/{namespace}/pods",
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": name, "labels": dict(labels or {})},
                "spec": {
                    "nodeName": host.name,
                    "hostNetwork": True,
                    "serviceAccountName": account,
                    "terminationGracePeriodSeconds": grace,
                    "containers": [{"name": "main", "image": "process"}],
                },
            },
        )
        folder = self._folder / uid_of(made)
        folder.mkdir(parents=True)
        pod = Pod(
            kubelet=self,
            host=host,
            namespace=namespace,
            name=name,
            uid=uid_of(made),
            folder=folder,
            account=account,
        )
        self.pods[namespace, name] = pod
        return pod

    def _renew_forever(self) -> None:
        while not self._stopped.wait(_RENEW_SECONDS):
            for node in list(self.addresses):
                with contextlib.suppress(ApiError, OSError):  # the server may be away: next time
                    self._renew(node)

    def _renew(self, node: str) -> None:
        spec: Object = {
            "holderIdentity": node,
            "leaseDurationSeconds": _LEASE_SECONDS,
            "renewTime": now(micro=True),
        }
        lease: Object = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": node, "namespace": "kube-node-lease"},
            "spec": spec,
        }
        self.api.apply(lease)
