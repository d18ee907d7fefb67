"""`porter_ctl.lab.files`: each file is accepted as it stands, and says what the lab means."""

from __future__ import annotations

import msgspec
import pytest

from porter_ctl.api import Kind, decode
from porter_ctl.lab import files
from porter_ctl.manifests.parse import parse_file

NODES = {"node1": "127.0.0.11", "node2": "127.0.0.12"}
SERVERS = [files.Endpoint("node1", "web-1a", "127.0.0.11")]


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        pytest.param(files.nodes(NODES), [Kind.NODE, Kind.NODE], id="nodes"),
        pytest.param(files.speaker(), [Kind.BGP_CONFIG], id="speaker"),
        pytest.param(
            files.speaker(graceful_restart=False, drains=False),
            [Kind.BGP_CONFIG],
            id="speaker that neither restarts gracefully nor drains",
        ),
        pytest.param(
            files.peers(NODES, router="127.0.0.1", port=1790, asn=65000, several_paths=False),
            [Kind.BGP_PEER, Kind.BGP_PEER],
            id="peers that take one path",
        ),
        pytest.param(
            files.advertisement_by("node1"), [Kind.BGP_ADVERTISEMENT], id="advertisement by one"
        ),
        pytest.param(
            files.service("web", port=8080, told_by="node1"),
            [Kind.SERVICE],
            id="service that one node tells",
        ),
        pytest.param(
            files.peers(NODES, router="127.0.0.1", port=1790, asn=65000),
            [Kind.BGP_PEER, Kind.BGP_PEER],
            id="peers",
        ),
        pytest.param(files.pool("198.51.100.0/24", hold_seconds=600), [Kind.VIP_POOL], id="pool"),
        pytest.param(
            files.advertisement("65000:100"), [Kind.BGP_ADVERTISEMENT], id="advertisement"
        ),
        pytest.param(files.service("web", port=8080), [Kind.SERVICE], id="service"),
        pytest.param(
            files.service("web", port=8080, address="198.51.100.1"),
            [Kind.SERVICE],
            id="service that asks for an address",
        ),
        pytest.param(
            files.endpoints("web", SERVERS, port=8080), [Kind.ENDPOINT_SLICE], id="endpoints"
        ),
        pytest.param(files.endpoints("web", [], port=8080), [Kind.ENDPOINT_SLICE], id="none left"),
    ],
)
def test_a_file_has_its_objects_and_no_fault(text: str, kinds: list[Kind]) -> None:
    documents, faults = parse_file(text.encode(), "file.yaml", mtime=0.0)
    decoded = [
        decode(document.ref.kind, msgspec.json.encode(document.body)) for document in documents
    ]

    assert [document.ref.kind for document in documents] == kinds
    assert faults == ()
    assert [fault for one in decoded for fault in one.faults] == []
