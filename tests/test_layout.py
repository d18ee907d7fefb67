"""The rules of size and place: small files, rooms that are known, tests beside what they test."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.support.rooms import PACKAGES, ROOT, layers, modules, rooms

if TYPE_CHECKING:
    from pathlib import Path

SOURCE_LINES = 400
TEST_LINES = 600
SOURCES = ("src", "bench", "tools")
TESTS = ("tests", "conformance")
# Names that say nothing of what is inside, so that anything ends up there.
EMPTY_NAMES = {"base", "common", "helper", "helpers", "misc", "util", "utils"}
NOT_ROOMS = {"__init__", "__main__", "_version"}
COUNTED = re.compile(r"assert_never|TYPE_CHECKING")


def _files(*folders: str) -> list[Path]:
    found = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return [path.relative_to(ROOT) for path in sorted(found)]


def _lines(path: Path) -> list[str]:
    return (ROOT / path).read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize(
    ("folders", "limit"), [(SOURCES, SOURCE_LINES), (TESTS, TEST_LINES)], ids=["source", "tests"]
)
def test_no_file_is_too_long_to_hold_one_idea(folders: tuple[str, ...], limit: int) -> None:
    too_long = {str(path): n for path in _files(*folders) if (n := len(_lines(path))) > limit}

    assert too_long == {}


def test_no_name_says_nothing() -> None:
    named = [path for path in _files(*SOURCES, *TESTS) if {*path.parts, path.stem} & EMPTY_NAMES]

    assert named == []


@pytest.mark.parametrize("package", PACKAGES)
def test_every_room_is_known_to_the_contracts(package: str) -> None:
    assert modules(package) - NOT_ROOMS <= rooms(package)


@pytest.mark.parametrize("package", PACKAGES)
def test_parentheses_mark_the_rooms_without_code(package: str) -> None:
    without_code = {room.strip("()") for room in layers(package) if room.startswith("(")}

    assert without_code & modules(package) == set()


@pytest.mark.parametrize("package", PACKAGES)
def test_tests_stand_in_the_rooms_they_test(package: str) -> None:
    folder = ROOT / "tests" / package
    tested = {path.name for path in folder.iterdir() if path.is_dir() and any(path.glob("*.py"))}

    assert tested <= rooms(package)


def test_tests_are_no_packages() -> None:
    assert [path for path in _files("tests") if path.name == "__init__.py"] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_only_what_a_reader_proves_is_left_out_of_coverage(package: str) -> None:
    pragmas = [
        f"{path}: {line.strip()}"
        for path in _files(f"src/{package}")
        for line in _lines(path)
        if "pragma: no" in line and not COUNTED.search(line)
    ]

    assert pragmas == []
