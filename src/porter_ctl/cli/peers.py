"""`porter peers`: the BGP sessions of this node."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from porter_ctl.cli.ask import GOOD, WRONG, ask, control_option, show
from porter_ctl.cli.help import examples
from porter_ctl.cli.output import Column, Output, document, duration, output_options, table

if TYPE_CHECKING:
    from pathlib import Path

    from porter_ctl.daemon.answers import PeerRow, PeersAnswer

_ESTABLISHED = "Established"


@click.command(
    "peers",
    epilog=examples(
        "porter peers",
        "porter peers -o wide --watch",
        "porter peers -o json | jq '.peers[] | select(.state != \"Established\")'",
    ),
)
@control_option
@output_options
@click.option("--watch", is_flag=True, help="Draw it again every second, until Ctrl-C.")
def command(control: Path, output: str, no_headers: bool, watch: bool) -> None:
    """List the BGP sessions of this node.

    SENT counts the routes that the peer was told, of those it should be told; REASON says why a
    session is down, or what is amiss with one that is up. RESTART tells whether either end may
    restart without loss, END-OF-RIB which ends have said all. Exit status 1 if a session is down.
    """

    def draw() -> tuple[str, int]:
        answer: PeersAnswer = json.loads(ask(control, "peers"))
        status = GOOD if all(map(_up, answer["peers"])) else WRONG
        return render(answer, Output(output), headers=not no_headers), status

    show(draw, watch=watch)


def render(answer: PeersAnswer, output: Output, *, headers: bool = True) -> str:
    """Print an answer."""
    if output in {Output.JSON, Output.YAML}:
        return document(answer, output)
    if output is Output.NAME:
        return "".join(f"bgppeer/{row['name']}\n" for row in answer["peers"])
    return table(_COLUMNS, answer["peers"], wide=output is Output.WIDE, headers=headers)


def _up(row: PeerRow) -> bool:
    return row["state"] == _ESTABLISHED


def _sent(row: PeerRow) -> str:
    families = row["families"].values()
    if not _up(row):
        return ""
    told, wanted = (sum(f[of] for f in families) for of in ("advertised", "wanted"))
    return f"{told}/{wanted}"


def _reason(row: PeerRow) -> str:
    if not _up(row):
        restarting = row["restartingSeconds"]
        kept = f", routes kept for {duration(restarting)}" if restarting is not None else ""
        return f"{row['reason']}{kept}"
    over = [name for name, family in row["families"].items() if family["overLimit"]]
    return f"over maxPrefixes: {','.join(over)}" if over else ""


def _restart(row: PeerRow) -> str:
    if not _up(row):
        return ""
    return "graceful" if row["gracefulRestart"] else "plain"


def _end_of_rib(row: PeerRow) -> str:
    families = row["families"].values()
    if not families or not _up(row):
        return ""
    said = [
        word
        for word, sent in (
            ("sent", all(family["endOfRIBSent"] for family in families)),
            ("received", all(family["endOfRIBReceived"] for family in families)),
        )
        if sent
    ]
    return ",".join(said)


def _remote(row: PeerRow) -> str:
    host = f"[{row['remote']}]" if ":" in row["remote"] else row["remote"]
    return row["remote"] if row["port"] == 179 else f"{host}:{row['port']}"


def _families(row: PeerRow) -> str:
    return ",".join(
        f"{name}+paths" if family["addPath"] else name for name, family in row["families"].items()
    )


def _last_down(row: PeerRow) -> str:
    ago = row["lastDownSecondsAgo"]
    return "" if ago is None else f"{row['message']} ({duration(ago)} ago)"


_COLUMNS: tuple[Column[PeerRow], ...] = (
    Column("NAME", lambda row: row["name"]),
    Column("REMOTE", _remote),
    Column("ASN", lambda row: row["asn"]),
    Column("STATE", lambda row: row["state"]),
    Column("UP", lambda row: duration(row["uptimeSeconds"])),
    Column("SENT", _sent),
    Column("REASON", _reason),
    Column("LOCAL", lambda row: row["localAddress"], wide=True),
    Column("ROUTER-ID", lambda row: row["routerID"], wide=True),
    Column("HOLD", lambda row: row["holdSeconds"] or "", wide=True),
    Column("RESTART", _restart, wide=True),
    Column("END-OF-RIB", _end_of_rib, wide=True),
    Column("UNACKED", lambda row: duration(row["unacknowledgedSeconds"]), wide=True),
    Column("FAMILIES", _families, wide=True),
    Column("FLAPS", lambda row: row["flaps"], wide=True),
    Column("LAST-DOWN", _last_down, wide=True),
)
