"""Runs a program in another root as the image would: uid 65532, no capability, no way to get one.

`in_root.py ROOT PROGRAM [ARGUMENT ...]`, for machines where no container can be started.
"""

from __future__ import annotations

import ctypes
import os
import sys

USER = 65532
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 24, 38
CAPABILITIES = 64  # more than there are; dropping one that is not there changes nothing


def main(root: str, *argv: str) -> None:
    """Change into `root`, give up everything, become the program."""
    prctl = ctypes.CDLL(None).prctl
    os.chroot(root)
    os.chdir("/")
    for capability in range(CAPABILITIES):
        prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(USER)
    os.setuid(USER)
    os.execve(argv[0], argv, {"PATH": "/opt/porter/bin", "PYTHONDONTWRITEBYTECODE": "1"})  # noqa: S606 - the program is the caller's


if __name__ == "__main__":
    main(*sys.argv[1:])
