"""`porter_ctl.api.served`: each field of the API is served with a test here, or refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from porter_ctl.api import KINDS, OWN_KINDS, FaultReason, Kind, decode
from porter_ctl.api.schema import (
    ChoiceShape,
    FieldShape,
    ListShape,
    NumberShape,
    ObjectShape,
    Shape,
    shape_of,
)
from porter_ctl.api.served import NOT_YET

if TYPE_CHECKING:
    from collections.abc import Iterator

BASE: dict[Kind, dict[str, object]] = {
    Kind.VIP_POOL: {"addresses": ["192.0.2.0/24"]},
    Kind.VIP: {"address": "192.0.2.1"},
    Kind.BGP_CONFIG: {"asn": 64512},
    Kind.BGP_PEER: {"address": "192.0.2.1", "asn": 65001},
    Kind.BGP_ADVERTISEMENT: {},
}
NAMES = {Kind.VIP: "192.0.2.1"}
SECRET = {"secretRef": {"name": "tor1"}}
HOLDER = {"namespace": "a", "name": "web", "uid": "u", "trafficPolicy": "Local"}
BINDING = {"name": "lab", "labels": {"a": "b"}, "whenOutOfPool": "Reallocate", "range": "192.0.2.1"}

# Below each field that is served: a value that is not its default, and is accepted.
SERVED: dict[Kind, dict[str, object]] = {
    Kind.VIP_POOL: {
        "addresses": ["198.51.100.1-198.51.100.9"],
        "exclude": ["192.0.2.7"],
        "holdSeconds": 5,
    },
    Kind.VIP: {
        "address": "192.0.2.1",
        "pool": BINDING,
        "holders": [{**HOLDER, "ports": [{"port": 53, "protocol": "UDP"}], "selectorHash": "h"}],
        "releasedAt": "2026-01-31T12:00:00Z",
    },
    Kind.BGP_CONFIG: {
        "adminState": "Drained",
        "asn": 4200000000,
        "routerID": "192.0.2.3",
        "listen": {"port": 1790, "addresses": ["192.0.2.3"]},
        "gracefulRestart.mode": "Disabled",
        "gracefulRestart.restartSeconds": 120,
        "drain.triggers": ["Cordon"],
        "drain.delaySeconds": 0,
        "withholdOn": ["NetworkUnavailable", "NotReady"],
        "excludeLabel": "Ignore",
        "dataplane.gate": "None",
        "dataplane.delayMilliseconds": 10,
    },
    Kind.BGP_PEER: {
        "nodeSelectors": [{"matchLabels": {"rack": "1"}}],
        "address": "2001:db8::1",
        "port": 1790,
        "asn": 4200000000,
        "peerType": "Internal",
        "source": {"address": "192.0.2.9"},
        "connection": "Passive",
        "timers.holdSeconds": 9,
        "timers.keepaliveSeconds": 3,
        "timers.connectSeconds": 1,
        "multihop": {"ttl": 5},
        "ttlSecurity": {"hops": 1},
        "auth": {**SECRET, "method": "MD5"},
        "families": ["ipv6-unicast"],
        "nextHop": {"ipv4": "192.0.2.9", "ipv6": "2001:db8::9"},
        "addPath.mode": "Send",
        "addPath.maxPaths": 4,
        "maxPrefixes.limit": 5,
        "adminState": "Down",
        "shutdownMessage": "maintenance",
    },
    Kind.BGP_ADVERTISEMENT: {
        "pools": ["lab"],
        "serviceSelectors": [{"matchLabels": {"a": "b"}}],
        "nodeSelectors": [{"matchExpressions": [{"key": "a", "operator": "Exists"}]}],
        "peers": ["tor1"],
        "communities.standard": ["65000:100"],
        "communities.large": ["65000:1:100"],
        "communities.wellKnown": ["no-export"],
        "localPref": 200,
        "med": 0,
        "prepend": 2,
        "nextHop.type": "Nodes",
        "nextHop.speakerNodeSelectors": [{"matchLabels": {"speaker": "true"}}],
        "endpoints.publish": "Ready",
        "endpoints.min": 2,
        "endpoints.whenNone": "Keep",
    },
}
# Values that need another field to go, or to say something.
WITHOUT = {"peerType": "asn"}
ALONG: dict[str, dict[str, object]] = {
    "addPath.maxPaths": {"mode": "Send"},
    "nextHop.speakerNodeSelectors": {"type": "Nodes"},
}


def spec_of(kind: Kind) -> ObjectShape | None:
    field = shape_of(KINDS[kind].struct).field("spec")
    return field.shape if field is not None and isinstance(field.shape, ObjectShape) else None


def parts(shape: ObjectShape, prefix: str = "") -> Iterator[tuple[str, FieldShape]]:
    """Every field that is set on its own; an object with a default is its fields."""
    for field in shape.fields:
        path = f"{prefix}{field.name}"
        if isinstance(field.shape, ObjectShape) and field.default is not None:
            yield from parts(field.shape, f"{path}.")
        else:
            yield path, field


def refused(kind: Kind, path: str) -> bool:
    return any(
        not entry.served and (path == entry.path or path.startswith(f"{entry.path}."))
        for entry in NOT_YET[kind]
    )


PARTS = [
    (kind, path, field)
    for kind in OWN_KINDS
    if (shape := spec_of(kind)) is not None
    for path, field in parts(shape)
]


def with_value(kind: Kind, path: str, value: object) -> dict[str, object]:
    head, _, tail = path.partition(".")
    base = {k: v for k, v in BASE[kind].items() if k != WITHOUT.get(head)}
    spec = {**base, head: {tail: value} | ALONG.get(path, {}) if tail else value}
    return {"metadata": {"name": NAMES.get(kind, "default")}, "spec": spec}


@pytest.mark.parametrize(("kind", "path"), [part[:2] for part in PARTS])
def test_each_field_is_served_or_refused(kind: Kind, path: str) -> None:
    only_some_values = any(entry.path == path and entry.served for entry in NOT_YET[kind])

    assert (path in SERVED[kind]) + refused(kind, path) + only_some_values == 1


def test_the_tables_name_only_fields_that_exist() -> None:
    known = {(kind, path) for kind, path, _ in PARTS}
    for kind, fields in SERVED.items():
        assert {(kind, path) for path in fields} <= known
    for kind, entries in NOT_YET.items():
        shape = spec_of(kind)
        for entry in entries:
            assert shape is not None
            assert has(shape, entry.path), f"{kind} {entry.path}"


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [(kind, path, value) for kind, fields in SERVED.items() for path, value in fields.items()],
)
def test_a_served_field_arrives(kind: Kind, path: str, value: object) -> None:
    found = decode(kind, with_value(kind, path, value))

    assert [str(fault) for fault in found.faults] == []
    arrived: object = msgspec.to_builtins(found.resource)["spec"]
    for name in path.split("."):
        assert isinstance(arrived, dict)
        arrived = arrived[name]
    assert covers(arrived, value)


@pytest.mark.parametrize(
    ("kind", "path", "field"),
    [part for part in PARTS if refused(*part[:2])],
    ids=[f"{part[0]}-{part[1]}" for part in PARTS if refused(*part[:2])],
)
def test_a_refused_field_may_say_its_default_and_nothing_else(
    kind: Kind, path: str, field: FieldShape
) -> None:
    asked = decode(kind, with_value(kind, path, other(field.shape, field.default)))
    default = decode(kind, with_value(kind, path, field.default))

    found = {fault.path: fault.reason for fault in asked.faults}
    assert found.get(f"spec.{path}") is FaultReason.NOT_YET_SUPPORTED
    assert [str(fault) for fault in default.faults] == []


@pytest.mark.parametrize(
    ("kind", "spec", "path"),
    [
        (Kind.BGP_PEER, {"auth": {**SECRET, "method": "AO", "keyID": 1}}, "spec.auth.method"),
        (Kind.BGP_PEER, {"maxPrefixes": {"action": "Cease"}}, "spec.maxPrefixes.action"),
    ],
)
def test_a_value_of_a_served_field_may_be_refused(
    kind: Kind, spec: dict[str, object], path: str
) -> None:
    found = decode(kind, {"metadata": {"name": "a"}, "spec": {**BASE[kind], **spec}})

    assert path in [fault.path for fault in found.faults]
    assert {fault.reason for fault in found.faults} == {FaultReason.NOT_YET_SUPPORTED}


def covers(arrived: object, value: object) -> bool:
    if isinstance(value, dict) and isinstance(arrived, dict):
        return all(covers(arrived.get(key), item) for key, item in value.items())
    if isinstance(value, list) and isinstance(arrived, list | tuple):
        return all(covers(a, v) for a, v in zip(arrived, value, strict=True))
    return arrived == value


def has(shape: ObjectShape, path: str) -> bool:
    head, _, tail = path.partition(".")
    field = shape.field(head)
    if field is None or not tail:
        return field is not None
    return isinstance(field.shape, ObjectShape) and has(field.shape, tail)


def other(shape: Shape, default: object) -> object:
    """A value of this shape that is not the default."""
    if isinstance(shape, NumberShape):
        return shape.minimum + 1 if default == shape.minimum else shape.minimum
    if isinstance(shape, ChoiceShape):
        return next(value for value in shape.values if value != default)
    if isinstance(shape, ListShape):
        return [] if default else [other(shape.item, None)]
    if isinstance(shape, ObjectShape):
        needed = [field for field in shape.fields if field.required]
        return {field.name: other(field.shape, None) for field in needed}
    return "rt:1:1" if "rt" in getattr(shape, "pattern", "") else "a"
