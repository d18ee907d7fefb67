"""One object as a user's file has it: who it is, what it says, where it stands.

What an API server would fill in is filled in here: the namespace, the uid, the time of creation,
and the data of a Secret written as text. A status is left out, for that is ours to write; but not
that of a Node, which nobody else says: its addresses are there.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from hashlib import blake2b
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from porter_ctl.api import KINDS, Kind, ObjectRef
from porter_ctl.api.meta import GROUP

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Json: TypeAlias = dict[str, object]

_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_LONGEST_NAME = 180  # with its namespace and its ending it must still be a file's name
_LONGEST_NAMESPACE = 63
_KINDS: Mapping[tuple[str, str], Kind] = {
    (info.api_version, str(kind)): kind for kind, info in KINDS.items()
}


class DocumentError(ValueError):
    """A document that is no object; the text says why, for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """An object that stands in a user's file.

    Attributes:
        body: The object as JSON, without a status that is ours to write.
        version: A digest of what the user wrote, whatever its layout.
        dated: The user says when it was created; else the time of the file stands for that.
        file: The name of the file.
        line: Where it begins there, counted from 1.
    """

    ref: ObjectRef
    body: Json
    version: str
    dated: bool
    file: str
    line: int

    @property
    def uid(self) -> str:
        """Who it is: another object of the same name has another one only if the user says so."""
        return str(as_object(self.body["metadata"])["uid"])

    @property
    def place(self) -> str:
        """Where it stands, for people."""
        return f"{self.file}, line {self.line}"


def documents_of(value: object, *, file: str, line: int, mtime: float) -> Iterator[Document]:
    """Give the objects of one YAML document: one, the items of a `List`, or none that is read here.

    Args:
        value: The document.
        file: The name of the file it stands in.
        line: Where it begins there.
        mtime: When the file was written, in seconds since 1970.

    Raises:
        DocumentError: It is no object, or one whose name nobody could use.
    """
    if value is None:
        return
    if not isinstance(value, dict):
        raise DocumentError("the document is not an object; it needs apiVersion, kind, metadata")
    api_version, name = value.get("apiVersion"), value.get("kind")
    if not isinstance(api_version, str) or not isinstance(name, str):
        raise DocumentError("the document needs apiVersion and kind")
    if (api_version, name) == ("v1", "List"):
        items = value.get("items")
        for item in items if isinstance(items, list) else ():
            yield from documents_of(item, file=file, line=line, mtime=mtime)
        return
    kind = _KINDS.get((api_version, name))
    if kind is not None:
        yield _document(kind, value, file=file, line=line, mtime=mtime)
    elif api_version.partition("/")[0] == GROUP:
        raise DocumentError(_unknown(api_version, name))


def as_object(value: object) -> Json:
    """`value` if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def digest(*parts: bytes) -> str:
    """A digest of octets, to tell versions apart."""
    state = blake2b(digest_size=12)
    for part in parts:
        state.update(len(part).to_bytes(8, "big"))
        state.update(part)
    return state.hexdigest()


def rfc3339(seconds: float) -> str:
    """A time since 1970 as the API spells it."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _unknown(api_version: str, name: str) -> str:
    """Say what of our own group is not known, and what might be meant."""
    known = sorted(kind for of, kind in _KINDS if of.startswith(GROUP))
    if name in known:
        version = KINDS[Kind(name)].api_version
        return f"{name}: apiVersion: {api_version!r} is not known; write {version}"
    near = get_close_matches(name, known, n=1, cutoff=0.7)
    remedy = f"did you mean {near[0]}?" if near else f"use {', '.join(known)}"
    return f"kind: {name!r} is not a kind of {api_version}; {remedy}"


def _document(kind: Kind, value: Json, *, file: str, line: int, mtime: float) -> Document:
    ignored = () if kind is Kind.NODE else ("status",)
    written = {name: part for name, part in value.items() if name not in ignored}
    try:
        version = digest(msgspec.json.encode(written, order="deterministic"))
    except RecursionError as error:
        raise DocumentError(f"{kind}: it contains itself") from error
    except (ValueError, OverflowError, msgspec.MsgspecError) as error:
        raise DocumentError(f"{kind}: it holds what JSON cannot: {error}") from error
    metadata = dict(as_object(value.get("metadata")))
    name = _name_in(metadata, "name", longest=_LONGEST_NAME, kind=kind)
    namespace = ""
    if KINDS[kind].namespaced:
        metadata.setdefault("namespace", "default")
        namespace = _name_in(metadata, "namespace", longest=_LONGEST_NAMESPACE, kind=kind)
    else:
        metadata.pop("namespace", None)
    ref = ObjectRef(kind, namespace, name)
    uid = metadata.get("uid")
    metadata["uid"] = uid if isinstance(uid, str) and uid else ref.key
    dated = isinstance(metadata.get("creationTimestamp"), str)
    if not dated:
        metadata["creationTimestamp"] = rfc3339(mtime)
    body = {**written, "metadata": metadata}
    if kind is Kind.SECRET:
        body["data"] = _secret(body)
        body.pop("stringData", None)
    return Document(ref=ref, body=body, version=version, dated=dated, file=file, line=line)


def _name_in(metadata: Json, field: str, *, longest: int, kind: Kind) -> str:
    name = metadata.get(field)
    if not isinstance(name, str) or not name:
        raise DocumentError(f"{kind}: metadata.{field} is missing; give it one")
    if len(name) > longest or not _NAME.fullmatch(name):
        raise DocumentError(
            f"{kind}: metadata.{field}: {name[:longest]!r} is no name;"
            f" use a-z, 0-9, - and ., at most {longest} characters"
        )
    return name


def _secret(body: Json) -> Json:
    """The data of a Secret, what was written as text included."""
    data = dict(as_object(body.get("data")))
    for key, text in as_object(body.get("stringData")).items():
        if isinstance(text, str):
            data[key] = base64.b64encode(text.encode()).decode()
    return data
