"""`porter validate`: all that is wrong, in documents and between them, each with its place."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from porter_ctl.cli.main import porter

if TYPE_CHECKING:
    from pathlib import Path

API = "apiVersion: porter.network/v1beta1"
CONFIG = f"{API}\nkind: BGPConfig\nmetadata: {{name: default}}\nspec: {{asn: 64512}}"
PEER = f"{API}\nkind: BGPPeer\nmetadata: {{name: tor}}\nspec: {{asn: 65000, address: 192.0.2.1}}"
POOL = f"{API}\nkind: VIPPool\nmetadata: {{name: lab}}\nspec: {{addresses: [198.51.100.0/28]}}"


def pool(name: str, addresses: str) -> str:
    return f"{API}\nkind: VIPPool\nmetadata: {{name: {name}}}\nspec: {{addresses: [{addresses}]}}"


def peer(name: str, spec: str) -> str:
    return f"{API}\nkind: BGPPeer\nmetadata: {{name: {name}}}\nspec: {{asn: 65000, {spec}}}"


def advertisement(spec: str) -> str:
    return f"{API}\nkind: BGPAdvertisement\nmetadata: {{name: all}}\nspec: {{{spec}}}"


def service(annotation: str) -> str:
    return (
        "apiVersion: v1\nkind: Service\n"
        f"metadata: {{name: web, annotations: {{porter.network/{annotation}}}}}\n"
        "spec: {type: LoadBalancer, ports: [{port: 80}]}"
    )


NODE = """\
apiVersion: v1
kind: Node
metadata: {name: a}
status: {addresses: [{type: InternalIP, address: 198.51.100.9}]}"""


def run(*arguments: str, stdin: str | None = None) -> tuple[int, str, str]:
    done = CliRunner().invoke(porter, ["validate", *arguments], input=stdin)
    return done.exit_code, done.stdout, done.stderr


def write(folder: Path, *documents: str, name: str = "all.yaml") -> Path:
    path = folder / name
    path.write_text("\n---\n".join(documents) + "\n")
    return path


# Documents, then the lines that are printed, each behind the file's name.
BY_THEMSELVES = {
    "an AS number of 33 bits": (
        (f"{API}\nkind: BGPConfig\nmetadata: {{name: default}}\nspec: {{asn: 4294967296}}",),
        [
            (
                ":1: BGPConfig default: spec.asn: 4294967296 is above 4294967295 (the largest AS"
                " number); use 1 to 4294967295"
            )
        ],
    ),
    "a field that nobody knows": (
        (CONFIG, peer("tor", "address: 192.0.2.1, prot: 179")),
        [":6: BGPPeer tor: spec.prot: 179: is not a field; did you mean port?"],
    ),
    "a field that is not served yet": (
        (
            (
                f"{API}\nkind: VIPPool\nmetadata: {{name: lab}}\n"
                "spec: {addresses: [198.51.100.0/28], priority: 5}"
            ),
        ),
        [":1: VIPPool lab: spec.priority: 5 is not supported yet; leave the field out"],
    ),
    "a community whose half is too big": (
        (advertisement("communities: {standard: ['70000:1']}"),),
        [
            (
                ":1: BGPAdvertisement all: spec.communities.standard[0]: '70000:1' has a part above"
                " 65535; write 2 decimal numbers from 0 to 65535, such as 65000:100"
            )
        ],
    ),
    "two faults in one document": (
        (CONFIG, peer("tor", "address: 192.0.2.300, port: 0")),
        [
            (
                ":6: BGPPeer tor: spec.address: '192.0.2.300' is not an IP address; write an"
                " IPv4 or"
                " IPv6 address such as 192.0.2.10 or 2001:db8::10"
            ),
            ":6: BGPPeer tor: spec.port: 0 is below 1; use 1 to 65535",
        ],
    ),
    "no kind of ours": (
        (f"{API}\nkind: BGPPear\nmetadata: {{name: tor}}",),
        [":1: kind: 'BGPPear' is not a kind of porter.network/v1beta1; did you mean BGPPeer?"],
    ),
    "no YAML": (
        ("a: [",),
        [(":2: did not find expected node content, while parsing a flow node; correct that line")],
    ),
    "no object": (
        ("- 1",),
        [":1: the document is not an object; it needs apiVersion, kind, metadata"],
    ),
}
BETWEEN_THEM = {
    "a peer without a configuration": (
        (PEER,),
        [
            (
                ":1: BGPPeer tor: no BGPConfig selects this node; create the BGPConfig default with"
                " spec.asn"
            )
        ],
    ),
    "two pools that overlap": (
        (POOL, pool("new", "198.51.100.14-198.51.100.20")),
        [
            (
                ":6: VIPPool new: spec.addresses: 198.51.100.14-198.51.100.15 belongs to the older"
                " VIPPool/lab; this pool gives nothing of it; take it out of one of the two pools"
            )
        ],
    ),
    "a pool with the address of a node": (
        (POOL, NODE),
        [
            (
                ":1: VIPPool lab: spec.addresses: 198.51.100.9 is the address of Node/a and is"
                " never"
                " given; put 198.51.100.9 into spec.exclude"
            )
        ],
    ),
    "two peers with one address": (
        (CONFIG, PEER, peer("tor-b", "address: 192.0.2.1")),
        [
            (
                ":11: BGPPeer tor-b: spec.address: 192.0.2.1 is the address of the older"
                " BGPPeer/tor on"
                " this node; delete one of the two, or select different nodes"
            )
        ],
    ),
    "a password that is nowhere": (
        (CONFIG, peer("tor", "address: 192.0.2.1, auth: {method: MD5, secretRef: {name: md5}}")),
        [
            (
                ":6: BGPPeer tor: spec.auth.secretRef: Secret md5 has no password under"
                " 'password'; the"
                " session does not start without it; create Secret md5 in Porter's namespace"
                " with the"
                " key password"
            )
        ],
    ),
    "one object twice": (
        (POOL, POOL),
        [":6: VIPPool lab: it stands already in FILE:1, which counts; remove one of the two"],
    ),
}


@pytest.mark.parametrize(("documents", "lines"), BY_THEMSELVES.values(), ids=BY_THEMSELVES)
def test_each_fault_of_a_document_is_told(
    tmp_path: Path, documents: tuple[str, ...], lines: list[str]
) -> None:
    path = write(tmp_path, *documents)
    status, out, err = run(str(path))

    assert out.splitlines() == [f"{path}{line}" for line in lines]
    assert status == 1
    assert err.startswith(f"{len(lines)} fault")


@pytest.mark.parametrize(("documents", "lines"), BETWEEN_THEM.values(), ids=BETWEEN_THEM)
def test_each_fault_between_documents_is_told(
    tmp_path: Path, documents: tuple[str, ...], lines: list[str]
) -> None:
    path = write(tmp_path, *documents)
    status, out, _ = run(str(path))

    assert out.splitlines() == [f"{path}{line}".replace("FILE", str(path)) for line in lines]
    assert status == 1


@pytest.mark.parametrize(
    "annotation", ["addresses: 192.0.2.77", "addresses: 198.51.100.99"], ids=["far", "near"]
)
def test_a_service_that_would_get_no_address_is_told(tmp_path: Path, annotation: str) -> None:
    path = write(tmp_path, POOL, service(annotation))
    status, out, _ = run(str(path), "-o", "json")

    (fault,) = json.loads(out)["faults"]
    assert status == 1
    assert (fault["line"], fault["kind"], fault["name"]) == (6, "Service", "default/web")
    assert fault["reason"] == "NoPool"


def test_documents_that_are_good_pass_together_and_alone(tmp_path: Path) -> None:
    write(tmp_path, CONFIG, PEER, name="bgp.yaml")
    write(tmp_path, POOL, advertisement("pools: [lab]"), name="pools.yaml")
    status, out, err = run(str(tmp_path))
    alone, _, _ = run("--alone", "-", stdin=PEER)

    assert (status, out, err) == (0, "", "all is good; 4 objects in 2 files\n")
    assert alone == 0


def test_what_stands_in_another_file_counts(tmp_path: Path) -> None:
    first = write(tmp_path, PEER, name="peer.yaml")
    second = write(tmp_path, CONFIG, name="config.yaml")

    assert run(str(first))[0] == 1
    assert run(str(first), str(second))[0] == 0


def test_json_has_every_part_of_a_fault(tmp_path: Path) -> None:
    path = write(tmp_path, pool("lab", "10.0.0.0/33"))
    _, out, err = run(str(path), "-o", "json")
    answer = json.loads(out)

    assert err == ""
    assert (answer["files"], answer["documents"]) == (1, 1)
    (fault,) = answer["faults"]
    assert fault == {
        "file": str(path),
        "line": 1,
        "kind": "VIPPool",
        "name": "lab",
        "path": "spec.addresses[0]",
        "value": "'10.0.0.0/33'",
        "message": fault["message"],
        "remedy": fault["remedy"],
        "reason": "Invalid",
    }
    assert "10.0.0.0/33" in fault["message"]


def test_names_are_those_of_what_is_wrong(tmp_path: Path) -> None:
    path = write(tmp_path, pool("lab", "10.0.0.0/33"), pool("good", "198.51.100.0/28"))

    assert run(str(path), "-o", "name")[1] == "vippool/lab\n"


def test_a_directory_without_manifests_is_a_wrong_command_line(tmp_path: Path) -> None:
    status, _, err = run(str(tmp_path))

    assert status == 2
    assert "there is no file *.yaml in it" in err
