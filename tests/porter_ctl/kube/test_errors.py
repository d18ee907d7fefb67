"""`porter_ctl.kube.errors`: every answer has its exception, and says enough."""

from __future__ import annotations

import json

import pytest

from porter_ctl.kube.client import Reply
from porter_ctl.kube.errors import Gone, failure, quote
from porter_ctl.store.port import (
    AlreadyExists,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    PortFailure,
    Unavailable,
)
from tests.porter_ctl.kube.fake_api import status

ANSWERS: dict[str, tuple[int, str, type[PortFailure]]] = {
    "the request is malformed": (400, "BadRequest", Invalid),
    "the token is not known": (401, "Unauthorized", Forbidden),
    "the role lacks the verb": (403, "Forbidden", Forbidden),
    "there is no such object": (404, "NotFound", NotFound),
    "the method is not served": (405, "MethodNotAllowed", Invalid),
    "the name is taken": (409, "AlreadyExists", AlreadyExists),
    "the version is old": (409, "Conflict", Conflict),
    "the page is old": (410, "Expired", Gone),
    "the object is too large": (413, "RequestEntityTooLarge", Invalid),
    "the content is refused": (422, "Invalid", Invalid),
    "too many requests": (429, "TooManyRequests", Unavailable),
    "a bug in the server": (500, "InternalError", Unavailable),
    "a proxy without a server": (502, "", Unavailable),
    "a redirect": (307, "", Unavailable),
    "an unknown answer": (599, "", Unavailable),
}


@pytest.mark.parametrize(("code", "reason", "expected"), ANSWERS.values(), ids=ANSWERS)
def test_an_answer_means(code: int, reason: str, expected: type[PortFailure]) -> None:
    body = json.dumps(status(code, reason, "said so")).encode()

    error = failure(Reply(status=code, body=body), "update", "VIP 192.0.2.1")

    assert type(error) is expected
    assert str(error).startswith("update VIP 192.0.2.1: said so")


@pytest.mark.parametrize("code", [401, 403])
def test_a_refusal_has_a_reason_and_a_remedy(code: int) -> None:
    error = failure(Reply(status=code, body=b""), "get", "nodes")

    assert isinstance(error, Forbidden)
    assert error.reason == str(code)
    assert error.remedy


def test_another_uid_is_a_conflict_although_the_server_calls_it_invalid() -> None:
    body = json.dumps(status(422, "Invalid", "immutable", causes=[{"field": "metadata.uid"}]))

    error = failure(Reply(status=422, body=body.encode()), "patch", "Service default/web")

    assert isinstance(error, Conflict)


@pytest.mark.parametrize(
    ("header", "field", "seconds"), [(3.0, 0, 3), (None, 7, 7), (None, 0, None)]
)
def test_how_long_to_wait_is_in_the_header_or_in_the_body(
    header: float | None, field: int, seconds: float | None
) -> None:
    body = json.dumps(status(429, "TooManyRequests", retryAfterSeconds=field)).encode()

    error = failure(Reply(status=429, body=body, retry_after=header), "list", "vips")

    assert isinstance(error, Unavailable)
    assert error.retry_after == seconds


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<html>\n  <h1>Bad\r\nGateway</h1>", "<html> <h1>Bad Gateway</h1>"),
        (b"", "an empty body"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"x" * 9999, "x" * 200),
        (b'{"code": "x"}', '{"code": "x"}'),
        (b"[]", "[]"),
    ],
)
def test_what_is_not_json_is_quoted_briefly(body: bytes, said: str) -> None:
    assert quote(body) == said
    assert said in str(failure(Reply(status=502, body=body), "get", "it"))
