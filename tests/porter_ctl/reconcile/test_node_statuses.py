"""`porter_ctl.reconcile.node_statuses`: what a node says of itself, and that it stays true."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from msgspec.structs import replace

from porter_ctl.api import (
    BGPNode,
    BGPNodeStatus,
    Kind,
    NodeException,
    ObjectRef,
    PlanSource,
    SessionState,
)
from porter_ctl.plan import (
    ConfigSnapshot,
    NodeFacts,
    NodeReport,
    bgp_node_status,
    compile_context,
    node_sessions,
)
from porter_ctl.plan.digest import ALGORITHM
from porter_ctl.reconcile.node_statuses import OUTDATED_SECONDS
from porter_ctl.store.port import Unavailable
from tests.porter_ctl.daemon.views import down, speaker, up
from tests.porter_ctl.plan import world as objects
from tests.porter_ctl.reconcile.node_world import World, running
from tests.support.eventually import eventually

if TYPE_CHECKING:
    import pytest

    from porter_ctl.plan import Context
    from porter_ctl.store.port import PortFailure

REF = ObjectRef(Kind.BGP_NODE, "", "n1")


def status(world: World) -> BGPNodeStatus:
    node = world.port.get(REF)
    assert isinstance(node, BGPNode)
    return node.status


def context() -> Context:
    cluster = objects.Cluster(objects.config(), objects.peer("tor", "192.0.2.1"))
    cluster.put(objects.node("n1", "192.0.2.9"))
    facts = NodeFacts.of("n1", cluster.nodes["n1"])
    return compile_context(ConfigSnapshot.of(cluster, "porter-system"), facts)


async def test_a_report_carries_digests_and_the_version_of_their_making() -> None:
    async with running(World()) as world:
        await eventually(lambda: status(world).summary != "")

        assert len(status(world).digests) == 64
        assert status(world).digest_version == ALGORITHM
        assert status(world).source is PlanSource.API


async def test_what_somebody_else_wrote_into_it_is_written_over() -> None:
    async with running(World()) as world:
        await eventually(lambda: status(world).summary != "")
        node = world.port.get(REF)
        assert isinstance(node, BGPNode)
        lie = ("1" * 16,) * 64
        world.port.put(replace(node, status=replace(node.status, digests=lie)))

        await eventually(lambda: status(world).digests != lie)


async def test_one_change_is_one_report() -> None:
    async with running(World()) as world:
        await eventually(lambda: status(world).summary != "")
        world.put_service()
        await eventually(lambda: status(world).desired == 1)

        assert world.port.writes.count(("status", REF)) == 2


async def test_a_report_that_cannot_be_corrected_is_outdated_after_a_minute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with running(World()) as world:
        loop, ahead, failures = asyncio.get_running_loop(), [0.0], [0]
        real = loop.time
        monkeypatch.setattr(loop, "time", lambda: real() + ahead[0])
        await eventually(lambda: status(world).summary != "")

        def fail(verb: str, ref: ObjectRef) -> PortFailure | None:
            failures[0] += (verb, ref) == ("status", REF)
            return Unavailable("no") if (verb, ref) == ("status", REF) else None

        world.port.fail = fail
        world.put_service()
        await eventually(lambda: failures[0] > 0)
        at_first = world.statuses.outdated
        ahead[0] += OUTDATED_SECONDS + 1
        after_a_minute = world.statuses.outdated
        world.port.fail = lambda _verb, _ref: None
        await eventually(lambda: status(world).desired == 1)

        assert (at_first, after_a_minute) == (False, True)
        assert not world.statuses.outdated


def test_a_session_whose_peer_acknowledges_nothing_says_so() -> None:
    (session,) = node_sessions(context(), speaker(up()), frozenset({"tor"}))

    assert session.state is SessionState.ESTABLISHED
    assert session.reason == "NotAcknowledged"
    assert session.families == ()


def test_a_session_says_which_families_it_agreed_on() -> None:
    (well,) = node_sessions(context(), speaker(up()))
    (lost,) = node_sessions(context(), speaker(down()))

    assert well.families == ("ipv4-unicast",)
    assert lost.families == ()


def test_what_is_held_back_comes_first_among_the_exceptions() -> None:
    many = [NodeException(prefix=f"192.0.2.{n}/32", reason="LastTerminating") for n in range(100)]
    held = NodeException(prefix="192.0.2.200/32", reason="DataplaneNotReady")
    report = NodeReport(
        context=context(),
        view=speaker(up()),
        desired=101,
        announced=100,
        exceptions=(*many, held),
    )

    said = bgp_node_status(objects.make(BGPNode, "n1"), report, objects.AT)

    assert said.exceptions[0] == held
    assert len(said.exceptions) + said.exceptions_omitted == 101
