"""etcd, kube-apiserver and kube-controller-manager on one host, built from their Go modules."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.rig.api import Api
from conformance.rig.certificates import Certificates
from conformance.rig.errors import RigError
from conformance.rig.hosts import run
from conformance.rig.objects import parse, text
from conformance.rig.process import wait_until

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.rig.hosts import Host, Hosts
    from conformance.rig.objects import Object
    from conformance.rig.process import Process

_BUILD = Path(__file__).parent.parent / "kubernetes" / "build.sh"
_CONTROLLERS = (
    "endpointslice-controller",
    "namespace-controller",
    "serviceaccount-controller",
    "garbage-collector-controller",
    "serviceaccount-token-controller",
    "root-ca-certificate-publisher-controller",
)
_ETCD = "http://127.0.0.1:2379"
_ETCD_PEER = "http://127.0.0.1:2380"
SERVICE_CIDRS = "10.96.0.0/16,fd00:96::/112"
FIRST_SERVICE_ADDRESS = "10.96.0.1"
SECURE_PORT = 6443


def find_binaries() -> Path:
    """The folder of the built control plane.

    Raises:
        RigError: It is not built.
    """
    found = subprocess.run([_BUILD, "--find"], capture_output=True, text=True, check=False)
    if found.returncode:
        raise RigError(
            "the control plane is not built; run: conformance/kubernetes/build.sh"
            " (5 minutes the first time)"
        )
    return Path(found.stdout.strip())


class ControlPlane:
    """One control plane on `host`, which already has `addresses`.

    `api` is an administrator's client from the root namespace, `kubeconfig` the same as a file.

    Args:
        hosts: The rig it belongs to; it gets a link into the root namespace.
        host: Where it runs.
        addresses: By which others on the fabric reach it; certificates name them.
        controllers: To run besides those that make EndpointSlices, tokens and clean up.
        flags: More of the API server's.
    """

    def __init__(
        self,
        hosts: Hosts,
        host: Host,
        addresses: Sequence[str] = (),
        *,
        controllers: Sequence[str] = (),
        flags: Sequence[str] = (),
    ) -> None:
        self.host = host
        self.addresses = tuple(addresses)
        self.binaries = find_binaries()
        self._controllers = (*_CONTROLLERS, *controllers)
        self._flags = tuple(flags)
        self._folder = hosts.folder / "control-plane"
        near, far = _uplink()
        hosts.uplink(host, "uplink", f"{near}/30", f"{far}/30")
        names = ("127.0.0.1", "::1", FIRST_SERVICE_ADDRESS, far, *addresses)
        self.certificates = Certificates.make(self._folder / "certificates", names)
        self.server = f"https://{far}:{SECURE_PORT}"
        self.api = Api(
            self.server,
            self.certificates.authority,
            certificate=self.certificates.pair("admin"),
        )
        self.kubeconfig = self.write_kubeconfig("admin", self.server, client="admin")
        self.etcd: Process = self.start_etcd()
        self.apiserver: Process = self.start_apiserver()
        self.controller_manager: Process | None = None

    def wait_ready(self, timeout: float = 60) -> float:
        """Wait until /readyz answers ok; returns the seconds that took."""
        return self.apiserver.require(self.api.ready, timeout=timeout, what="/readyz answers ok")

    def start_etcd(self) -> Process:
        """Start etcd on its data folder, which outlives it."""
        self.etcd = self.host.spawn(
            "etcd",
            *(str(self.binaries / "etcd"), "--data-dir", str(self._folder / "etcd")),
            *("--listen-client-urls", _ETCD, "--advertise-client-urls", _ETCD),
            *("--listen-peer-urls", _ETCD_PEER, "--initial-advertise-peer-urls", _ETCD_PEER),
            *("--initial-cluster", f"default={_ETCD_PEER}"),
            *("--unsafe-no-fsync", "--log-level=warn"),
        )
        return self.etcd

    def start_apiserver(self) -> Process:
        certificate, key = self.certificates.pair("server")
        account = self.certificates.service_account_key
        advertised = self.addresses[:1] or (self.server.split("/")[2].rsplit(":", 1)[0],)
        self.apiserver = self.host.spawn(
            "kube-apiserver",
            str(self.binaries / "kube-apiserver"),
            f"--etcd-servers={_ETCD}",
            f"--secure-port={SECURE_PORT}",
            "--bind-address=0.0.0.0",
            f"--advertise-address={advertised[0]}",
            f"--tls-cert-file={certificate}",
            f"--tls-private-key-file={key}",
            f"--client-ca-file={self.certificates.authority}",
            f"--service-account-key-file={account}",
            f"--service-account-signing-key-file={account}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-cluster-ip-range={SERVICE_CIDRS}",
            "--authorization-mode=RBAC",
            "--allow-privileged",
            "--endpoint-reconciler-type=none",
            "--profiling=false",
            *self._flags,
        )
        return self.apiserver

    def start_controller_manager(self) -> Process:
        """Start it and wait for the ServiceAccount `default`, without which no Pod is admitted."""
        self.controller_manager = self.host.spawn(
            "kube-controller-manager",
            str(self.binaries / "kube-controller-manager"),
            f"--controllers={','.join(self._controllers)}",
            f"--kubeconfig={self.write_kubeconfig('local', 'https://127.0.0.1:6443')}",
            f"--service-account-private-key-file={self.certificates.service_account_key}",
            f"--root-ca-file={self.certificates.authority}",
            "--leader-elect=false",
            "--secure-port=0",
        )
        self.controller_manager.require(
            lambda: self.api.exists("/api/v1/namespaces/default/serviceaccounts/default"),
            timeout=30,
            what="the ServiceAccount default exists",
        )
        return self.controller_manager

    def restart_apiserver(self) -> float:
        """SIGTERM, start again, wait; returns the seconds until /readyz answered ok."""
        self.apiserver.stop()
        self.start_apiserver()
        return self.wait_ready()

    def compact(self) -> None:
        """Compact etcd to its newest revision: an older watch or continue token gets 410 Gone."""
        call = ("curl", "-sf", "-X", "POST", "-d")
        status = self.host.run(*call, "{}", f"{_ETCD}/v3/maintenance/status")
        revision = text(parse(status), "header", "revision")
        self.host.run(*call, json.dumps({"revision": revision}), f"{_ETCD}/v3/kv/compaction")

    def write_kubeconfig(
        self, name: str, server: str, *, client: str = "admin", token_file: Path | None = None
    ) -> Path:
        """A kubeconfig for `server`, as certificate holder `client` or by `token_file`."""
        certificate, key = self.certificates.pair(client)
        user: Object = {"client-certificate": str(certificate), "client-key": str(key)}
        if token_file:
            user = {"tokenFile": str(token_file)}
        cluster: Object = {
            "server": server,
            "certificate-authority": str(self.certificates.authority),
        }
        config: Object = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "rig",
            "clusters": [{"name": "rig", "cluster": cluster}],
            "users": [{"name": client, "user": user}],
            "contexts": [{"name": "rig", "context": {"cluster": "rig", "user": client}}],
        }
        path = self._folder / f"{name}.kubeconfig"
        path.write_text(json.dumps(config, indent=2))
        return path

    def kubectl(self, *arguments: str, manifest: str | None = None) -> str:
        """Run kubectl as administrator; returns its standard output."""
        kubectl = str(self.binaries / "kubectl")
        return run(kubectl, f"--kubeconfig={self.kubeconfig}", *arguments, text=manifest)

    def wait_gone(self, path: str, timeout: float = 10) -> None:
        """Wait until the object at `path` is no more."""
        wait_until(lambda: not self.api.exists(path), timeout=timeout, what=f"{path} is gone")


def _uplink() -> tuple[str, str]:
    """Two free addresses of one /30 in 100.127.0.0/16, ours and the control plane's."""
    used = run("ip", "-o", "addr")
    slot = os.getpid() % 0x4000
    while f" 100.127.{slot // 64}.{slot % 64 * 4 + 1}/" in used:
        slot = (slot + 1) % 0x4000
    third, last = slot // 64, slot % 64 * 4
    return f"100.127.{third}.{last + 1}", f"100.127.{third}.{last + 2}"
