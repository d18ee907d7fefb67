"""`porter_ctl.manifests.port`: what is written, where, and what refuses to be."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import msgspec
import pytest

from porter_ctl.api import VIP, BGPNode, Kind, ObjectRef, Service, VIPPool
from porter_ctl.api.bgpnode import BGPNodeStatus
from porter_ctl.api.core import Ingress, LoadBalancerStatus, ServiceStatus
from porter_ctl.api.meta import ObjectMeta
from porter_ctl.api.vip import Holder, VIPSpec
from porter_ctl.manifests.directory import ManifestDirectory
from porter_ctl.manifests.own_files import try_lock
from porter_ctl.manifests.port import ManifestPort
from porter_ctl.manifests.timings import Timings
from porter_ctl.store.port import (
    AlreadyExists,
    Conflict,
    Forbidden,
    Invalid,
    KubeEvent,
    NotFound,
    PortFailure,
    Unavailable,
)

if TYPE_CHECKING:
    from pathlib import Path

ADDRESS = "192.0.2.1"
REF = ObjectRef(Kind.VIP, "", ADDRESS)
WEB = ObjectRef(Kind.SERVICE, "default", "web")
WEB_TEXT = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {type: LoadBalancer}\n"
RESERVED_TEXT = f"""\
apiVersion: porter.network/v1beta1
kind: VIP
metadata: {{name: {ADDRESS}, uid: mine}}
spec: {{address: {ADDRESS}}}
"""
HOLDER = Holder(namespace="shop", name="web", uid="shop/web")
WITH_ADDRESS = ServiceStatus(load_balancer=LoadBalancerStatus(ingress=(Ingress(ip=ADDRESS),)))


class Clock:
    """Time stands still, and every read file counts, until the test says otherwise."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def _port(path: Path, clock: Clock | None = None) -> ManifestPort:
    timings = Timings(still=0.0, lock=0.05)
    directory = ManifestDirectory(path, timings=timings, clock=clock or Clock())
    directory.refresh()
    return ManifestPort(directory, identity="test")


def _vip(**changes: object) -> VIP:
    spec = VIPSpec(address=ADDRESS)
    return VIP(metadata=ObjectMeta(name=ADDRESS), spec=msgspec.structs.replace(spec, **changes))


async def _get_vip(port: ManifestPort) -> VIP:
    vip = await port.get_live(REF)
    assert isinstance(vip, VIP)
    return vip


async def _get_web(port: ManifestPort) -> Service:
    service = await port.get_live(WEB)
    assert isinstance(service, Service)
    return service


async def test_what_was_created_is_there_as_returned(tmp_path: Path) -> None:
    port = _port(tmp_path)

    made = await port.create(_vip(holders=(HOLDER,)))

    assert await port.get_live(REF) == made
    assert isinstance(made, VIP)
    assert made.spec == VIPSpec(address=ADDRESS, holders=(HOLDER,))
    assert made.metadata.uid == ADDRESS
    assert made.metadata.resource_version
    assert made.metadata.creation_timestamp.endswith("Z")


async def test_what_exists_cannot_be_created(tmp_path: Path) -> None:
    port = _port(tmp_path)
    await port.create(_vip())

    with pytest.raises(AlreadyExists):
        await port.create(_vip())


async def test_an_address_that_the_user_reserved_cannot_be_created(tmp_path: Path) -> None:
    (tmp_path / "vips.yaml").write_text(RESERVED_TEXT)

    with pytest.raises(AlreadyExists, match=r"in vips\.yaml, line 1"):
        await _port(tmp_path).create(_vip())


async def test_a_reserved_address_gets_holders_and_the_users_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "vips.yaml"
    path.write_text(RESERVED_TEXT)
    port = _port(tmp_path)
    vip = await _get_vip(port)
    assert vip.spec is not None

    spec = msgspec.structs.replace(vip.spec, holders=(HOLDER,))
    written = await port.replace(msgspec.structs.replace(vip, spec=spec))

    assert isinstance(written, VIP)
    assert written.spec == spec
    assert written.metadata.uid == "mine"
    assert path.read_text() == RESERVED_TEXT


async def test_a_reservation_that_the_user_removed_leaves_the_holders(tmp_path: Path) -> None:
    path, clock = tmp_path / "vips.yaml", Clock()
    path.write_text(RESERVED_TEXT)
    port = _port(tmp_path, clock)
    await port.replace(
        msgspec.structs.replace(_vip(holders=(HOLDER,)), metadata=(await _get_vip(port)).metadata)
    )
    path.unlink()
    await port.get_live(REF)
    clock.now = 2.0

    vip = await _get_vip(port)

    assert vip.spec == VIPSpec(address=ADDRESS, holders=(HOLDER,))


async def test_a_replace_keeps_what_it_does_not_know(tmp_path: Path) -> None:
    port = _port(tmp_path)
    await port.create(_vip(released_at="2026-01-01T00:00:00Z"))
    path = tmp_path / f".porter/VIP/{ADDRESS}.yaml"
    path.write_text(path.read_text().replace('"address"', '"newer": [1], "address"'))

    await port.replace(
        msgspec.structs.replace(_vip(holders=(HOLDER,)), metadata=(await _get_vip(port)).metadata)
    )

    kept = msgspec.json.decode(path.read_bytes())["spec"]
    assert kept["newer"] == [1]
    assert "releasedAt" not in kept
    assert [holder["name"] for holder in kept["holders"]] == ["web"]


async def test_of_two_replacements_of_one_version_the_second_conflicts(tmp_path: Path) -> None:
    port, other = _port(tmp_path), _port(tmp_path)
    made = await port.create(_vip())
    mine = msgspec.structs.replace(_vip(released_at="2026-01-01T00:00:00Z"), metadata=made.metadata)
    theirs = msgspec.structs.replace(
        _vip(released_at="2026-02-01T00:00:00Z"), metadata=made.metadata
    )

    await port.replace(mine)
    with pytest.raises(Conflict):
        await other.replace(theirs)

    assert (await _get_vip(port)).spec == mine.spec


async def test_a_delete_is_of_one_version_only(tmp_path: Path) -> None:
    port = _port(tmp_path)
    made = (await port.create(_vip())).metadata
    uid, version = made.uid, made.resource_version

    with pytest.raises(Conflict):
        await port.delete(REF, uid=uid, resource_version="older")
    with pytest.raises(Conflict):
        await port.delete(REF, uid="another", resource_version=version)
    await port.delete(REF, uid=uid, resource_version=version)

    assert await port.get_live(REF) is None
    with pytest.raises(NotFound):
        await port.delete(REF, uid=uid, resource_version=version)


async def test_what_the_user_wrote_is_not_ours_to_write(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(f"{WEB_TEXT}---\n{RESERVED_TEXT}")
    port = _port(tmp_path)
    pool = VIPPool(metadata=ObjectMeta(name="p"))

    with pytest.raises(Forbidden, match="only the user"):
        await port.create(pool)
    with pytest.raises(Forbidden, match="only the user"):
        await port.replace(await _get_web(port))
    with pytest.raises(Forbidden, match=r"remove it in all\.yaml, line 6"):
        await port.delete(REF, uid="", resource_version="")


async def test_a_status_is_written_onto_the_version_it_was_made_for(tmp_path: Path) -> None:
    path = tmp_path / "web.yaml"
    path.write_text(WEB_TEXT)
    port = _port(tmp_path)
    read = await _get_web(port)
    wanted = msgspec.structs.replace(read, status=WITH_ADDRESS)
    meta = read.metadata

    await port.apply_status(wanted, uid=meta.uid, resource_version=meta.resource_version)
    written = await _get_web(port)
    with pytest.raises(Conflict, match="has changed"):
        await port.apply_status(wanted, uid=meta.uid, resource_version=meta.resource_version)
    with pytest.raises(Conflict, match="another object"):
        await port.apply_status(wanted, uid="another", resource_version="")
    await port.apply_status(wanted, uid=meta.uid, resource_version="")

    assert written.status == WITH_ADDRESS
    assert written.metadata.resource_version != meta.resource_version
    assert await _get_web(port) == written  # what stands there already is not written again
    assert path.read_text() == WEB_TEXT


async def test_an_edit_of_the_service_makes_its_status_conflict(tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(WEB_TEXT)
    port = _port(tmp_path)
    read = await _get_web(port)
    (tmp_path / "web.yaml").write_text(WEB_TEXT.replace("LoadBalancer", "ClusterIP"))

    with pytest.raises(Conflict):
        await port.apply_status(
            msgspec.structs.replace(read, status=WITH_ADDRESS),
            uid=read.metadata.uid,
            resource_version=read.metadata.resource_version,
        )


async def test_a_status_needs_its_object(tmp_path: Path) -> None:
    port = _port(tmp_path)
    node = BGPNode(metadata=ObjectMeta(name="node-a"), status=BGPNodeStatus(summary="1/1"))

    with pytest.raises(NotFound):
        await port.apply_status(node, uid="", resource_version="")
    await port.create(node)
    await port.apply_status(node, uid="", resource_version="")

    live = await port.get_live(ObjectRef(Kind.BGP_NODE, "", "node-a"))
    assert isinstance(live, BGPNode)
    assert live.status.summary == "1/1"


async def test_nobody_says_that_an_object_is_gone_while_a_file_is_unparsable(
    tmp_path: Path,
) -> None:
    (tmp_path / "web.yaml").write_text("{")
    port = _port(tmp_path)

    with pytest.raises(Unavailable, match=r"web\.yaml, line 2"):
        await port.get_live(WEB)


async def test_an_unparsable_file_hinders_no_creation(tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text("{")
    port = _port(tmp_path)

    await port.create(_vip())

    assert (await _get_vip(port)).spec == VIPSpec(address=ADDRESS)


async def test_a_part_of_ours_that_was_damaged_is_no_part_that_is_missing(
    tmp_path: Path,
) -> None:
    (tmp_path / "web.yaml").write_text(WEB_TEXT)
    port = _port(tmp_path)
    (tmp_path / ".porter/Service/default_web.yaml").write_text("status: [")

    with pytest.raises(Invalid, match=r"Service/default_web\.yaml.*repair or remove"):
        await port.get_live(WEB)


async def test_a_directory_that_went_away_is_unavailable(tmp_path: Path) -> None:
    port = _port(tmp_path)
    (tmp_path / ".porter").rename(tmp_path / "elsewhere")

    with pytest.raises(Unavailable):
        await port.get_live(REF)
    with pytest.raises(Unavailable):
        await port.create(_vip())


async def test_a_write_waits_for_another_only_so_long(tmp_path: Path) -> None:
    port = _port(tmp_path)
    made = await port.create(_vip())
    lock = try_lock(tmp_path / ".porter/write.lock")
    assert lock is not None
    try:
        with pytest.raises(Unavailable, match=r"for 0\.05 s"):
            await port.replace(made)
    finally:
        os.close(lock)
    await port.replace(made)


async def test_who_leads_by_a_lock_that_was_replaced_writes_nothing(tmp_path: Path) -> None:
    port, other = _port(tmp_path), _port(tmp_path)
    leadership, changed = port.leadership(), asyncio.Event()
    leadership.on_change = lambda _: changed.set()
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        task = group.create_task(leadership.run())
        await changed.wait()
        changed.clear()
        assert leadership.leading
        (tmp_path / ".porter/leader.lock").unlink()

        with pytest.raises(Unavailable, match="another process may lead"):
            await port.create(_vip())
        assert await other.get_live(REF) is None

        await changed.wait()  # it notices by itself, and may lead again by the new lock
        task.cancel()
    assert not leadership.leading


async def test_events_are_lines_and_bounded(tmp_path: Path) -> None:
    port = _port(tmp_path)
    port._events._limit = 1000
    event = KubeEvent(
        regarding=WEB, uid="u", type="Normal", reason="Allocated", note="n" * 300, action="Allocate"
    )

    for _ in range(9):
        await port.emit(event)

    files = sorted(path.name for path in (tmp_path / ".porter").glob("events*"))
    lines = (tmp_path / ".porter/events.jsonl.1").read_bytes().splitlines()
    assert files == ["events.jsonl", "events.jsonl.1"]
    assert msgspec.json.decode(lines[0])["regarding"]["name"] == "web"
    assert all((tmp_path / ".porter" / name).stat().st_size < 2000 for name in files)
    assert port.lost == 0


async def test_an_event_that_cannot_be_written_is_lost_in_silence(tmp_path: Path) -> None:
    port = _port(tmp_path)
    (tmp_path / ".porter/events.jsonl").mkdir()

    await port.emit(
        KubeEvent(regarding=WEB, uid="", type="Warning", reason="R", note="n", action="A")
    )

    assert port.lost == 1


async def test_a_write_tells_whoever_reads(tmp_path: Path) -> None:
    port, told = _port(tmp_path), asyncio.Event()
    port.on_write = told.set

    with pytest.raises(PortFailure):
        await port.create(VIPPool(metadata=ObjectMeta(name="p")))
    silent = told.is_set()
    await port.create(_vip())

    assert (silent, told.is_set()) == (False, True)


def test_a_status_of_nobody_is_removed_in_time(tmp_path: Path) -> None:
    clock = Clock()
    directory = ManifestDirectory(tmp_path, timings=Timings(still=0.0), clock=clock)
    directory.refresh()
    orphan = tmp_path / ".porter/Service/default_web.yaml"
    orphan.write_text('{"metadata": {"name": "web", "uid": "default/web"}, "status": {}}')
    seen = []

    for clock.now in (1.0, 5.9, 6.0):
        directory.refresh()
        seen.append(orphan.exists())

    assert seen == [True, True, False]


def test_what_a_crash_left_half_made_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / ".porter/VIP"
    folder.mkdir(parents=True)
    old, new = folder / ".192.0.2.1.yaml.aaaa", folder / ".192.0.2.1.yaml.bbbb"
    for path in (old, new):
        path.write_text("{")
    os.utime(old, (0, 0))

    snapshot = ManifestDirectory(tmp_path).refresh()

    assert [path.name for path in folder.iterdir()] == [new.name]
    assert (snapshot.entries, snapshot.faults) == ({}, ())


def test_a_damaged_file_of_ours_says_what_it_said(tmp_path: Path) -> None:
    directory = ManifestDirectory(tmp_path)
    directory.refresh()
    path = tmp_path / f".porter/VIP/{ADDRESS}.yaml"
    path.write_text(RESERVED_TEXT)
    before = directory.refresh().entries[REF]
    path.write_text("- a list")

    after = directory.refresh()

    assert after.entries[REF] is before
    assert [str(fault) for fault in after.faults] == [
        f".porter/VIP/{ADDRESS}.yaml: it must hold exactly one object"
    ]


# Annotations that commands put beside the user's file

NODE = ObjectRef(Kind.NODE, "", "n1")
NODE_TEXT = "apiVersion: v1\nkind: Node\nmetadata: {name: n1, annotations: {team: net}}\n"
DRAIN = "porter.network/drain"


async def _annotations(port: ManifestPort) -> dict[str, str]:
    node = await port.get_live(NODE)
    assert node is not None
    return node.metadata.annotations


async def test_an_annotation_lies_beside_the_user_s_file_and_goes_again(tmp_path: Path) -> None:
    (tmp_path / "n1.yaml").write_text(NODE_TEXT)
    port = _port(tmp_path)

    await port.annotate(NODE, {DRAIN: "true"})
    with_it = await _annotations(port)
    await port.annotate(NODE, {DRAIN: None})

    assert with_it == {"team": "net", DRAIN: "true"}
    assert await _annotations(port) == {"team": "net"}
    assert (tmp_path / "n1.yaml").read_text() == NODE_TEXT


async def test_an_annotation_of_the_user_s_is_not_removed_behind_his_back(tmp_path: Path) -> None:
    (tmp_path / "n1.yaml").write_text(NODE_TEXT)
    port = _port(tmp_path)

    with pytest.raises(Forbidden, match=r"team is the user's: remove it in n1\.yaml"):
        await port.annotate(NODE, {"team": None})
    assert await _annotations(port) == {"team": "net"}


async def test_what_no_file_has_is_not_annotated(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="write its manifest first"):
        await _port(tmp_path).annotate(NODE, {DRAIN: "true"})
