"""`porter why`: is this Service announced, and if not, where does it fail, and what mends it?"""

from __future__ import annotations

import json
from ipaddress import ip_address
from typing import TYPE_CHECKING

import click

from porter_ctl.cli.ask import GOOD, WRONG, CouldNotTell, ask, control_option, show
from porter_ctl.cli.help import examples
from porter_ctl.cli.output import Column, Output, document, output_options, table

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from porter_ctl.daemon.answers import Told, WhyAnswer, WhyRow

_STATUS = {"Well": GOOD, "Wrong": WRONG, "Unknown": CouldNotTell.exit_code}
_WORDS = {True: "yes", False: "no", None: "?"}


def _complete(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Complete the Services and addresses that this node tells anybody of."""
    control: Path = ctx.params["control"]
    try:
        rows = json.loads(ask(control, "routes"))["routes"]
    except CouldNotTell:
        return []
    known = {name for row in rows for name in (*row["service"].split(","), row["prefix"])}
    names = {name.partition("/")[0] if _is_address(name) else name for name in known if name}
    return sorted(name for name in names if name.startswith(incomplete))


@click.command(
    "why",
    epilog=examples(
        "porter why default/web",
        "porter why 198.51.100.7",
        "porter why default/web --node worker-1 -o wide",
        "kubectl -n kube-system exec POD -- porter why default/web",
        "porter why default/web -o json | jq .headline.reason",
    ),
)
@click.argument("what", metavar="NAMESPACE/NAME|ADDRESS", shell_complete=_complete)
@control_option
@output_options
@click.option("--node", metavar="NAME", help="Only what this node says.")
def command(what: str, control: Path, output: str, no_headers: bool, node: str | None) -> None:
    """Say why a Service is announced, or is not: in one line, then for each node and peer.

    A process that may allocate knows of all nodes, any other of its own. Exit status 0 if all is
    well, 1 if something is wrong, 3 if that cannot be told here.
    """
    if "/" not in what and not _is_address(what):
        raise click.UsageError(f"{what!r}: write NAMESPACE/NAME, or an address")

    def draw() -> tuple[str, int]:
        answer: WhyAnswer = json.loads(ask(control, "why", {"service": what}))
        if node is not None:
            rows = answer["verdicts"]
            answer["verdicts"] = [row for row in rows if row["node"] == node]
        text = render(answer, Output(output), headers=not no_headers)
        return text, _STATUS[answer["state"]]

    show(draw, watch=False)


def render(answer: WhyAnswer, output: Output, *, headers: bool = True) -> str:
    """Print an answer; without `headers` the first line is left out, too."""
    if output in {Output.JSON, Output.YAML}:
        return document(answer, output)
    if output is Output.NAME:
        return f"service/{answer['service']}\n"
    lines = [_first_line(answer)] if headers else []
    remedy = answer["headline"]["remedy"]
    if headers and remedy:
        lines += ["remedy: " + remedy.replace("\n", "\n        ")]
    text = "".join(f"{line}\n" for line in lines)
    if answer["verdicts"]:
        rows = _joined(answer["verdicts"])
        shown = table(_COLUMNS, rows, wide=output is Output.WIDE, headers=headers)
        text += f"\n{shown}" if headers else shown
    return text + "".join(f"{note}\n" for note in answer["notes"] if headers)


def _first_line(answer: WhyAnswer) -> str:
    told: Told = answer["headline"]
    word = {"Well": "OK", "Wrong": "WRONG", "Unknown": "UNKNOWN"}[answer["state"]]
    return f"{word}  {answer['service']}: {told['reason']}: {told['message']}"


def _joined(rows: Iterable[WhyRow]) -> list[WhyRow]:
    """Put peers of which a node says the same into one line."""
    found: dict[tuple[object, ...], WhyRow] = {}
    for row in rows:
        peer = row["peer"]
        same = (row["node"], row["prefix"], row["yes"], row["reason"])
        message = row["message"].replace(peer, "") if peer else row["message"]
        first = found.setdefault((*same, message), {**row, "peer": ""})
        first["peer"] = ",".join(filter(None, (first["peer"], peer)))
    return list(found.values())


def _is_address(text: str) -> bool:
    try:
        ip_address(text.partition("/")[0])
    except ValueError:
        return False
    return True


_COLUMNS: tuple[Column[WhyRow], ...] = (
    Column("NODE", lambda row: row["node"]),
    Column("PREFIX", lambda row: row["prefix"]),
    Column("PEER", lambda row: row["peer"]),
    Column("TOLD", lambda row: _WORDS[row["yes"]]),
    Column("REASON", lambda row: row["reason"]),
    Column("MESSAGE", lambda row: row["message"]),
    Column("REMEDY", lambda row: row["remedy"], wide=True),
)
