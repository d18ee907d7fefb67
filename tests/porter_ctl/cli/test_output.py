"""`porter_ctl.cli.output`: tables, documents and lengths of time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from porter_ctl.cli.output import Column, Output, document, duration, table

if TYPE_CHECKING:
    from collections.abc import Sequence

Row = tuple[str, object, str | None]
COLUMNS: Sequence[Column[Row]] = (
    Column("NAME", lambda row: row[0]),
    Column("COUNT", lambda row: row[1]),
    Column("NOTE", lambda row: row[2], wide=True),
)
ROWS: list[Row] = [("tor", 12, "first\nsecond"), ("a-long-name", 0, None), ("", "", "")]


def test_columns_stand_under_their_headers() -> None:
    assert (
        table(COLUMNS, ROWS)
        == "NAME         COUNT\ntor          12\na-long-name  0\n-            -\n"
    )


def test_a_wide_table_has_more_columns_and_a_line_a_row() -> None:
    assert table(COLUMNS, ROWS[:2], wide=True) == (
        "NAME         COUNT  NOTE\n"
        "tor          12     first second\n"
        "a-long-name  0      -\n"
    )  # fmt: skip


def test_headers_can_be_left_out() -> None:
    assert table(COLUMNS, ROWS[:1], headers=False) == "tor  12\n"
    assert table(COLUMNS, (), headers=False) == ""


def test_a_community_is_the_same_text_in_every_spelling() -> None:
    answer = {"communities": ["65000:10"]}

    assert document(answer, Output.JSON) == '{\n  "communities": [\n    "65000:10"\n  ]\n}\n'
    assert document(answer, Output.YAML) == "communities:\n- '65000:10'\n"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (0.4, "0s"),
        (59.9, "59s"),
        (60, "1m"),
        (61, "1m1s"),
        (3600, "1h"),
        (3661, "1h1m"),
        (86400, "1d"),
        (94321.4, "1d2h"),
        (86401, "1d0h"),
    ],
)
def test_a_length_of_time_has_two_units_at_most(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text
