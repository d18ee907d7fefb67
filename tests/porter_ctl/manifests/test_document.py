"""`porter_ctl.manifests.document`: which YAML documents are objects, and whose."""

from __future__ import annotations

import pytest

from porter_ctl.manifests.document import Document, DocumentError, documents_of

POOL = {"apiVersion": "porter.network/v1beta1", "kind": "VIPPool", "metadata": {"name": "p"}}
SERVICE = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}}


def _read(value: object, mtime: float = 0.0) -> list[Document]:
    return list(documents_of(value, file="a.yaml", line=7, mtime=mtime))


KEYS = {
    "a kind of ours": (POOL, ["p"]),
    "a namespace not given": (SERVICE, ["default/web"]),
    "a namespace given": (
        {**SERVICE, "metadata": {"name": "web", "namespace": "shop"}},
        ["shop/web"],
    ),
    "a namespace where there is none": (
        {**POOL, "metadata": {"name": "p", "namespace": "shop"}},
        ["p"],
    ),
    "a list": (
        {"apiVersion": "v1", "kind": "List", "items": [POOL, SERVICE]},
        ["p", "default/web"],
    ),
    "an empty document": (None, []),
    "a kind that is not read here": ({**SERVICE, "kind": "ConfigMap"}, []),
    "a kind of another group": ({**POOL, "apiVersion": "example.org/v1"}, []),
}

REFUSED = {
    "a list of documents": ([POOL], "not an object"),
    "a word": ("hello", "not an object"),
    "no apiVersion": ({"kind": "Service"}, "needs apiVersion and kind"),
    "no kind": ({"apiVersion": "v1"}, "needs apiVersion and kind"),
    "an unknown kind of ours": ({**POOL, "kind": "VIPPools"}, "did you mean VIPPool?"),
    "an unknown version of ours": (
        {**POOL, "apiVersion": "porter.network/v1"},
        "write porter.network/v1beta1",
    ),
    "no metadata": ({**POOL, "metadata": None}, "metadata.name is missing"),
    "no name": ({**POOL, "metadata": {}}, "metadata.name is missing"),
    "a number for a name": ({**POOL, "metadata": {"name": 5}}, "metadata.name is missing"),
    "a way out of the folder": ({**POOL, "metadata": {"name": "../p"}}, "is no name"),
    "a name too long": ({**POOL, "metadata": {"name": "p" * 181}}, "at most 180"),
    "a namespace that is none": (
        {**SERVICE, "metadata": {"name": "web", "namespace": "a_b"}},
        "metadata.namespace: 'a_b'",
    ),
}


@pytest.mark.parametrize(("value", "keys"), KEYS.values(), ids=KEYS)
def test_key(value: object, keys: list[str]) -> None:
    assert [document.ref.key for document in _read(value)] == keys


@pytest.mark.parametrize(("value", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(value: object, message: str) -> None:
    with pytest.raises(DocumentError, match=message.replace("(", r"\(")):
        _read(value)


def test_an_object_that_contains_itself_is_refused() -> None:
    value: dict[str, object] = dict(POOL)
    value["spec"] = value

    with pytest.raises(DocumentError, match="contains itself"):
        _read(value)


def test_what_json_cannot_hold_is_refused() -> None:
    with pytest.raises(DocumentError, match="what JSON cannot"):
        _read({**POOL, "spec": {"priority": "\ud800"}})


def test_the_version_is_of_what_is_said_not_of_how() -> None:
    (document,) = _read(SERVICE, mtime=1.0)
    (reordered,) = _read(dict(reversed(SERVICE.items())), mtime=2.0)
    (with_status,) = _read({**SERVICE, "status": {"loadBalancer": {}}})
    (edited,) = _read({**SERVICE, "spec": {"type": "LoadBalancer"}})

    assert document.version == reordered.version == with_status.version
    assert document.version != edited.version
    assert "status" not in with_status.body


def test_an_object_says_where_it_stands_and_who_it_is() -> None:
    (document,) = _read(SERVICE, mtime=86400.5)

    assert (document.place, document.uid) == ("a.yaml, line 7", "default/web")
    assert document.body["metadata"] == {
        "name": "web",
        "namespace": "default",
        "uid": "default/web",
        "creationTimestamp": "1970-01-02T00:00:00Z",
    }
