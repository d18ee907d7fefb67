"""`porter_ctl.daemon.wants`: a process reads what it needs, and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from porter_ctl.api import BGPPeer, Kind, decode
from porter_ctl.daemon.wants import Wants
from porter_ctl.plan import NEEDED_KINDS
from porter_ctl.store.port import EVERYTHING, Selectors
from porter_ctl.store.stores import Stores
from tests.porter_ctl.plan.world import advertisement, node

if TYPE_CHECKING:
    from collections.abc import Container

    from porter_ctl.api import Resource

OWN = Selectors(names=frozenset({"a"}))


class Asked:
    """A source that remembers what it was asked for."""

    def __init__(self) -> None:
        self.wanted: dict[Kind, Selectors] = {}

    async def run(self, stores: Stores) -> None:
        del stores

    def want(self, kind: Kind, selectors: Selectors) -> None:
        self.wanted[kind] = selectors

    def synced(self, kind: Kind) -> bool:
        return kind in self.wanted

    async def kind_exists(self, kind: Kind) -> bool:
        return kind in Kind

    def stale_for(self, now: float, kinds: Container[Kind] | None = None) -> float:
        assert kinds is None
        return now


def wants(source: Asked, stores: Stores, *, allocates: bool) -> Wants:
    return Wants(source, stores, node="a", namespace="porter-system", allocates=allocates)


def peer(name: str, secret: str | None) -> Resource:
    spec: dict[str, object] = {"asn": 65000, "address": "192.0.2.1"}
    if secret is not None:
        spec["auth"] = {"method": "MD5", "secretRef": {"name": secret}}
    decoded = decode(
        Kind.BGP_PEER,
        {
            "apiVersion": "porter.network/v1beta1",
            "kind": "BGPPeer",
            "metadata": {"name": name},
            "spec": spec,
        },
    )
    assert isinstance(decoded.resource, BGPPeer)
    assert decoded.faults == ()
    return decoded.resource


def test_everything_that_planning_needs_is_wanted() -> None:
    source = Asked()
    wants(source, Stores(), allocates=False)

    assert source.wanted.keys() >= NEEDED_KINDS


def test_a_speaker_wants_its_own_node_and_an_allocator_all_of_them() -> None:
    source = Asked()
    wanted = wants(source, Stores(), allocates=False)
    before = source.wanted[Kind.NODE], source.wanted[Kind.BGP_NODE]
    wanted.allocate(allocates=True)
    leading = source.wanted[Kind.NODE], source.wanted[Kind.BGP_NODE]

    assert before == (OWN, OWN)
    assert leading == (EVERYTHING, EVERYTHING)


def test_only_allocators_want_pods_and_only_porter_s_own() -> None:
    source = Asked()
    wanted = wants(source, Stores(), allocates=False)
    before = source.wanted[Kind.POD]
    wanted.allocate(allocates=True)

    assert before == Selectors(names=frozenset(), namespace="porter-system")
    assert source.wanted[Kind.POD] == Selectors(namespace="porter-system")


@pytest.mark.parametrize(("speaks", "wanted"), [("true", EVERYTHING), ("false", OWN)])
def test_who_speaks_for_other_nodes_wants_all_of_them(speaks: str, wanted: Selectors) -> None:
    source, stores = Asked(), Stores()
    follower = wants(source, stores, allocates=False)
    stores.put(Kind.NODE, node("a", labels={"speaker": speaks}))
    selectors = [{"matchLabels": {"speaker": "true"}}]
    hop = {"type": "Nodes", "speakerNodeSelectors": selectors}
    stores.put(Kind.BGP_ADVERTISEMENT, advertisement("nodes", nextHop=hop))
    for kind, key in stores.take_dirty():
        follower.touch(kind, key)

    assert source.wanted[Kind.NODE] == wanted


def test_only_the_secrets_that_peers_name_are_wanted() -> None:
    source, stores = Asked(), Stores()
    wanted = wants(source, stores, allocates=False)
    at_first = source.wanted[Kind.SECRET]
    for one in (peer("x", "md5-x"), peer("y", None), peer("z", "md5-z")):
        stores.put(Kind.BGP_PEER, one)
    for kind, key in stores.take_dirty():
        wanted.touch(kind, key)
    more = wanted.work(0.0)

    assert at_first == Selectors(names=frozenset(), namespace="porter-system")
    assert source.wanted[Kind.SECRET] == Selectors(
        names=frozenset({"md5-x", "md5-z"}), namespace="porter-system"
    )
    assert not more
    assert wanted.next_deadline() is None
