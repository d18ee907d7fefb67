"""Every page of this directory: cluster in, tables out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scenarios.page import Page, play

PAGES = sorted(Path(__file__).parent.glob("*.txt"))


@pytest.mark.parametrize("path", PAGES, ids=[path.stem for path in PAGES])
def test_a_page_says_what_happens(path: Path, *, rewrite: bool) -> None:
    text = path.read_text(encoding="utf-8")
    page = Page.read(text)

    found = page.write(play(page))

    if rewrite:
        path.write_text(found, encoding="utf-8")
    assert page.expected, f"{path.name} expects nothing"
    assert found == (path.read_text(encoding="utf-8") if rewrite else text)
