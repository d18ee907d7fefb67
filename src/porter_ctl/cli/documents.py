"""Reads files of manifests for `porter validate`: every document, and all that is wrong by itself.

The same loader, decoder and rules as the daemon's, only strict: a field nobody knows is a fault.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import click

from porter_ctl.api import decode, validate_document
from porter_ctl.manifests.file_fault import UnparsableError
from porter_ctl.manifests.parse import parse_file

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from porter_ctl.api import Fault, ObjectRef, Resource
    from porter_ctl.manifests.document import Document

STDIN = "-"


class Finding(NamedTuple):
    """One thing that is wrong.

    Attributes:
        file: As it was named; `-` is the standard input.
        line: Where its document begins, counted from 1; 0 for the file as a whole.
        kind: Of the object; empty where there is none.
        name: Of the object, with its namespace where it has one.
        path: Of the field; empty for the object as a whole.
        value: What stands there, shortened.
        message: What is wrong.
        remedy: What to do.
        reason: The reason code.
    """

    file: str
    line: int
    kind: str
    name: str
    path: str
    value: str
    message: str
    remedy: str
    reason: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        subject = f"{self.kind} {self.name}" if self.kind else ""
        told = [part for part in (place, subject, self.path, self.message) if part]
        remedy = f"; {self.remedy}" if self.remedy else ""
        return (": ".join(told) + remedy).replace("\n", " ")


@dataclass(slots=True)
class Documents:
    """What was read.

    Attributes:
        files: How many files.
        places: Where each object stands.
        resources: The objects as the daemon would hold them; of those that can be held.
        findings: What is wrong with them, each by itself.
    """

    files: int = 0
    places: dict[ObjectRef, Document] = field(default_factory=dict)
    resources: list[Resource] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def read(self, name: str, content: bytes, *, mtime: float) -> None:
        """Read one more file."""
        self.files += 1
        try:
            documents, faults = parse_file(content, name, mtime=mtime)
        except UnparsableError as error:
            documents, faults = (), (error.fault,)
        for fault in faults:
            found = Finding(name, fault.line, "", "", "", "", fault.message, "", "Invalid")
            self.findings.append(found)
        for document in documents:
            self._take(document)

    def _take(self, document: Document) -> None:
        first = self.places.setdefault(document.ref, document)
        if first is not document:
            place = f"{first.file}:{first.line}"
            finding = about(
                document,
                message=f"it stands already in {place}, which counts",
                remedy="remove one of the two",
                reason="Conflicting",
            )
            self.findings.append(finding)
            return
        faults = validate_document(document.body)
        self.findings += (_finding(document, fault) for fault in faults)
        decoded = decode(document.ref.kind, document.body)
        if decoded.resource is not None:
            self.resources.append(decoded.resource)


def about(
    document: Document, *, message: str, remedy: str, reason: str, path: str = "", value: str = ""
) -> Finding:
    """Make a finding about a document."""
    ref = document.ref
    return Finding(
        document.file, document.line, str(ref.kind), ref.key, path, value, message, remedy, reason
    )


def read_all(sources: Iterable[Path]) -> Documents:
    """Read files, the `*.yaml` of directories, and the standard input.

    Raises:
        click.UsageError: A directory has none, or a file cannot be read.
    """
    documents = Documents()
    for source in sources:
        if str(source) == STDIN:
            content = sys.stdin.buffer.read()
            documents.read(STDIN, content, mtime=0.0)
            continue
        for path in _files(source):
            try:
                content, mtime = path.read_bytes(), path.stat().st_mtime
            except OSError as error:
                raise click.UsageError(f"{path}: {error.strerror}") from error
            documents.read(str(path), content, mtime=mtime)
    return documents


def _files(source: Path) -> list[Path]:
    if not source.is_dir():
        return [source]
    files = sorted(path for path in source.glob("*.yaml") if not path.name.startswith("."))
    if not files:
        raise click.UsageError(f"{source}: there is no file *.yaml in it")
    return files


def _finding(document: Document, fault: Fault) -> Finding:
    return about(
        document,
        path=fault.path,
        value=fault.value,
        message=fault.message,
        remedy=fault.remedy,
        reason=str(fault.reason),
    )
