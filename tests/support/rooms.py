"""The rooms, as the import contracts of pyproject.toml name them: the one list there is."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = ("porter_bgp", "porter_ctl")
# Rooms without I/O, clock or log; each shows its public names in `__all__`.
PURE_ROOMS = {
    "porter_bgp": ("wire", "config", "fsm", "session", "rib", "bfd", "view"),
    "porter_ctl": ("api", "convert", "plan", "gate"),
}


def layers(package: str) -> list[str]:
    """The rooms of a package as its layers spell them: one without code yet in parentheses."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = settings["tool"]["importlinter"]["contracts"]
    (contract,) = [row for row in contracts if row.get("containers") == [package]]
    return [room.strip() for layer in contract["layers"] for room in layer.split("|")]


def rooms(package: str) -> set[str]:
    """The names of all rooms of a package, with code or without."""
    return {re.sub(r"[()]", "", room) for room in layers(package)}


def modules(package: str) -> set[str]:
    """What stands in a package's folder: its rooms that are folders, and those that are files."""
    folder = ROOT / "src" / package
    return {
        path.stem
        for path in folder.iterdir()
        if path.suffix == ".py" or (path.is_dir() and any(path.glob("*.py")))
    }
