"""What stops the rig, as a sentence that carries its remedy."""

from __future__ import annotations

import os


class RigError(RuntimeError):
    """The rig cannot go on; the message says why and, where a person can help, how."""


NOT_ROOT = (
    "conformance tests make network namespaces and need root;"
    " run them as root, for example: sudo make test"
)


def is_root() -> bool:
    return os.geteuid() == 0


def require_root() -> None:
    """Raise RigError unless we may make network namespaces."""
    if not is_root():
        raise RigError(NOT_ROOT)
