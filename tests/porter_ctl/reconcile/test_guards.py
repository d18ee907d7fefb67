"""`porter_ctl.reconcile.guards`: what goes all at once is kept, unless somebody meant it."""

from __future__ import annotations

import time
from ipaddress import IPv4Address

from porter_bgp.wire import Prefix
from porter_ctl.api import BGPAdvertisement, BGPConfig, BGPPeer, Kind, ObjectRef, PlanSource
from porter_ctl.plan import Reason
from porter_ctl.record.last_good import LastGood
from tests.porter_ctl.reconcile.node_world import World, make, running
from tests.support.eventually import eventually
from tests.support.memory_port import sync_everything

PREFIX = Prefix.of(IPv4Address("192.0.2.10"))
ADVERTISEMENT = ObjectRef(Kind.BGP_ADVERTISEMENT, "", "all")
PEER = ObjectRef(Kind.BGP_PEER, "", "tor")
CONSENT = {"name": "all", "uid": "uid-all", "annotations": {"porter.network/confirm-delete": "yes"}}


def _reasons(world: World) -> list[Reason]:
    return [verdict.reason for verdict in world.node.verdicts.get(PREFIX, ())]


async def test_an_advertisement_that_goes_is_no_reason_to_withdraw_everything() -> None:
    async with running(World()) as world:
        world.put_service()
        await eventually(lambda: PREFIX in world.speaker.prefixes())

        world.port.remove(ADVERTISEMENT)
        await eventually(lambda: Reason.HELD_BY_GUARD in _reasons(world))

        assert PREFIX in world.speaker.prefixes()
        assert world.node.guards.kept == 1


async def test_of_many_prefixes_that_would_go_not_one_is_withdrawn_for_a_moment() -> None:
    world = World()
    addresses = [f"192.0.2.{number}" for number in range(1, 41)]
    async with running(world):
        for address in addresses:
            world.put_service(address)
            prefix = Prefix.of(IPv4Address(address))
            await eventually(lambda: prefix in world.speaker.prefixes())  # noqa: B023 - awaited here
        before = len(world.speaker.withdrawn)

        world.port.remove(ADVERTISEMENT)
        await eventually(lambda: world.node.guards.kept == len(addresses))

        assert world.speaker.withdrawn[before:] == []


async def test_an_advertisement_that_goes_with_consent_takes_its_routes_along() -> None:
    async with running(World()) as world:
        world.put_service()
        await eventually(lambda: PREFIX in world.speaker.prefixes())
        world.port.put(make(BGPAdvertisement, "all", metadata=CONSENT, spec={}))

        world.port.remove(ADVERTISEMENT)
        await eventually(lambda: PREFIX not in world.speaker.prefixes())

        assert _reasons(world) == [Reason.NO_ADVERTISEMENT]


async def test_a_consent_ends_when_the_object_is_back() -> None:
    async with running(World()) as world:
        world.put_service()
        await eventually(lambda: PREFIX in world.speaker.prefixes())
        world.port.put(make(BGPAdvertisement, "all", metadata=CONSENT, spec={}))
        world.port.remove(ADVERTISEMENT)
        await eventually(lambda: PREFIX not in world.speaker.prefixes())
        world.port.put(make(BGPAdvertisement, "all", spec={}))
        await eventually(lambda: PREFIX in world.speaker.prefixes())

        world.port.remove(ADVERTISEMENT)
        await eventually(lambda: Reason.HELD_BY_GUARD in _reasons(world))

        assert PREFIX in world.speaker.prefixes()


async def test_consent_can_be_given_afterwards() -> None:
    async with running(World()) as world:
        world.put_service()
        await eventually(lambda: PREFIX in world.speaker.prefixes())
        world.port.remove(ADVERTISEMENT)
        await eventually(lambda: Reason.HELD_BY_GUARD in _reasons(world))

        spec = {"asn": 64512, "dataplane": {"gate": "None"}}
        consent = CONSENT | {"name": "default", "uid": "uid-default"}
        world.port.put(make(BGPConfig, "default", metadata=consent, spec=spec))
        await eventually(lambda: PREFIX not in world.speaker.prefixes())


async def test_the_last_peer_that_goes_keeps_its_session_for_a_while() -> None:
    async with running(World()) as world:
        world.put_service()
        await eventually(lambda: PREFIX in world.speaker.prefixes())

        world.port.remove(PEER)
        await eventually(lambda: Reason.HELD_BY_GUARD in _reasons(world))

        assert world.speaker.planned(PREFIX).keys() == {"tor"}
        assert world.speaker.view().peers.keys() <= {"tor"}


async def test_a_peer_that_is_not_the_last_goes_at_once() -> None:
    world = World()
    world.port.put(make(BGPPeer, "spine", spec={"asn": 65000, "address": "198.51.100.2"}))
    async with running(world):
        world.put_service()
        await eventually(lambda: world.speaker.planned(PREFIX).keys() == {"tor", "spine"})

        world.port.remove(PEER)
        await eventually(lambda: world.speaker.planned(PREFIX).keys() == {"spine"})

        assert world.node.guards.kept == 0


async def test_a_service_that_goes_is_no_accident() -> None:
    async with running(World()) as world:
        world.put_service()
        await eventually(lambda: PREFIX in world.speaker.prefixes())

        world.port.remove(ObjectRef(Kind.SERVICE, "default", "web"))
        await eventually(lambda: PREFIX not in world.speaker.prefixes())


async def test_a_node_that_leaves_announces_everything_last() -> None:
    async with running(World()) as world:
        world.put_service()
        await eventually(lambda: PREFIX in world.speaker.prefixes())

        world.node.leave("it is over")
        world.loop.wake()
        await eventually(lambda: _reasons(world) == [Reason.LAST_DRAINING])

        (path,) = world.speaker.planned(PREFIX)["tor"]
        assert path.attributes.prepend == 3


async def test_what_was_kept_stands_until_the_cluster_has_answered() -> None:
    first = World()
    async with running(first):
        first.put_service()
        await eventually(lambda: PREFIX in first.speaker.prefixes())
        assert first.node.context is not None
        kept = LastGood(
            node="n1",
            boot_id="boot",
            confirmed_at=time.time(),
            peers=first.node.context.peers,
            paths={PREFIX: first.speaker.planned(PREFIX)},
            served={PREFIX: frozenset({"uid-web"})},
        )
    world = World()
    async with running(world, synced=False):
        world.node.remember(kept)
        world.node.adopt(kept)
        before = world.node.source, world.speaker.planned(PREFIX)
        world.put_service()
        sync_everything(world.stores)
        await eventually(lambda: world.node.context is not None)

        assert before == (PlanSource.LAST_GOOD, kept.paths[PREFIX])
        assert world.node.source is PlanSource.API
        assert world.speaker.planned(PREFIX) == kept.paths[PREFIX]


async def test_a_service_that_went_meanwhile_is_withdrawn_once_the_cluster_has_answered() -> None:
    first = World()
    async with running(first):
        first.put_service()
        await eventually(lambda: PREFIX in first.speaker.prefixes())
        assert first.node.context is not None
        kept = LastGood(
            node="n1",
            boot_id="boot",
            confirmed_at=time.time(),
            peers=first.node.context.peers,
            paths={PREFIX: first.speaker.planned(PREFIX)},
        )
    world = World()
    async with running(world, synced=False):
        world.node.remember(kept)
        world.node.adopt(kept)
        sync_everything(world.stores)
        await eventually(lambda: PREFIX not in world.speaker.prefixes())
