"""`porter_ctl.store.stores`: which keys changed, and who is woken."""

from __future__ import annotations

import pytest

from porter_ctl.api import KINDS, Fault, Kind, Namespace, ObjectMeta, VIPPool, VIPPoolSpec
from porter_ctl.store.stores import Stores

FAULT = Fault(path="spec", value="1", message="is wrong", remedy="put it right")


def namespace(name: str, **labels: str) -> Namespace:
    return Namespace(metadata=ObjectMeta(name=name, labels=labels))


class Woken:
    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


def test_every_kind_has_its_store() -> None:
    stores = Stores()

    assert all(len(stores.of(kind)) == 0 for kind in KINDS)


def test_a_key_is_dirty_once_until_it_is_taken() -> None:
    woken = Woken()
    stores = Stores(woken)
    stores.put(Kind.NAMESPACE, namespace("b"))
    stores.put(Kind.NAMESPACE, namespace("a"))
    stores.put(Kind.NAMESPACE, namespace("b", team="x"))

    assert stores.take_dirty() == [(Kind.NAMESPACE, "b"), (Kind.NAMESPACE, "a")]
    assert stores.take_dirty() == []
    assert woken.times == 2


def test_what_is_put_again_unchanged_wakes_nobody() -> None:
    stores = Stores()
    stores.put(Kind.NAMESPACE, namespace("a"))
    stores.take_dirty()
    stores.wake = woken = Woken()

    stores.put(Kind.NAMESPACE, namespace("a"))

    assert (stores.take_dirty(), woken.times) == ([], 0)


def test_a_fault_that_comes_or_goes_is_a_change() -> None:
    stores = Stores()
    seen = []
    for faults in ((), (FAULT,), (FAULT,), ()):
        stores.put(Kind.NAMESPACE, namespace("a"), faults)
        seen.append((bool(stores.take_dirty()), (Kind.NAMESPACE, "a") in stores.faults))

    assert seen == [(True, False), (True, True), (False, True), (True, False)]


POOL = VIPPoolSpec(addresses=("192.0.2.0/24",))
OTHER = VIPPoolSpec(addresses=("198.51.100.0/24",))
FAULT = Fault("spec.addresses", "", "is empty", "name one")


@pytest.mark.parametrize(
    ("uid", "spec", "faults", "held"),
    [
        ("1", None, (FAULT,), POOL),
        ("1", OTHER, (FAULT,), OTHER),
        ("1", OTHER, (), OTHER),
        ("2", None, (FAULT,), None),
    ],
    ids=[
        "a bad edit takes nothing out of use",
        "what was accepted in its status counts",
        "a good edit counts",
        "another object has nothing to keep",
    ],
)
def test_a_bad_edit_leaves_in_use_what_was(
    uid: str, spec: VIPPoolSpec | None, faults: tuple[Fault, ...], held: VIPPoolSpec | None
) -> None:
    stores = Stores()
    stores.put(Kind.VIP_POOL, VIPPool(metadata=ObjectMeta(name="lab", uid="1"), spec=POOL))

    edited = VIPPool(metadata=ObjectMeta(name="lab", uid=uid), spec=spec)
    stores.put(Kind.VIP_POOL, edited, faults)

    pool = stores.vip_pools.get("lab")
    assert pool is not None
    assert pool.spec == held


def test_removal_takes_the_faults_along() -> None:
    stores = Stores()
    stores.put(Kind.NAMESPACE, namespace("a"), (FAULT,))
    stores.take_dirty()

    stores.remove(Kind.NAMESPACE, "a")
    stores.remove(Kind.NAMESPACE, "never there")

    assert stores.take_dirty() == [(Kind.NAMESPACE, "a")]
    assert stores.faults == {}


def test_what_a_list_no_longer_has_is_dirty_and_its_faults_go() -> None:
    stores = Stores()
    for name in ("same", "gone", "elsewhere"):
        stores.put(Kind.NAMESPACE, namespace(name), (FAULT,))
    stores.take_dirty()

    stores.keep_only(Kind.NAMESPACE, {"same", "new"}, lambda key: key != "elsewhere")

    assert stores.take_dirty() == [(Kind.NAMESPACE, "gone")]
    assert {key for _, key in stores.faults} == {"same", "elsewhere"}

    stores.keep_only(Kind.NAMESPACE, {"same"})

    assert stores.take_dirty() == [(Kind.NAMESPACE, "elsewhere")]


def test_a_key_can_be_looked_at_again() -> None:
    stores = Stores()
    stores.mark_dirty(Kind.NODE, "n1")

    assert stores.take_dirty() == [(Kind.NODE, "n1")]


@pytest.mark.parametrize("again", [False, True])
def test_sync_comes_and_goes_and_wakes_only_then(*, again: bool) -> None:
    woken = Woken()
    stores = Stores(woken)
    stores.mark_synced(Kind.NODE)
    if again:
        stores.mark_synced(Kind.NODE)

    assert (stores.synced(Kind.NODE), woken.times) == (True, 1)

    stores.mark_synced(Kind.NODE, synced=False)

    assert (stores.synced(Kind.NODE), woken.times) == (False, 2)
