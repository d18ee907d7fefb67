"""A process that shares a directory with others: it does what stdin says and tells on stdout.

lead       seek the lead; tells "leading" when it has it
create IP  create the VIP of this address; tells "created", or the exception's name
count N    add one to BGPNode node-a's `desired`, N times over; tells how many tries it took
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import msgspec

from porter_ctl.api import VIP, BGPNode, Kind, ObjectRef
from porter_ctl.api.meta import ObjectMeta
from porter_ctl.api.vip import VIPSpec
from porter_ctl.manifests.directory import ManifestDirectory
from porter_ctl.manifests.port import ManifestPort
from porter_ctl.manifests.timings import Timings
from porter_ctl.store.port import Conflict, PortFailure

NODE = ObjectRef(Kind.BGP_NODE, "", "node-a")


def tell(text: str) -> None:
    print(text, flush=True)


async def create(port: ManifestPort, address: str) -> str:
    metadata = ObjectMeta(name=address, labels={"by": str(os.getpid())})
    try:
        await port.create(VIP(metadata=metadata, spec=VIPSpec(address=address)))
    except PortFailure as error:
        return type(error).__name__
    return "created"


async def count(port: ManifestPort, times: int) -> int:
    tries = done = 0
    while done < times:
        tries += 1
        node = await port.get_live(NODE)
        if not isinstance(node, BGPNode):
            raise TypeError(str(node))
        status = msgspec.structs.replace(node.status, desired=node.status.desired + 1)
        try:
            await port.apply_status(
                msgspec.structs.replace(node, status=status),
                uid=node.metadata.uid,
                resource_version=node.metadata.resource_version,
            )
        except Conflict:
            continue
        done += 1
    return tries


async def main(directory: Path) -> None:
    shared = ManifestDirectory(directory, timings=Timings(still=0.01))
    await asyncio.to_thread(shared.refresh)
    port = ManifestPort(shared, identity=f"pid-{os.getpid()}")
    leadership = port.leadership()
    leadership.on_change = lambda leading: tell("leading" if leading else "not leading")
    election: asyncio.Task[None] | None = None
    tell("ready")
    while line := await asyncio.to_thread(sys.stdin.readline):
        match line.split():
            case ["lead"]:
                election = asyncio.create_task(leadership.run())
            case ["create", address]:
                tell(await create(port, address))
            case ["count", times]:
                tell(str(await count(port, int(times))))
    if election is not None:
        election.cancel()
        await asyncio.wait([election])


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
