"""`porter crd`: the CustomResourceDefinitions, for `kubectl apply`."""

from __future__ import annotations

import click

from porter_ctl.cli.help import examples


@click.command(
    "crd",
    epilog=examples(
        "porter crd | kubectl apply --server-side -f -",
    ),
)
def command() -> None:
    """Print the CustomResourceDefinitions as YAML."""
    from porter_ctl.api.crd import to_yaml

    click.echo(to_yaml(), nl=False)
