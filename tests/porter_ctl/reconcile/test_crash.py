"""`porter_ctl.reconcile.crash`: wherever the allocator dies, the next one moves nothing."""

from __future__ import annotations

import asyncio
import random
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from porter_ctl import reconcile
from porter_ctl.api import VIP, Kind, Node, ObjectRef, Service, VIPPool
from porter_ctl.plan import LAST_HOLDER, MADE_HERE, SERVICE_CLASSES
from porter_ctl.reconcile.cluster import Allocator
from porter_ctl.reconcile.crash import EXIT_STATUS, LABELS
from porter_ctl.reconcile.loop import Loop
from porter_ctl.store.stores import Stores
from tests.support.eventually import eventually
from tests.support.memory_port import MemoryPort, SlowPort, sync_everything

AT = "2026-01-01T00:00:00Z"


class DiedError(Exception):
    """The process is gone."""


class World:
    """Something to do at every label."""

    def __init__(self, port: type[MemoryPort] = MemoryPort) -> None:
        self.stores = Stores()
        self.port = port(self.stores)
        self.pool("lab", "192.0.2.10-192.0.2.19", 600)
        self.pool("later", "198.51.100.1", 0)
        self.port.put(msgspec.convert({"metadata": {"name": "n1", "uid": "n"}}, Node))
        self.vip("192.0.2.17", last="default/a")
        self.vip("192.0.2.18", holder="nobody")
        self.vip("198.51.100.1", last="default/nobody")
        for name in ("a", "b", "c"):
            document = {
                "metadata": {"name": name, "namespace": "default", "uid": f"uid-{name}"},
                "spec": {"type": "LoadBalancer", "ipFamilies": ["IPv4"]},
            }
            self.port.put(msgspec.convert(document, Service))
        self.port.deaf = True
        self.vip("192.0.2.19", holder="elsewhere")  # what default/b would get: nobody told us
        self.port.deaf = False
        sync_everything(self.stores)

    def pool(self, name: str, addresses: str, hold: int) -> None:
        spec = {"addresses": [addresses], "holdSeconds": hold}
        self.port.put(msgspec.convert({"metadata": {"name": name}, "spec": spec}, VIPPool))

    def vip(self, address: str, *, holder: str = "", last: str = "") -> None:
        spec: dict[str, object] = {"address": address}
        spec["pool"] = {"name": "later" if address.startswith("198") else "lab"}
        if holder:
            spec["holders"] = [{"namespace": "default", "name": holder, "uid": "gone"}]
        else:
            spec["releasedAt"] = AT
        annotations = {MADE_HERE: "true"} | ({LAST_HOLDER: last} if last else {})
        metadata = {"name": address, "annotations": annotations}
        self.port.put(msgspec.convert({"metadata": metadata, "spec": spec}, VIP))

    async def live(self, until: str) -> None:
        """Be one process: until it dies, or all is done."""
        allocator = Allocator(self.stores, self.port, self.port.lead, classes=SERVICE_CLASSES)
        loop = asyncio.create_task(Loop(self.stores).run([allocator]))
        run = asyncio.create_task(allocator.run())
        try:
            if until:
                await asyncio.wait_for(run, 10)
            else:
                await eventually(self.done, seconds=5)
        finally:
            for task in (loop, run):
                task.cancel()
            await asyncio.gather(loop, run, return_exceptions=True)

    def shown(self) -> dict[str, str]:
        found = {}
        for service in self.port.all(Kind.SERVICE):
            assert isinstance(service, Service)
            for way in service.status.load_balancer.ingress:
                found[service.metadata.name] = way.ip
        return found

    def held(self) -> dict[str, list[str]]:
        specs = [vip.spec for vip in self.port.all(Kind.VIP) if isinstance(vip, VIP) and vip.spec]
        return {spec.address: [one.name for one in spec.holders] for spec in specs if spec.holders}

    def done(self) -> bool:
        spent = self.port.get(ObjectRef(Kind.VIP, "", "198.51.100.1"))
        node = self.port.get(ObjectRef(Kind.BGP_NODE, "", "n1"))
        return (
            len(self.shown()) == 3
            and spent is None
            and node is not None
            and sorted(self.held().values()) == [["a"], ["b"], ["c"]]
        )


@pytest.mark.parametrize("port", [MemoryPort, SlowPort])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("label", LABELS)
async def test_wherever_the_allocator_dies_the_next_one_moves_nothing(
    label: str, seed: int, port: type[MemoryPort], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(port)
    nth = random.Random(seed).randint(1, 2)  # noqa: S311 - the same places each time
    met = 0

    def die(at: str) -> None:
        nonlocal met
        met += at == label
        if at == label and (met == nth or label not in _MET_TWICE):
            raise DiedError(label)

    monkeypatch.setattr("porter_ctl.reconcile.cluster.crash_point", die)
    monkeypatch.setattr("porter_ctl.reconcile.take.crash_point", die)
    with pytest.raises(DiedError):
        await world.live(label)
    before, claimed = world.shown(), {owners[0]: a for a, owners in world.held().items()}
    monkeypatch.undo()
    await world.live("")

    after = world.shown()
    assert after.items() >= before.items()
    assert all(claimed.get(name, address) == address for name, address in after.items())
    assert world.held() == {address: [name] for name, address in after.items()}


_MET_TWICE = {"allocate.service-read", "allocate.status-written", "allocate.event-told"}


def test_every_place_is_listed() -> None:
    folder = Path(reconcile.__path__[0])
    places = {
        label
        for path in folder.glob("*.py")
        for label in re.findall(r'crash_point\("([^"]+)"\)', path.read_text())
    }

    assert places == set(LABELS)


@pytest.mark.parametrize(
    ("wanted", "printed"),
    [
        ("", "1 2 3"),
        ("allocate.vip-created", ""),
        ("allocate.vip-created:1", ""),
        ("allocate.vip-created:3", "1 2"),
        ("allocate.vip-read", "1 2 3"),
    ],
)
def test_a_process_ends_there_and_then(wanted: str, printed: str) -> None:
    program = (
        "from porter_ctl.reconcile.crash import crash_point\n"
        "for number in (1, 2, 3):\n"
        "    crash_point('allocate.vip-created')\n"
        "    print(number, flush=True)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PORTER_CRASH_AT": wanted, "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout.split() == printed.split()
    assert done.returncode == (0 if printed == "1 2 3" else EXIT_STATUS)
