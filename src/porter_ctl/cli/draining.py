"""What `porter drain` and `porter undrain` do: mark a Node, and watch what it reports of itself."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

import click

from porter_ctl.api import BGPConfig, BGPNode, DrainTrigger, Kind, ObjectRef
from porter_ctl.cli.ask import GOOD, WRONG, CouldNotTell
from porter_ctl.plan import Reason
from porter_ctl.plan.drain import DRAIN_ANNOTATION
from porter_ctl.plan.node_status import ANNOUNCING
from porter_ctl.store.port import NotFound, PortFailure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from porter_ctl.api import BGPConfigSpec, BGPNodeStatus
    from porter_ctl.store.port import ClusterPort

_LOOK_AGAIN = 0.5  # seconds
_IDENTITY = "porter-drain"
_LAST = frozenset({Reason.LAST_DRAINING, Reason.LAST_WITHHELD})


class Draining:
    """One node, to be drained or not.

    Args:
        node: Its name.
        kubeconfig: How to reach the API server; None: as kubectl would.
        manifests: The directory that stands for the cluster; None: an API server does.
    """

    def __init__(self, node: str, *, kubeconfig: Path | None, manifests: Path | None) -> None:
        self._node = node
        self._kubeconfig = kubeconfig
        self._manifests = manifests

    def run(self, *, drained: bool, seconds: float | None) -> None:
        """Do it, and exit.

        Args:
            drained: What it shall be.
            seconds: How long its routers may take to know; None: do not look.
        """
        try:
            status = asyncio.run(self._run(drained=drained, seconds=seconds))
        except NotFound as error:
            raise click.ClickException(str(error)) from None
        except PortFailure as error:
            raise CouldNotTell(str(error)) from None
        except KeyboardInterrupt:
            status = 130
        raise click.exceptions.Exit(status)

    async def _run(self, *, drained: bool, seconds: float | None) -> int:
        async with self._opened() as port:
            ref = ObjectRef(Kind.NODE, "", self._node)
            await port.annotate(ref, {DRAIN_ANNOTATION: "true" if drained else None})
            click.echo(f"node/{self._node} {'marked' if drained else 'unmarked'}")
            if seconds is None:
                return GOOD
            config = await self._config(port)
            if drained and DrainTrigger.ANNOTATION not in config.drain.triggers:
                click.echo(
                    "BGPConfig/default does not name Annotation in spec.drain.triggers, so nothing "
                    "comes of it; add it there",
                    err=True,
                )
                return WRONG
            if not await self._told(port, drained=drained, seconds=seconds):
                return WRONG
            if drained:
                await self._count_down(config.drain.delay_seconds)
            else:
                click.echo(f"node/{self._node} is announced like any other")
            return GOOD

    async def _told(self, port: ClusterPort, *, drained: bool, seconds: float) -> bool:
        """Watch the node's report until it says so of all its prefixes; tell what is missing."""
        deadline, said = time.monotonic() + seconds, ""
        while True:
            found = await port.get_live(ObjectRef(Kind.BGP_NODE, "", self._node))
            missing = _missing(
                found.status if isinstance(found, BGPNode) else None, drained=drained
            )
            if not missing:
                return True
            if missing != said:
                click.echo(f"  {missing}")
                said = missing
            if time.monotonic() >= deadline:
                click.echo(
                    f"node/{self._node}: its routers were not told within {seconds:g} s: "
                    f"{missing}; porter status on that node says why",
                    err=True,
                )
                return False
            await asyncio.sleep(_LOOK_AGAIN)

    async def _count_down(self, seconds: float) -> None:
        """Give the routers and the flows their time."""
        click.echo(f"  its routers know; flows have {seconds:g} s to move")
        await asyncio.sleep(seconds)
        click.echo(f"node/{self._node} may go")

    async def _config(self, port: ClusterPort) -> BGPConfigSpec:
        found = await port.get_live(ObjectRef(Kind.BGP_CONFIG, "", "default"))
        if not isinstance(found, BGPConfig) or found.spec is None:
            raise NotFound("there is no BGPConfig/default", remedy="create it")
        return found.spec

    @contextlib.asynccontextmanager
    async def _opened(self) -> AsyncIterator[ClusterPort]:
        if self._manifests is not None:
            yield await _directory(self._manifests)
            return
        from porter_ctl.kube.client import KubeClient
        from porter_ctl.kube.lease import LeaseElection
        from porter_ctl.kube.port import KubePort

        async with KubeClient(kubeconfig=self._kubeconfig) as client:
            election = LeaseElection(client, identity=_IDENTITY, candidate=False)
            yield KubePort(client, election=election, instance=_IDENTITY)


async def _directory(path: Path) -> ClusterPort:
    """Open a directory, once its files have stood still."""
    from porter_ctl.manifests.directory import ManifestDirectory
    from porter_ctl.manifests.port import ManifestPort

    directory = ManifestDirectory(path)
    wait: float | None = 0.0
    while wait is not None:
        await asyncio.sleep(wait)
        wait = (await asyncio.to_thread(directory.refresh)).next_look
    return ManifestPort(directory, identity=_IDENTITY)


def _missing(status: BGPNodeStatus | None, *, drained: bool) -> str:
    """What is not so yet, for people; empty when all is."""
    if status is None or not status.incarnation:
        return "the node has not reported (does porter run there?)"
    found = next((one for one in status.conditions if one.type == ANNOUNCING), None)
    if found is not None and found.status == "True":
        if drained and found.reason not in _LAST:
            return "the node has not heard of it yet"
        if not drained and found.reason == Reason.LAST_DRAINING:
            return f"the node is still announced last: {found.message}"
    if status.announced < status.desired:
        return f"{status.announced} of {status.desired} addresses are acknowledged by a router"
    return ""
