"""kube-proxy in nftables mode on one node, and what it has programmed there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.rig.router import family_of

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.rig.control_plane import ControlPlane
    from conformance.rig.hosts import Host
    from conformance.rig.process import Process

_CLUSTER_CIDRS = "10.244.0.0/16,fd00:10:244::/56"


class KubeProxy:
    """kube-proxy of the node `host`; when killed its rules stay and serve."""

    def __init__(self, host: Host, control_plane: ControlPlane, kubeconfig: Path) -> None:
        self.host = host
        self.process: Process | None = None
        self._binary = control_plane.binaries / "kube-proxy"
        self._kubeconfig = kubeconfig

    def start(self) -> None:
        """Start it; it needs half a second to its first rules (`wait_synced`)."""
        self.process = self.host.spawn(
            "kube-proxy",
            str(self._binary),
            f"--kubeconfig={self._kubeconfig}",
            "--proxy-mode=nftables",
            f"--hostname-override={self.host.name}",
            f"--cluster-cidr={_CLUSTER_CIDRS}",
            "--conntrack-max-per-core=0",
            "--conntrack-tcp-timeout-established=0",
            "--conntrack-tcp-timeout-close-wait=0",
            "--healthz-bind-address=127.0.0.1:10256",
            "--metrics-bind-address=127.0.0.1:10249",
        )

    def stop(self) -> None:
        if self.process:
            self.process.stop()

    def kill(self) -> None:
        if self.process:
            self.process.kill()

    def wait_synced(self, timeout: float = 20) -> float:
        """Wait for the first tables of both families; returns the seconds that took."""
        assert self.process is not None
        return self.process.require(
            lambda: all(self._has_map(family) for family in ("ip", "ip6")),
            timeout=timeout,
            what=f"kube-proxy on {self.host.name} has programmed both families",
        )

    def _has_map(self, family: str) -> bool:
        listed = ("nft", "list", "map", family, "kube-proxy", "service-ips")
        return bool(self.host.run(*listed, check=False))

    def serves(self, address: str, port: int, protocol: str = "tcp") -> bool:
        """Does the kernel forward `address`:`port`? The proof; metrics may run ahead of it."""
        family = "ip6" if family_of(address) == "ipv6" else "ip"
        element = f"{{ {address} . {protocol} . {port} }}"
        listed = ("nft", "get", "element", family, "kube-proxy", "service-ips", element)
        return bool(self.host.run(*listed, check=False))

    def forget_flows(self) -> None:
        """Empty conntrack: flows begun before the rules stay broken without this."""
        self.host.run("conntrack", "-F")
