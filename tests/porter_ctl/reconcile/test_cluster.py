"""`porter_ctl.reconcile.cluster`: the allocator against a cluster whose every call may fail."""

from __future__ import annotations

import asyncio
import random

import msgspec
import pytest

from porter_ctl.api import VIP, Kind, Node, ObjectRef
from porter_ctl.plan import Reason
from porter_ctl.store.port import Conflict, Forbidden, PortFailure, Unavailable
from tests.porter_ctl.reconcile.allocator_world import WEB, World, pool, running, service, vip
from tests.support.eventually import eventually
from tests.support.memory_port import MemoryPort, SlowPort


async def test_a_service_gets_a_vip_and_then_its_status() -> None:
    async with running(World()) as world:
        world.port.put(service())
        await eventually(lambda: world.address() != "")

        assert world.holders() == {world.address(): ["web"]}
        assert [verb for verb, _ in world.port.writes[:2]] == ["create", "status"]
        assert world.allocator.verdicts["default/web"].reason is Reason.ALLOCATED
        assert [event.reason for event in world.port.events] == ["Allocated"]


async def test_nothing_is_written_where_all_is_well() -> None:
    async with running(World()) as world:
        world.port.put(service())
        await eventually(lambda: world.address() != "")
        count = len(world.port.writes)

        world.allocator.leading_changed()
        world.port.put(service("other"))
        await eventually(lambda: world.address("other") != "")

        assert [ref.name for _, ref in world.port.writes[count:]] == [
            world.address("other"),
            "other",
        ]


async def test_who_does_not_lead_writes_nothing_until_it_does() -> None:
    async with running(World(leading=False)) as world:
        world.port.put(service())
        for _ in range(50):
            await asyncio.sleep(0)
        before = list(world.port.writes)

        world.port.lead.leading = True
        world.allocator.leading_changed()
        await eventually(lambda: world.address() != "")

        assert before == []


async def test_a_deleted_service_gives_back_its_address_which_rests_for_its_name() -> None:
    async with running(World()) as world:
        world.port.put(service())
        await eventually(lambda: world.address() != "")
        address = world.address()

        world.port.remove(WEB)
        await eventually(lambda: world.holders() == {address: []})
        world.port.put(service())
        await eventually(lambda: world.address() != "")

        assert world.address() == address


async def test_a_full_pool_says_so_and_the_next_free_address_is_given() -> None:
    async with running(World()) as world:
        for name in ("a", "b", "c"):
            world.port.put(service(name))
        await eventually(lambda: "default/c" in world.allocator.verdicts)
        refused = world.allocator.verdicts["default/c"].reason

        world.port.remove(ObjectRef(Kind.SERVICE, "default", "a"))
        await eventually(lambda: world.address("c") != "")

        assert refused is Reason.POOL_EXHAUSTED
        assert world.address("b") != world.address("c")


async def test_an_address_that_another_leader_took_is_not_given_twice() -> None:
    async with running(World()) as world:
        world.port.deaf = True
        for octet in (10, 11):
            document = {
                "metadata": {"name": f"192.0.2.{octet}"},
                "spec": {
                    "address": f"192.0.2.{octet}",
                    "holders": [{"namespace": "x", "name": f"y{octet}", "uid": "z"}],
                },
            }
            if octet == 10:
                world.port.put(msgspec.convert(document, VIP))
        world.port.deaf = False
        world.port.put(service())
        await eventually(lambda: world.address() != "")

        assert world.address() == "192.0.2.11"
        assert world.holders()["192.0.2.10"] == ["y10"]


async def test_a_service_that_changed_meanwhile_is_started_over() -> None:
    async with running(World()) as world:
        conflicts = iter([Conflict("changed")])
        world.port.fail = lambda verb, _: next(conflicts, None) if verb == "status" else None

        world.port.put(service())
        await eventually(lambda: world.address() != "")

        assert world.holders() == {world.address(): ["web"]}


async def test_each_node_gets_the_object_it_reports_in() -> None:
    async with running(World()) as world:
        node = {"metadata": {"name": "n1", "uid": "uid-n1"}}
        world.port.put(msgspec.convert(node, Node))
        ref = ObjectRef(Kind.BGP_NODE, "", "n1")
        await eventually(lambda: world.port.get(ref) is not None)

        made = world.port.get(ref)
        assert made is not None
        assert made.metadata.owner_references[0].uid == "uid-n1"


async def test_no_pool_gives_a_nodes_address() -> None:
    async with running(World()) as world:
        node = {
            "metadata": {"name": "n1"},
            "status": {"addresses": [{"type": "InternalIP", "address": "192.0.2.10"}]},
        }
        world.port.put(msgspec.convert(node, Node))
        world.port.put(service())
        await eventually(lambda: world.address() != "")

        assert world.address() == "192.0.2.11"


# protocols: what a release and a re-binding are


async def test_a_vip_bound_anew_while_its_old_holder_was_read_is_not_released() -> None:
    old = vip("192.0.2.10", "web", uid="old")
    async with running(World(old)) as world:
        await eventually(lambda: world.holders() == {"192.0.2.10": []})  # there is no such Service
        world.port.put(old)

        def meanwhile(verb: str, ref: ObjectRef) -> None:
            """The Service is back, and another leader binds its address, while we read of none."""
            if verb == "get" and ref == WEB and world.port.get(WEB) is None:
                world.port.after_read = rebind

        def rebind() -> None:
            world.port.put(service(uid="new"))
            world.port.put(vip("192.0.2.10", "web", uid="new"))
            world.allocator.touch(Kind.VIP, "192.0.2.10")

        world.port.fail = meanwhile
        await eventually(lambda: bool(world.port.get(WEB)) and world.address() != "")

        assert world.holders() == {"192.0.2.10": ["web"]}
        assert [verb for verb, ref in world.port.writes if ref.kind is Kind.VIP] == ["replace"]


async def test_a_service_that_came_back_with_another_uid_meanwhile_gets_its_address_again() -> None:
    async with running(World()) as world:
        world.port.put(service())
        await eventually(lambda: world.address() != "")
        before = world.address()

        world.port.deaf = True
        world.port.remove(WEB)  # this we hear of
        world.port.put(service(uid="another"))  # of this we do not
        world.port.deaf = False
        await eventually(lambda: world.address() != "")

        assert world.address() == before
        spec = world.vip(before).spec
        assert spec is not None
        assert [holder.uid for holder in spec.holders] == ["another"]


async def test_a_holder_is_read_before_every_write_that_removes_it() -> None:
    read: list[ObjectRef] = []
    async with running(World()) as world:
        world.port.put(service())
        await eventually(lambda: world.address() != "")
        address = world.address()

        def note(verb: str, ref: ObjectRef) -> None:
            if verb == "get":
                read.append(ref)

        world.port.fail = note
        world.port.remove(WEB)
        await eventually(lambda: world.holders() == {address: []})

        assert read == [WEB]


async def test_a_service_that_cannot_be_read_keeps_its_address() -> None:
    async with running(World()) as world:
        world.port.put(service())
        await eventually(lambda: world.address() != "")
        address = world.address()
        world.port.fail = lambda verb, ref: (
            Unavailable("no answer") if (verb, ref) == ("get", WEB) else None
        )

        world.port.remove(WEB)
        world.port.put(service("other"))
        await eventually(lambda: world.address("other") != "")

        assert world.holders()[address] == ["web"]


async def test_all_vips_deleted_at_once_are_written_again_with_the_same_holders() -> None:
    async with running(World()) as world:
        for name in ("a", "b"):
            world.port.put(service(name))
        await eventually(lambda: bool(world.address("a") and world.address("b")))
        before = {one.metadata.name: one for one in world.port.all(Kind.VIP)}

        for name in before:
            world.port.remove(ObjectRef(Kind.VIP, "", name))
        await eventually(lambda: len(world.holders()) == 2)

        for name, one in before.items():
            assert isinstance(one, VIP)
            assert world.vip(name).spec == one.spec
        assert world.address("a") in before


async def test_a_hold_is_counted_from_when_the_release_was_seen_not_from_the_last_turn() -> None:
    world = World(pool("brief", "198.51.100.1", holdSeconds=10))
    async with running(world):
        ledger = world.allocator.ledger
        await eventually(lambda: "brief" in ledger.pools)
        now = asyncio.get_running_loop().time()
        ledger.pass_time(now - 3600)  # nothing has turned for an hour

        world.allocator.touch(Kind.VIP, "192.0.2.10")

        assert ledger.now >= now


async def test_a_vip_of_the_allocators_is_deleted_when_it_has_rested() -> None:
    async with running(World(pool("brief", "198.51.100.1", holdSeconds=0))) as world:
        asks = {"porter.network/addresses": "198.51.100.1"}
        made = service()
        world.port.put(
            msgspec.structs.replace(
                made, metadata=msgspec.structs.replace(made.metadata, annotations=asks)
            )
        )
        await eventually(lambda: world.address() == "198.51.100.1")

        world.port.remove(WEB)
        await eventually(lambda: world.holders() == {})

        assert world.port.writes[-1] == ("delete", ObjectRef(Kind.VIP, "", "198.51.100.1"))


async def test_half_a_claim_is_given_back_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("porter_ctl.plan.service.HALF_CLAIM_SECONDS", 0.05)
    whole = service(ipFamilies=["IPv4", "IPv6"], ipFamilyPolicy="RequireDualStack")
    async with running(World(whole, vip("192.0.2.10", "web"))) as world:
        await eventually(lambda: world.holders() == {"192.0.2.10": []})

        assert world.reason() == "NoPool"


# What a leader may do, and when


async def test_a_new_leader_gives_nothing_before_it_has_compared_everything() -> None:
    shown = [service("a", shows="192.0.2.10"), service("b", shows="192.0.2.11")]
    world = World(*shown, service("new"))
    world.stores.take_dirty()  # its followers have not come to hear of them yet
    world.stores.mark_dirty(Kind.VIP_POOL, "lab")
    world.stores.mark_dirty(Kind.SERVICE, "default/new")
    async with running(world):
        await eventually(lambda: "default/new" in world.allocator.verdicts)

        assert world.allocator.verdicts["default/new"].reason is Reason.POOL_EXHAUSTED
        assert world.holders() == {"192.0.2.10": ["a"], "192.0.2.11": ["b"]}
        assert [verb for verb, _ in world.port.writes[:2]] == ["create", "create"]


async def test_a_new_leader_says_nothing_before_it_has_compared_everything() -> None:
    refused = service("new", loadBalancerIP="203.0.113.1")
    world = World(refused, service("z", shows="192.0.2.10"))
    async with running(world):
        await eventually(lambda: world.reason("new") == "NoPool")

        assert world.port.writes[0] == ("create", ObjectRef(Kind.VIP, "", "192.0.2.10"))


async def test_what_cannot_be_adopted_stops_nobody_else_and_stays_taken() -> None:
    world = World(service("a", shows="192.0.2.10"), service("b"))
    world.port.fail = lambda verb, ref: (
        Forbidden("not yours") if (verb, ref.name) == ("create", "192.0.2.10") else None
    )
    async with running(world):
        await eventually(lambda: world.address("b") != "")

        assert world.address("b") == "192.0.2.11"
        assert world.address("a") == "192.0.2.10"


async def test_each_reign_begins_with_a_comparison() -> None:
    async with running(World()) as world:
        await eventually(lambda: world.allocator.ready)
        world.port.lead.leading = False
        world.allocator.leading_changed()
        lost = world.allocator.ready

        world.port.lead.leading = True
        world.allocator.leading_changed()
        again = world.allocator.ready
        await eventually(lambda: world.allocator.ready)

        assert (lost, again) == (False, False)


@pytest.mark.parametrize("last", range(1, 5))
async def test_who_loses_the_lead_takes_not_one_step_more(last: int) -> None:
    """A move is four writes: create, status, release, and of the other Service."""
    async with running(World()) as world:
        world.port.put(service())
        await eventually(lambda: world.address() != "")
        written = len(world.port.writes)

        def fail(verb: str, _: ObjectRef) -> None:
            if verb != "get" and len(world.port.writes) + 1 == written + last:
                world.port.lead.leading = False

        world.port.fail = fail
        other = {"192.0.2.10": "192.0.2.11", "192.0.2.11": "192.0.2.10"}[world.address()]
        world.port.put(service(loadBalancerIP=other, shows=world.address()))
        world.port.put(service("b"))
        await eventually(lambda: not world.port.lead.leading)
        for _ in range(100):
            await asyncio.sleep(0)

        assert len(world.port.writes) == written + last


async def test_a_refusal_is_said_in_the_condition_with_its_remedy() -> None:
    refusal = Forbidden("create VIP 192.0.2.10: forbidden", remedy="grant the verb")
    world = World(service())
    world.port.fail = lambda verb, _: refusal if verb == "create" else None
    async with running(world):
        await eventually(lambda: world.port.writes != [])

        told = world.condition()
        assert told is not None
        assert (told.status, told.reason) == ("False", "NotAllocated")
        assert told.message == (
            "the address could not be written down: create VIP 192.0.2.10: forbidden;"
            " grant the verb"
        )
        assert world.holders() == {}


FAILURES: list[PortFailure] = [Unavailable("gone"), Conflict("changed"), Forbidden("not yours")]


@pytest.mark.parametrize("port", [MemoryPort, SlowPort])
@pytest.mark.parametrize("seed", range(12))
async def test_whatever_call_fails_the_end_is_the_same(
    seed: int, port: type[MemoryPort], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("porter_ctl.reconcile.retry._FIRST", 0.001)
    monkeypatch.setattr("porter_ctl.reconcile.retry._STEEP_FIRST", 0.001)
    monkeypatch.setattr("porter_ctl.reconcile.retry._LONGEST", 0.01)
    chance = random.Random(seed)  # noqa: S311 - the same failures each time
    world = World(port=port)

    def fail(_verb: str, _ref: ObjectRef) -> PortFailure | None:
        return chance.choice(FAILURES) if chance.random() < 0.5 else None

    async with running(world):
        world.port.fail = fail
        world.port.put(service("a"))
        world.port.put(service("b"))
        await eventually(lambda: bool(world.address("a") and world.address("b")))
        kept = world.address("b")
        world.port.remove(ObjectRef(Kind.SERVICE, "default", "a"))
        world.port.put(service("c"))
        await eventually(lambda: bool(world.address("c")))

        assert world.address("b") == kept
        assert sorted(world.holders().values()) == [["b"], ["c"]]
