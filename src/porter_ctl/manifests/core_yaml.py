"""YAML as kubectl reads it: `65000:100` is text, `on` is text, a key that stands twice is an error.

PyYAML by itself reads YAML 1.1, in which the first is the number 3900100 and the second true, and
takes the last of two keys. Here only null, true and false, decimal integers and floats are more
than text (the core schema of YAML 1.2), and every key is text, as in JSON.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

_PLAIN = {
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "bool": (r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    "int": (r"[-+]?[0-9]+", list("-+0123456789")),
    "float": (
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?",
        list("-+.0123456789"),
    ),
    "merge": (r"<<", ["<"]),
}
_TAGS = (
    None,
    *(f"tag:yaml.org,2002:{tag}" for tag in ("null", "bool", "float", "str", "seq", "map")),
)


class YamlError(ValueError):
    """Text that is no YAML, or whose meaning would be a guess.

    Attributes:
        line: Where that shows, counted from 1.
        message: What is wrong there.
    """

    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"line {line}: {message}")
        self.line = line
        self.message = message


class _CoreLoader(yaml.CSafeLoader):
    """The loader; its tables are set below."""

    # These replace PyYAML's own tables, which know dates, sets, binaries and more.
    yaml_implicit_resolvers = {}  # noqa: RUF012 - PyYAML's way to set them, a class at a time
    yaml_constructors = {  # noqa: RUF012 - as above
        tag: yaml.constructor.SafeConstructor.yaml_constructors[tag] for tag in _TAGS
    }

    def construct_mapping(
        self,
        node: yaml.Node,
        deep: bool = False,  # noqa: FBT001, FBT002 - PyYAML's signature
    ) -> dict[Hashable, object]:
        if not isinstance(node, yaml.MappingNode):  # the tag says so, the text does not
            raise yaml.constructor.ConstructorError(None, None, "not an object", node.start_mark)
        _refuse_twice(node)
        self.flatten_mapping(node)
        found: dict[Hashable, object] = {}
        for key, value in node.value:
            found[_text_of(key)] = self.construct_object(value, deep=deep)
        return found

    def construct_decimal(self, node: yaml.ScalarNode) -> int:
        """Read an integer; a zero in front means nothing."""
        return int(node.value)


for _tag, (_pattern, _first) in _PLAIN.items():
    _CoreLoader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(rf"(?:{_pattern})\Z"), _first
    )
_CoreLoader.add_constructor("tag:yaml.org,2002:int", _CoreLoader.construct_decimal)


def load_documents(text: str) -> Iterator[tuple[int, object]]:
    """Read text that may hold several documents.

    Yields:
        Each document with the line where it begins, counted from 1; an empty one is None.

    Raises:
        YamlError: From there on it is no YAML.
    """
    loader: _CoreLoader | None = None
    line = 1
    try:
        loader = _CoreLoader(text)
        while loader.check_node():
            node = loader.get_node()
            if node is not None:
                line = node.start_mark.line + 1
                yield line, loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = ", ".join(part for part in (error.problem, error.context) if part)
        raise YamlError(mark.line + 1 if mark is not None else 1, problem) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise YamlError(line, "a character that YAML does not allow") from error
    except RecursionError as error:
        raise YamlError(line, "nested too deeply") from error
    except (ValueError, LookupError) as error:  # a tag such as !!int on something else
        raise YamlError(line, f"a value is not what its tag says: {error}") from error
    finally:
        if loader is not None:
            loader.dispose()


def _text_of(key: yaml.Node) -> str:
    if not isinstance(key, yaml.ScalarNode):
        raise yaml.constructor.ConstructorError(None, None, "a key must be text", key.start_mark)
    return str(key.value)


def _refuse_twice(node: yaml.MappingNode) -> None:
    seen: dict[str, int] = {}
    for key, _ in node.value:
        text = _text_of(key)
        if text in seen and text != "<<":
            raise yaml.constructor.ConstructorError(
                None,
                None,
                f"{text} stands already in line {seen[text]}; remove one of the two",
                key.start_mark,
            )
        seen[text] = key.start_mark.line + 1
