"""`porter_ctl.kube.port`: what is sent, given what stands there."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from porter_ctl.api import (
    VIP,
    BGPNode,
    BGPNodeStatus,
    Condition,
    ConditionStatus,
    Holder,
    Ingress,
    Kind,
    LoadBalancerStatus,
    ObjectMeta,
    ObjectRef,
    OwnerReference,
    Service,
    ServiceStatus,
    VIPSpec,
    VIPStatus,
)
from porter_ctl.kube.client import MERGE_PATCH
from porter_ctl.kube.lease import LeaseElection
from porter_ctl.kube.port import KubePort
from porter_ctl.store.port import (
    AlreadyExists,
    Conflict,
    Forbidden,
    Invalid,
    KubeEvent,
    NotFound,
    Unavailable,
)
from tests.porter_ctl.kube.fake_api import refusal, reply

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp import web

    from porter_ctl.kube.client import KubeClient
    from tests.porter_ctl.kube.fake_api import Answer, FakeApi, Object

VIPS = "/apis/porter.network/v1beta1/vips"
WEB = Holder(namespace="default", name="web", uid="u1")
REF = ObjectRef(Kind.VIP, "", "192.0.2.1")


@pytest.fixture
def port(client: KubeClient) -> KubePort:
    election = LeaseElection(client, identity="a", candidate=False)
    return KubePort(client, election=election, instance="porter-x7k2p")


def vip(*holders: Holder, version: str = "7", **labels: str) -> VIP:
    return VIP(
        metadata=ObjectMeta(name="192.0.2.1", uid="u", resource_version=version, labels=labels),
        spec=VIPSpec(address="192.0.2.1", holders=holders),
        status=VIPStatus(holder="default/web"),
    )


def stored(version: str = "7", uid: str = "u", **fields: Object) -> Object:
    metadata: Object = {
        "name": "192.0.2.1",
        "uid": uid,
        "resourceVersion": version,
        "labels": {"porter.network/old": "1", "team": "net"},
        "finalizers": ["somebody.else/keeps-it"],
    }
    return {
        "apiVersion": "porter.network/v1beta1",
        "kind": "VIP",
        "metadata": metadata,
        "spec": {"address": "192.0.2.1", "newer": 1},
        **fields,
    }


def listed(*items: Object) -> Answer:
    return reply(200, {"metadata": {"resourceVersion": "99"}, "items": list(items)})


async def test_creation_sends_what_is_set_and_returns_what_was_stored(
    api: FakeApi, port: KubePort
) -> None:
    api.script = [reply(201, stored("8"))]

    created = await port.create(vip(WEB, team="net"))

    asked = api.asked[0]
    assert (asked.method, asked.path) == ("POST", VIPS)
    assert asked.body["metadata"] == {"name": "192.0.2.1", "labels": {"team": "net"}}
    assert "status" not in asked.body
    assert created.metadata.resource_version == "8"


async def test_a_node_s_object_goes_with_the_node(api: FakeApi, port: KubePort) -> None:
    owner = OwnerReference(api_version="v1", kind="Node", name="n1", uid="n")
    node: Object = {"metadata": {"name": "n1", "uid": "u", "resourceVersion": "1"}}
    api.script = [reply(201, node)]

    labels = {"team": "net"}
    await port.create(
        BGPNode(metadata=ObjectMeta(name="n1", labels=labels, owner_references=(owner,)))
    )

    assert api.asked[0].body == {
        "apiVersion": "porter.network/v1beta1",
        "kind": "BGPNode",
        "metadata": {
            "name": "n1",
            "labels": {"team": "net"},
            "ownerReferences": [{"apiVersion": "v1", "kind": "Node", "name": "n1", "uid": "n"}],
        },
    }


async def test_a_name_that_is_taken_is_the_lock(api: FakeApi, port: KubePort) -> None:
    api.script = [refusal(409, "AlreadyExists", 'vips "192.0.2.1" already exists')]

    with pytest.raises(AlreadyExists, match=r"create VIP 192\.0\.2\.1: vips"):
        await port.create(vip())


async def test_replacing_changes_our_fields_of_what_stands_there(
    api: FakeApi, port: KubePort
) -> None:
    api.script = [listed(stored()), reply(200, stored("8"))]

    replaced = await port.replace(vip(WEB, team="net"))

    read, written = api.asked
    assert (read.path, read.query) == (VIPS, {"fieldSelector": "metadata.name=192.0.2.1"})
    assert (written.method, written.path) == ("PUT", f"{VIPS}/192.0.2.1")
    assert written.body["spec"] == {
        "address": "192.0.2.1",
        "newer": 1,
        "holders": [
            {"namespace": "default", "name": "web", "uid": "u1", "trafficPolicy": "Cluster"}
        ],
    }
    metadata = written.body["metadata"]
    assert isinstance(metadata, dict)
    assert metadata["labels"] == {"team": "net"}  # ours went, theirs stayed
    assert metadata["finalizers"] == ["somebody.else/keeps-it"]
    assert metadata["resourceVersion"] == "7"
    assert replaced.metadata.resource_version == "8"


NOT_THAT_ONE = {
    "it has changed since": (listed(stored("8")), Conflict, "has changed since version 7"),
    "it is another object": (listed(stored(uid="v")), Conflict, "another object now: uid v"),
    "it is gone": (listed(), NotFound, "is gone"),
}


@pytest.mark.parametrize(("answer", "error", "said"), NOT_THAT_ONE.values(), ids=NOT_THAT_ONE)
async def test_what_is_not_what_was_read_is_not_written(
    api: FakeApi, port: KubePort, *, answer: Answer, error: type[Exception], said: str
) -> None:
    api.script = [answer, answer]

    with pytest.raises(error, match=said):
        await port.replace(vip())
    with pytest.raises(error, match=said):
        await port.apply_status(vip(), uid="u", resource_version="7")

    assert [asked.method for asked in api.asked] == ["GET", "GET"]


async def test_a_quarantined_object_is_not_written_back(api: FakeApi, port: KubePort) -> None:
    api.script = [listed(stored())]

    with pytest.raises(Invalid, match="no spec"):
        await port.replace(
            VIP(metadata=ObjectMeta(name="192.0.2.1", uid="u", resource_version="7"))
        )


async def test_a_status_is_patched_where_it_differs_onto_the_version_read(
    api: FakeApi, port: KubePort
) -> None:
    api.script = [
        listed(stored("9", status={"paths": "3/3", "newer": 1})),
        reply(200, stored("10")),
    ]

    await port.apply_status(vip(), uid="u", resource_version="")

    written = api.asked[1]
    assert (written.method, written.path) == ("PATCH", f"{VIPS}/192.0.2.1/status")
    assert written.headers["Content-Type"] == MERGE_PATCH
    assert written.body == {
        "metadata": {"resourceVersion": "9"},
        "status": {"holder": "default/web", "paths": ""},
    }


async def test_a_status_that_stands_there_already_is_not_written(
    api: FakeApi, port: KubePort
) -> None:
    api.script = [listed(stored(status={"holder": "default/web"}))]

    await port.apply_status(vip(), uid="u", resource_version="")

    assert len(api.asked) == 1


async def test_a_status_for_any_version_is_tried_again_and_not_for_ever(
    api: FakeApi, port: KubePort
) -> None:
    api.script = [
        answer for _ in range(9) for answer in (listed(stored()), refusal(409, "Conflict"))
    ]

    with pytest.raises(Conflict):
        await port.apply_status(vip(), uid="u", resource_version="")

    assert [asked.method for asked in api.asked] == ["GET", "PATCH"] * 4


def condition(kind: str, reason: str) -> Condition:
    return Condition(
        type=kind,
        status=ConditionStatus.TRUE,
        reason=reason,
        message="said so",
        last_transition_time="2026-01-01T00:00:00Z",
    )


async def test_conditions_of_others_on_a_service_stay_as_they_are(
    api: FakeApi, port: KubePort
) -> None:
    foreign: Object = {"type": "example.org/Scanned", "status": "True", "reason": "Now"}
    old: Object = {"type": "porter.network/Announced", "status": "True", "reason": "AllPaths"}
    service: Object = {
        "metadata": {"name": "web", "namespace": "default", "uid": "u", "resourceVersion": "7"},
        "status": {
            "loadBalancer": {"ingress": [{"ip": "192.0.2.1", "ipMode": "VIP"}]},
            "conditions": [old, foreign],
        },
    }
    api.script = [listed(service), reply(200, service)]

    await port.apply_status(
        Service(
            metadata=ObjectMeta(name="web", namespace="default"),
            status=ServiceStatus(
                load_balancer=LoadBalancerStatus(ingress=(Ingress(ip="192.0.2.1"),)),
                conditions=(
                    condition("example.org/Scanned", "Earlier"),
                    condition("porter.network/Allocated", "Allocated"),
                ),
            ),
        ),
        uid="u",
        resource_version="7",
    )

    patch = api.asked[1].body["status"]
    assert api.asked[1].path == "/api/v1/namespaces/default/services/web/status"
    assert isinstance(patch, dict)
    assert list(patch) == ["conditions"]
    assert patch["conditions"] == [
        foreign,
        {
            "type": "porter.network/Allocated",
            "status": "True",
            "reason": "Allocated",
            "message": "said so",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        },
    ]


async def test_a_service_without_conditions_gets_none(api: FakeApi, port: KubePort) -> None:
    metadata: Object = {"name": "web", "namespace": "default", "uid": "u", "resourceVersion": "7"}
    api.script = [listed({"metadata": metadata})]

    await port.apply_status(
        Service(metadata=ObjectMeta(name="web", namespace="default")),
        uid="u",
        resource_version="7",
    )

    assert len(api.asked) == 1


async def test_what_may_not_be_read_is_not_written(api: FakeApi, port: KubePort) -> None:
    api.always = refusal(403, "Forbidden", "vips is forbidden")

    with pytest.raises(Forbidden, match=r"list VIP 192\.0\.2\.1: vips is forbidden"):
        await port.replace(vip())


async def test_deletion_is_of_exactly_this_object(api: FakeApi, port: KubePort) -> None:
    api.script = [reply(200, {}), refusal(409, "Conflict", "the UID does not match")]

    await port.delete(REF, uid="u", resource_version="7")
    with pytest.raises(Conflict, match="UID"):
        await port.delete(REF, uid="u", resource_version="7")

    assert api.asked[0].method == "DELETE"
    assert api.asked[0].body["preconditions"] == {"uid": "u", "resourceVersion": "7"}


async def test_a_live_read_finds_the_object_or_nothing(api: FakeApi, port: KubePort) -> None:
    api.script = [reply(200, stored()), refusal(404, "NotFound"), reply(200, {"metadata": 3})]

    found = await port.get_live(REF)
    missing = await port.get_live(REF)
    with pytest.raises(Invalid):
        await port.get_live(REF)

    assert found is not None
    assert found.metadata.uid == "u"
    assert missing is None
    assert api.asked[0].path == f"{VIPS}/192.0.2.1"


async def test_the_election_and_the_events_are_those_of_this_process(
    api: FakeApi, port: KubePort
) -> None:
    api.always = reply(201, {})
    await port.emit(
        KubeEvent(
            regarding=REF, uid="u", type="Warning", reason="Lost", note="it is lost", action="Find"
        )
    )

    assert api.asked[0].body["reportingInstance"] == "porter-x7k2p"
    assert port.leadership().identity == "a"


NODE = ObjectRef(Kind.NODE, "", "n1")


async def test_an_annotation_is_patched_onto_whatever_version_there_is(
    api: FakeApi, port: KubePort
) -> None:
    api.script = [reply(200, {})]

    await port.annotate(NODE, {"porter.network/drain": "true", "porter.network/old": None})

    asked = api.asked[0]
    assert (asked.method, asked.path) == ("PATCH", "/api/v1/nodes/n1")
    assert asked.headers["Content-Type"] == MERGE_PATCH
    assert asked.body == {
        "metadata": {"annotations": {"porter.network/drain": "true", "porter.network/old": None}}
    }


async def test_who_may_not_annotate_is_told_so(api: FakeApi, port: KubePort) -> None:
    api.script = [refusal(403, "Forbidden", "nodes is forbidden")]

    with pytest.raises(Forbidden):
        await port.annotate(NODE, {"porter.network/drain": "true"})


# The fence


class Lead:
    """A lead that is looked at `looks` times before it is lost."""

    def __init__(self, looks: int) -> None:
        self.looks = looks

    def __call__(self) -> float:
        if self.looks == 0:
            raise Unavailable("the lead was lost")
        self.looks -= 1
        return 3.0


WRITES: dict[str, Callable[[KubePort], Awaitable[object]]] = {
    "create": lambda port: port.create(vip(WEB)),
    "replace": lambda port: port.replace(vip(WEB)),
    "apply_status": lambda port: port.apply_status(vip(WEB), uid="u", resource_version="7"),
    "delete": lambda port: port.delete(REF, uid="u", resource_version="7"),
}


def fenced(client: KubeClient, lead: Lead) -> KubePort:
    election = LeaseElection(client, identity="a", candidate=True)
    return KubePort(client, election=election, instance="porter-x7k2p", fence=lead)


def writes(api: FakeApi) -> list[str]:
    return [asked.method for asked in api.asked if asked.method != "GET"]


async def stands(request: web.Request) -> web.StreamResponse:
    answer = listed(stored()) if request.method == "GET" else reply(200, stored("8"))
    return await answer(request)


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
@pytest.mark.parametrize(
    "looks",
    [
        pytest.param(0, id="lost before it began"),
        pytest.param(1, id="lost between the last wait and the octets"),
    ],
)
async def test_a_leaders_write_does_not_leave_after_the_lead_was_lost(
    api: FakeApi, client: KubeClient, looks: int, write: Callable[[KubePort], Awaitable[object]]
) -> None:
    api.always = stands
    with pytest.raises(Unavailable):
        await write(fenced(client, Lead(looks)))

    assert writes(api) == []


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
async def test_a_leaders_write_leaves_while_it_leads(
    api: FakeApi, client: KubeClient, write: Callable[[KubePort], Awaitable[object]]
) -> None:
    api.always = stands
    lead = Lead(2)
    await write(fenced(client, lead))

    assert len(writes(api)) == 1
    assert lead.looks == 0


async def test_a_leaders_write_takes_no_longer_than_its_lead(
    api: FakeApi, client: KubeClient
) -> None:
    api.always = api.hang
    loop = asyncio.get_running_loop()
    started = loop.time()
    with pytest.raises(Unavailable):
        await KubePort(
            client,
            election=LeaseElection(client, identity="a", candidate=True),
            instance="porter-x7k2p",
            fence=lambda: 0.05,
        ).create(vip(WEB))

    assert loop.time() - started < 1.0  # of the five seconds that a request may take


async def test_what_a_node_says_of_itself_needs_no_lead(api: FakeApi, client: KubeClient) -> None:
    api.always = stands
    node = BGPNode(
        metadata=ObjectMeta(name="192.0.2.1", uid="u"), status=BGPNodeStatus(summary="x")
    )
    await fenced(client, Lead(0)).apply_status(node, uid="u", resource_version="")

    assert writes(api) == ["PATCH"]


async def test_a_proxy_that_knows_no_such_page_does_not_say_that_the_object_is_gone(
    api: FakeApi, port: KubePort
) -> None:
    api.script = [reply(404, "<html>not found</html>"), refusal(404, "NotFound")]
    with pytest.raises(NotFound):
        await port.get_live(REF)

    assert await port.get_live(REF) is None
