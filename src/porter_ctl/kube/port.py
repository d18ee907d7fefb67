"""The API server as a `ClusterPort`: how objects are written, so that nothing of them is lost.

Every write but `create` starts from the JSON as it stands on the server, changes our fields in it
and carries the resourceVersion read: a field we do not know survives, and whoever wrote meanwhile
wins. The JSON is read by listing the one name, since who may follow a kind may list it, but need
not have the right to get it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from porter_ctl.api import KINDS, Kind, ObjectRef, Resource, decode, ref_of
from porter_ctl.kube.client import JSON, MERGE_PATCH
from porter_ctl.kube.errors import failure, says_not_found
from porter_ctl.kube.paths import collection_path, object_path
from porter_ctl.kube.recorder import Recorder
from porter_ctl.kube.watch import read_page
from porter_ctl.store.overlay import Json, as_object, merge_patch, overlay
from porter_ctl.store.port import Conflict, Invalid, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from porter_ctl.kube.client import KubeClient, Reply
    from porter_ctl.kube.lease import LeaseElection
    from porter_ctl.store.port import KubeEvent, Leadership

_OURS = "porter.network/"  # labels, annotations and condition types that are ours alone
_ATTEMPTS = 4  # of a status that may go onto any version


class KubePort:
    """Implements `porter_ctl.store.port.ClusterPort`."""

    def __init__(
        self,
        client: KubeClient,
        *,
        election: LeaseElection,
        instance: str,
        fence: Callable[[], float] | None = None,
    ) -> None:
        """Args say who writes.

        Args:
            client: How to reach the API server.
            election: The one election of this process.
            instance: What Events name as their reporter, usually the Pod's name.
            fence: How many seconds the leader's writes may take; raises Unavailable if we do not
                lead. What each node writes of itself is written without; None: so is all else.
        """
        self._fence = fence
        self._client = client
        self._election = election
        self.recorder = Recorder(client, instance=instance)

    def leadership(self) -> Leadership:
        """Return the one election of this process."""
        return self._election

    async def emit(self, event: KubeEvent) -> None:
        """Write an Event, or lose it."""
        await self.recorder.emit(event)

    async def create(self, obj: Resource) -> Resource:
        """Create `obj` and return it as stored; its status is not written.

        Raises:
            AlreadyExists: The name is taken: this is the lock.
            Invalid: The content is refused.
            Forbidden: Our role lacks the verb.
            Unavailable: Whether it exists now is not known.
        """
        ref = ref_of(obj)
        body: Json = {
            "apiVersion": KINDS[ref.kind].api_version,
            "kind": str(ref.kind),
            "metadata": _metadata(obj, {"name": ref.name}),
        }
        spec = getattr(obj, "spec", None)
        if spec is not None:
            body["spec"] = overlay(None, spec)
        reply = await self._lead("POST", collection_path(ref.kind, ref.namespace), body)
        return _written(ref, reply, "create")

    async def replace(self, obj: Resource) -> Resource:
        """Replace our labels, our annotations and the spec of the version that was read.

        Raises:
            Conflict: It has changed since, or is another object of that name.
            NotFound: It is gone.
            Invalid: The content is refused, or there is no spec.
            Forbidden: Our role lacks the verb.
            Unavailable: Whether it was written is not known.
        """
        ref = ref_of(obj)
        read = await self._read(ref)
        _expect(read, ref, obj.metadata.uid, obj.metadata.resource_version)
        spec = getattr(obj, "spec", None)
        if spec is None:
            raise Invalid(f"update {ref}: it has no spec")
        body = {
            **read,
            "metadata": _metadata(obj, as_object(read.get("metadata"))),
            "spec": overlay(read.get("spec"), spec),
        }
        reply = await self._lead("PUT", object_path(ref), body)
        return _written(ref, reply, "update")

    async def apply_status(self, obj: Resource, *, uid: str, resource_version: str) -> None:
        """Write our fields of `obj.status`; nothing is written where they stand there already.

        In a Service, conditions of others stay.

        Args:
            obj: The object with the status it should have.
            uid: The object meant: a successor of its name is left alone.
            resource_version: Write only onto this version; empty for onto any.

        Raises:
            Conflict: It is another object now, or has changed since.
            NotFound: It is gone.
            Invalid: The content is refused.
            Forbidden: Our role lacks the verb.
            Unavailable: Whether it was written is not known.
        """
        attempts = 1 if resource_version else _ATTEMPTS
        for attempt in range(1, attempts + 1):
            try:
                await self._patch_status(obj, uid, resource_version)
            except Conflict:
                if attempt == attempts:
                    raise
            else:
                return

    async def _patch_status(self, obj: Resource, uid: str, resource_version: str) -> None:
        ref = ref_of(obj)
        read = await self._read(ref)
        _expect(read, ref, uid, resource_version)
        before = as_object(read.get("status"))
        patch = merge_patch(before, _status(obj, before))
        if not patch:
            return
        body = {"metadata": {"resourceVersion": _version(read)}, "status": patch}
        own = ref.kind is Kind.BGP_NODE
        reply = await self._lead("PATCH", object_path(ref, "status"), body, own=own)
        if not reply.ok:
            raise failure(reply, "patch", f"the status of {ref}")

    async def delete(self, ref: ObjectRef, *, uid: str, resource_version: str) -> None:
        """Delete the object if it is still exactly this one.

        Raises:
            Conflict: It is another object now, or has changed since.
            NotFound: It is gone already.
            Forbidden: Our role lacks the verb.
            Unavailable: Whether it was deleted is not known.
        """
        conditions = {"uid": uid, "resourceVersion": resource_version}
        body: Json = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {name: value for name, value in conditions.items() if value},
        }
        reply = await self._lead("DELETE", object_path(ref), body)
        if not reply.ok:
            raise failure(reply, "delete", str(ref))

    async def annotate(self, ref: ObjectRef, annotations: Mapping[str, str | None]) -> None:
        """Set annotations of the object, whichever version it is; None removes one.

        Raises:
            NotFound: It is gone.
            Invalid: The content is refused.
            Forbidden: Our role lacks the verb.
            Unavailable: Whether it was written is not known.
        """
        body = {"metadata": {"annotations": dict(annotations)}}
        reply = await self._client.request(
            "PATCH", object_path(ref), body=body, content_type=MERGE_PATCH
        )
        if not reply.ok:
            raise failure(reply, "patch", str(ref))

    async def get_live(self, ref: ObjectRef) -> Resource | None:
        """Read the object from the API server; None if it is not there.

        Raises:
            Invalid: It is there and cannot be read.
            Forbidden: Our role lacks the verb.
            Unavailable: There is no answer.
        """
        reply = await self._client.request("GET", object_path(ref))
        if reply.status == 404 and says_not_found(reply):
            return None
        return _written(ref, reply, "get")

    async def _lead(self, method: str, path: str, body: Json, *, own: bool = False) -> Reply:
        """Send a write, of the leader's unless it is our `own`."""
        content_type = MERGE_PATCH if method == "PATCH" else JSON
        if self._fence is None or own:
            return await self._client.request(method, path, body=body, content_type=content_type)
        return await self._client.request(
            method,
            path,
            body=body,
            content_type=content_type,
            timeout=min(self._fence(), self._client.timings.request),
            fence=self._fence,
        )

    async def _read(self, ref: ObjectRef) -> Json:
        """The object as the server has it, to the last field."""
        reply = await self._client.request(
            "GET",
            collection_path(ref.kind, ref.namespace),
            params={"fieldSelector": f"metadata.name={ref.name}"},
        )
        if not reply.ok:
            raise failure(reply, "list", str(ref))
        for raw in read_page(reply.body).items or ():
            return as_object(msgspec.json.decode(raw))
        raise NotFound(f"{ref} is gone")


def _written(ref: ObjectRef, reply: Reply, verb: str) -> Resource:
    if not reply.ok:
        raise failure(reply, verb, str(ref))
    decoded = decode(ref.kind, reply.body)
    if decoded.resource is None:
        raise Invalid(f"{verb} {ref}: {'; '.join(fault.sentence for fault in decoded.faults)}")
    return decoded.resource


def _expect(read: Mapping[str, object], ref: ObjectRef, uid: str, version: str) -> None:
    """Raise Conflict unless what was read is the object meant, in the version meant."""
    found = as_object(read.get("metadata"))
    if uid and found.get("uid") != uid:
        raise Conflict(f"{ref} is another object now: uid {found.get('uid')}, not {uid}")
    if version and found.get("resourceVersion") != version:
        raise Conflict(f"{ref} has changed since version {version}")


def _version(read: Mapping[str, object]) -> str:
    return str(as_object(read.get("metadata")).get("resourceVersion", ""))


def _metadata(obj: Resource, read: Json) -> Json:
    """The metadata as read, with ours in it."""
    metadata = dict(read)
    for name, ours in (("labels", obj.metadata.labels), ("annotations", obj.metadata.annotations)):
        stored = as_object(read.get(name))
        merged = {key: value for key, value in stored.items() if not key.startswith(_OURS)}
        merged |= ours
        if merged or name in read:
            metadata[name] = merged
    if obj.metadata.owner_references:
        metadata["ownerReferences"] = overlay(
            read.get("ownerReferences"), obj.metadata.owner_references
        )
    return metadata


def _status(obj: Resource, before: Json) -> Json:
    """The status as it should be on the server."""
    ours = getattr(obj, "status", None)
    after = as_object(overlay(before, ours)) if isinstance(ours, msgspec.Struct) else before
    if obj.kind is Kind.SERVICE:
        after["conditions"] = [
            *_conditions(before, ours=False),
            *_conditions(after, ours=True),
        ]
        if not after["conditions"] and "conditions" not in before:
            del after["conditions"]
    return after


def _conditions(status: Json, *, ours: bool) -> list[Json]:
    found = status.get("conditions")
    items = [as_object(item) for item in found] if isinstance(found, list) else []
    return [item for item in items if str(item.get("type", "")).startswith(_OURS) is ours]
