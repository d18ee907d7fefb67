"""The envelope of lists and watches: octets -> lines -> events, and the pages of a list.

Of an object only its identity and version are read here; the rest stays octets for
`porter_ctl.api.decode`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from porter_ctl.kube.errors import Gone, Status, explain, quote
from porter_ctl.store.port import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from porter_ctl.api import Key

MAX_LINE = 8 << 20  # octets; etcd keeps no object above 1.5 MiB
INITIAL_EVENTS_END = "k8s.io/initial-events-end"


class Meta(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """The identity and version of an object."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    annotations: dict[str, str] | None = None

    @property
    def key(self) -> Key:
        """As the stores spell it."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


class Head(msgspec.Struct, frozen=True, gc=False):
    """What is read of every object."""

    metadata: Meta = Meta()


class Event(msgspec.Struct, frozen=True, gc=False):
    """One line of a watch: ADDED, MODIFIED, DELETED, BOOKMARK or ERROR."""

    type: str
    object: msgspec.Raw


class _ListMeta(msgspec.Struct, frozen=True, rename="camel"):
    resource_version: str = ""
    continue_: str = msgspec.field(default="", name="continue")


class Page(msgspec.Struct, frozen=True):
    """One page of a list; `metadata.continue_` asks for the next one."""

    metadata: _ListMeta
    items: tuple[msgspec.Raw, ...] | None = None


class _ResourceName(msgspec.Struct, frozen=True):
    name: str = ""


class _Resources(msgspec.Struct, frozen=True):
    resources: tuple[_ResourceName, ...] = ()


_event = msgspec.json.Decoder(Event)
_page = msgspec.json.Decoder(Page)
_head = msgspec.json.Decoder(Head)
_status = msgspec.json.Decoder(Status)
_resources = msgspec.json.Decoder(_Resources)
_MALFORMED = (msgspec.DecodeError, UnicodeDecodeError)


class LineSplitter:
    """Cuts a stream of octets into lines, in time linear in the octets."""

    def __init__(self, longest: int = MAX_LINE) -> None:
        """`longest` is the longest line in octets."""
        self._longest = longest
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the lines that `data` ends, without their ends; empty ones are left out.

        Raises:
            Gone: A line is too long to be read: only a list can tell what it said.
        """
        *whole, rest = data.split(b"\n")
        for part in whole:
            self._keep(part)
            line = b"".join(self._parts)
            self._parts, self._size = [], 0
            if line.strip():
                yield line
        self._keep(rest)

    def _keep(self, part: bytes) -> None:
        self._parts.append(part)
        self._size += len(part)
        if self._size > self._longest:
            raise Gone(f"a watch event is longer than {self._longest} octets")


def read_event(line: bytes) -> Event:
    """One line of a watch.

    Raises:
        Unavailable: It is no event.
    """
    try:
        return _event.decode(line)
    except _MALFORMED as error:
        raise Unavailable(f"not a watch event: {quote(line)}") from error


def read_page(body: bytes) -> Page:
    """One page of a list.

    Raises:
        Unavailable: It is no list.
    """
    try:
        return _page.decode(body)
    except _MALFORMED as error:
        raise Unavailable(f"not a list: {quote(body)}") from error


def read_head(raw: msgspec.Raw | bytes) -> Meta | None:
    """The identity of an object; None if it has none that can be read."""
    try:
        metadata = _head.decode(raw).metadata
    except _MALFORMED:
        return None
    return metadata if metadata.name else None


def read_bookmark(raw: msgspec.Raw) -> tuple[str, bool]:
    """The version a bookmark stands for, and whether the initial events end with it.

    Raises:
        Unavailable: It is no bookmark.
    """
    try:
        metadata = _head.decode(raw).metadata
    except _MALFORMED as error:
        raise Unavailable(f"not a bookmark: {quote(bytes(raw))}") from error
    ended = (metadata.annotations or {}).get(INITIAL_EVENTS_END) == "true"
    return metadata.resource_version, ended


def raise_error(raw: msgspec.Raw, what: str) -> None:
    """Raise what an ERROR event says: Gone where the version asked for is no longer kept."""
    try:
        status = _status.decode(raw)
    except _MALFORMED as error:
        raise Unavailable(f"watch {what}: {quote(bytes(raw))}") from error
    if status.reason in {"Expired", "Gone"}:
        raise Gone(f"watch {what}: {status.message}")
    raise explain(status.code, status, f"watch {what}: {status.message}")


def read_resources(body: bytes) -> frozenset[str]:
    """The plural names of what a group and version serves.

    Raises:
        Unavailable: It is no such document.
    """
    try:
        return frozenset(resource.name for resource in _resources.decode(body).resources)
    except _MALFORMED as error:
        raise Unavailable(f"not a list of resources: {quote(body)}") from error
