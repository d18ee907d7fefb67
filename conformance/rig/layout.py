"""The rig's data centre: one control plane, three nodes, two routers, a client behind each.

                         +-- n1  n2  n3   nodes: kube-proxy, pods as processes
    c1 --- frr --+       |
                 +-- fabric (one bridge) --- cp   etcd, kube-apiserver, controllers
    c2 --- bird -+

Nodes answer c2 through bird and all else through frr. Addresses stand in `HOSTS`.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Self

from conformance.rig.bird import Bird
from conformance.rig.control_plane import ControlPlane
from conformance.rig.frr import Frr
from conformance.rig.hosts import Host, Hosts
from conformance.rig.kube_proxy import KubeProxy
from conformance.rig.kubelet import Kubelet
from conformance.rig.router import Router, RouterPeer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from conformance.rig.objects import Object

HOSTS = {
    "cp": ("172.30.0.10", "fd00:30::10"),
    "n1": ("172.30.0.11", "fd00:30::11"),
    "n2": ("172.30.0.12", "fd00:30::12"),
    "n3": ("172.30.0.13", "fd00:30::13"),
    "frr": ("172.30.0.101", "fd00:30::101"),
    "bird": ("172.30.0.102", "fd00:30::102"),
}
NODES = ("n1", "n2", "n3")
NODE_ASN, FRR_ASN, BIRD_ASN = 64512, 64701, 64702
_CLIENTS = {"c1": ("frr", "172.30.1", "fd00:30:1"), "c2": ("bird", "172.30.2", "fd00:30:2")}


class Layout:
    """All of it, started by `start` (4 s) or `with`; `close` leaves nothing behind.

    Args:
        node_asns: AS number of each node, for layouts with one a rack.
        controllers: Controllers to run besides the usual; with node-lifecycle-controller the
            node leases are kept.
        kube_proxy: Whether nodes have kube-proxy; without it no VIP answers.
        control_plane_nodes: Nodes labelled as such: only their Porter stands as allocator at once.
    """

    def __init__(
        self,
        *,
        node_asns: Sequence[int] = (NODE_ASN, NODE_ASN, NODE_ASN),
        controllers: Sequence[str] = (),
        kube_proxy: bool = True,
        control_plane_nodes: Sequence[str] = ("n1",),
    ) -> None:
        self.node_asns = dict(zip(NODES, node_asns, strict=True))
        self._controllers = controllers
        self._with_kube_proxy = kube_proxy
        self._labelled = control_plane_nodes
        self._closing = contextlib.ExitStack()
        self.nodes: dict[str, Host] = {}
        self.clients: dict[str, Host] = {}
        self.proxies: dict[str, KubeProxy] = {}
        self.hosts: Hosts
        self.control_plane: ControlPlane
        self.kubelet: Kubelet
        self.frr: Frr
        self.bird: Bird

    @property
    def routers(self) -> dict[str, Router]:
        """Both routers by their host's name."""
        return {"frr": self.frr, "bird": self.bird}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def start(self) -> None:
        """Start all; on failure nothing is left behind."""
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._closing.close()

    def peers(self, *, password: str = "") -> list[RouterPeer]:
        """Every node's two addresses as peers of a router."""
        return [
            RouterPeer(address=address, asn=self.node_asns[node], password=password)
            for node in NODES
            for address in HOSTS[node]
        ]

    def _start(self) -> None:
        self.hosts = self._closing.enter_context(Hosts())
        fabric = self.hosts.switch("fabric")
        made = {name: self._on_fabric(name, fabric) for name in HOSTS}
        self.nodes = {name: made[name] for name in NODES}
        self.control_plane = ControlPlane(
            self.hosts, made["cp"], HOSTS["cp"], controllers=self._controllers
        )
        for name, (router, v4, v6) in _CLIENTS.items():
            self.clients[name] = self._behind(made[router], name, v4, v6)
        self._lay_routes(made)
        self._start_routers(made)
        self.control_plane.wait_ready()
        self.control_plane.start_controller_manager()
        self._start_nodes()

    def _on_fabric(self, name: str, fabric: Host) -> Host:
        host = self.hosts.host(name)
        self.hosts.plug(host, "eth0", fabric)
        v4, v6 = HOSTS[name]
        host.address("eth0", f"{v4}/24", f"{v6}/64")
        if name != "cp":
            host.forward()
        return host

    def _behind(self, router: Host, name: str, v4: str, v6: str) -> Host:
        client = self.hosts.host(name)
        self.hosts.connect(client, "eth0", router, "eth1")
        router.address("eth1", f"{v4}.1/24", f"{v6}::1/64")
        client.address("eth0", f"{v4}.2/24", f"{v6}::2/64")
        client.ip(f"route add default via {v4}.1", f"route add ::/0 via {v6}::1")
        return client

    def _lay_routes(self, made: dict[str, Host]) -> None:
        for name in (*NODES, "cp"):
            made[name].ip(_route("0.0.0.0/0", HOSTS["frr"][0]), _route("::/0", HOSTS["frr"][1]))
            made[name].ip(*_to_client("c2"))
        made["frr"].ip(*_to_client("c2"))
        made["bird"].ip(*_to_client("c1"))

    def _start_routers(self, made: dict[str, Host]) -> None:
        self.frr = Frr(made["frr"], asn=FRR_ASN, router_id=HOSTS["frr"][0])
        self.bird = Bird(
            made["bird"], asn=BIRD_ASN, router_id=HOSTS["bird"][0], addresses=HOSTS["bird"]
        )
        for router in (self.frr, self.bird):
            router.configure(*self.peers())
            router.start()

    def _start_nodes(self) -> None:
        api = self.control_plane.api
        self.kubelet = Kubelet(api, self.hosts.folder / "pods")
        self._closing.callback(self.kubelet.stop)
        for name in NODES:
            labels = {"node-role.kubernetes.io/control-plane": ""} if name in self._labelled else {}
            self.kubelet.register(name, HOSTS[name], labels)
        if "node-lifecycle-controller" in self._controllers:
            self.kubelet.keep_leases()
        api.apply(_endpoint_of_the_api())
        if not self._with_kube_proxy:
            return
        server = f"https://{HOSTS['cp'][0]}:6443"
        kubeconfig = self.control_plane.write_kubeconfig("kube-proxy", server, client="kube-proxy")
        for name, host in self.nodes.items():
            self.proxies[name] = KubeProxy(host, self.control_plane, kubeconfig)
            self.proxies[name].start()
        for proxy in self.proxies.values():
            proxy.wait_synced()


def _route(prefix: str, via: str) -> str:
    return f"route add {prefix} via {via}"


def _to_client(name: str) -> list[str]:
    router, v4, v6 = _CLIENTS[name]
    via_v4, via_v6 = HOSTS[router]
    return [_route(f"{v4}.0/24", via_v4), _route(f"{v6}::/64", via_v6)]


def _endpoint_of_the_api() -> Object:
    """The endpoint of the Service `kubernetes`: 10.96.0.1 then answers in every node."""
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": "kubernetes-rig",
            "namespace": "default",
            "labels": {"kubernetes.io/service-name": "kubernetes"},
        },
        "addressType": "IPv4",
        "ports": [{"name": "https", "protocol": "TCP", "port": 6443}],
        "endpoints": [{"addresses": [HOSTS["cp"][0]], "conditions": {"ready": True}}],
    }
