"""`porter stop`: every node leaves its peers in good order, and all objects stay."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from porter_ctl.cli.ask import CouldNotTell
from porter_ctl.cli.help import examples

if TYPE_CHECKING:
    from porter_ctl.api import Kind, Resource
    from porter_ctl.kube.client import KubeClient

_DRAINED = {"spec": {"adminState": "Drained"}}
_LOOK_AGAIN = 0.5  # seconds


@click.command(
    "stop",
    epilog=examples("porter stop", "porter stop --kubeconfig ~/.kube/config --wait 120"),
)
@click.option(
    "--kubeconfig",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="How to reach the API server; without it, as this Pod's ServiceAccount or the usual file.",
)
@click.option(
    "--wait",
    type=click.IntRange(min=0),
    default=60,
    show_default=True,
    help="For how many seconds nodes may still announce.",
)
@click.option("--best-effort", is_flag=True, help="Status 0 even where a node still announces.")
def command(kubeconfig: Path | None, wait: int, best_effort: bool) -> None:
    """Set `adminState: Drained` in every BGPConfig, and wait until no node announces.

    Back again: `kubectl patch bgpconfigs NAME --type=merge -p '{"spec": {"adminState": "Up"}}'`.
    """
    from porter_ctl.store.port import PortFailure

    try:
        left = asyncio.run(_stop(kubeconfig, wait))
    except PortFailure as error:
        raise CouldNotTell(str(error)) from error
    if left:
        click.echo(f"after {wait} s still announcing: {', '.join(left)}", err=True)
        raise click.exceptions.Exit(0 if best_effort else 1)
    click.echo("no node announces")


async def _stop(kubeconfig: Path | None, wait: int) -> list[str]:
    """Names of the nodes that still announce when the wait is over."""
    from porter_ctl.api import BGPNode, Kind, ObjectRef
    from porter_ctl.kube.client import MERGE_PATCH, KubeClient
    from porter_ctl.kube.errors import failure
    from porter_ctl.kube.paths import object_path

    async with KubeClient(kubeconfig=kubeconfig) as client:
        for config in await _objects(client, Kind.BGP_CONFIG):
            name = config.metadata.name
            path = object_path(ObjectRef(Kind.BGP_CONFIG, "", name))
            reply = await client.request("PATCH", path, body=_DRAINED, content_type=MERGE_PATCH)
            if not reply.ok:
                raise failure(reply, "patch", f"BGPConfig {name}")
            click.echo(f"BGPConfig {name}: Drained")
        end = asyncio.get_running_loop().time() + wait
        while True:
            nodes = await _objects(client, Kind.BGP_NODE)
            left = [
                node.metadata.name
                for node in nodes
                if isinstance(node, BGPNode) and node.status.announced
            ]
            if not left or asyncio.get_running_loop().time() >= end:
                return left
            await asyncio.sleep(_LOOK_AGAIN)


async def _objects(client: KubeClient, kind: Kind) -> list[Resource]:
    """All objects of a kind; none where it is not installed."""
    from porter_ctl.api import decode
    from porter_ctl.kube.errors import failure
    from porter_ctl.kube.paths import collection_path
    from porter_ctl.kube.watch import read_page

    reply = await client.request("GET", collection_path(kind))
    if reply.status == 404:
        return []
    if not reply.ok:
        raise failure(reply, "list", collection_path(kind))
    found = [decode(kind, bytes(raw)).resource for raw in read_page(reply.body).items or ()]
    return [resource for resource in found if resource is not None]
