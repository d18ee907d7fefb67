"""`porter status`: one line that answers, then only what is wrong, each with its remedy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from porter_ctl.cli.ask import GOOD, WRONG, ask, control_option, show
from porter_ctl.cli.help import examples
from porter_ctl.cli.output import Output, document, output_options

if TYPE_CHECKING:
    from pathlib import Path

    from porter_ctl.daemon.answers import StatusAnswer

_SOURCES = {
    "API": "the API server",
    "LastGood": "its last-good file, for want of the API server",
    "Manifests": "manifests",
}
_SHOWN = 20  # lines of one sort; -o wide shows all


@click.command(
    "status",
    epilog=examples(
        "porter status",
        "porter status --watch",
        "porter status -o json | jq .notReady",
    ),
)
@control_option
@output_options
@click.option("--watch", is_flag=True, help="Draw it again every second, until Ctrl-C.")
def command(control: Path, output: str, no_headers: bool, watch: bool) -> None:
    """Say in one line whether this node is well, then what is not.

    Exit status 1 if the node is not ready, a session is down, an object is faulty, or a guard keeps
    what would have gone. What is rightly not announced here, such as a Service without an
    endpoint, is listed but not wrong.
    """

    def draw() -> tuple[str, int]:
        answer: StatusAnswer = json.loads(ask(control, "status"))
        status = WRONG if is_wrong(answer) else GOOD
        return render(answer, Output(output), headers=not no_headers), status

    show(draw, watch=watch)


def is_wrong(answer: StatusAnswer) -> bool:
    """Whether somebody should look."""
    peers = answer["peers"]
    down = peers["established"] < peers["configured"]
    guarded = any(row["reason"] == "HeldByGuard" for row in answer["verdicts"])
    return not answer["ready"] or down or guarded or bool(answer["faults"])


def render(answer: StatusAnswer, output: Output, *, headers: bool = True) -> str:
    """Print an answer; without `headers` the first line is left out."""
    if output in {Output.JSON, Output.YAML}:
        return document(answer, output)
    if output is Output.NAME:
        return f"node/{answer['node']}\n"
    lines = [_first_line(answer)] if headers else []
    limit = None if output is Output.WIDE else _SHOWN
    for rows in (_not_ready(answer), _faults(answer), _verdicts(answer)):
        lines += rows[:limit]
        if limit is not None and len(rows) > limit:
            lines.append(f"  and {len(rows) - limit} more; -o wide shows them")
    if answer["verdictsOmitted"]:
        lines.append(f"  and {answer['verdictsOmitted']} more that are not announced")
    return "".join(f"{line}\n" for line in lines)


def _first_line(answer: StatusAnswer) -> str:
    peers, prefixes, allocator = answer["peers"], answer["prefixes"], answer["allocator"]
    told = f"{prefixes['announced']}/{prefixes['planned']} prefixes announced"
    if prefixes["held"]:
        told += f", {prefixes['held']} held"
    if allocator["leading"]:
        role = ", allocates"
    else:
        role = ", may allocate" if allocator["candidate"] else ""
    source = _SOURCES[answer["source"]]
    return (
        f"{'WRONG' if is_wrong(answer) else 'OK'}  node {answer['node']}: "
        f"{peers['established']}/{peers['configured']} sessions, {told}; follows {source}{role}"
    )


def _not_ready(answer: StatusAnswer) -> list[str]:
    return [f"not ready: {text}" for text in answer["notReady"]]


def _faults(answer: StatusAnswer) -> list[str]:
    return [
        f"{row['kind']} {row['name']}: {_joined(row['path'], row['message'])}"
        f"{_remedy(row['remedy'])} ({row['reason']})"
        for row in answer["faults"]
    ]


def _verdicts(answer: StatusAnswer) -> list[str]:
    lines = []
    for row in answer["verdicts"]:
        subject = " ".join(part for part in (row["service"], row["prefix"], row["peer"]) if part)
        lines.append(f"{subject}: {row['message']}{_remedy(row['remedy'])} ({row['reason']})")
    return lines


def _joined(path: str, message: str) -> str:
    return f"{path}: {message}" if path else message


def _remedy(text: str) -> str:
    return f"; {text}" if text else ""
