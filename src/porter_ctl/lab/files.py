"""The manifests of the lab, as somebody would write them who has no Kubernetes.

Each function gives the text of one file. In a cluster, Nodes and EndpointSlices come from
Kubernetes; here the lab writes them, and keeps them true.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

NODE_ASN = 64512
TOLD_BY = "lab/told-by"  # label of a Service whose VIP one node tells for all of them


class Endpoint(NamedTuple):
    """One server of a Service."""

    node: str
    name: str
    address: str


def nodes(addresses: Mapping[str, str]) -> str:
    """The Nodes, by name, with their addresses."""
    return _documents(
        f"""\
apiVersion: v1
kind: Node
metadata:
  name: {name}
  labels: {{kubernetes.io/hostname: {name}}}
status:
  addresses: [{{type: InternalIP, address: {address}}}]
  conditions: [{{type: Ready, status: "True"}}]
"""
        for name, address in addresses.items()
    )


def speaker(*, graceful_restart: bool = True, drains: bool = True) -> str:
    """How all nodes speak. Nothing here programs a dataplane, so nothing is waited for.

    Args:
        graceful_restart: Whether routers are asked to keep routes over a restart.
        drains: Whether the annotation of `porter drain` counts.
    """
    mode = "Enabled" if graceful_restart else "Disabled"
    triggers = "Annotation" if drains else "Cordon"
    return f"""\
apiVersion: porter.network/v1beta1
kind: BGPConfig
metadata: {{name: default}}
spec:
  asn: {NODE_ASN}
  dataplane: {{gate: None}}
  gracefulRestart: {{mode: {mode}, restartSeconds: 60}}
  drain: {{triggers: [{triggers}], delaySeconds: 1}}
"""


def peers(
    addresses: Mapping[str, str], *, router: str, port: int, asn: int, several_paths: bool = True
) -> str:
    """The router, once for each node: on loopback only its source tells who a node is.

    Args:
        addresses: Of the nodes, by name.
        router: Its address.
        port: Where it listens.
        asn: Its AS number.
        several_paths: Whether a node may tell it several paths of a prefix.
    """
    mode = "Send" if several_paths else "None"
    return _documents(
        f"""\
apiVersion: porter.network/v1beta1
kind: BGPPeer
metadata: {{name: router-of-{name}}}
spec:
  nodeSelectors: [{{matchLabels: {{kubernetes.io/hostname: {name}}}}}]
  address: {router}
  port: {port}
  asn: {asn}
  source: {{address: {address}}}
  timers: {{holdSeconds: 9}}
  addPath: {{mode: {mode}}}
"""
        for name, address in addresses.items()
    )


def pool(addresses: str, *, hold_seconds: int) -> str:
    """Where addresses come from."""
    return f"""\
apiVersion: porter.network/v1beta1
kind: VIPPool
metadata: {{name: lab}}
spec:
  addresses: ["{addresses}"]
  holdSeconds: {hold_seconds}
"""


def advertisement(community: str) -> str:
    """What the router is told by each node: every VIP, with this community.

    A Service whose VIP one node is to tell for all says so by its label.
    """
    return f"""\
apiVersion: porter.network/v1beta1
kind: BGPAdvertisement
metadata: {{name: all}}
spec:
  serviceSelectors: [{{matchExpressions: [{{key: {TOLD_BY}, operator: DoesNotExist}}]}}]
  communities: {{standard: ["{community}"]}}
"""


def advertisement_by(node: str) -> str:
    """What one node tells for all nodes: a path each."""
    return f"""\
apiVersion: porter.network/v1beta1
kind: BGPAdvertisement
metadata: {{name: by-{node}}}
spec:
  serviceSelectors: [{{matchLabels: {{{TOLD_BY}: {node}}}}}]
  nextHop:
    type: Nodes
    speakerNodeSelectors: [{{matchLabels: {{kubernetes.io/hostname: {node}}}}}]
"""


def service(name: str, *, port: int, address: str | None = None, told_by: str | None = None) -> str:
    """A Service that each node announces for its own endpoints.

    Args:
        name: Its name, in the namespace `default`.
        port: Where its endpoints listen.
        address: The VIP it asks for.
        told_by: The node that tells its VIP for all nodes; None: each does for itself.
    """
    asks = f'  annotations: {{porter.network/addresses: "{address}"}}\n' if address else ""
    labels = f"  labels: {{{TOLD_BY}: {told_by}}}\n" if told_by else ""
    return f"""\
apiVersion: v1
kind: Service
metadata:
  name: {name}
{labels}{asks}spec:
  type: LoadBalancer
  externalTrafficPolicy: Local
  selector: {{app: {name}}}
  ports: [{{port: 80, targetPort: {port}}}]
"""


def endpoints(service_name: str, servers: Iterable[Endpoint], *, port: int) -> str:
    """The servers of a Service that are ready."""
    rows = "".join(
        f"""
  - addresses: [{server.address}]
    nodeName: {server.node}
    conditions: {{ready: true, serving: true, terminating: false}}
    targetRef: {{kind: Pod, namespace: default, name: {server.name}}}"""
        for server in servers
    )
    return f"""\
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: {service_name}
  labels: {{kubernetes.io/service-name: {service_name}}}
addressType: IPv4
ports: [{{port: {port}}}]
endpoints:{rows or " []"}
"""


def _documents(texts: Iterable[str]) -> str:
    return "---\n".join(texts)
