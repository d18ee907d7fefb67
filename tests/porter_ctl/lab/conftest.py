"""What the tests of labs share."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A directory with a name so short that sockets in it can have one."""
    with tempfile.TemporaryDirectory(prefix="lab-") as name:
        yield Path(name)
