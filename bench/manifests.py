"""D: a change in a file of `porter run --manifests`, from its rename to the UPDATE at a router.

What it takes is mostly waiting: the directory is looked at every 250 ms, and a file is believed
once it has stood still for 200 ms.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bench import objects
from bench.daemon import daemon
from bench.measure import COUNT
from bench.routes import host_route
from bench.watched import ANNOUNCED, WITHDRAWN, Witness, pause, witness
from porter_ctl.manifests.own_files import FOLDER, try_lock

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from conformance.rig.objects import Object

EDITS = 20
_HOLD_SECONDS = 90.0
_REST = 5.0  # seconds, once all is told, for what is written afterwards
_GAP = (0.3, 0.6)  # seconds between two edits
_IN_A_FILE = 500
_ROUTER = "127.0.0.1"


def manifests(directory: Path) -> list[float]:
    """Seconds of each edit, while so many VIPs are announced."""
    files = directory / "manifests"
    files.mkdir()
    with witness(directory, COUNT, _ROUTER) as seen:
        _write(files / "configuration.yaml", objects.configuration({_ROUTER: seen.port}))
        _write(files / "node.yaml", (objects.node(),))
        for first in range(0, COUNT, _IN_A_FILE):
            numbers = range(first, first + _IN_A_FILE)
            _write(files / f"services-{first}.yaml", map(objects.service, numbers))
            alone = range(max(first, EDITS), first + _IN_A_FILE)
            _write(files / f"slices-{first}.yaml", map(objects.endpoint_slice, alone))
        _allocate(files / FOLDER)
        for number in range(EDITS):
            _write(files / f"edited-{number}.yaml", (objects.endpoint_slice(number),))
        with _leading(files), daemon(directory, "--manifests", str(files)):
            seen.wait_full(_HOLD_SECONDS)
            time.sleep(_REST)
            return [_edit(files, seen, number) for number in range(EDITS)]


def _allocate(folder: Path) -> None:
    """Have every Service have its address, as an allocator keeps it beside the user's files."""
    for kind in ("VIP", "Service"):
        (folder / kind).mkdir(parents=True)
    for number in range(COUNT):
        key = f"default/web-{number}"
        vip = json.dumps(objects.vip(number, key))
        (folder / "VIP" / f"{host_route(number)}.yaml").write_text(vip)
        service = json.dumps(objects.allocated(number, key))
        (folder / "Service" / f"{key.replace('/', '_')}.yaml").write_text(service)


@contextmanager
def _leading(files: Path) -> Iterator[None]:
    """Be the one that leads, so that nothing is allocated, nor statuses written, meanwhile."""
    lock = try_lock(files / FOLDER / "leader.lock")
    assert lock is not None, "the directory is new"
    try:
        yield
    finally:
        os.close(lock)


def _edit(files: Path, seen: Witness, number: int) -> float:
    """Have an endpoint be ready no more (even numbers) or again (odd ones)."""
    which, ready = number // 2, bool(number % 2)
    pause(*_GAP)
    began = time.monotonic()
    _write(files / f"edited-{which}.yaml", (objects.endpoint_slice(which, ready=ready),))
    return seen.wait(ANNOUNCED if ready else WITHDRAWN, host_route(which)) - began


def _write(path: Path, items: Iterable[Object]) -> None:
    """Write objects as the documents of a file, at once."""
    part = path.with_suffix(".part")
    part.write_text("".join(f"---\n{json.dumps(item)}\n" for item in items))
    part.rename(path)
