"""A client of the API server in a hundred lines, independent of the one under test."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import time
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode, urlsplit

from conformance.rig.errors import RigError
from conformance.rig.objects import Object, as_object, name_of, objects, parse, text
from conformance.rig.process import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from conformance.rig.objects import Json

_PATCHES = {
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "apply": "application/apply-patch+yaml",
}
_CLUSTER_SCOPED = {
    "Namespace": "namespaces",
    "Node": "nodes",
    "ClusterRole": "clusterroles",
    "ClusterRoleBinding": "clusterrolebindings",
    "CustomResourceDefinition": "customresourcedefinitions",
    "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
    "ValidatingAdmissionPolicyBinding": "validatingadmissionpolicybindings",
    "VIPPool": "vippools",
    "VIP": "vips",
    "BGPConfig": "bgpconfigs",
    "BGPPeer": "bgppeers",
    "BGPAdvertisement": "bgpadvertisements",
    "BGPNode": "bgpnodes",
}
_NAMESPACED = {
    "Service": "services",
    "Pod": "pods",
    "Secret": "secrets",
    "ServiceAccount": "serviceaccounts",
    "EndpointSlice": "endpointslices",
    "Lease": "leases",
    "Role": "roles",
    "RoleBinding": "rolebindings",
    "DaemonSet": "daemonsets",
    "Deployment": "deployments",
    "ControllerRevision": "controllerrevisions",
    "ConfigMap": "configmaps",
    "Event": "events",
}
PORTER = "/apis/porter.network/v1beta1"

_PATIENCE = 5  # times


class ApiError(RigError):
    """The API server refused; `status` is the HTTP status, `body` its Status object."""

    def __init__(self, call: str, status: int, body: Object) -> None:
        super().__init__(f"{call}: {status} {text(body, 'message')}")
        self.status = status
        self.body = body


def path_of(item: Object) -> str:
    """The path of `item`'s collection, from its apiVersion, kind and namespace."""
    version, kind = text(item, "apiVersion"), text(item, "kind")
    root = f"/api/{version}" if "/" not in version else f"/apis/{version}"
    if kind in _CLUSTER_SCOPED:
        return f"{root}/{_CLUSTER_SCOPED[kind]}"
    namespace = text(item, "metadata", "namespace") or "default"
    return f"{root}/namespaces/{namespace}/{_NAMESPACED[kind]}"


class Watch:
    """An open watch: an iterator of events `{"type", "object"}` until the server ends it."""

    def __init__(
        self, connection: http.client.HTTPSConnection, response: http.client.HTTPResponse
    ) -> None:
        self._connection = connection
        self._response = response

    def __iter__(self) -> Iterator[Object]:
        try:
            for line in self._response:
                yield as_object(parse(line))
        finally:
            self._response.close()
            self._connection.close()

    def cut(self) -> None:
        """End it from another thread; its reader sees the end of the stream or an OSError."""
        if self._connection.sock:
            with suppress(OSError):
                socket.socket.shutdown(self._connection.sock, socket.SHUT_RDWR)


class Api:
    """Calls to one API server with one identity. Thread-safe: every call has its connection."""

    def __init__(
        self,
        server: str,
        authority: Path,
        *,
        certificate: tuple[Path, Path] | None = None,
        token: str = "",
    ) -> None:
        self.server = server
        self._address = urlsplit(server)
        self._tls = ssl.create_default_context(cafile=str(authority))
        if certificate:
            self._tls.load_cert_chain(*certificate)
        self._headers = {"Accept": "application/json"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str, **query: str) -> Object:
        return self._call("GET", _with(path, query))

    def list(self, path: str, **query: str) -> list[Object]:
        """The items of a collection; their apiVersion and kind are not repeated in them."""
        return objects(self.get(path, **query), "items")

    def post(self, path: str, body: Object) -> Object:
        return self._call("POST", path, body)

    def put(self, path: str, body: Object) -> Object:
        return self._call("PUT", path, body)

    def patch(self, path: str, body: Json, *, kind: str = "merge", **query: str) -> Object:
        """`kind` is merge, json, strategic or apply (which wants `fieldManager=`)."""
        return self._call("PATCH", _with(path, query), body, content=_PATCHES[kind])

    def delete(self, path: str, *, grace: int | None = None) -> Object:
        """Delete; `grace` is gracePeriodSeconds, the object's own when None."""
        options: Object = {} if grace is None else {"gracePeriodSeconds": grace}
        return self._call("DELETE", path, {"kind": "DeleteOptions", "apiVersion": "v1", **options})

    def create(self, item: Object) -> Object:
        """Create `item`, its status included."""
        made = self.post(path_of(item), item)
        if "status" in item:
            made = self.patch(f"{path_of(item)}/{name_of(item)}/status", {"status": item["status"]})
        return made

    def apply(self, *items: Object) -> None:
        """Create each item, or bring the one that is there to it (server-side apply)."""
        for item in items:
            path = f"{path_of(item)}/{quote(name_of(item))}"
            self.patch(path, item, kind="apply", fieldManager="rig", force="true")

    def exists(self, path: str) -> bool:
        try:
            self.get(path)
        except ApiError as error:
            if error.status == http.HTTPStatus.NOT_FOUND:
                return False
            raise
        return True

    def ready(self) -> bool:
        """Does /readyz answer ok?"""
        try:
            connection = self._connect(2)
            try:
                connection.request("GET", "/readyz", headers=self._headers)
                return connection.getresponse().status == http.HTTPStatus.OK
            finally:
                connection.close()
        except OSError:
            return False

    def wait_established(self, *names: str, timeout: float = 15) -> None:
        """Wait until the CustomResourceDefinitions `names` are served."""
        root = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

        def established() -> bool:
            return all(
                any(
                    condition.get("type") == "Established" and condition.get("status") == "True"
                    for condition in objects(self.get(f"{root}/{name}"), "status", "conditions")
                )
                for name in names
            )

        wait_until(established, timeout=timeout, what="the CustomResourceDefinitions are served")

    def watch(self, path: str, *, idle: float = 3600, **query: str) -> Watch:
        """Open a watch; it fails with TimeoutError when nothing comes for `idle` seconds.

        Raises:
            ApiError: The watch was refused.
        """
        connection = self._connect(idle)
        target = _with(path, {**query, "watch": "true"})
        connection.request("GET", target, headers=self._headers)
        response = connection.getresponse()
        if response.status != http.HTTPStatus.OK:
            body = as_object(parse(response.read()))
            connection.close()
            raise ApiError(f"watch {target}", response.status, body)
        return Watch(connection, response)

    def _connect(self, timeout: float) -> http.client.HTTPSConnection:
        host, port = self._address.hostname, self._address.port
        return http.client.HTTPSConnection(host or "", port, timeout=timeout, context=self._tls)

    def _call(
        self, method: str, target: str, body: Json = None, *, content: str = "application/json"
    ) -> Object:
        """Ask; again while a kind that is new, or has changed, is not served yet."""
        for _ in range(_PATIENCE):
            try:
                return self._ask(method, target, body, content)
            except ApiError as error:
                if error.status != http.HTTPStatus.TOO_MANY_REQUESTS:
                    raise
                time.sleep(1)
        return self._ask(method, target, body, content)

    def _ask(self, method: str, target: str, body: Json, content: str) -> Object:
        payload = None if body is None else json.dumps(body).encode()
        headers = (
            dict(self._headers) if body is None else {**self._headers, "Content-Type": content}
        )
        connection = self._connect(30)
        try:
            connection.request(method, target, payload, headers)
            response = connection.getresponse()
            octets = response.read()
        finally:
            connection.close()
        try:
            answer = as_object(parse(octets))
        except ValueError:
            answer = {"message": octets.decode(errors="replace")}
        if response.status >= http.HTTPStatus.BAD_REQUEST:
            raise ApiError(f"{method} {target}", response.status, answer)
        return answer


def _with(path: str, query: Mapping[str, str]) -> str:
    return f"{path}?{urlencode(query)}" if query else path
