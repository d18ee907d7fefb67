"""What holds whatever happens: no address twice, sticky, order-free, incremental == fold."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from porter_ctl.api import Kind, key_of
from porter_ctl.plan import (
    CONTEXT_KINDS,
    SERVICE_CLASSES,
    ConfigSnapshot,
    Memory,
    NodeFacts,
    PrefixIndex,
    compile_context,
    plan_node,
    plan_prefix,
    plan_service,
)
from tests.porter_ctl.plan.world import (
    AT,
    Cluster,
    advertisement,
    config,
    endpoints,
    node,
    peer,
    pool,
    service,
    vip,
)

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from porter_bgp.wire import Prefix
    from porter_ctl.api import Resource
    from porter_ctl.plan import Context, PrefixPlan

NAMES = st.sampled_from(["web", "api", "dns", "mail", "ldap"])
ADDRESSES = st.sampled_from(["192.0.2.10", "192.0.2.11", "2001:db8::1"])
ASKS = "porter.network/addresses"  # who asks may move later: once it can be had
DUAL = {"ipFamilies": ["IPv4", "IPv6"], "ipFamilyPolicy": "PreferDualStack"}


# The allocator


@dataclass(frozen=True)
class Wish:
    """A Service comes, changes, or goes; or time passes."""

    name: str
    what: str
    address: str


WISHES = st.lists(
    st.builds(
        Wish,
        name=NAMES,
        what=st.sampled_from(["come", "dual", "ask", "go", "recreate", "lose the VIP", "restart"]),
        address=ADDRESSES,
    ),
    max_size=25,
)
POOLS = (
    pool("older", "192.0.2.10-192.0.2.11", age=1, holdSeconds=3),
    pool("younger", "192.0.2.11-192.0.2.12", "2001:db8::/127", age=2, holdSeconds=3),
)


def obey(cluster: Cluster, wish: Wish, nth: int) -> None:
    key = f"default/{wish.name}"
    present = cluster.services.get(key)
    if wish.what == "go":
        cluster.services.pop(key, None)
    elif wish.what == "recreate":
        cluster.put(service(wish.name, uid=f"{wish.name}-{nth}"))
    elif wish.what == "lose the VIP":
        cluster.vips.pop(wish.address, None)
    elif wish.what != "restart" and present is None:
        cluster.put(service(wish.name, **(DUAL if wish.what == "dual" else {})))
    elif wish.what == "ask" and present is not None:
        annotations = {ASKS: wish.address}
        metadata = msgspec.structs.replace(present.metadata, annotations=annotations)
        cluster.put(msgspec.structs.replace(present, metadata=metadata))


@given(WISHES)
@settings(max_examples=150, deadline=None)
def test_no_address_is_ever_given_twice_and_none_moves_unasked(wishes: list[Wish]) -> None:
    cluster = Cluster(*POOLS)
    ledger = cluster.ledger()
    for nth, wish in enumerate(wishes):
        before = {name: cluster.addresses(name) for name in cluster.services}
        vips = set(cluster.vips)
        obey(cluster, wish, nth)
        key = f"default/{wish.name}"
        if wish.what == "restart":
            ledger = cluster.ledger(now=float(nth))
        ledger.pass_time(float(nth))
        ledger.set_service(key, cluster.services.get(key))
        for gone in vips - set(cluster.vips):
            ledger.set_vip(gone, None)
        cluster.allocate(ledger=ledger)

        standing = list(chain.from_iterable(cluster.addresses(one) for one in cluster.services))
        assert len(standing) == len(set(standing))
        for name, had in before.items():
            if name != key and ASKS not in cluster.services[name].metadata.annotations:
                assert set(had) <= set(cluster.addresses(name))
        assert_every_address_has_its_vip(cluster)


def assert_every_address_has_its_vip(cluster: Cluster) -> None:
    for name in cluster.services:
        for address in cluster.addresses(name):
            specs = [one.spec for one in cluster.vips.values() if one.spec is not None]
            (spec,) = [one for one in specs if one.address == address]
            assert [f"{holder.namespace}/{holder.name}" for holder in spec.holders] == [name]


@given(WISHES)
@settings(max_examples=100, deadline=None)
def test_a_ledger_kept_up_by_events_answers_as_one_built_anew(wishes: list[Wish]) -> None:
    cluster = Cluster(*POOLS)
    ledger = cluster.ledger()
    for nth, wish in enumerate(wishes):
        if wish.what == "lose the VIP":
            continue  # only who saw it remembers
        obey(cluster, wish, nth)
        key = f"default/{wish.name}"
        ledger.set_service(key, cluster.services.get(key))
        cluster.allocate(ledger=ledger)

    anew = cluster.ledger()
    for name in cluster.owners():
        one = cluster.services.get(name)
        assert plan_service(name, one, anew, AT, SERVICE_CLASSES) == plan_service(
            name, one, ledger, AT, SERVICE_CLASSES
        )


@given(st.permutations(["web", "api", "dns", "mail", "ldap", "ntp"]))
def test_where_there_is_room_the_order_of_services_does_not_matter(order: list[str]) -> None:
    assert given_in(order) == given_in(sorted(order))


def given_in(order: list[str]) -> dict[str, tuple[str, ...]]:
    cluster = Cluster(pool("lab", "2001:db8::/64"), *(service(name) for name in order))
    cluster.allocate(*(f"default/{name}" for name in order))
    return {name: cluster.addresses(name) for name in sorted(order)}


# The node


OBJECTS = st.one_of(
    st.builds(
        lambda name, ingress, policy: service(name, *ingress, externalTrafficPolicy=policy),
        NAMES,
        st.lists(ADDRESSES, max_size=2, unique=True),
        st.sampled_from(["Cluster", "Local"]),
    ),
    st.builds(
        lambda address, names: vip(address, *(f"default/{name}" for name in names)),
        ADDRESSES,
        st.lists(NAMES, max_size=2, unique=True),
    ),
    st.builds(
        lambda name, family, nth, words: endpoints(name, family, nth, **words),
        NAMES,
        st.sampled_from(["IPv4", "IPv6"]),
        st.integers(1, 2),
        st.dictionaries(
            st.sampled_from(["a", "b"]), st.sampled_from(["ready", "serving", "other"])
        ),
    ),
    st.builds(
        lambda nth, name: moved(endpoints("shared", "IPv4", nth, a="ready"), name),
        st.integers(1, 2),
        NAMES,
    ),
    st.builds(
        lambda name, pools, age, hop: advertisement(name, pools=pools, age=age, nextHop=hop),
        st.sampled_from(["all", "x"]),
        st.sampled_from([[], ["dmz"]]),
        st.integers(0, 3),
        st.sampled_from(
            [
                {"type": "Self"},
                {"type": "Nodes"},
                {"type": "Nodes", "speakerNodeSelectors": [{"matchLabels": {"rack": "1"}}]},
            ]
        ),
    ),
    st.builds(
        lambda asn, names: config(
            asn=asn,
            status={
                "withheld": [
                    {"node": name, "reason": "NetworkUnavailable", "since": AT} for name in names
                ]
            },
        ),
        st.sampled_from([64512, 64513]),
        st.lists(st.sampled_from(["a", "b"]), unique=True),
    ),
    st.builds(
        lambda families, paths: peer("tor", "10.0.0.254", families=families, addPath=paths),
        st.sampled_from([["ipv4-unicast"], ["ipv4-unicast", "ipv6-unicast"]]),
        st.sampled_from([{"mode": "None"}, {"mode": "Send"}, {"mode": "Send", "maxPaths": 2}]),
    ),
    st.builds(
        lambda name, labels, annotations, cut_off: node(
            name,
            f"10.0.0.{ord(name)}",
            labels=labels,
            annotations=annotations,
            conditions={"NetworkUnavailable": cut_off},
        ),
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from(
            [{}, {"rack": "1"}, {"node.kubernetes.io/exclude-from-external-load-balancers": ""}]
        ),
        st.sampled_from([{}, {"porter.network/drain": "true"}]),
        st.sampled_from(["True", "False"]),
    ),
)
GONE = st.sampled_from([True, False, False, False])
EVENTS = st.lists(st.tuples(OBJECTS, GONE), max_size=40)
AT_FIRST = (  # a VIP that is announced: what happens then is felt
    node("a", "10.0.0.97", labels={"rack": "1"}),
    service("web", "192.0.2.10"),
    vip("192.0.2.10", "default/web"),
    endpoints("web", "IPv4", 1, a="ready"),
)


def moved(one: Resource, service_name: str) -> Resource:
    """A slice that changes the Service it belongs to."""
    return msgspec.structs.replace(one, service=service_name)


@pytest.mark.parametrize("hop", ["Self", "Nodes"])
@given(events=EVENTS)
@settings(max_examples=200, deadline=None)
def test_planning_what_is_touched_comes_to_planning_everything(
    hop: str, events: list[tuple[Resource, bool]]
) -> None:
    tor = peer("tor", "10.0.0.254", addPath={"mode": "Send"})
    cluster = Cluster(config(), tor, advertisement("all", nextHop={"type": hop}))
    index = PrefixIndex(cluster, "a")
    context = compiled(cluster)
    plans: dict[Prefix, PrefixPlan] = {}

    for obj, gone in [*((one, False) for one in AT_FIRST), *events]:
        if gone:
            cluster.remove(obj.kind, key_of(obj))
        else:
            cluster.put(obj)
        touched: AbstractSet[Prefix] = index.touched(obj.kind, key_of(obj))
        if obj.kind is Kind.NODE and key_of(obj) != "a" and not context.follows_nodes:
            pass  # another node is nothing to whoever does not tell of it
        elif obj.kind in CONTEXT_KINDS and (new := compiled(cluster)) != context:
            context = new
            touched = index.prefixes() | plans.keys()
        for prefix in touched:
            plans[prefix] = plan_prefix(context, index.inputs(prefix))
            if prefix not in index.prefixes():
                assert not plans.pop(prefix).paths

    everything = plan_node(cluster, "a", memory=Memory(vanished=index.vanished)).prefixes
    assert plans == everything


def compiled(cluster: Cluster) -> Context:
    facts = NodeFacts.of("a", cluster.nodes.get("a"))
    return compile_context(ConfigSnapshot.of(cluster, "kube-system"), facts)
