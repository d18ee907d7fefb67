"""Rules that no type can hold: each with its CEL text and, beside it, its Python twin.

A `Rule` binds several fields of one object, a `TextCheck` or `NumberCheck` the value of one
field. The API server runs the CEL text; `porter validate`, the directory source and the daemon
run the twin. Whatever the server refuses the twin refuses too. The twin may know more, such as
the order of two addresses, which CEL cannot compare; such a rule says `exact=False`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T_contra = TypeVar("T_contra", contravariant=True)


class Problem(NamedTuple):
    """What is wrong with a value, and what to do about it; two halves of one sentence."""

    message: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleText:
    """What a rule over several fields of one struct says.

    Attributes:
        reads: The JSON names of the fields it looks at; the first is where its fault is shown.
            A rule is not judged while one of them is faulty by itself.
        cel: True where the object is well; empty where only the twin can tell.
        exact: Whether `cel` and the twin agree on every object.
    """

    reads: tuple[str, ...]
    cel: str
    message: str
    remedy: str
    exact: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(RuleText, Generic[T_contra]):
    """A rule over several fields of one struct, with its Python twin.

    Attributes:
        holds: The twin.
    """

    holds: Callable[[T_contra], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check(Generic[T_contra]):
    """A rule over one value.

    Attributes:
        cel: True where the value is well.
        message: What the API server says where it is not.
        explain: The twin: None, or what exactly is wrong.
        exact: Whether `cel` and `explain` agree on every value.
    """

    cel: str
    message: str
    explain: Callable[[T_contra], Problem | None]
    exact: bool = True


class TextCheck(Check[str]):
    """A check of a string."""


class NumberCheck(Check[int]):
    """A check of an integer."""
