"""Services with backends: one web process a pod, EndpointSlices by the real controller."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.rig.objects import at, objects, text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.rig.api import Api
    from conformance.rig.hosts import Host
    from conformance.rig.kubelet import Kubelet, Pod
    from conformance.rig.objects import Json, Object

_WEB = Path(__file__).with_name("web.py")
SERVICE_PORT = 80


def service(
    name: str,
    *,
    namespace: str = "default",
    target_port: int = 8080,
    policy: str = "Cluster",
    dual_stack: bool = True,
    **spec: Json,
) -> Object:
    """A LoadBalancer Service on port 80 for pods labelled `app: NAME`; `spec` is added."""
    families: Object = {"ipFamilyPolicy": "RequireDualStack"} if dual_stack else {}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "type": "LoadBalancer",
            "selector": {"app": name},
            "externalTrafficPolicy": policy,
            "allocateLoadBalancerNodePorts": False,
            "ports": [
                {
                    "name": "http",
                    "port": SERVICE_PORT,
                    "targetPort": target_port,
                    "protocol": "TCP",
                }
            ],
            **families,
            **spec,
        },
    }


def start_backends(
    kubelet: Kubelet, hosts: Iterable[Host], app: str, *, port: int = 8080
) -> list[Pod]:
    """One ready pod `APP-NODE` on each host, answering with its node's name on `port`."""
    pods = [kubelet.make_pod(host, f"{app}-{host.name}", labels={"app": app}) for host in hosts]
    for pod in pods:
        pod.start((sys.executable, str(_WEB), pod.host.name, str(port)))
    for pod in pods:
        _wait_listening(pod, port)
        pod.set_ready()
    return pods


def set_ingress(api: Api, name: str, *addresses: str, namespace: str = "default") -> None:
    """Patch a Service's status as an allocator would: for tests without Porter."""
    ingress: list[Json] = [{"ip": address} for address in addresses]
    api.patch(
        f"/api/v1/namespaces/{namespace}/services/{name}/status",
        {"status": {"loadBalancer": {"ingress": ingress}}},
    )


def ingress_of(api: Api, name: str, namespace: str = "default") -> list[str]:
    """The addresses in a Service's status."""
    found = api.get(f"/api/v1/namespaces/{namespace}/services/{name}")
    return [text(entry, "ip") for entry in objects(found, "status", "loadBalancer", "ingress")]


def ready_endpoints(endpoint_slice: Object) -> int:
    """How many endpoints of a slice are ready."""
    found = objects(endpoint_slice, "endpoints")
    return sum(at(endpoint, "conditions", "ready") is True for endpoint in found)


def _wait_listening(pod: Pod, port: int) -> None:
    assert pod.process is not None
    pod.process.require(
        lambda: bool(pod.host.run("ss", "-Hltn", f"sport = :{port}").strip()),
        timeout=10,
        what=f"{pod.name} listens on {port}",
    )
