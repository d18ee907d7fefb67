"""The directory as a `Source`: looked at a few times a second, and what has changed goes on."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from porter_ctl.api import Kind, Node, ObjectRef
from porter_ctl.api.core import NodeAddress, NodeCondition, NodeStatus
from porter_ctl.api.meta import ObjectMeta

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from porter_ctl.manifests.directory import Entry, ManifestDirectory, Snapshot
    from porter_ctl.manifests.file_fault import FileFault
    from porter_ctl.store.port import Selectors
    from porter_ctl.store.stores import Stores

_log = logging.getLogger(__name__)
_SLICE = 64  # objects between two turns of the event loop


class ManifestSource:
    """Implements `porter_ctl.store.port.Source`.

    Attributes:
        faults: What is wrong in the files; what is wrong with an object is in the stores.
        trouble: Why the directory cannot be read now; empty while it can.
    """

    def __init__(
        self, directory: ManifestDirectory, *, node: str = "", node_addresses: Sequence[str] = ()
    ) -> None:
        """Args say where, and which node this is.

        Args:
            directory: The one that the port of this process writes to, too.
            node: Our own node: where no document describes it, it is there all the same, Ready
                and with no label but its name. Empty: only documents describe nodes.
            node_addresses: Its InternalIPs in that case.
        """
        self.faults: tuple[FileFault, ...] = ()
        self.trouble = ""
        self._directory = directory
        self._node = _bare_node(node, node_addresses) if node else None
        self._wanted: dict[Kind, Selectors] = {}
        self._held: dict[ObjectRef, Entry] = {}
        self._synced: set[Kind] = set()
        self._complete = False
        self._changed = asyncio.Event()
        self._stores: Stores | None = None
        self._in_step_at: float | None = None

    def want(self, kind: Kind, selectors: Selectors) -> None:
        """Say which objects of `kind` the stores shall hold from now on; idempotent."""
        if self._wanted.get(kind) != selectors:
            self._wanted[kind] = selectors
            self._synced.discard(kind)
            self._changed.set()
            if self._stores is not None:
                self._stores.mark_synced(kind, synced=False)

    def synced(self, kind: Kind) -> bool:
        """Whether what is wanted of `kind` has been complete in the store once."""
        return kind in self._synced

    async def kind_exists(self, kind: Kind) -> bool:
        """Say that the directory knows every kind there is."""
        return kind in Kind

    def stale_for(self, now: float, kinds: Container[Kind] | None = None) -> float:
        """Seconds since everything wanted was last known to be in step.

        Args:
            now: On the event loop's clock, which is monotonic.
            kinds: All are as old as the last look at the directory.
        """
        del kinds
        return 0.0 if self._in_step_at is None else max(0.0, now - self._in_step_at)

    def look_soon(self) -> None:
        """Look now rather than at the next poll: the port has written."""
        self._changed.set()

    async def run(self, stores: Stores) -> None:
        """Keep `stores` in step until cancelled."""
        self._stores = stores
        self._in_step_at = asyncio.get_running_loop().time()
        while True:
            self._changed.clear()
            wait = self._directory.timings.poll
            try:
                snapshot = await asyncio.to_thread(self._directory.refresh)
            except OSError as error:
                self._complain(stores, str(error))
            else:
                self._complain(stores, "")
                await self._apply(stores, snapshot)
                if snapshot.next_look is not None:
                    wait = min(wait, snapshot.next_look)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._changed.wait()

    async def _apply(self, stores: Stores, snapshot: Snapshot) -> None:
        """Hand on what differs from what was handed on before."""
        self._tell(stores, snapshot.faults)
        asked = dict(self._wanted)
        wanted = {ref: e for ref, e in snapshot.entries.items() if self._is_wanted(ref)}
        changed = [entry for ref, entry in wanted.items() if self._held.get(ref) is not entry]
        for number, entry in enumerate(changed, start=1):
            if entry.resource is not None:
                stores.put(entry.merged.ref.kind, entry.resource, entry.faults)
            if number % _SLICE == 0:
                await asyncio.sleep(0)
        for ref in self._held.keys() - wanted.keys():
            stores.remove(ref.kind, ref.key)
        self._held = wanted
        self._add_node(stores)
        self._complete = self._complete or snapshot.complete
        if self._complete:
            self._in_step_at = asyncio.get_running_loop().time()
            for kind, selectors in asked.items():
                if selectors == self._wanted[kind]:  # else more was wanted meanwhile
                    self._synced.add(kind)
                    stores.mark_synced(kind)

    def _is_wanted(self, ref: ObjectRef) -> bool:
        selectors = self._wanted.get(ref.kind)
        return (
            selectors is not None
            and selectors.namespace in {"", ref.namespace}
            and (selectors.names is None or ref.name in selectors.names)
        )

    def _add_node(self, stores: Stores) -> None:
        if self._node is None:
            return
        ref = ObjectRef(Kind.NODE, "", self._node.metadata.name)
        if ref not in self._held and self._is_wanted(ref):
            stores.put(Kind.NODE, self._node)

    def _tell(self, stores: Stores, faults: tuple[FileFault, ...]) -> None:
        for fault in faults:
            if fault not in self.faults:
                _log.warning("%s", fault)
        if faults != self.faults:
            self.faults = faults
            stores.wake()

    def _complain(self, stores: Stores, trouble: str) -> None:
        if trouble != self.trouble:
            if trouble:
                _log.warning("the directory cannot be read: %s", trouble)
            self.trouble = trouble
            stores.wake()


def _bare_node(name: str, addresses: Sequence[str]) -> Node:
    return Node(
        metadata=ObjectMeta(name=name, uid=name, labels={"kubernetes.io/hostname": name}),
        status=NodeStatus(
            addresses=tuple(NodeAddress(type="InternalIP", address=text) for text in addresses),
            conditions=(NodeCondition(type="Ready", status="True"),),
        ),
    )
