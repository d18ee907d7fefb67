"""Proves that every test there is was run and passed.

Given the junit files of the runs, it collects the tests again and compares: each id collected
passed, once; none was skipped, deselected or expected to fail; and the files collected are all
`test_*.py` of `tests/` and `conformance/` but the long targets named in pyproject.toml.
`--long-targets` prints those, one a line.
"""

from __future__ import annotations

import contextlib
import io
import sys
import tomllib
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("tests", "conformance")


class Collector:
    """A pytest plugin that notes what a run would execute."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.deselected = 0

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note the ids that are left."""
        self.ids = [item.nodeid for item in session.items]

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Count those that are not."""
        self.deselected += len(items)


def long_targets() -> list[str]:
    """The test files outside `make test`, relative to the root."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return [str(path) for path in settings["tool"]["porter"]["long_targets"]]


def files_on_disk() -> set[str]:
    """All test files but the long targets, relative to the root."""
    found = {
        str(path.relative_to(ROOT))
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("test_*.py")
    }
    return found - set(long_targets())


def collect() -> Collector:
    """Collect what pytest would run of both folders."""
    collector = Collector()
    folders = [folder for folder in FOLDERS if (ROOT / folder).is_dir()]
    ignored = [f"--ignore={path}" for path in long_targets()]
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        status = pytest.main(
            ["--collect-only", "-q", "-p", "no:cacheprovider", *ignored, *folders],
            plugins=[collector],
        )
    if status != pytest.ExitCode.OK:
        sys.exit(f"{said.getvalue()}\nverify: pytest cannot collect the tests")
    return collector


def junit_name(node_id: str) -> str:
    """`tests/a/test_b.py::C::d[e]` as a junit file has it: `tests.a.test_b.C::d[e]`."""
    path, bracket, parameters = node_id.partition("[")
    file, *names = path.split("::")
    return ".".join([file.removesuffix(".py").replace("/", "."), *names[:-1]]) + (
        f"::{names[-1]}{bracket}{parameters}"
    )


def outcomes(files: Iterable[Path]) -> list[tuple[str, str]]:
    """Name and outcome of every test case in these junit files."""
    found = []
    for file in files:
        for case in ET.parse(file).iter("testcase"):  # noqa: S314 - pytest wrote it a moment ago
            bad = [child.tag for child in case if child.tag in {"failure", "error", "skipped"}]
            name = f"{case.get('classname')}::{case.get('name')}"
            found.append((name, bad[0] if bad else "passed"))
    return found


def differences(collected: Collector, ran: list[tuple[str, str]]) -> list[str]:
    """Everything that keeps us from saying that all tests passed, a line each."""
    wanted = Counter(junit_name(node_id) for node_id in collected.ids)
    passed = Counter(name for name, outcome in ran if outcome == "passed")
    files = {node_id.partition("::")[0] for node_id in collected.ids}
    on_disk = files_on_disk()
    return [
        *(f"{outcome}: {name}" for name, outcome in ran if outcome != "passed"),
        *(f"collected, not passed: {name}" for name in (wanted - passed)),
        *(f"passed, not collected: {name}" for name in (passed - wanted)),
        *(f"no test collected from {file}" for file in sorted(on_disk - files)),
        *(f"collected, yet not expected: {file}" for file in sorted(files - on_disk)),
        *([f"{collected.deselected} deselected"] if collected.deselected else []),
    ]


def main(arguments: list[str]) -> int:
    """Compare, print, and return the exit status."""
    if arguments == ["--long-targets"]:
        print("\n".join(long_targets()), end="\n" if long_targets() else "")
        return 0
    collected = collect()
    ran = outcomes(path for path in map(Path, arguments) if path.exists())
    faults = differences(collected, ran)
    passed = sum(outcome == "passed" for _, outcome in ran)
    print(
        f"ids collected {len(collected.ids)}, ids passed {passed}; "
        f"files {len(files_on_disk())}, long targets {len(long_targets())}; "
        f"skipped, deselected, expected to fail: {'0' if not faults else 'see below'}"
    )
    print("\n".join(faults), end="\n" if faults else "")
    print(f"{passed} passed, {len(faults)} failed")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
