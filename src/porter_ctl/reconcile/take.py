"""Takes the steps of a plan: each write only with the lead, each answer told to the ledger.

Whoever loses the lead writes no more. That is looked at before each step, and once more when its
octets are about to leave (`porter_ctl.kube.port`), for a process may be stopped at any moment.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, assert_never

from porter_ctl.api import (
    VIP,
    BGPNode,
    Kind,
    ObjectMeta,
    ObjectRef,
    OwnerReference,
    key_of,
    ref_of,
)
from porter_ctl.plan import (
    CreateVIP,
    DeleteVIP,
    PatchServiceStatus,
    Reason,
    ReleaseVIP,
    ReplaceVIP,
)
from porter_ctl.reconcile.crash import crash_point
from porter_ctl.store.port import AlreadyExists, Conflict, KubeEvent, NotFound, Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from porter_ctl.api import Key, Node, Resource, Service
    from porter_ctl.plan import Step, Verdict
    from porter_ctl.store.port import ClusterPort, Leadership


class StepTaker:
    """Writes what was planned.

    Args:
        port: Where to write.
        leadership: Whether to.
        learn_vip: Called with the name of a VIP and the VIP as it stands; None for gone.
        learn_service: Called with the key of a Service and the Service as it was written.
    """

    def __init__(
        self,
        port: ClusterPort,
        leadership: Leadership,
        learn_vip: Callable[[str, VIP | None], None],
        learn_service: Callable[[Key, Service], None],
    ) -> None:
        self._port = port
        self._leadership = leadership
        self._learn_vip = learn_vip
        self._learn_service = learn_service

    def fence(self) -> None:
        """See that we lead.

        Raises:
            Unavailable: We do not, or no longer.
        """
        if not self._leadership.leading:
            raise Unavailable("the lead was lost")

    async def take(self, step: Step) -> None:
        """Take one step.

        Raises:
            Conflict: Somebody else wrote since the plan was made.
            AlreadyExists: Somebody else has the address.
            NotFound: What was to be written is gone.
            PortFailure: It was refused, or there was no answer.
        """
        self.fence()
        match step:
            case CreateVIP(vip):
                await self._write(vip, self._port.create)
                crash_point("allocate.vip-created")
            case ReplaceVIP(vip):
                await self._write(vip, self._port.replace)
                crash_point("allocate.vip-replaced")
            case PatchServiceStatus(service):
                meta = service.metadata
                await self._port.apply_status(
                    service, uid=meta.uid, resource_version=meta.resource_version
                )
                self._learn_service(key_of(service), service)
                crash_point("allocate.status-written")
            case ReleaseVIP(vip):
                await self._write(vip, self._port.replace)
                crash_point("allocate.vip-released")
            case DeleteVIP(vip):
                await self._write(vip, self._delete)
                crash_point("allocate.vip-deleted")
            case _:
                assert_never(step)

    async def introduce(self, node: Node) -> None:
        """Create the object in which a Node reports; that it exists already is well.

        Raises:
            PortFailure: It was refused, or there was no answer.
        """
        self.fence()
        name, uid = node.metadata.name, node.metadata.uid
        owner = OwnerReference(api_version="v1", kind="Node", name=name, uid=uid)
        metadata = ObjectMeta(name=name, owner_references=(owner,))
        with contextlib.suppress(AlreadyExists):
            await self._port.create(BGPNode(metadata=metadata))
        crash_point("allocate.node-introduced")

    async def tell(self, service: Service, verdict: Verdict) -> None:
        """Tell the users of a Service, as an Event, what was decided for it.

        Raises:
            PortFailure: It was refused, or there was no answer.
        """
        await self._port.emit(
            KubeEvent(
                regarding=ref_of(service),
                uid=service.metadata.uid,
                type="Normal" if verdict.reason is Reason.ALLOCATED else "Warning",
                reason=verdict.reason.value,
                note=str(verdict),
                action="Allocate",
            )
        )
        crash_point("allocate.event-told")

    async def _delete(self, vip: VIP) -> None:
        meta = vip.metadata
        await self._port.delete(
            _ref(meta.name), uid=meta.uid, resource_version=meta.resource_version
        )

    async def _write(self, vip: VIP, write: Callable[[VIP], Awaitable[Resource | None]]) -> None:
        """Write a VIP; where another was faster, learn what it wrote before starting over."""
        name = vip.metadata.name
        try:
            written = await write(vip)
        except (AlreadyExists, Conflict, NotFound):
            written = await self._port.get_live(_ref(name))
            crash_point("allocate.vip-read")
            self._learn_vip(name, written if isinstance(written, VIP) else None)
            raise
        self._learn_vip(name, written if isinstance(written, VIP) else None)


def _ref(name: Key) -> ObjectRef:
    return ObjectRef(Kind.VIP, "", name)
