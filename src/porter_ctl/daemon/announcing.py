"""What announces for this node: built before there is a cluster, for it can go on without one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from porter_bgp.speaker.speaker import Speaker
from porter_ctl.gate import DataplaneGate
from porter_ctl.host.dataplane import Dataplane
from porter_ctl.plan import NEEDED_KINDS
from porter_ctl.reconcile.announcer import Announcer
from porter_ctl.reconcile.forwarding import Forwarding
from porter_ctl.reconcile.loop import Loop
from porter_ctl.reconcile.node import NodeReconciler
from porter_ctl.store.stores import Stores

if TYPE_CHECKING:
    from porter_ctl.daemon.settings import Settings
    from porter_ctl.host.boot import Boot
    from porter_ctl.record.journal import Journal


@dataclass(slots=True, kw_only=True)
class Announcing:
    """The parts.

    Attributes:
        stores: What is known.
        loop: What turns those who follow them.
        speaker: What is said.
        gate: What a first announcement waits for.
        node: What is planned for this node.
        forwarding: What is said of our restart.
        announcer: What is said, and kept of it.
    """

    stores: Stores
    loop: Loop
    speaker: Speaker
    gate: DataplaneGate
    node: NodeReconciler
    forwarding: Forwarding
    announcer: Announcer

    @property
    def seen(self) -> tuple[int, ...]:
        """How far what planning reads has come: objects so far of each kind, -1 once complete."""
        stores = self.stores
        return tuple(-1 if stores.synced(k) else len(stores.of(k)) for k in sorted(NEEDED_KINDS))


def begin(settings: Settings, journal: Journal, boot: Boot, last: str | None) -> Announcing:
    """Build them; nothing runs yet.

    Args:
        settings: Of this process.
        journal: Where to keep what is announced.
        boot: This one.
        last: The boot in which Porter last ran here, as far as is known.
    """
    stores = Stores()
    loop = Loop(stores)
    speaker = Speaker(on_change=lambda _: node.on_change())
    gate = DataplaneGate(new_boot=boot.is_new(last))
    forwarding = Forwarding(speaker, Dataplane(), booted=last not in {None, boot.id})
    announcer = Announcer(speaker, journal, forwarding)
    node = NodeReconciler(
        stores, announcer, gate, node=settings.node, namespace=settings.pod.namespace
    )
    node.behind = lambda: loop.behind
    return Announcing(
        stores=stores,
        loop=loop,
        speaker=speaker,
        gate=gate,
        node=node,
        forwarding=forwarding,
        announcer=announcer,
    )
