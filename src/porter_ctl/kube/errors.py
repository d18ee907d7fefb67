"""What an answer of the API server means: status and body -> one of the port's exceptions.

Every message names the verb, the object and what the server said; a server that does not speak
JSON (a proxy's error page) is quoted by its first 200 characters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from porter_ctl.store.port import (
    AlreadyExists,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    PortFailure,
    Unavailable,
)

if TYPE_CHECKING:
    from porter_ctl.kube.client import Reply

_QUOTED = 200
_REFUSED = {
    401: "the API server does not know us: look at the token or the client certificate",
    403: "grant this verb in the role of our ServiceAccount",
}


class Gone(PortFailure):
    """The version or the page asked for is no longer kept: list again."""


class _Cause(msgspec.Struct, frozen=True):
    field: str = ""


class _Details(msgspec.Struct, frozen=True, rename="camel"):
    causes: tuple[_Cause, ...] | None = None
    retry_after_seconds: int = 0


class Status(msgspec.Struct, frozen=True):
    """The API server's answer where it is not the object asked for."""

    code: int = 0
    reason: str = ""
    message: str = ""
    details: _Details | None = None

    @property
    def retry_after(self) -> float | None:
        """Seconds that the server asked us to wait; None if it did not."""
        seconds = self.details.retry_after_seconds if self.details else 0
        return float(seconds) if seconds > 0 else None

    def blames(self, field: str) -> bool:
        """Whether `field` is among the causes."""
        causes = self.details.causes if self.details else None
        return any(cause.field == field for cause in causes or ())


_PLAIN: dict[int, type[PortFailure]] = {
    400: Invalid,
    404: NotFound,
    405: Invalid,
    409: Conflict,
    410: Gone,
    413: Invalid,
    415: Invalid,
    422: Invalid,
}
_status = msgspec.json.Decoder(Status)


def quote(body: bytes) -> str:
    """The first 200 characters of a body nobody understands, on one line."""
    text = " ".join(body[: 4 * _QUOTED].decode(errors="replace").split())
    return text[:_QUOTED] or "an empty body"


def failure(reply: Reply, verb: str, what: str) -> PortFailure:
    """The exception for an answer that is not 2xx.

    Args:
        reply: The answer.
        verb: What was tried, as RBAC spells it.
        what: The object or collection it was tried on.
    """
    try:
        status = _status.decode(reply.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        status = Status()
    said = status.message or f"HTTP {reply.status}, {quote(reply.body)}"
    return explain(reply.status, status, f"{verb} {what}: {said}", reply.retry_after)


def says_not_found(reply: Reply) -> bool:
    """Whether an API server says that the object is not there, and not a proxy that a path is."""
    try:
        return _status.decode(reply.body).reason == "NotFound"
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False


def explain(
    code: int, status: Status, message: str, retry_after: float | None = None
) -> PortFailure:
    """The exception for a status code with what the server said of it."""
    if code in _REFUSED:
        return Forbidden(message, reason=status.reason or str(code), remedy=_REFUSED[code])
    if code == 409 and status.reason == "AlreadyExists":
        return AlreadyExists(message)
    if code == 422 and status.blames("metadata.uid"):  # uids are immutable: it is another object
        return Conflict(message)
    plain = _PLAIN.get(code)
    if plain is not None:
        return plain(message)
    return Unavailable(message, retry_after=retry_after or status.retry_after)
