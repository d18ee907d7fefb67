"""`porter_ctl.api.decode`: what the daemon makes of a document, and what validation says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from porter_ctl.api import (
    KINDS,
    OWN_KINDS,
    VIP,
    BGPConfig,
    BGPPeer,
    Decoded,
    FaultReason,
    Kind,
    VIPPool,
    decode,
    validate_document,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


def peer(**spec: object) -> dict[str, object]:
    return {
        "apiVersion": "porter.network/v1beta1",
        "kind": "BGPPeer",
        "metadata": {"name": "tor1"},
        "spec": {"address": "192.0.2.1", "asn": 65001, **spec},
    }


def peer_of(decoded: Decoded) -> BGPPeer:
    assert isinstance(decoded.resource, BGPPeer)
    return decoded.resource


def texts(document: Mapping[str, object]) -> list[str]:
    return [str(fault) for fault in validate_document(document)]


def test_octets_and_the_tree_of_them_decode_alike() -> None:
    document = peer(timers={"holdSeconds": 9}, port=1790)

    found = decode(Kind.BGP_PEER, json.dumps(document).encode())

    assert found == decode(Kind.BGP_PEER, document)
    assert found.faults == ()
    spec = peer_of(found).spec
    assert spec is not None
    assert (spec.timers.hold_seconds, spec.port, spec.asn) == (9, 1790, 65001)


def test_a_faulty_spec_falls_back_to_the_one_accepted_last() -> None:
    document = {**peer(asn=0), "status": {"accepted": {"address": "192.0.2.7", "asn": 65007}}}

    found = decode(Kind.BGP_PEER, document)

    assert found.using_accepted
    assert [fault.path for fault in found.faults] == ["spec.asn"]
    spec = peer_of(found).spec
    assert spec is not None
    assert spec.address == "192.0.2.7"


@pytest.mark.parametrize(
    "accepted",
    [None, [], {"asn": 65007}, {"address": "x", "asn": 1}, {"address": 1, "asn": 65007}],
    ids=["none", "a list", "incomplete", "faulty", "of the wrong type"],
)
def test_without_a_good_accepted_spec_the_object_is_quarantined(accepted: object) -> None:
    document = {**peer(asn=0), "status": {"sessions": "1/1", "accepted": accepted}}

    found = decode(Kind.BGP_PEER, document)

    assert not found.using_accepted
    assert peer_of(found).spec is None
    assert peer_of(found).status.sessions == "1/1"


def test_an_advertisement_without_spec_does_not_announce_everything() -> None:
    found = decode(Kind.BGP_ADVERTISEMENT, {"metadata": {"name": "all"}})

    assert getattr(found.resource, "spec", "absent") is None
    assert [fault.path for fault in found.faults] == ["spec"]


@pytest.mark.parametrize("status", [[], {"sessions": 5}, {"conditions": [{"type": 1}]}])
def test_a_damaged_status_does_not_harm_the_spec(status: object) -> None:
    found = decode(Kind.BGP_PEER, {**peer(), "status": status})

    assert found.faults == ()
    assert peer_of(found).spec is not None
    assert peer_of(found).status.sessions == ""


def test_null_means_absent() -> None:
    document = peer(asnFrom=None, timers=None, families=None)
    document["metadata"] = {"name": "tor1", "labels": None, "creationTimestamp": None}

    assert decode(Kind.BGP_PEER, json.dumps(document).encode()).faults == ()
    assert decode(Kind.BGP_PEER, document).faults == ()
    assert texts(document) == []


def test_the_daemon_ignores_what_it_does_not_know_and_validation_names_it() -> None:
    document = peer(conection="x", timers={"holdSecond": 9}, zzz=1)

    assert decode(Kind.BGP_PEER, document).faults == ()
    found = texts({**document, "sepc": {}})
    assert found[0] == "BGPPeer tor1: sepc: {}: is not a field; did you mean spec?"
    assert found[1] == "BGPPeer tor1: spec.conection: 'x': is not a field; did you mean connection?"
    assert found[2].startswith("BGPPeer tor1: spec.zzz: 1: is not a field; use nodeSelectors, ")
    assert found[3:] == [
        "BGPPeer tor1: spec.timers.holdSecond: 9: is not a field; did you mean holdSeconds?"
    ]


def test_a_lenient_validation_ignores_what_nobody_knows() -> None:
    assert validate_document(peer(zzz=1), strict=False) == []


def test_all_faults_come_at_once_and_each_once() -> None:
    document = peer(
        asn=0, address="x", port="bgp", families=["ipv4-unicast", "x"], role="Peer", timers=5
    )

    found = [(fault.path, fault.reason) for fault in validate_document(document)]

    assert found == [
        ("spec.address", FaultReason.INVALID),
        ("spec.port", FaultReason.INVALID),
        ("spec.asn", FaultReason.INVALID),
        ("spec.timers", FaultReason.INVALID),
        ("spec.families[1]", FaultReason.INVALID),
        ("spec.role", FaultReason.NOT_YET_SUPPORTED),
    ]


def test_a_field_not_served_yet_is_refused_by_name() -> None:
    (fault,) = decode(Kind.BGP_PEER, peer(bfd={"multiplier": 5})).faults

    assert fault.reason is FaultReason.NOT_YET_SUPPORTED
    assert str(fault) == (
        'BGPPeer tor1: spec.bfd: {"multiplier":5} is not supported yet; leave the field out'
    )
    assert fault.value == '{"multiplier":5}'


def test_a_value_not_served_yet_names_the_one_that_is() -> None:
    (fault,) = decode(Kind.BGP_PEER, peer(maxPrefixes={"action": "Cease"})).faults

    assert fault.sentence == "spec.maxPrefixes.action: 'Cease' is not supported yet; use Warn"


def test_a_long_value_is_shortened() -> None:
    (fault,) = decode(Kind.BGP_PEER, peer(port="x" * 500)).faults

    assert len(fault.value) < 80


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"null", b'"x"', b"\xff", b'{"a":"\xff"}'])
def test_what_is_no_object_is_a_fault(raw: bytes) -> None:
    for kind in Kind:
        found = decode(kind, raw)

        assert found.resource is None
        assert len(found.faults) == 1


@pytest.mark.parametrize(
    ("metadata", "path"),
    [
        (None, "metadata.name"),
        ({}, "metadata.name"),
        ("x", "metadata.name"),
        ({"name": 5}, "metadata.name"),
        ({"name": "Tor 1"}, "metadata.name"),
        ({"name": "a", "labels": {"a": 1}}, "metadata.labels[...]"),
        ({"name": "a", "generation": "1"}, "metadata.generation"),
    ],
)
def test_bad_metadata_is_named(metadata: object, path: str) -> None:
    found = validate_document({**peer(), "metadata": metadata})

    assert [fault.path for fault in found] == [path]


@pytest.mark.parametrize("metadata", [None, {}, {"name": 5}, {"name": "a", "labels": {"a": 1}}])
def test_an_object_that_cannot_be_named_is_not_decoded(metadata: object) -> None:
    found = decode(Kind.BGP_PEER, {**peer(), "metadata": metadata})

    assert found.resource is None
    assert len(found.faults) == 1


@pytest.mark.parametrize(
    ("head", "sentence"),
    [
        ({"kind": "BGPPer"}, "kind: 'BGPPer' is not a kind Porter reads; did you mean BGPPeer?"),
        ({"kind": "Deployment"}, "kind: 'Deployment' is not a kind Porter reads; use "),
        ({"kind": None}, "kind: is missing; use "),
        (
            {"apiVersion": "v1"},
            (
                "BGPPeer tor1: apiVersion: 'v1' is not the version of BGPPeer;"
                " write porter.network/v1beta1"
            ),
        ),
        (
            {"apiVersion": None},
            "BGPPeer tor1: apiVersion: is missing; write porter.network/v1beta1",
        ),
    ],
    ids=["misspelt", "foreign", "absent", "another version", "no version"],
)
def test_the_head_of_a_document_is_judged(head: dict[str, object], sentence: str) -> None:
    (text,) = texts({**peer(), **head})

    assert text.startswith(sentence)


def test_a_node_status_has_no_spec_to_judge() -> None:
    document = {
        "apiVersion": "porter.network/v1beta1",
        "kind": "BGPNode",
        "metadata": {"name": "node-1"},
        "status": {"summary": "4/4 peers", "podUID": "u"},
    }

    found = decode(Kind.BGP_NODE, document)

    assert found.faults == ()
    assert getattr(found.resource, "status").pod_uid == "u"  # noqa: B009 - a union of kinds
    assert texts(document) == []


def test_what_the_daemon_writes_it_reads_again() -> None:
    pool = decode(
        Kind.VIP_POOL, {"metadata": {"name": "lab"}, "spec": {"addresses": ["192.0.2.0/24"]}}
    ).resource
    assert isinstance(pool, VIPPool)
    written = msgspec.structs.replace(
        pool, status=msgspec.structs.replace(pool.status, accepted=pool.spec, usage="0/254")
    )

    found = decode(Kind.VIP_POOL, msgspec.json.encode(written))

    assert found == Decoded(written)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
FIELDS = [
    "address", "addresses", "asn", "asnFrom", "timers", "communities", "holders", "families",
    "nextHop", "source", "auth", "exclude", "nodeSelectors", "endpoints", "limits", "pool",
]  # fmt: skip


@settings(max_examples=300)
@given(
    kind=st.sampled_from(sorted(Kind)),
    spec=st.dictionaries(st.sampled_from(FIELDS), JSON) | JSON,
    status=JSON,
    name=JSON | st.just("a"),
)
def test_no_content_raises_and_every_refusal_has_a_reason(
    kind: Kind, spec: object, status: object, name: object
) -> None:
    document = {"metadata": {"name": name}, "spec": spec, "status": status}

    found = decode(kind, document)

    assert found.resource is not None or found.faults
    if kind in OWN_KINDS:
        head = {"apiVersion": "porter.network/v1beta1", "kind": kind.value}
        assert bool(validate_document({**head, **document})) >= bool(found.faults)


@given(st.binary(max_size=60), st.sampled_from(sorted(Kind)))
def test_no_octets_raise(octets: bytes, kind: Kind) -> None:
    found = decode(kind, b'{"metadata":{"name":"a"},"spec":' + octets + b"}")

    assert found.resource is not None or found.faults


def test_an_object_of_kubernetes_is_validated_too() -> None:
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}}

    assert texts(service) == []
    assert texts({**service, "spec": {"ports": 80}}) == [
        "Service: spec.ports: expected `array`, got `int`; correct the document"
    ]


def test_a_value_that_no_json_can_hold_is_shown_by_its_type() -> None:
    (fault,) = decode(Kind.BGP_PEER, peer(port=object())).faults

    assert fault.message == "object is something else, not a whole number"


def test_the_quarantined_config_keeps_its_metadata() -> None:
    found = decode(Kind.BGP_CONFIG, {"metadata": {"name": "default", "generation": 7}, "spec": {}})

    assert isinstance(found.resource, BGPConfig)
    assert found.resource.metadata.generation == 7


def vip(**spec: object) -> dict[str, object]:
    return {
        "apiVersion": KINDS[Kind.VIP].api_version,
        "kind": "VIP",
        "metadata": {"name": "192.0.2.1"},
        "spec": {"address": "192.0.2.1", **spec},
    }


def test_a_vip_that_is_held_stays_so_whatever_is_asked_that_is_not_served() -> None:
    holders = [{"namespace": "default", "name": "web"}]

    held = decode(Kind.VIP, vip(holders=holders, sharingKey="mail"))
    free = decode(Kind.VIP, vip(sharingKey="mail"))
    wrong = decode(Kind.VIP, vip(holders=holders, address="192.0.2.2"))

    assert [str(fault) for fault in held.faults] == [
        "VIP 192.0.2.1: spec.sharingKey: 'mail' is not supported yet; leave the field out"
    ]
    assert isinstance(held.resource, VIP)
    assert held.resource.spec is not None
    assert [holder.name for holder in held.resource.spec.holders] == ["web"]
    assert held.resource.spec.sharing_key == ""
    assert held.using_accepted
    for quarantined in (free, wrong):
        assert isinstance(quarantined.resource, VIP)
        assert quarantined.resource.spec is None
