"""`porter_ctl.reconcile.crew`: several Services at once, and none of them harmed by another."""

from __future__ import annotations

import asyncio

import pytest

from porter_ctl.api import Kind, ObjectRef
from porter_ctl.reconcile.crew import Crew
from porter_ctl.reconcile.retry import RetryQueue
from porter_ctl.store.port import Forbidden
from tests.porter_ctl.reconcile.allocator_world import World, pool, running, service
from tests.support.eventually import eventually
from tests.support.memory_port import SlowPort

REFS = [ObjectRef(Kind.SERVICE, "default", f"s{number}") for number in range(20)]


class Work:
    """What a crew does: each object takes until it is let go.

    Attributes:
        begun: Which are being worked on, in the order they were begun.
        at_once: The most there ever were.
    """

    def __init__(self) -> None:
        self.queue = RetryQueue()
        self.prepared = True
        self.begun: list[ObjectRef] = []
        self.log: list[str] = []
        self.at_once = 0
        self.go = asyncio.Event()
        self.first = self.go  # what REFS[0] waits for
        self.crew = Crew(
            self.queue,
            may=lambda: True,
            prepared=lambda: self.prepared,
            prepare=self.prepare,
            attend=self.attend,
        )

    async def prepare(self) -> None:
        self.log.append(f"prepare beside {len(self.begun)}")
        self.prepared = True

    async def attend(self, ref: ObjectRef) -> None:
        self.begun.append(ref)
        self.log.append(ref.name)
        self.at_once = max(self.at_once, len(self.begun))
        await (self.first if ref is REFS[0] else self.go).wait()
        self.begun.remove(ref)


async def ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_eight_are_worked_on_at_once_and_each_once() -> None:
    work = Work()
    task = asyncio.create_task(work.crew.run())
    work.queue.add_all(REFS)
    await eventually(lambda: len(work.begun) == 8)
    work.go.set()
    await eventually(lambda: not work.queue.busy)
    await ended(task)

    assert work.at_once == 8
    assert work.log == [ref.name for ref in REFS]


async def test_what_is_added_while_it_is_worked_on_is_worked_on_once_more_after_that() -> None:
    work = Work()
    task = asyncio.create_task(work.crew.run())
    work.queue.add(REFS[0])
    await eventually(lambda: len(work.begun) == 1)
    work.queue.add(REFS[0])
    work.queue.add(REFS[0])
    work.queue.add(REFS[1])
    await eventually(lambda: len(work.begun) == 2)
    work.go.set()
    await eventually(lambda: not work.queue.busy and not len(work.queue))
    await ended(task)

    assert work.log == ["s0", "s1", "s0"]


async def test_what_comes_before_is_done_while_nobody_works() -> None:
    work = Work()
    work.first = asyncio.Event()
    task = asyncio.create_task(work.crew.run())
    work.queue.add_all(REFS[:2])
    await eventually(lambda: len(work.begun) == 2)
    work.prepared = False
    work.queue.add(REFS[2])
    work.first.set()
    for _ in range(10):
        await asyncio.sleep(0)
    work.go.set()
    await eventually(lambda: len(work.log) == 4)
    await ended(task)

    assert work.log == ["s0", "s1", "prepare beside 0", "s2"]


async def test_where_one_worker_fails_none_works_on() -> None:
    work = Work()

    async def fail(ref: ObjectRef) -> None:
        if ref is REFS[1]:
            raise KeyError(ref.name)
        await work.attend(ref)

    work.crew._attend = fail
    task = asyncio.create_task(work.crew.run())
    work.queue.add_all(REFS[:2])
    with pytest.raises(KeyError, match="s1"):
        await task

    work.go.set()
    for _ in range(10):
        await asyncio.sleep(0)
    assert work.begun == [REFS[0]]  # it never came to its end


def slow() -> World:
    """Two addresses in pool lab; ten and one in pool all."""
    return World(pool("all", "198.51.100.0-198.51.100.9"), port=SlowPort)


async def test_services_that_come_at_once_get_the_last_address_without_a_conflict() -> None:
    async with running(slow()) as world:
        names = [f"s{number}" for number in range(12)]
        for name in names:
            world.port.put(service(name))
        await eventually(lambda: all(world.address(name) for name in names))

        assert len({world.address(name) for name in names}) == 12
        assert sorted(verb for verb, _ in world.port.writes) == ["create"] * 12 + ["status"] * 12


async def test_an_address_that_could_not_be_written_down_goes_to_who_was_refused_meanwhile() -> (
    None
):
    world = World(pool("one", "198.51.100.1"), port=SlowPort)
    asks = {"porter.network/pools": "one"}
    refusals = iter([Forbidden("not this one")])
    world.port.fail = lambda verb, _: next(refusals, None) if verb == "create" else None
    async with running(world):
        for name in ("a", "b"):
            world.port.put(service(name, annotations=asks))
        await eventually(lambda: world.address("b") != "")

        assert world.address("b") == "198.51.100.1"
        assert world.address("a") == ""
