"""`porter run` as it is installed."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bench.objects import NODE
from bench.processes import running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.processes import Program


@contextmanager
def daemon(directory: Path, *source: str) -> Iterator[Program]:
    """Run it on the node `NODE`; it ends with the block.

    Args:
        directory: For its state.
        source: The options that say where its objects are.
    """
    porter = str(Path(sys.executable).with_name("porter"))
    control, state = directory / "control.sock", directory / "state"
    state.mkdir()
    command = [porter, "run", "--node", NODE, *source]
    command += ["--state-dir", str(state), "--control", str(control), "--http", "127.0.0.1:0"]
    # Nothing here is a Pod, whatever this bench itself runs in.
    environment = {"PYTHONDONTWRITEBYTECODE": "", "KUBERNETES_SERVICE_HOST": ""}
    with running("porter run", command, directory / "porter.log", environment) as program:
        yield program
