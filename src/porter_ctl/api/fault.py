"""What is wrong with an object, where, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FaultReason(StrEnum):
    """Why an object is not accepted, for machines."""

    INVALID = "Invalid"
    NOT_YET_SUPPORTED = "NotYetSupported"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with one field.

    Attributes:
        path: The field, such as `spec.families[1]`; empty for the object as a whole.
        value: What stands there, shortened; empty where nothing does.
        message: What is wrong, naming the value.
        remedy: What to do.
        subject: The object: its kind and name.
    """

    path: str
    value: str
    message: str
    remedy: str
    reason: FaultReason = FaultReason.INVALID
    subject: str = ""

    @property
    def sentence(self) -> str:
        """Field, fault and remedy: what a condition of the object itself says."""
        return (
            f"{self.path}: {self.message}; {self.remedy}"
            if self.path
            else (f"{self.message}; {self.remedy}")
        )

    def __str__(self) -> str:
        return f"{self.subject}: {self.sentence}" if self.subject else self.sentence
