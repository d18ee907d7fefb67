"""What an import costs, and which names a pure room shows.

The names stand in public_names.toml. Who adds one to a room's `__all__` adds it there too:
`.venv/bin/python -m tools.public_names` writes the file, and its diff is what reviewers read.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
import tomllib
from importlib.util import find_spec

import pytest

from tests.support.rooms import PURE_ROOMS, ROOT, modules

PUBLIC_NAMES: dict[str, list[str]] = tomllib.loads(
    (ROOT / "tests" / "public_names.toml").read_text(encoding="utf-8")
)


def _exists(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


@pytest.mark.parametrize(
    "module", [name for name in ("porter_bgp", "porter_ctl.plan.node") if _exists(name)]
)
def test_the_pure_part_loads_no_asyncio(module: str) -> None:
    program = f"import sys, {module}; print('asyncio' in sys.modules)"

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout == "False\n"


@pytest.mark.parametrize("room", PUBLIC_NAMES)
def test_a_room_shows_the_names_it_is_known_for(room: str) -> None:
    module = importlib.import_module(room)

    assert sorted(module.__all__) == PUBLIC_NAMES[room]
    assert [name for name in module.__all__ if not hasattr(module, name)] == []


def test_every_pure_room_has_its_names_pinned() -> None:
    existing = {
        f"{package}.{room}"
        for package, pure in PURE_ROOMS.items()
        for room in modules(package).intersection(pure)
    }

    assert set(PUBLIC_NAMES) - {"porter_bgp"} == existing
