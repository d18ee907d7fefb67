"""`porter undrain`: a node that was drained is announced like any other again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from porter_ctl.cli.drain import undrain, where_options
from porter_ctl.cli.help import examples

if TYPE_CHECKING:
    from pathlib import Path


@click.command(
    "undrain",
    epilog=examples(
        "porter undrain worker-1",
        "porter undrain edge --manifests /etc/porter",
    ),
)
@click.argument("node", metavar="NODE")
@where_options
def command(
    node: str, kubeconfig: Path | None, manifests: Path | None, timeout: float, no_wait: bool
) -> None:
    """Have a drained node announced like any other again, and wait until its routers know.

    What else drains it, such as a taint, is left to whoever put it there, and told.
    """
    undrain(node, kubeconfig, manifests, None if no_wait else timeout)
