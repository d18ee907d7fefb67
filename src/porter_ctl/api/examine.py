"""A document held against a schema: every fault, each with its field path, value and remedy.

What is faulty is left out of what is handed back, so that one mistake is told once: a rule over
several fields is judged only while each of them is well by itself.
"""

from __future__ import annotations

import re
from datetime import datetime
from difflib import get_close_matches
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING

import msgspec

from porter_ctl.api.fault import Fault
from porter_ctl.api.meta import broken_rules
from porter_ctl.api.rules import Problem
from porter_ctl.api.schema import (
    ChoiceShape,
    ListShape,
    MapShape,
    NumberShape,
    ObjectShape,
    TextShape,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from porter_ctl.api.schema import FieldShape, Shape

_DATE_TIME = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[-+]\d\d:\d\d)\Z", re.ASCII
)
_SHOWN = 60


class Absent(Enum):
    """The one value that stands for nothing usable."""

    ABSENT = 0


ABSENT = Absent.ABSENT


def show(value: object) -> str:
    """Print a value of a document, shortened."""
    if isinstance(value, str):
        text = repr(value)
    else:
        try:
            text = msgspec.json.encode(value).decode()
        except (TypeError, ValueError, OverflowError, RecursionError):
            text = str(type(value).__name__)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


class Examination:
    """One walk over one document.

    Attributes:
        faults: What was found so far, in the order of the schema.
    """

    def __init__(self, *, strict: bool) -> None:
        """Begin; `strict` also refuses fields that the schema does not know."""
        self.faults: list[Fault] = []
        self._strict = strict

    def add(self, path: str, value: object, problem: Problem) -> None:
        """Note a fault."""
        shown = "" if value is ABSENT else show(value)
        self.faults.append(Fault(path, shown, problem.message, problem.remedy))

    def refuse(self, path: str, value: object, problem: Problem) -> None:
        """Note a fault whose message does not name the value by itself."""
        if value is not ABSENT:
            problem = problem._replace(message=f"{show(value)}: {problem.message}")
        self.add(path, value, problem)

    def walk(self, shape: Shape, value: object, path: str) -> object:
        """Examine a value and give what is good of it, or ABSENT."""
        if isinstance(shape, TextShape | NumberShape | ChoiceShape):
            problem = _problem(shape, value)
        elif isinstance(shape, ObjectShape):
            return self._object(shape, value, path)
        elif isinstance(shape, ListShape):
            return self._list(shape, value, path)
        else:
            return self._map(shape, value, path)
        if problem is None:
            return value
        self.add(path, value, problem)
        return ABSENT

    def unknown(self, known: list[str], value: Mapping[str, object], path: str) -> None:
        """Refuse the fields that are not known, unless the walk is lenient."""
        for name in value if self._strict else ():
            if name not in known:
                near = get_close_matches(str(name), known, n=1, cutoff=0.6)
                remedy = f"did you mean {near[0]}?" if near else f"use {_listed(known)}"
                self.refuse(join(path, str(name)), value[name], Problem("is not a field", remedy))

    def _object(self, shape: ObjectShape, value: object, path: str) -> object:
        if not isinstance(value, dict):
            self.add(path, value, _wrong_type(value, "an object of fields"))
            return ABSENT
        if shape.is_open:
            return value
        self.unknown([field.name for field in shape.fields], value, path)
        kept: dict[str, object] = {}
        faulty: set[str] = set()
        for field in shape.fields:
            before = len(self.faults)
            good = self.field(field, value.get(field.name), join(path, field.name))
            if good is not ABSENT:
                kept[field.name] = good
            if len(self.faults) > before:
                faulty.add(field.name)
        if any(field.required and field.name not in kept for field in shape.fields):
            return ABSENT
        self._rules(shape, kept, faulty, path)
        return kept

    def field(self, field: FieldShape, value: object, path: str) -> object:
        """Examine the value of a field, None where it has none."""
        if value is not None:  # null is absent, as in the API server
            return self.walk(field.shape, value, path)
        if field.required:
            self.add(path, ABSENT, Problem("is missing", f"set it: {_lowered(field.description)}"))
        return ABSENT

    def _rules(
        self, shape: ObjectShape, kept: dict[str, object], faulty: set[str], path: str
    ) -> None:
        if not shape.rules or all(faulty.intersection(rule.reads) for rule in shape.rules):
            return
        for rule in broken_rules(msgspec.convert(kept, shape.struct)):
            if not faulty.intersection(rule.reads):
                value = kept.get(rule.reads[0], ABSENT)
                problem = Problem(rule.message, rule.remedy)
                self.refuse(join(path, rule.reads[0]), value, problem)

    def _list(self, shape: ListShape, value: object, path: str) -> object:
        if not isinstance(value, list | tuple):
            self.add(path, value, _wrong_type(value, "a list"))
            return ABSENT
        if not shape.min_items <= len(value) <= shape.max_items:
            wanted = f"use {shape.min_items} to {shape.max_items} entries"
            self.add(path, value, Problem(f"has {len(value)} entries", wanted))
            return ABSENT
        kept: list[object] = []
        seen: dict[object, int] = {}
        for index, item in enumerate(value):
            here = f"{path}[{index}]"
            good = self.walk(shape.item, item, here)
            if good is ABSENT:
                continue
            kept.append(good)
            identity = _identity(shape, good)
            if identity is not ABSENT and seen.setdefault(identity, index) != index:
                message = f"{_shown_identity(shape, identity)} stands already at {seen[identity]}"
                self.add(here, item, Problem(message, "remove one of the two"))
        return kept if len(kept) >= shape.min_items else ABSENT

    def _map(self, shape: MapShape, value: object, path: str) -> object:
        if not isinstance(value, dict):
            self.add(path, value, _wrong_type(value, "an object of texts"))
            return ABSENT
        if len(value) > shape.max_properties:
            wanted = f"use at most {shape.max_properties}"
            self.add(path, value, Problem(f"has {len(value)} entries", wanted))
            return ABSENT
        kept: dict[object, object] = {}
        for key, item in value.items():
            here = join(path, str(key))
            if self.walk(shape.key, key, here) is not ABSENT:
                good = self.walk(shape.value, item, here)
                if good is not ABSENT:
                    kept[key] = good
        return kept


def join(path: str, name: str) -> str:
    """Give the path of a field of the object at `path`."""
    return f"{path}.{name}" if path else name


def _problem(shape: TextShape | NumberShape | ChoiceShape, value: object) -> Problem | None:
    if isinstance(shape, TextShape):
        return _text_problem(shape, value) if isinstance(value, str) else _wrong_type(value, "text")
    if isinstance(shape, NumberShape):
        return _number_problem(shape, value)
    if isinstance(value, str):
        return _choice_problem(shape, value)
    return _wrong_type(value, "a word", f"use {_listed(list(shape.values))}")


def _number_problem(shape: NumberShape, value: object) -> Problem | None:
    remedy = f"use {shape.minimum} to {shape.maximum}"
    if not isinstance(value, int) or isinstance(value, bool):
        return _wrong_type(value, "a whole number", remedy)
    if value > shape.maximum:
        limit = f" (the largest {shape.noun})" if shape.noun else ""
        return Problem(f"{value} is above {shape.maximum}{limit}", remedy)
    if value < shape.minimum:
        limit = f" (the smallest {shape.noun})" if shape.noun else ""
        return Problem(f"{value} is below {shape.minimum}{limit}", remedy)
    return shape.check.explain(value) if shape.check is not None else None


def _choice_problem(shape: ChoiceShape, value: str) -> Problem | None:
    if value in shape.values:
        return None
    words = list(shape.values)
    near = get_close_matches(value.lower(), [word.lower() for word in words], n=1, cutoff=0.7)
    message = f"{show(value)} is not {_listed(words)}"
    if not near:
        return Problem(message, f"use {_listed(words)}")
    meant = next(word for word in words if word.lower() == near[0])
    return Problem(message, f"did you mean {meant}?")


def _text_problem(shape: TextShape, value: str) -> Problem | None:
    if len(value) > shape.max_length:
        message = f"{show(value)} has {len(value)} characters"
        return Problem(message, f"use at most {shape.max_length}")
    if shape.check is not None:
        problem = shape.check.explain(value)
        if problem is not None:
            return problem
    if len(value) < shape.min_length:
        return Problem(f"{show(value)} is too short", f"use {shape.min_length} or more characters")
    if shape.pattern and not _compiled(shape.pattern).search(value):
        return Problem(f"{show(value)} is not {shape.noun}", shape.remedy)
    if shape.form == "date-time" and not _is_time(value):
        return Problem(f"{show(value)} is not a time", "write it as 2026-01-31T12:00:00Z")
    return None


def _is_time(text: str) -> bool:
    if not _DATE_TIME.match(text):
        return False
    try:
        datetime.fromisoformat(text.upper())
    except ValueError:
        return False
    return True


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    # `$` also matches before a final line feed in Python, not in the API server.
    return re.compile(pattern.removesuffix("$") + r"\Z", re.ASCII)


def _wrong_type(value: object, wanted: str, remedy: str = "") -> Problem:
    if wanted == "text" and isinstance(value, int | float):
        remedy = "put it in quotes"
    return Problem(
        f"{show(value)} is {_type_name(value)}, not {wanted}", remedy or f"write {wanted}"
    )


def _type_name(value: object) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "text"
    if isinstance(value, dict):
        return "an object"
    return "a list" if isinstance(value, list | tuple) else "something else"


def _identity(shape: ListShape, item: object) -> object:
    if shape.list_type == "set" and isinstance(item, str):
        return item
    if shape.list_type != "map" or not isinstance(item, dict):
        return ABSENT
    values: list[object] = []
    for key in shape.keys:
        field = shape.item.field(key) if isinstance(shape.item, ObjectShape) else None
        values.append(item.get(key, field.default if field is not None else None))
    return tuple(values)


def _shown_identity(shape: ListShape, identity: object) -> str:
    if shape.list_type == "set" or not isinstance(identity, tuple):
        return show(identity)
    return "/".join(str(part) for part in identity)


def _listed(words: list[str]) -> str:
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} or {words[-1]}"


def _lowered(description: str) -> str:
    first = description[:1].lower() + description[1:]
    return first.rstrip(".")
