"""`porter_ctl.reconcile.write_status`: a status that goes onto the version it was planned from."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from msgspec.structs import replace

from porter_ctl.api import BGPConfig, Kind, ObjectRef
from porter_ctl.plan import bgp_config_status
from porter_ctl.reconcile.write_status import StatusWriter
from porter_ctl.store.stores import Stores
from tests.porter_ctl.plan.world import AT, config, node
from tests.support.eventually import eventually
from tests.support.memory_port import MemoryPort

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from porter_ctl.api import Resource

REF = ObjectRef(Kind.BGP_CONFIG, "", "default")
CUT_OFF = [node(name, conditions={"NetworkUnavailable": "True"}) for name in ("a", "b")]


class Scene:
    """The default BGPConfig, and who writes of it that the first of some nodes is withheld."""

    def __init__(self) -> None:
        self.stores = Stores()
        self.port = MemoryPort(self.stores)
        self.nodes = CUT_OFF[:1]
        self.port.put(config())
        self.writer = StatusWriter(
            self.stores,
            self.port,
            planned=self._planned,
            may=lambda: True,
            versioned=frozenset({Kind.BGP_CONFIG}),
        )

    def _planned(self, obj: Resource) -> Resource | None:
        assert isinstance(obj, BGPConfig)
        return replace(obj, status=bgp_config_status(obj, (), self.nodes, AT))

    @property
    def withheld(self) -> list[str]:
        """The list as it stands."""
        standing = self.port.get(REF)
        assert isinstance(standing, BGPConfig)
        return [one.node for one in standing.status.withheld]


@asynccontextmanager
async def running() -> AsyncIterator[Scene]:
    scene = Scene()
    task = asyncio.create_task(scene.writer.run())
    try:
        yield scene
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_status_is_not_written_over_one_that_was_never_read_but_tried_again() -> None:
    async with running() as scene:
        scene.port.deaf = True
        scene.port.put(replace(config(), status=bgp_config_status(config(), (), CUT_OFF[1:], AT)))

        scene.writer.touch(REF)
        await eventually(lambda: len(scene.port.writes) >= 2)
        unheard = scene.withheld
        scene.port.deaf = False
        standing = scene.port.get(REF)
        assert standing is not None
        scene.stores.put(Kind.BGP_CONFIG, standing)
        await eventually(lambda: scene.withheld == ["a"])

    assert unheard == ["b"]


async def test_whoever_has_nothing_to_write_leaves_others_their_turns() -> None:
    async with running() as scene:
        for number in range(20_000):
            scene.writer.touch(ObjectRef(Kind.BGP_CONFIG, "", f"c{number}"))
        for _ in range(3):
            await asyncio.sleep(0)

        assert len(scene.writer._queue) > 0
