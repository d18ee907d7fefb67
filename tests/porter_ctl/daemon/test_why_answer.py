"""`porter_ctl.daemon.why_answer` of a process that may allocate: it answers for other nodes too."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from porter_ctl.api import (
    BGPNode,
    BGPNodeStatus,
    Kind,
    NodeException,
    NodeSession,
    ObjectMeta,
    SessionState,
)
from porter_ctl.daemon.why_answer import CannotTellError, why_answer
from porter_ctl.plan import Reason
from tests.porter_ctl.daemon.inside import living, settings
from tests.porter_ctl.daemon.started import CLUSTER, SECONDS, manifests, router
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from porter_ctl.daemon.answers import WhyAnswer
    from porter_ctl.daemon.app import App
    from porter_ctl.daemon.running import Running

NODES = """\
---
apiVersion: v1
kind: Node
metadata: {name: a}
status: {addresses: [{type: InternalIP, address: 192.0.2.71}]}
---
apiVersion: v1
kind: Node
metadata: {name: b}
status:
  addresses: [{type: InternalIP, address: 192.0.2.72}]
  conditions: [{type: Ready, status: "True"}]
"""
WEB = "default/web"
UP = NodeSession(peer="tor", state=SessionState.ESTABLISHED)
DOWN = NodeSession(peer="tor", state=SessionState.ACTIVE, reason="SessionDown", message="refused")
HELD = NodeException(prefix="198.51.100.7/32", reason="DataplaneNotReady")


async def reached(app: App) -> Running:
    await eventually(lambda: app._running is not None, seconds=SECONDS)
    assert app._running is not None
    return app._running


async def until(running: Running, state: str, reason: Reason) -> WhyAnswer:
    """Ask until the headline is this one."""
    answer: WhyAnswer | None = None
    async with asyncio.timeout(SECONDS):
        while answer is None or (answer["state"], answer["headline"]["reason"]) != (state, reason):
            await asyncio.sleep(0.01)
            with contextlib.suppress(CannotTellError):
                answer = await why_answer(running, WEB)
    return answer


def report(running: Running, session: NodeSession, *exceptions: NodeException) -> None:
    """Have a report of the node b, as its own process would write it."""
    status = BGPNodeStatus(incarnation="x", sessions=(session,), exceptions=exceptions)
    running.stores.put(Kind.BGP_NODE, BGPNode(metadata=ObjectMeta(name="b"), status=status))


async def test_before_everything_is_read_it_cannot_tell(tmp_path: Path) -> None:
    async with living(settings(tmp_path, manifests(tmp_path, CLUSTER))) as app:
        running = await reached(app)
        with pytest.raises(CannotTellError, match="not read yet: "):
            await why_answer(running, WEB)


async def test_what_another_node_says_is_planned_here_and_read_in_its_report(
    tmp_path: Path,
) -> None:
    async with router() as (_, port):
        directory = manifests(tmp_path, CLUSTER + NODES, port=port)
        async with living(settings(tmp_path, directory)) as app:
            running = await reached(app)
            silent = await until(running, "Unknown", Reason.SOME_PATHS)
            report(running, UP)
            well = await until(running, "Well", Reason.ALL_PATHS)
            report(running, DOWN)
            down = await until(running, "Wrong", Reason.SOME_PATHS)
            report(running, UP, HELD)
            held = await until(running, "Wrong", Reason.SOME_PATHS)

    rows = {row["node"]: row for row in silent["verdicts"]}
    assert (rows["a"]["yes"], rows["b"]["yes"], rows["b"]["reason"]) == (True, None, "NoReport")
    assert [row["yes"] for row in well["verdicts"]] == [True, True]
    assert well["headline"]["message"] == (
        "default/web is announced: 198.51.100.7/32 by 2 nodes on 2 paths"
    )
    assert (
        "Node/b to tor: SessionDown: the session with tor is Active: refused"
        in (down["headline"]["message"])
    )
    assert [row["reason"] for row in held["verdicts"]] == ["AllPaths", "DataplaneNotReady"]
    assert well["notes"] == []


async def test_a_node_that_is_not_ready_vouches_for_nothing(tmp_path: Path) -> None:
    text = CLUSTER + NODES.replace('status: "True"', 'status: "Unknown"')
    async with router() as (_, port), contextlib.AsyncExitStack() as stack:
        directory = manifests(tmp_path, text, port=port)
        app = await stack.enter_async_context(living(settings(tmp_path, directory)))
        running = await reached(app)
        await until(running, "Unknown", Reason.SOME_PATHS)
        report(running, UP)
        answer = await why_answer(running, WEB)

    assert answer["state"] == "Unknown"
