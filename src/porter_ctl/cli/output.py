"""How answers are printed: tables in the manner of kubectl, JSON, YAML, or names alone."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

Row = TypeVar("Row")
Command = TypeVar("Command", bound="Callable[..., object]")

NOTHING = "-"  # in a cell that has none


class Output(StrEnum):
    """The values of `-o`."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"
    NAME = "name"


class Column(NamedTuple, Generic[Row]):
    """One column of a table.

    Attributes:
        header: In capitals.
        cell: What stands in it for a row; empty is shown as a dash.
        wide: Shown only by `-o wide`.
    """

    header: str
    cell: Callable[[Row], object]
    wide: bool = False


def output_options(command: Command) -> Command:
    """Give a command `-o` and `--no-headers`."""
    command = click.option("--no-headers", is_flag=True, help="Leave out the line of headers.")(
        command
    )
    return click.option(
        "-o",
        "--output",
        type=click.Choice([str(output) for output in Output]),
        default=str(Output.TABLE),
        show_default=True,
        help="How to print; the JSON is stable.",
    )(command)


def table(
    columns: Sequence[Column[Row]], rows: Iterable[Row], *, wide: bool = False, headers: bool = True
) -> str:
    """Lay out rows: left-aligned, two spaces between, no trailing blanks; a line each."""
    shown = [column for column in columns if wide or not column.wide]
    lines = [[column.header for column in shown]] if headers else []
    lines += [[_text(column.cell(row)) for column in shown] for row in rows]
    widths = [max(map(len, cells), default=0) for cells in zip(*lines, strict=True)]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        + "\n"
        for line in lines
    )


def document(answer: object, output: Output) -> str:
    """Spell an answer as JSON or YAML."""
    if output is Output.YAML:
        import yaml

        return yaml.safe_dump(answer, sort_keys=False, allow_unicode=True)
    return json.dumps(answer, indent=2, ensure_ascii=False) + "\n"


def duration(seconds: float | None) -> str:
    """Spell a length of time with its two greatest units: `3d4h`, `12m5s`; empty for None."""
    if seconds is None:
        return ""
    left = int(seconds)
    parts: list[str] = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count or (parts and left):
            parts.append(f"{count}{unit}")
    return "".join(parts[:2]) or "0s"


def _text(value: object) -> str:
    text = "" if value is None else str(value)
    return text.replace("\n", " ") or NOTHING
