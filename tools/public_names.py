"""Writes tests/public_names.toml: the names that each pure room shows, from its `__all__`.

Run it as `.venv/bin/python -m tools.public_names`.
"""

from __future__ import annotations

import importlib

from tests.support.rooms import PURE_ROOMS, ROOT

ROOMS = (
    "porter_bgp",
    *(f"{package}.{room}" for package, rooms in PURE_ROOMS.items() for room in rooms),
)
HEADER = "# What each pure room shows; `python -m tools.public_names` writes it, a test compares.\n"


def names_of(room: str) -> list[str] | None:
    """The sorted public names of a room, or None where it has no code yet."""
    try:
        module = importlib.import_module(room)
    except ModuleNotFoundError as error:
        if error.name == room:
            return None
        raise
    return sorted(getattr(module, "__all__", ()))


def main() -> None:
    """Import every pure room and write its names down."""
    text = HEADER
    for room in ROOMS:
        names = names_of(room)
        if names:
            listed = "".join(f'    "{name}",\n' for name in names)
            text += f'\n"{room}" = [\n{listed}]\n'
    (ROOT / "tests" / "public_names.toml").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
