"""`porter_ctl.reconcile.testimony`: whose reports count where a lock tells instead of a Pod."""

from __future__ import annotations

import asyncio

from porter_ctl.api import BGPNode, BGPNodeStatus, Kind
from porter_ctl.reconcile import testimony
from porter_ctl.reconcile.expected import Expected
from porter_ctl.store.stores import Stores
from tests.porter_ctl.plan import world

NODES = ("n1", "n2")


class Scene:
    """Two nodes of a directory; `running` are those whose process has its lock."""

    def __init__(self) -> None:
        self.stores = Stores()
        self.running = set(NODES)
        self.stores.put(Kind.BGP_CONFIG, world.config(gracefulRestart={"restartSeconds": 30}))
        for name in NODES:
            self.stores.put(Kind.NODE, world.node(name, "198.51.100.1"))
            self.report(name)
        self.testimony = testimony.Testimony(self.stores, self.running.__contains__)
        self.testimony.begin()
        self.expected = Expected(self.stores, namespace="porter-system", needed=lambda _: False)
        self.expected.work(asyncio.get_running_loop().time() + 1)

    def report(self, name: str) -> None:
        metadata = world.make(BGPNode, name).metadata
        self.stores.put(
            Kind.BGP_NODE, BGPNode(metadata=metadata, status=BGPNodeStatus(incarnation="1"))
        )

    def evident(self, now: float) -> set[str]:
        """Whose reports count, looked at then."""
        list(self.testimony.weigh(self.expected, now))
        return {name for name, one in self.expected.witnesses.items() if one.evident}


async def test_a_process_that_holds_its_lock_is_believed() -> None:
    scene = Scene()

    assert scene.evident(0.0) == {"n1", "n2"}
    assert scene.testimony.next_deadline() == 1.0


async def test_a_process_that_lost_its_lock_is_believed_for_the_restart_time() -> None:
    scene = Scene()
    scene.evident(0.0)
    scene.running.remove("n2")

    assert scene.evident(1.0) == {"n1", "n2"}
    assert scene.evident(30.9) == {"n1", "n2"}
    assert scene.evident(31.0) == {"n1"}


async def test_what_was_never_seen_alive_proves_nothing_and_is_left_alone_at_first() -> None:
    scene = Scene()
    scene.running.remove("n2")
    dead = scene.expected.witnesses["n2"]
    seen = [(scene.evident(now), dead.pending) for now in (0.0, 29.9, 30.0)]

    assert seen == [({"n1"}, True), ({"n1"}, True), ({"n1"}, False)]
    scene.running.add("n2")
    assert scene.evident(31.0) == {"n1", "n2"}


async def test_a_process_that_is_back_is_believed_at_once() -> None:
    scene = Scene()
    scene.evident(0.0)
    scene.running.remove("n2")
    scene.evident(1.0)
    scene.evident(40.0)
    scene.running.add("n2")

    assert scene.evident(41.0) == {"n1", "n2"}


async def test_the_time_counts_anew_after_each_return() -> None:
    scene = Scene()
    scene.evident(0.0)
    for second in range(1, 100, 10):
        scene.running.discard("n2")
        scene.evident(float(second))
        scene.running.add("n2")
        scene.evident(float(second + 5))

    assert scene.evident(200.0) == {"n1", "n2"}


async def test_a_node_may_speak_while_it_runs_and_for_a_day_after_its_last_report() -> None:
    scene = Scene()
    scene.evident(0.0)
    scene.running.remove("n2")
    scene.stores.put(Kind.NODE, world.node("bare", "198.51.100.9"))
    day = testimony.SILENT_SECONDS

    assert scene.testimony.may_speak("n1", 2 * day)
    assert scene.testimony.may_speak("n2", day - 1)
    assert not scene.testimony.may_speak("n2", day)
    assert not scene.testimony.may_speak("bare", 0.0)
    scene.report("n2")
    scene.testimony.touch(Kind.BGP_NODE, "n2")
    scene.evident(day)
    assert scene.testimony.may_speak("n2", 2 * day - 1)
