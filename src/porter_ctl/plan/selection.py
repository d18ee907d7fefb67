"""Selectors as all kinds use them: OR within a field, AND between fields, absent for everything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from porter_ctl.api import LabelSelector


@dataclass(frozen=True, slots=True)
class Labelled:
    """Objects by their labels: one of the selectors must match, if there are any."""

    selectors: tuple[LabelSelector, ...] = ()

    def selects(self, labels: dict[str, str]) -> bool:
        """Tell whether an object with these labels is meant."""
        return not self.selectors or any(one.matches(labels) for one in self.selectors)


@dataclass(frozen=True, slots=True)
class Named:
    """Objects by their names: one of them, if there are any."""

    names: frozenset[str] = frozenset()

    def selects(self, name: str) -> bool:
        """Tell whether the object of this name is meant."""
        return not self.names or name in self.names
