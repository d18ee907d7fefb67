"""`porter drain`: the routers use a node only if nothing else is left, and then it may go."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from porter_ctl.cli.help import examples

if TYPE_CHECKING:
    from collections.abc import Callable

    Command = Callable[..., None]

SECONDS = 60.0  # until the routers must have been told


def where_options(command: Command) -> Command:
    """Give a command `--kubeconfig`, `--manifests`, `--timeout` and `--no-wait`."""
    for option in (
        click.option("--no-wait", is_flag=True, help="Only mark the node; watch nothing."),
        click.option(
            "--timeout",
            type=click.FloatRange(min=0),
            default=SECONDS,
            show_default=True,
            metavar="SECONDS",
            help="How long the node may take to tell its routers.",
        ),
        click.option(
            "--manifests",
            type=click.Path(path_type=Path, exists=True, file_okay=False),
            help="The directory of YAML that stands for the cluster, if one does.",
        ),
        click.option(
            "--kubeconfig",
            type=click.Path(path_type=Path, exists=True, dir_okay=False),
            help="How to reach the API server; without it, as kubectl would.",
        ),
    ):
        command = option(command)
    return command


@click.command(
    "drain",
    epilog=examples(
        "porter drain worker-1 && reboot-it worker-1",
        "porter drain worker-1 --timeout 120",
        "porter drain edge --manifests /etc/porter",
    ),
)
@click.argument("node", metavar="NODE")
@where_options
def command(
    node: str, kubeconfig: Path | None, manifests: Path | None, timeout: float, no_wait: bool
) -> None:
    """Have a node announced last, wait until its routers know, and say when it may go.

    Flows move to other nodes; an address that only this node can serve stays with it. The node is
    marked with the annotation porter.network/drain; porter undrain takes it back. Exit status 0
    when it may go, 1 if its routers were not told in time, 3 if that cannot be told.
    """
    _check(kubeconfig, manifests)
    from porter_ctl.cli.draining import Draining

    Draining(node, kubeconfig=kubeconfig, manifests=manifests).run(
        drained=True, seconds=None if no_wait else timeout
    )


def undrain(
    node: str, kubeconfig: Path | None, manifests: Path | None, seconds: float | None
) -> None:
    """Do what `porter undrain` does; `seconds` None: without looking whether it worked."""
    _check(kubeconfig, manifests)
    from porter_ctl.cli.draining import Draining

    Draining(node, kubeconfig=kubeconfig, manifests=manifests).run(drained=False, seconds=seconds)


def _check(kubeconfig: Path | None, manifests: Path | None) -> None:
    if kubeconfig is not None and manifests is not None:
        raise click.UsageError("--manifests and --kubeconfig: give one of the two")
