"""Opens a directory of manifests as the cluster."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from porter_ctl.daemon.cluster import Cluster
from porter_ctl.host.netlink import Scope, Usability, host_addresses
from porter_ctl.manifests.alive import Alive
from porter_ctl.manifests.directory import ManifestDirectory
from porter_ctl.manifests.port import ManifestPort
from porter_ctl.manifests.source import ManifestSource

if TYPE_CHECKING:
    from pathlib import Path

    from porter_ctl.daemon.answers import FaultRow
    from porter_ctl.manifests.file_fault import FileFault

_log = logging.getLogger(__name__)


async def open_files(directory: Path, node: str, incarnation: str) -> Cluster:
    """Open `directory`; nothing of it is read yet.

    Args:
        directory: It must be there.
        node: Our own node: it is there whether or not a document describes it.
        incarnation: Of this process.
    """
    manifests = ManifestDirectory(directory)
    addresses = await _own_addresses()
    source = ManifestSource(manifests, node=node, node_addresses=addresses)
    port = ManifestPort(manifests, identity=f"{node}_{incarnation}")
    port.on_write = source.look_soon

    alive = Alive(manifests.own.root / "alive")
    holding = asyncio.create_task(_hold(alive, node))

    async def close() -> None:
        """Other files are open no longer than they are read or written."""
        holding.cancel()
        await asyncio.wait([holding])
        alive.release()

    return Cluster(
        source=source,
        port=port,
        seeks=lambda _: True,
        seek=_always,
        troubles=lambda: (source.trouble,) if source.trouble else (),
        faults=lambda: tuple(map(_row, source.faults)),
        close=close,
        alive=alive,
    )


async def _hold(alive: Alive, node: str) -> None:
    try:
        await alive.hold_on(node)
    except OSError as error:
        _log.warning("whether Porter runs here will not be known to others: %s", error)


async def _own_addresses() -> tuple[str, ...]:
    """The addresses others can reach this machine by, IPv4 first."""
    try:
        found = await host_addresses()
    except OSError as error:
        _log.warning("the addresses of this machine cannot be read: %s", error)
        return ()
    usable = [
        one.address.ip
        for one in found
        if one.scope is Scope.UNIVERSE and one.usability is Usability.USABLE
    ]
    return tuple(str(address) for address in sorted(usable, key=lambda ip: ip.version))


def _always(_: bool) -> None:  # noqa: FBT001 - the shape of Cluster.seek
    """Whoever follows a directory seeks to allocate."""


def _row(fault: FileFault) -> FaultRow:
    return {
        "kind": "File",
        "name": fault.file,
        "path": f"line {fault.line}" if fault.line else "",
        "value": "",
        "message": fault.message,
        "remedy": "",
        "reason": "Invalid",
    }
