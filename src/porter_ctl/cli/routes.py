"""`porter routes`: what this node tells its peers, path by path."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from porter_ctl.cli.ask import GOOD, ask, control_option, show
from porter_ctl.cli.help import examples
from porter_ctl.cli.output import Column, Output, document, output_options, table

if TYPE_CHECKING:
    from pathlib import Path

    from porter_ctl.daemon.answers import RouteRow, RoutesAnswer


@click.command(
    "routes",
    epilog=examples(
        "porter routes",
        "porter routes --peer tor-a -o wide",
        "porter routes --service default/web -o json",
    ),
)
@control_option
@output_options
@click.option("--peer", metavar="NAME", help="Only what this peer is told.")
@click.option("--service", metavar="NAMESPACE/NAME", help="Only the addresses of this Service.")
def command(
    control: Path, output: str, no_headers: bool, peer: str | None, service: str | None
) -> None:
    """List what this node tells its peers.

    STATE is `acknowledged` once the peer's kernel has said that it has the route, `advertised` from
    when it was handed to the connection, `pending` until then, and `waiting` while there is no
    session to tell it on. LAST says why it is announced as the last resort, or kept, where it is.
    `-o wide` adds the attributes.
    """
    query = {"peer": peer, "service": service}

    def draw() -> tuple[str, int]:
        wanted = {key: value for key, value in query.items() if value is not None}
        answer: RoutesAnswer = json.loads(ask(control, "routes", wanted))
        return render(answer, Output(output), headers=not no_headers), GOOD

    show(draw, watch=False)


def render(answer: RoutesAnswer, output: Output, *, headers: bool = True) -> str:
    """Print an answer."""
    if output in {Output.JSON, Output.YAML}:
        return document(answer, output)
    if output is Output.NAME:
        prefixes = dict.fromkeys(row["prefix"] for row in answer["routes"])
        return "".join(f"{prefix}\n" for prefix in prefixes)
    return table(_COLUMNS, answer["routes"], wide=output is Output.WIDE, headers=headers)


_COLUMNS: tuple[Column[RouteRow], ...] = (
    Column("PREFIX", lambda row: row["prefix"]),
    Column("PEER", lambda row: row["peer"]),
    Column("SERVICE", lambda row: row["service"]),
    Column("NEXT-HOP", lambda row: row["nextHop"]),
    Column("STATE", lambda row: row["state"]),
    Column("LAST", lambda row: row["reason"]),
    Column("AS-PATH", lambda row: " ".join(map(str, row["asPath"])), wide=True),
    Column("COMMUNITIES", lambda row: " ".join(row["communities"]), wide=True),
    Column("LARGE", lambda row: " ".join(row["largeCommunities"]), wide=True),
    Column("MED", lambda row: row["med"], wide=True),
    Column("PREF", lambda row: row["localPref"], wide=True),
    Column("PATH-ID", lambda row: row["pathID"] or "", wide=True),
)
