"""The part of a command's help that shows how it is used."""

from __future__ import annotations


def examples(*lines: str) -> str:
    """Give the epilog with these command lines, each as it stands."""
    return "\n".join(("\b", "Examples:", *(f"  {line}" for line in lines)))
