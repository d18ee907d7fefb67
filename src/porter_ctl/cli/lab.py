"""`porter lab`: a cluster and a router as processes on loopback."""

from __future__ import annotations

import click

from porter_ctl.cli.help import examples


@click.command(
    "lab",
    epilog=examples(
        "porter lab                           live, on a terminal",
        "porter lab --script demo             the same unattended, a line a step",
        "porter lab --script demo -o json",
        "porter lab --without CAUSE            what --list names, one a step",
    ),
)
@click.option("--script", metavar="NAME", help="Play this script unattended; `demo` is one.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="How a script tells its steps: for people, or as one JSON object a line.",
)
@click.option("--without", metavar="CAUSE", help="Play without this cause: its step must turn red.")
@click.option("--list", "list_causes", is_flag=True, help="List the causes, and do nothing else.")
def command(script: str | None, output: str, without: str | None, list_causes: bool) -> None:
    """Show a cluster and a router as processes on loopback: no root, no Kubernetes."""
    if without is not None and script is None:
        script = "demo"
    from porter_ctl.lab.command import main

    status = main(script=script, output=output, without=without, list_causes=list_causes)
    raise click.exceptions.Exit(status)
