"""Removes the lab's directory once the lab is gone, however it went.

    python -I -S janitor.py DIRECTORY

Its standard input is a pipe whose other end the lab alone has open: it ends when the lab does. The
lab's processes are killed by the kernel at that moment, but may still be writing.
"""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path

_TRIES = 40
_WAIT = 0.05  # seconds between two


def main(directory: Path) -> None:
    """Wait for the end of the lab, then remove `directory` and all that is in it."""
    sys.stdin.buffer.read()
    for _ in range(_TRIES):
        shutil.rmtree(directory, ignore_errors=True)
        if not directory.exists():
            return
        time.sleep(_WAIT)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
