"""What is wrong in a file: which one, where, and what, for people."""

from __future__ import annotations

from typing import NamedTuple


class FileFault(NamedTuple):
    """One thing that is wrong.

    Attributes:
        file: The file's name.
        line: Counted from 1; 0 means the file as a whole.
        message: What is wrong, and what to do about it.
    """

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        place = f"{self.file}, line {self.line}" if self.line else self.file
        return f"{place}: {self.message}"


class UnparsableError(ValueError):
    """A file that is no YAML, so that nothing in it can be told from anything else."""

    def __init__(self, fault: FileFault) -> None:
        super().__init__(str(fault))
        self.fault = fault
