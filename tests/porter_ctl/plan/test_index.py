"""`porter_ctl.plan.index`: what a key touches, before and after, and what is remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from porter_ctl.api import Kind, key_of
from porter_ctl.plan import PrefixIndex
from tests.porter_ctl.plan.world import Cluster, endpoints, prefix, service, uid_of, vip

if TYPE_CHECKING:
    from porter_bgp.wire import Prefix
    from porter_ctl.api import Resource

TEN, ELEVEN = prefix("192.0.2.10"), prefix("192.0.2.11")
HELD = vip("192.0.2.10", "default/web")
WEB = service("web", "192.0.2.10")


class World:
    """A cluster and an index that hears of every change."""

    def __init__(self, *objects: Resource) -> None:
        self.cluster = Cluster()
        self.index = PrefixIndex(self.cluster, "a")
        for obj in objects:
            self.put(obj)

    def put(self, obj: Resource) -> frozenset[Prefix]:
        self.cluster.put(obj)
        return self.index.touched(obj.kind, key_of(obj))

    def remove(self, kind: Kind, key: str) -> frozenset[Prefix]:
        self.cluster.remove(kind, key)
        return self.index.touched(kind, key)


def test_a_vip_touches_its_own_prefix_and_no_other() -> None:
    world = World(vip("192.0.2.11", "default/api"))

    assert world.put(HELD) == {TEN}
    assert world.index.prefixes() == {TEN, ELEVEN}


def test_a_service_touches_every_prefix_whose_vip_names_it() -> None:
    world = World(HELD, vip("192.0.2.11", "default/web"), vip("192.0.2.12", "default/api"))

    assert world.put(WEB) == {TEN, ELEVEN}


def test_a_service_that_does_not_exist_yet_has_its_edge() -> None:
    world = World(HELD)

    assert world.index.inputs(TEN).holders[0].service is None
    world.put(WEB)
    assert world.index.inputs(TEN).holders[0].service == WEB


def test_a_holder_that_is_replaced_loses_its_edge() -> None:
    world = World(HELD)
    world.put(vip("192.0.2.10", "default/api"))

    assert world.put(WEB) == frozenset()
    assert world.put(service("api")) == {TEN}


def test_a_slice_touches_the_prefixes_of_its_service() -> None:
    world = World(HELD, WEB)

    assert world.put(endpoints("web", a="ready")) == {TEN}
    assert world.put(endpoints("api", a="ready")) == frozenset()


def test_a_slice_that_changes_its_service_touches_both() -> None:
    one = endpoints("web", a="ready")
    world = World(HELD, WEB, vip("192.0.2.11", "default/api"), service("api"), one)

    assert world.put(msgspec.structs.replace(one, service="api")) == {TEN, ELEVEN}
    assert world.index.inputs(TEN).holders[0].endpoints.ready == 0
    assert world.index.inputs(ELEVEN).holders[0].endpoints.ready == 1


def test_a_slice_that_goes_takes_its_endpoints_along() -> None:
    one = endpoints("web", a="ready")
    world = World(HELD, WEB, one)

    assert world.remove(Kind.ENDPOINT_SLICE, key_of(one)) == {TEN}
    assert world.index.inputs(TEN).holders[0].endpoints.ready == 0


def test_a_slice_of_no_service_touches_nothing() -> None:
    one = msgspec.structs.replace(endpoints("web", a="ready"), service="")

    assert World(HELD).put(one) == frozenset()


def test_a_released_vip_that_goes_is_forgotten() -> None:
    world = World(HELD, WEB)
    world.put(vip("192.0.2.10", releasedAt="2026-01-01T00:00:00Z"))

    assert world.remove(Kind.VIP, "192.0.2.10") == {TEN}
    assert world.index.prefixes() == frozenset()
    assert world.index.inputs(TEN).vip is None


def test_a_vip_that_vanishes_while_it_is_held_is_remembered() -> None:
    world = World(HELD, WEB)

    assert world.remove(Kind.VIP, "192.0.2.10") == {TEN}
    assert world.index.vanished == {TEN: HELD}
    assert world.index.inputs(TEN).vip == HELD


def test_a_vanished_vip_that_is_written_again_is_as_any_other() -> None:
    world = World(HELD, WEB)
    world.remove(Kind.VIP, "192.0.2.10")

    world.put(HELD)

    assert world.index.vanished == {}
    assert world.index.prefixes() == {TEN}


def test_a_vanished_vip_is_forgotten_once_its_service_does_not_stand_by_it() -> None:
    changes: dict[str, Resource | None] = {
        "gone": None,
        "cleared": service("web"),
        "another": service("web", "192.0.2.10", uid="another"),
    }
    for name, changed in changes.items():
        world = World(HELD, WEB)
        world.remove(Kind.VIP, "192.0.2.10")

        if changed is None:
            touched = world.remove(Kind.SERVICE, "default/web")
        else:
            touched = world.put(changed)

        assert touched == {TEN}, name
        assert world.index.prefixes() == frozenset(), name


def test_a_vip_that_vanishes_without_a_status_naming_it_is_forgotten() -> None:
    world = World(HELD, service("web"))
    world.remove(Kind.VIP, "192.0.2.10")

    assert world.index.prefixes() == frozenset()


def test_a_quarantined_vip_stays_as_it_was() -> None:
    world = World(HELD, WEB)

    assert world.put(msgspec.structs.replace(HELD, spec=None)) == {TEN}
    assert world.index.inputs(TEN).vip == HELD


def test_unknown_keys_touch_nothing() -> None:
    world = World()

    for kind in (Kind.VIP, Kind.SERVICE, Kind.ENDPOINT_SLICE, Kind.BGP_PEER):
        assert world.index.touched(kind, "x/y") == frozenset()


def test_what_was_announced_before_is_handed_on() -> None:
    uid = uid_of("default/web")

    assert World(HELD).index.inputs(TEN, frozenset({uid})).announced == {uid}
