"""`porter_ctl.reconcile.truth`: what is said of announcements, and what is never said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from porter_bgp.wire import Prefix
from porter_ctl.api import (
    AddressFamily,
    Condition,
    ConditionStatus,
    Kind,
    Node,
    NodeException,
    ObjectRef,
)
from porter_ctl.plan.announced import OBJECT_SECONDS, PARTIAL_SECONDS, UNPROVEN_SECONDS
from porter_ctl.plan.digest import ALGORITHM, bucket
from porter_ctl.plan.expectation import HISTORY_SECONDS
from porter_ctl.store.port import Unavailable
from tests.porter_ctl.plan import world
from tests.porter_ctl.reconcile.bench import NODES, PEERS, WELL, leading, offer
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from porter_ctl.store.port import PortFailure


def neighbour(address: str) -> str:
    """Another address of the pool whose prefix is in the same bucket."""
    place = bucket(Prefix.parse(address))
    others = (f"192.0.2.{number}" for number in range(1, 255))
    return next(one for one in others if one != address and bucket(Prefix.parse(one)) == place)


def held_back(address: str) -> NodeException:
    return NodeException(prefix=f"{address}/32", reason="DataplaneNotReady")


# What is proven


async def test_what_all_nodes_prove_is_announced(monkeypatch: pytest.MonkeyPatch) -> None:
    async with leading(monkeypatch) as bench:
        await offer(bench)

        assert bench.says() == WELL
        assert bench.paths() == "6/6"
        assert bench.writes() == 2  # Allocated, then Announced
        assert [event.reason for event in bench.port.events][-1] == "Announced"


async def test_nothing_is_announced_before_a_node_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async with leading(monkeypatch) as bench:
        bench.put_service()
        await eventually(lambda: bench.address() != "")
        await bench.settle()
        at_first = bench.says()
        await bench.jump(UNPROVEN_SECONDS)

        assert at_first == ""
        assert bench.says() == "Unknown NotProven"
        await bench.report()
        await eventually(lambda: bench.says() == WELL)


async def test_a_path_lost_behind_the_plan_is_never_called_announced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with leading(monkeypatch) as bench:
        bench.put_service()
        await eventually(lambda: bench.address() != "")
        bench.lost = {name: {bench.address()} for name in NODES}
        await bench.report()
        for _ in range(30):
            await bench.jump(10)
            await bench.report()
            assert not bench.says().startswith("True")

        assert bench.says() == "Unknown NotProven"
        bench.lost = {}  # the control: the same Service, found
        await bench.report()
        await eventually(lambda: bench.says() == WELL)


async def test_a_path_that_gets_lost_later_is_doubted_after_ten_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with leading(monkeypatch) as bench:
        address = await offer(bench)
        bench.lost = {name: {address} for name in NODES}
        await bench.report()
        before = bench.says()
        await bench.jump(UNPROVEN_SECONDS)

        assert before == WELL
        assert bench.says() == "Unknown NotProven"


async def test_one_node_s_loss_is_told_after_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    async with leading(monkeypatch) as bench:
        bench.lost = {"n2": {await offer(bench)}}
        await bench.report()
        await bench.jump(PARTIAL_SECONDS - 1)
        before = bench.says()
        await bench.jump(1)
        await bench.jump(1)  # another object

        assert before == WELL
        assert bench.says() == "True SomePaths"
        assert bench.paths() == "4/6"


async def test_a_change_does_not_unprove_what_was_announced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with leading(monkeypatch) as bench:
        await offer(bench)
        written = bench.writes()
        for community in range(5):
            standard = [f"64512:{community}"]
            bench.port.put(world.advertisement("all", communities={"standard": standard}))
            await bench.jump(2)
            await bench.report()

        assert bench.says() == WELL
        assert bench.writes() == written


async def test_a_lagging_node_still_proves_what_has_not_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with leading(monkeypatch) as bench:
        names = ["web"]
        place = bucket(Prefix.parse(await offer(bench)))
        while len(names) < 40:
            names.append(f"s{len(names)}")
            bench.put_service(names[-1])
        await bench.settle()
        await bench.report()
        await bench.settle()
        shared = [n for n in names[1:] if bucket(Prefix.parse(bench.address(n))) == place]
        changed = shared[0] if shared else names[1]
        bench.put_endpoints(changed, n1="serving")
        await bench.settle()
        await bench.jump(UNPROVEN_SECONDS)

        assert bench.says("web") == WELL
        assert bench.says(changed) == "Unknown NotProven"


async def test_local_policy_is_expected_of_the_nodes_with_endpoints_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with leading(monkeypatch) as bench:
        bench.put_service(externalTrafficPolicy="Local")
        await eventually(lambda: bench.address() != "")
        await bench.report()
        await eventually(lambda: bench.says() == WELL)
        paths = bench.paths()
        bench.put_endpoints(n3="ready")
        await bench.settle()
        await bench.report("n1", "n2", "n3")
        await bench.jump(OBJECT_SECONDS)

        assert paths == "4/4"
        assert bench.says() == WELL
        assert bench.paths() == "2/2"


# Sessions and exceptions


async def test_sessions_that_are_down_carry_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async with leading(monkeypatch) as bench:
        await offer(bench)
        bench.down = {name: {"tor1", "tor2"} for name in NODES}
        await bench.report()

        assert bench.says() == "False SessionDown"
        said = bench.announced()
        assert said is not None
        assert "no answer; look at" in said.message


async def test_one_session_of_two_proves_its_own_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    async with leading(monkeypatch) as bench:
        await offer(bench)
        bench.down = {name: {"tor1"} for name in NODES}
        await bench.report()
        await bench.jump(PARTIAL_SECONDS)
        await bench.jump(1)

        assert bench.says() == "True SomePaths"
        assert bench.paths() == "3/6"


async def test_unacknowledged_sessions_leave_everything_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with leading(monkeypatch) as bench:
        await offer(bench)
        bench.stuck = {name: {"tor1", "tor2"} for name in NODES}
        await bench.report()

        assert bench.says() == "Unknown NotAcknowledged"


async def test_a_session_without_the_family_carries_none_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with leading(monkeypatch) as bench:
        await offer(bench)
        bench.family = AddressFamily.IPV6_UNICAST
        await bench.report()

        assert bench.says() == "False FamilyNotNegotiated"


async def test_a_peer_that_a_node_does_not_know_yet_proves_nothing_yet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with leading(monkeypatch) as bench:
        await offer(bench)
        bench.port.put(world.peer("tor3", "198.51.100.3"))
        await bench.settle()
        await bench.jump(PARTIAL_SECONDS)
        await bench.jump(1)

        assert bench.says() == "True SomePaths"
        assert bench.paths() == "6/9"


async def test_a_peer_without_its_password_is_the_reason_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with leading(monkeypatch) as bench:
        await offer(bench)
        for name, address in PEERS.items():
            auth = {"secretRef": {"name": "absent"}}
            bench.port.put(world.peer(name, address, auth=auth))
        await bench.settle()

        assert bench.says() == "False SecretMissing"


async def test_what_a_gate_holds_back_is_missing_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with leading(monkeypatch) as bench:
        await offer(bench)
        other = neighbour(bench.address())
        bench.put_service("new", annotations={"porter.network/addresses": other})
        await eventually(lambda: bench.address("new") == other)
        await bench.report(exceptions=(held_back(other),))
        for _ in range(20):  # until nothing is remembered from before
            await bench.jump(HISTORY_SECONDS / 10)

        assert bench.says("web") == WELL
        assert bench.says("new") == "False DataplaneNotReady"
        await bench.report()
        await eventually(lambda: bench.says("new") == WELL)


async def test_exceptions_that_did_not_fit_leave_the_rest_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with leading(monkeypatch) as bench:
        bench.put_service()
        await eventually(lambda: bench.address() != "")
        bench.lost = {name: {bench.address()} for name in NODES}
        await bench.report(omitted=1)
        await bench.jump(UNPROVEN_SECONDS)

        assert bench.says() == "Unknown NotProven"


async def test_exceptions_that_cannot_be_read_are_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with leading(monkeypatch) as bench:
        await offer(bench)
        strange = NodeException(prefix="192.0.2.1-192.0.2.9", reason="DataplaneNotReady")
        await bench.report(exceptions=(strange,))
        bench.lost = {name: {bench.address()} for name in NODES}
        await bench.report(exceptions=(strange,))
        await bench.jump(UNPROVEN_SECONDS)

        assert bench.says() == "Unknown NotProven"


async def test_another_algorithm_is_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    async with leading(monkeypatch) as bench:
        address = await offer(bench)
        bench.lost = {name: {address} for name in NODES}
        await bench.report(version=ALGORITHM + 1)
        await bench.jump(PARTIAL_SECONDS)

        assert bench.says() == WELL
        await bench.report()  # the control: the same, in our own words
        await bench.jump(UNPROVEN_SECONDS)
        assert bench.says() == "Unknown NotProven"


# Evidence


@pytest.mark.parametrize("fate", ["gone", "not ready", "node not ready"])
async def test_the_report_of_a_dead_process_counts_for_the_restart_time_only(
    monkeypatch: pytest.MonkeyPatch, fate: str
) -> None:
    async with leading(monkeypatch) as bench:
        await offer(bench)
        for name in NODES:
            if fate == "gone":
                bench.stores.remove(Kind.POD, f"porter-system/porter-{name}")
            elif fate == "not ready":
                bench.put_pod(name, ready=False)
            else:
                node = bench.port.get(ObjectRef(Kind.NODE, "", name))
                assert isinstance(node, Node)
                bench.port.put(
                    world.node(name, *node.internal_ips, conditions={"Ready": "Unknown"})
                )
        await bench.settle()
        await bench.jump(59)
        meanwhile = bench.says()
        await bench.jump(1)

        assert meanwhile == WELL
        assert bench.says() == "Unknown NoReport"


async def test_a_process_that_returns_in_time_is_believed_all_along(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with leading(monkeypatch) as bench:
        await offer(bench)
        written = bench.writes()
        for name in NODES:
            bench.put_pod(name, ready=False)
        await bench.jump(50)
        for name in NODES:
            bench.put_pod(name)
        await bench.jump(50)

        assert bench.says() == WELL
        assert bench.writes() == written


async def test_nothing_is_expected_of_a_node_where_porter_never_ran(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with leading(monkeypatch) as bench:
        bench.port.put(world.node("bare", "198.51.100.99"))
        await offer(bench)
        without = bench.paths()
        bench.put_pod("bare")
        await bench.settle()
        await bench.jump(PARTIAL_SECONDS)
        await bench.jump(1)

        assert without == "6/6"
        assert bench.says() == "True SomePaths"
        assert bench.paths() == "6/8"


# Whose Services, and who else writes


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"loadBalancerClass": "example.com/other"}, ""),
        ({"annotations": {"porter.network/addresses": "203.0.113.1"}}, "False NoPool"),
    ],
)
async def test_services_without_an_address_say_why_and_foreign_ones_nothing(
    monkeypatch: pytest.MonkeyPatch, spec: dict[str, object], said: str
) -> None:
    async with leading(monkeypatch) as bench:
        bench.put_service("web", **spec)
        await bench.jump(UNPROVEN_SECONDS)

        assert bench.says() == said
        assert bench.writes() == (2 if said else 0)


@pytest.mark.parametrize(
    ("nodes", "said"), [({}, "False NoEndpoint"), ({"n1": "other"}, "False NoEndpoint")]
)
async def test_a_service_without_endpoints_says_so(
    monkeypatch: pytest.MonkeyPatch, nodes: dict[str, str], said: str
) -> None:
    async with leading(monkeypatch) as bench:
        await offer(bench)
        bench.put_endpoints(**nodes)
        await bench.settle()
        await bench.report()

        assert bench.says() == said


async def test_what_is_kept_without_endpoints_is_still_expected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with leading(monkeypatch) as bench:
        bench.port.put(world.advertisement("all", endpoints={"whenNone": "Keep"}))
        await offer(bench)
        bench.put_endpoints()  # and the nodes go on announcing it
        await bench.settle()
        await bench.jump(PARTIAL_SECONDS)

        assert bench.says() == WELL


async def test_a_service_that_nobody_advertises_says_how_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with leading(monkeypatch) as bench:
        await offer(bench)
        bench.port.remove(ObjectRef(Kind.BGP_ADVERTISEMENT, "", "all"))
        await bench.settle()

        said = bench.announced()
        assert said is not None
        assert (said.status, said.reason) == ("False", "NoAdvertisement")
        assert "kind: BGPAdvertisement" in said.message


async def test_the_condition_goes_with_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    async with leading(monkeypatch) as bench:
        await offer(bench)
        service = bench.service()
        spec = msgspec.structs.replace(service.spec, type="ClusterIP")
        bench.port.put(msgspec.structs.replace(service, spec=spec))
        await eventually(lambda: bench.says() == "")
        await bench.jump(UNPROVEN_SECONDS)

        assert bench.service().status.conditions == ()


async def test_conditions_of_others_and_of_the_allocator_stay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with leading(monkeypatch) as bench:
        bench.put_service()
        await eventually(lambda: bench.address() != "")
        service = bench.service()
        foreign = Condition(type="example.com/Painted", status=ConditionStatus.TRUE)
        status = msgspec.structs.replace(
            service.status, conditions=(*service.status.conditions, foreign)
        )
        bench.port.put(msgspec.structs.replace(service, status=status))
        await bench.report()
        await eventually(lambda: bench.says() == WELL)

        assert {one.type for one in bench.service().status.conditions} == {
            "example.com/Painted",
            "porter.network/Allocated",
            "porter.network/Announced",
        }


async def test_a_condition_that_somebody_turned_is_turned_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with leading(monkeypatch) as bench:
        address = await offer(bench)
        bench.lost = {name: {address} for name in NODES}
        await bench.report()
        await bench.jump(UNPROVEN_SECONDS)
        service = bench.service()
        lie = tuple(
            msgspec.structs.replace(one, status=ConditionStatus.TRUE, reason="AllPaths")
            for one in service.status.conditions
        )
        status = msgspec.structs.replace(service.status, conditions=lie)
        bench.port.put(msgspec.structs.replace(service, status=status))
        await bench.settle()
        await bench.jump(UNPROVEN_SECONDS)

        assert bench.says() == "Unknown NotProven"


async def test_a_write_that_fails_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with leading(monkeypatch) as bench:
        bench.put_service()
        await eventually(lambda: bench.address() != "")
        await bench.settle()
        failures = [Unavailable("no"), Unavailable("no")]

        def fail(verb: str, ref: ObjectRef) -> PortFailure | None:
            wanted = verb == "status" and ref.kind is Kind.SERVICE and failures
            return failures.pop() if wanted else None

        bench.port.fail = fail
        await bench.report()
        for _ in range(3):
            await bench.jump(1)

        assert bench.says() == WELL
        assert failures == []
