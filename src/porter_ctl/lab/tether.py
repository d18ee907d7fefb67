"""Becomes another program that dies with the process that started it.

    python -I -S tether.py PARENT PROGRAM ARGUMENT...

The nodes are the programs an operator runs, and know of no lab; so it is the kernel that ends
them: PR_SET_PDEATHSIG outlives the exec below, and holds however the lab ends. (A pipe would need
somebody inside the program to watch it.) Nothing is imported from Porter: it starts in a blink.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # of linux/prctl.h


def main(parent: int, program: list[str]) -> None:
    """Tie this process to `parent` and become `program`."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) != 0:
        sys.exit(f"tether: prctl: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != parent:  # it had died before the kernel was told
        sys.exit(1)
    os.execv(program[0], program)  # noqa: S606 - to become a program is what this is for


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
