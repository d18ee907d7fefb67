"""`porter_ctl.plan.prefix` and below it `announce`, `attributes`, `context`: what a node says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import pytest

from porter_bgp.rib import RouteAttributes
from porter_bgp.wire import LargeCommunity
from porter_ctl.plan import Memory, PrefixPlan, Reason, plan_node
from tests.porter_ctl.plan.world import (
    Cluster,
    advertisement,
    config,
    endpoints,
    node,
    peer,
    prefix,
    service,
    uid_of,
    vip,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from porter_ctl.api import Resource

    Change = Resource | Memory | None

EXCLUDED = {"node.kubernetes.io/exclude-from-external-load-balancers": ""}
VIP = "192.0.2.10"
SOUND: dict[str, Resource] = {
    "node": node("a", "10.0.0.1"),
    "config": config(),
    "peer": peer("tor", "10.0.0.254"),
    "advertisement": advertisement("all"),
    "vip": vip(VIP, "default/web"),
    "service": service("web", VIP),
    "endpoints": endpoints("web", b="ready"),
}
GRACEFUL_SHUTDOWN = 0xFFFF0000


def plan_of(*others: Resource, **changed: Change) -> PrefixPlan:
    """The plan of node a for VIP in a sound cluster, with these objects changed or added."""
    given: dict[str, Change] = {**SOUND, **changed}
    memory = given.pop("memory", None)
    assert memory is None or isinstance(memory, Memory)
    objects = [one for one in given.values() if one is not None and not isinstance(one, Memory)]
    plans = plan_node(Cluster(*objects, *others), "a", memory=memory).prefixes
    return plans[prefix(VIP)]


def local(**words: str) -> dict[str, Change]:
    return {
        "service": service("web", VIP, externalTrafficPolicy="Local"),
        "endpoints": endpoints("web", **words),
    }


def selecting(**labels: str) -> list[dict[str, dict[str, str]]]:
    return [{"matchLabels": labels}]


@dataclass(frozen=True)
class Case:
    plan: Callable[[], PrefixPlan]
    reasons: tuple[Reason, ...]
    peers: tuple[str, ...] = ()


OTHER_UID = service("web", VIP, uid="another")
CASES = {
    "a sound cluster announces": Case(plan_of, (), ("tor",)),
    "the VIP names nobody": Case(lambda: plan_of(vip=vip(VIP)), (Reason.NOT_ALLOCATED,)),
    "the Service has another UID": Case(
        lambda: plan_of(service=OTHER_UID), (Reason.NOT_ALLOCATED,)
    ),
    "the Service is gone": Case(lambda: plan_of(service=None), (Reason.NOT_ALLOCATED,)),
    "the Service is no load balancer": Case(
        lambda: plan_of(service=service("web", VIP, type="ClusterIP")), (Reason.NOT_ALLOCATED,)
    ),
    "the status does not name it yet": Case(
        lambda: plan_of(service=service("web")), (Reason.STATUS_PENDING,)
    ),
    "the status does not name it any more, but it was announced": Case(
        lambda: plan_of(
            service=service("web"),
            memory=Memory(announced={prefix(VIP): frozenset({uid_of("default/web")})}),
        ),
        (),
        ("tor",),
    ),
    "no advertisement": Case(lambda: plan_of(advertisement=None), (Reason.NO_ADVERTISEMENT,)),
    "the advertisement is for another pool": Case(
        lambda: plan_of(advertisement=advertisement("all", pools=["dmz"])),
        (Reason.NO_ADVERTISEMENT,),
    ),
    "the advertisement is for other Services": Case(
        lambda: plan_of(advertisement=advertisement("all", serviceSelectors=selecting(app="dns"))),
        (Reason.NO_ADVERTISEMENT,),
    ),
    "the advertisement is for these Services": Case(
        lambda: plan_of(
            advertisement=advertisement("all", serviceSelectors=selecting(app="dns")),
            service=service("web", VIP, labels={"app": "dns"}),
        ),
        (),
        ("tor",),
    ),
    "the advertisement is for other nodes": Case(
        lambda: plan_of(advertisement=advertisement("all", nodeSelectors=selecting(rack="2"))),
        (Reason.NODE_NOT_SELECTED,),
    ),
    "no BGPConfig": Case(lambda: plan_of(config=None), (Reason.NO_CONFIG,)),
    "the node is excluded": Case(
        lambda: plan_of(node=node("a", "10.0.0.1", labels=EXCLUDED)), (Reason.NODE_EXCLUDED,)
    ),
    "the node is excluded, which the BGPConfig ignores": Case(
        lambda: plan_of(
            node=node("a", "10.0.0.1", labels=EXCLUDED), config=config(excludeLabel="Ignore")
        ),
        (),
        ("tor",),
    ),
    "the speakers are drained": Case(
        lambda: plan_of(config=config(adminState="Drained")), (Reason.NODE_DRAINED,)
    ),
    "Cluster: no endpoint": Case(lambda: plan_of(endpoints=None), (Reason.NO_ENDPOINT,)),
    "Cluster: endpoints that are not ready": Case(
        lambda: plan_of(endpoints=endpoints("web", b="other")), (Reason.NO_ENDPOINT,)
    ),
    "Cluster: endpoints of the other family": Case(
        lambda: plan_of(endpoints=endpoints("web", "IPv6", b="ready")), (Reason.NO_ENDPOINT,)
    ),
    "Cluster: a ready one in the second slice": Case(
        lambda: plan_of(
            endpoints("web", "IPv4", 2, c="ready"), endpoints=endpoints("web", b="other")
        ),
        (),
        ("tor",),
    ),
    "Cluster: only terminating ones are left": Case(
        lambda: plan_of(endpoints=endpoints("web", b="serving")),
        (Reason.LAST_TERMINATING,),
        ("tor",),
    ),
    "Local: a ready endpoint here": Case(lambda: plan_of(**local(a="ready")), (), ("tor",)),
    "Local: ready endpoints elsewhere": Case(
        lambda: plan_of(**local(b="ready")), (Reason.NO_LOCAL_ENDPOINT,)
    ),
    "Local: the one here terminates": Case(
        lambda: plan_of(**local(a="serving", b="ready")), (Reason.LAST_TERMINATING,), ("tor",)
    ),
    "publish Ready: terminating ones do not count": Case(
        lambda: plan_of(
            endpoints=endpoints("web", b="serving"),
            advertisement=advertisement("all", endpoints={"publish": "Ready"}),
        ),
        (Reason.NO_ENDPOINT,),
    ),
    "publish Any: any one counts": Case(
        lambda: plan_of(
            endpoints=endpoints("web", b="other"),
            advertisement=advertisement("all", endpoints={"publish": "Any"}),
        ),
        (),
        ("tor",),
    ),
    "fewer endpoints than min": Case(
        lambda: plan_of(advertisement=advertisement("all", endpoints={"min": 2})),
        (Reason.NO_ENDPOINT,),
    ),
    "whenNone Keep: a route that was announced stays": Case(
        lambda: plan_of(
            endpoints=None,
            advertisement=advertisement("all", endpoints={"whenNone": "Keep"}),
            memory=Memory(announced={prefix(VIP): frozenset({uid_of("default/web")})}),
        ),
        (),
        ("tor",),
    ),
    "whenNone Keep: a route that never was does not come": Case(
        lambda: plan_of(
            endpoints=None, advertisement=advertisement("all", endpoints={"whenNone": "Keep"})
        ),
        (Reason.NO_ENDPOINT,),
    ),
    "no peer at all": Case(lambda: plan_of(peer=None), (Reason.NO_PEER,)),
    "the advertisement is for another peer": Case(
        lambda: plan_of(advertisement=advertisement("all", peers=["core"])), (Reason.NO_PEER,)
    ),
    "the peer carries another family": Case(
        lambda: plan_of(peer=peer("tor", "10.0.0.254", families=["ipv6-unicast"])),
        (Reason.NO_PEER,),
    ),
    "no next hop of the family": Case(
        lambda: plan_of(
            peer=peer("tor", "2001:db8:1::1", families=["ipv4-unicast"]), node=node("a")
        ),
        (Reason.NO_NEXT_HOP,),
    ),
    "the next hop of the family is the node's InternalIP": Case(
        lambda: plan_of(peer=peer("tor", "2001:db8:1::1", families=["ipv4-unicast"])), (), ("tor",)
    ),
    "the next hop of the family is configured": Case(
        lambda: plan_of(
            peer=peer(
                "tor",
                "2001:db8:1::1",
                families=["ipv4-unicast"],
                nextHop={"ipv4": "10.0.0.9"},
            ),
            node=node("a"),
        ),
        (),
        ("tor",),
    ),
    "one peer of two has a next hop": Case(
        lambda: plan_of(peer("six", "2001:db8:1::1", families=["ipv4-unicast"]), node=node("a")),
        (Reason.NO_NEXT_HOP,),
        ("tor",),
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_prefix_is_announced_or_told_why_not(case: Case) -> None:
    plan = case.plan()

    assert tuple(verdict.reason for verdict in plan.verdicts) == case.reasons
    assert tuple(plan.paths) == case.peers


def attributes(**changed: Change) -> RouteAttributes:
    return plan_of(**changed).paths["tor"][0].attributes


def test_an_advertisement_gives_its_attributes() -> None:
    communities = {
        "standard": ["65001:100", "65001:99"],
        "large": ["65001:1:2"],
        "wellKnown": ["no-export"],
    }
    one = advertisement("all", communities=communities, localPref=200, med=7, prepend=2)

    assert attributes(advertisement=one) == RouteAttributes(
        communities=((65001 << 16) + 99, (65001 << 16) + 100, 0xFFFFFF01),
        large_communities=(LargeCommunity(65001, 1, 2),),
        local_pref=200,
        med=7,
        prepend=2,
    )


def test_several_advertisements_add_up() -> None:
    older = advertisement("z", age=1, communities={"standard": ["65001:1"]}, localPref=50, med=5)
    younger = advertisement("a", age=2, communities={"standard": ["65001:2"]}, localPref=90, med=6)

    plan = plan_of(younger, advertisement=older)

    found = plan.paths["tor"][0].attributes
    assert found.communities == ((65001 << 16) + 1, (65001 << 16) + 2)
    assert (found.local_pref, found.med) == (90, 5)
    assert [(one.reason, one.subject) for one in plan.verdicts] == [
        (Reason.CONFLICTING, "BGPAdvertisement/a")
    ]
    assert "6 is not the 5 of the older BGPAdvertisement/z" in plan.verdicts[0].message


def test_of_several_prepends_the_oldest_counts() -> None:
    none, older = advertisement("none", age=0), advertisement("z", age=1, prepend=2)
    younger = advertisement("a", age=2, prepend=1)

    plan = plan_of(older, younger, advertisement=none)

    assert plan.paths["tor"][0].attributes.prepend == 2
    assert [(one.reason, one.subject) for one in plan.verdicts] == [
        (Reason.CONFLICTING, "BGPAdvertisement/a")
    ]
    assert "spec.prepend: 1 is not the 2 of" in plan.verdicts[0].message


def test_each_peer_hears_what_is_for_it() -> None:
    everyone = advertisement("all", communities={"standard": ["65001:1"]})
    core_only = advertisement("core", peers=["core"], communities={"standard": ["65001:2"]})

    plan = plan_of(peer("core", "10.0.0.253"), core_only, advertisement=everyone)

    assert plan.paths["tor"][0].attributes.communities == ((65001 << 16) + 1,)
    assert plan.paths["core"][0].attributes.communities == ((65001 << 16) + 1, (65001 << 16) + 2)


def test_last_is_told_to_external_and_to_internal_peers() -> None:
    found = attributes(endpoints=endpoints("web", b="serving"))

    assert found.communities == (GRACEFUL_SHUTDOWN,)
    assert (found.prepend, found.local_pref) == (3, 0)


def test_first_by_one_advertisement_and_last_by_another_is_first() -> None:
    strict = advertisement("strict", age=1, endpoints={"min": 1})
    lax = advertisement("any", age=2, endpoints={"publish": "Any"})

    plan = plan_of(lax, advertisement=strict, endpoints=endpoints("web", b="serving"))

    assert plan.paths["tor"][0].attributes == RouteAttributes()


def test_equal_combinations_share_one_object() -> None:
    cluster = Cluster(
        *SOUND.values(),
        vip("192.0.2.11", "default/api"),
        service("api", "192.0.2.11"),
        endpoints("api", b="ready"),
    )

    plans = plan_node(cluster, "a").prefixes

    assert plans[prefix(VIP)].paths is plans[prefix("192.0.2.11")].paths


def test_contexts_of_equal_configuration_are_equal() -> None:
    plans = [plan_node(Cluster(*SOUND.values()), "a") for _ in range(2)]
    other = plan_node(Cluster(*(SOUND | {"config": config(asn=64513)}).values()), "a")

    assert plans[0].context == plans[1].context
    assert plans[0].context != other.context


def test_what_has_to_serve_is_told_to_the_gate() -> None:
    udp = {"port": 53, "protocol": "UDP"}
    one = service(
        "web",
        VIP,
        ports=[udp, {"port": 853}],
        externalTrafficPolicy="Local",
        healthCheckNodePort=30001,
    )

    serving = plan_of(service=one).serving

    assert serving is not None
    assert serving.holders == {uid_of("default/web")}
    assert (serving.in_status, serving.tcp_port, serving.health_check_port) == (True, 853, 30001)


def test_where_nothing_speaks_tcp_there_is_no_port_to_try() -> None:
    serving = plan_of(service=service("web", VIP, ports=[{"port": 53, "protocol": "UDP"}])).serving

    assert serving is not None
    assert serving.tcp_port is None


def test_a_vip_shared_by_two_is_announced_while_one_of_them_can_serve() -> None:
    plan = plan_of(
        service("api", VIP),
        vip=vip(VIP, "default/web", "default/api"),
        endpoints=endpoints("api", b="ready"),
    )

    assert tuple(plan.paths) == ("tor",)
    assert [one.reason for one in plan.verdicts] == [Reason.NO_ENDPOINT]
    assert plan.serving is not None
    assert plan.serving.holders == {uid_of("default/web"), uid_of("default/api")}


def test_no_advertisement_comes_with_the_object_that_would_do() -> None:
    verdict = plan_of(advertisement=None).verdicts[0]

    assert "kind: BGPAdvertisement" in verdict.remedy


def test_an_object_without_an_accepted_spec_is_passed_over() -> None:
    broken = msgspec.structs.replace(advertisement("broken"), spec=None)

    assert tuple(plan_of(broken).paths) == ("tor",)
