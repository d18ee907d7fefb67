"""The text of a file, as documents, each with the line where it begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from porter_ctl.manifests.core_yaml import YamlError, load_documents
from porter_ctl.manifests.document import Document, DocumentError, Json, documents_of
from porter_ctl.manifests.file_fault import FileFault, UnparsableError

if TYPE_CHECKING:
    from collections.abc import Iterator


def parse_file(
    content: bytes, name: str, *, mtime: float
) -> tuple[tuple[Document, ...], tuple[FileFault, ...]]:
    """Read a user's file.

    Args:
        content: What it says.
        name: Its name.
        mtime: When it was written, in seconds since 1970.

    Returns:
        Its objects in their order, and what is wrong with its other documents.

    Raises:
        UnparsableError: It is no YAML.
    """
    documents: list[Document] = []
    faults: list[FileFault] = []
    for line, value in _load(content, name):
        try:
            documents += documents_of(value, file=name, line=line, mtime=mtime)
        except DocumentError as error:
            faults.append(FileFault(name, line, str(error)))
    return tuple(documents), tuple(faults)


def parse_object(content: bytes, name: str) -> Json:
    """Read a file that holds one object.

    Raises:
        UnparsableError: It is no YAML, or holds something else.
    """
    values = [value for _, value in _load(content, name)]
    if len(values) == 1 and isinstance(values[0], dict):
        return values[0]
    raise UnparsableError(FileFault(name, 0, "it must hold exactly one object"))


def _load(content: bytes, name: str) -> Iterator[tuple[int, object]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UnparsableError(FileFault(name, line, "not UTF-8; save it as that")) from error
    try:
        yield from load_documents(text)
    except YamlError as error:
        message = f"{error.message}; correct that line"
        raise UnparsableError(FileFault(name, error.line, message)) from error
