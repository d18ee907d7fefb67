"""`porter drain` and `porter undrain`, on a directory with a real `porter run` and a router."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from porter_bgp.wire import Prefix, WellKnownCommunity
from porter_ctl.api import BGPNodeStatus, Condition, ConditionStatus
from porter_ctl.cli.draining import _missing
from porter_ctl.cli.main import porter as command
from porter_ctl.plan import Reason
from tests.porter_ctl.daemon import started
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from porter_bgp.speaker.speaker import Speaker

VIP = Prefix.parse("198.51.100.7/32")
NODE = """\
---
apiVersion: v1
kind: Node
metadata: {name: a}
status: {addresses: [{type: InternalIP, address: 192.0.2.71}]}
"""
CLUSTER = (
    started.CLUSTER.replace("dataplane: {gate: None}", "dataplane: {gate: None}, DRAIN") + NODE
)
QUICK = "drain: {delaySeconds: 0}"


def cluster(drain: str = QUICK) -> str:
    return CLUSTER.replace("DRAIN", drain)


async def porter(*arguments: str) -> tuple[int, str, str]:
    done = await asyncio.to_thread(CliRunner().invoke, command, arguments)
    return done.exit_code, done.stdout, done.stderr


def is_last(router: Speaker) -> bool | None:
    """Whether the router hears the VIP as a last resort; None where it does not hear of it."""
    router.take_received()
    for path in router.paths(VIP):
        return int(WellKnownCommunity.GRACEFUL_SHUTDOWN) in path.attributes.communities
    return None


async def test_a_node_is_announced_last_until_it_may_go_and_back_again(tmp_path: Path) -> None:
    async with started.router() as (router, port):
        directory = started.manifests(tmp_path, cluster(), port=port)
        with started.porter(tmp_path, directory) as process:
            await process.ready()
            await eventually(lambda: is_last(router) is False, seconds=started.SECONDS)
            drained = await porter("drain", "a", "--manifests", str(directory))
            while_drained = is_last(router)
            undrained = await porter("undrain", "a", "--manifests", str(directory))

            await eventually(lambda: is_last(router) is False, seconds=started.SECONDS)

    assert (drained[0], while_drained, undrained[0]) == (0, True, 0)
    assert drained[1].splitlines()[0] == "node/a marked"
    assert drained[1].splitlines()[-1] == "node/a may go"
    assert undrained[1].splitlines()[-1] == "node/a is announced like any other"


async def test_who_does_not_wait_is_not_made_to(tmp_path: Path) -> None:
    directory = started.manifests(tmp_path, cluster())

    assert await porter("drain", "a", "--manifests", str(directory), "--no-wait") == (
        0,
        "node/a marked\n",
        "",
    )


REFUSALS = {
    "no porter runs there": (
        cluster(),
        "a",
        1,
        (
            "node/a: its routers were not told within 0.1 s: the node has not reported (does "
            "porter run there?); porter status on that node says why\n"
        ),
    ),
    "the annotation does not count": (
        cluster("drain: {triggers: [Cordon]}"),
        "a",
        1,
        (
            "BGPConfig/default does not name Annotation in spec.drain.triggers, so nothing comes "
            "of it; add it there\n"
        ),
    ),
    "there is no such Node": (
        cluster(),
        "b",
        1,
        "Error: no file has Node b: write its manifest first\n",
    ),
}


@pytest.mark.parametrize(("text", "node", "status", "said"), REFUSALS.values(), ids=REFUSALS)
async def test_what_cannot_be_is_told_with_its_remedy(
    tmp_path: Path, text: str, node: str, status: int, said: str
) -> None:
    directory = started.manifests(tmp_path, text)

    found = await porter("drain", node, "--manifests", str(directory), "--timeout", "0.1")

    assert (found[0], found[2]) == (status, said)


async def test_a_cluster_that_cannot_be_reached_is_no_answer(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "config"
    kubeconfig.write_text("{}")
    found = await porter("drain", "a", "--kubeconfig", str(kubeconfig))

    assert found[0] == 3
    assert "no usable credentials for the API server" in found[2]


def status(reason: str, *, announced: int = 2, holds: str = "True") -> BGPNodeStatus:
    one = Condition(
        type="Announcing", status=ConditionStatus(holds), reason=reason, message="as it is"
    )
    return BGPNodeStatus(incarnation="x", announced=announced, desired=2, conditions=(one,))


REPORTS = {
    "nothing": (None, True, "the node has not reported (does porter run there?)"),
    "not heard of it": (status("Accepted"), True, "the node has not heard of it yet"),
    "drained": (status(Reason.LAST_DRAINING), True, ""),
    "withheld, which is last too": (status(Reason.LAST_WITHHELD), True, ""),
    "not all acknowledged": (
        status(Reason.LAST_DRAINING, announced=1),
        True,
        "1 of 2 addresses are acknowledged by a router",
    ),
    "excluded, so nothing is announced": (
        status(Reason.NODE_EXCLUDED, holds="False"),
        True,
        "",
    ),
    "drained by somebody else": (
        status(Reason.LAST_DRAINING),
        False,
        "the node is still announced last: as it is",
    ),
    "undrained": (status("Accepted"), False, ""),
}


@pytest.mark.parametrize(("report", "drained", "missing"), REPORTS.values(), ids=REPORTS)
def test_a_report_says_what_is_missing(
    report: BGPNodeStatus | None,
    drained: bool,  # noqa: FBT001 - a column of the table
    missing: str,
) -> None:
    assert _missing(report, drained=drained) == missing
