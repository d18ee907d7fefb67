"""Takes the steps of a plan: each write only with the lead, each answer told to the ledger.

Whoever loses the lead writes no more. That is looked at before each step, and once more when its
octets are about to leave (`porter_ctl.kube.port`), for a process may be stopped at any moment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from porter_ctl.api import VIP, Kind, ObjectRef, key_of
from porter_ctl.plan import CreateVIP, DeleteVIP, PatchServiceStatus, ReleaseVIP, ReplaceVIP
from porter_ctl.reconcile.crash import crash_point
from porter_ctl.store.port import AlreadyExists, Conflict, NotFound, Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from porter_ctl.api import Key, Resource
    from porter_ctl.plan import Ledger, Step
    from porter_ctl.store.port import ClusterPort, Leadership


class StepTaker:
    """Writes what was planned.

    Args:
        port: Where to write.
        leadership: Whether to.
        ledger: What learns of it.
        learn: Called with the name of a VIP and the VIP as it stands; None for gone.
    """

    def __init__(
        self,
        port: ClusterPort,
        leadership: Leadership,
        ledger: Ledger,
        learn: Callable[[str, VIP | None], None],
    ) -> None:
        self._port = port
        self._leadership = leadership
        self._ledger = ledger
        self._learn = learn

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
                self._ledger.set_service(key_of(service), service)
                crash_point("allocate.status-written")
            case ReleaseVIP(vip):
                await self._write(vip, self._port.replace)
                crash_point("allocate.vip-released")
            case DeleteVIP(vip):
                await self._write(vip, self._delete)
                crash_point("allocate.vip-deleted")
            case _:
                assert_never(step)

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
            self._learn(name, written if isinstance(written, VIP) else None)
            raise
        self._learn(name, written if isinstance(written, VIP) else None)


def _ref(name: Key) -> ObjectRef:
    return ObjectRef(Kind.VIP, "", name)
