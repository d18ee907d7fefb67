"""`porter_ctl.api.decode`: bad pools, VIPs and advertisements, each with its one sentence."""

from __future__ import annotations

import json

import pytest

from porter_ctl.api import KINDS, Decoded, Kind, decode, validate_document

POOL = {"addresses": ["198.51.100.0/24"]}
VIP6 = "2001-0db8-0000-0000-0000-0000-0000-0010"
HOLDER = {"namespace": "default", "name": "web"}


def document(kind: Kind, name: str, spec: object) -> dict[str, object]:
    return {
        "apiVersion": KINDS[kind].api_version,
        "kind": kind.value,
        "metadata": {"name": name},
        "spec": spec,
    }


# kind, name, spec, the one sentence about it
FAULTS: dict[str, tuple[Kind, str, object, str]] = {
    "a pool without addresses": (
        Kind.VIP_POOL,
        "lab",
        {},
        (
            "VIPPool lab: spec.addresses: is missing; set it: addresses to give: CIDR,"
            " `first-last`, or one address; IPv4 and IPv6 may be mixed"
        ),
    ),
    "an empty list of addresses": (
        Kind.VIP_POOL,
        "lab",
        {"addresses": []},
        "VIPPool lab: spec.addresses: has 0 entries; use 1 to 256 entries",
    ),
    "a range that ends before it begins": (
        Kind.VIP_POOL,
        "lab",
        {"addresses": ["192.0.2.9-192.0.2.1"]},
        (
            "VIPPool lab: spec.addresses[0]: '192.0.2.9-192.0.2.1' ends before it begins;"
            " write 192.0.2.1-192.0.2.9"
        ),
    ),
    "a range over two families": (
        Kind.VIP_POOL,
        "lab",
        {"addresses": ["192.0.2.9-2001:db8::1"]},
        (
            "VIPPool lab: spec.addresses[0]: '192.0.2.9-2001:db8::1' mixes IPv4 and IPv6;"
            " write a CIDR block, first-last or one address"
        ),
    ),
    "host bits in a block": (
        Kind.VIP_POOL,
        "lab",
        {"addresses": ["192.0.2.5/24"]},
        "VIPPool lab: spec.addresses[0]: '192.0.2.5/24' has host bits set; write 192.0.2.0/24",
    ),
    "a netmask": (
        Kind.VIP_POOL,
        "lab",
        {"addresses": ["192.0.2.0/255.255.255.0"]},
        (
            "VIPPool lab: spec.addresses[0]: '192.0.2.0/255.255.255.0' is not a CIDR block;"
            " write a prefix length from 0 to 32 behind one slash"
        ),
    ),
    "the default route": (
        Kind.VIP_POOL,
        "lab",
        {"addresses": ["0.0.0.0/0"]},
        (
            "VIPPool lab: spec.addresses[0]: '0.0.0.0/0' is the default route;"
            " write the block that is yours to give"
        ),
    ),
    "the default route of IPv6": (
        Kind.VIP_POOL,
        "lab",
        {"addresses": ["::/0"]},
        (
            "VIPPool lab: spec.addresses[0]: '::/0' is the default route;"
            " write the block that is yours to give"
        ),
    ),
    "loopback space": (
        Kind.VIP_POOL,
        "lab",
        {"addresses": ["127.0.0.1"]},
        (
            "VIPPool lab: spec.addresses[0]: '127.0.0.1' reaches into special space 127.0.0.0/8;"
            " write unicast addresses that are yours to give"
        ),
    ),
    "a range across multicast space": (
        Kind.VIP_POOL,
        "lab",
        {"addresses": ["223.0.0.0-225.0.0.0"]},
        (
            "VIPPool lab: spec.addresses[0]: '223.0.0.0-225.0.0.0' reaches into special space"
            " 224.0.0.0/3; write unicast addresses that are yours to give"
        ),
    ),
    "link-local space of IPv6": (
        Kind.VIP_POOL,
        "lab",
        {"addresses": ["fe80::/64"]},
        (
            "VIPPool lab: spec.addresses[0]: 'fe80::/64' reaches into special space fe80::/10;"
            " write unicast addresses that are yours to give"
        ),
    ),
    "two blocks that overlap": (
        Kind.VIP_POOL,
        "lab",
        {"addresses": ["192.0.2.0/24", "192.0.2.255-192.0.3.1"]},
        (
            'VIPPool lab: spec.addresses: ["192.0.2.0/24","192.0.2.255-192.0.3.1"]: two entries'
            " overlap; write each address once"
        ),
    ),
    "an exclusion outside the pool": (
        Kind.VIP_POOL,
        "lab",
        {**POOL, "exclude": ["192.0.2.0/24"]},
        (
            'VIPPool lab: spec.exclude: ["192.0.2.0/24"]: an entry does not lie inside one'
            " entry of addresses;"
            " exclude only addresses that the pool would give"
        ),
    ),
    "a hold of more than a week": (
        Kind.VIP_POOL,
        "lab",
        {**POOL, "holdSeconds": 604801},
        "VIPPool lab: spec.holdSeconds: 604801 is above 604800; use 0 to 604800",
    ),
    "a VIP whose name is not its address": (
        Kind.VIP,
        "192.0.2.2",
        {"address": "192.0.2.1"},
        (
            "VIP 192.0.2.2: metadata.name: '192.0.2.2': the name must be the address (IPv6 in"
            " full, with - for"
            " :); name the object after its address"
        ),
    ),
    "a VIP whose name is another spelling": (
        Kind.VIP,
        "2001-db8--10",
        {"address": "2001:db8::10"},
        (
            "VIP 2001-db8--10: metadata.name: '2001-db8--10': the name must be the address (IPv6"
            " in full, with -"
            " for :); name the object after its address"
        ),
    ),
    "an address in another spelling": (
        Kind.VIP,
        VIP6,
        {"address": "2001:0db8::10"},
        (
            f"VIP {VIP6}: spec.address: '2001:0db8::10' is not the canonical spelling;"
            " write 2001:db8::10"
        ),
    ),
    "zero-padded IPv4": (
        Kind.VIP,
        "192.0.2.1",
        {"address": "192.0.2.01"},
        (
            "VIP 192.0.2.1: spec.address: '192.0.2.01' is not an IP address;"
            " write an IPv4 or IPv6 address such as 192.0.2.10 or 2001:db8::10"
        ),
    ),
    "a VIP in loopback space": (
        Kind.VIP,
        "127.0.0.1",
        {"address": "127.0.0.1"},
        (
            "VIP 127.0.0.1: spec.address: '127.0.0.1' reaches into special space 127.0.0.0/8;"
            " write unicast addresses that are yours to give"
        ),
    ),
    "one holder twice": (
        Kind.VIP,
        "192.0.2.1",
        {"address": "192.0.2.1", "holders": [HOLDER, HOLDER]},
        "VIP 192.0.2.1: spec.holders[1]: default/web stands already at 0; remove one of the two",
    ),
    "a release at no time": (
        Kind.VIP,
        "192.0.2.1",
        {"address": "192.0.2.1", "releasedAt": "yesterday"},
        (
            "VIP 192.0.2.1: spec.releasedAt: 'yesterday' is not a time;"
            " write it as 2026-01-31T12:00:00Z"
        ),
    ),
    "a community that YAML made a number": (
        Kind.BGP_ADVERTISEMENT,
        "all",
        {"communities": {"standard": [3900100]}},
        (
            "BGPAdvertisement all: spec.communities.standard[0]: 3900100 is a number, not text;"
            " put it in quotes"
        ),
    ),
    "a community above 16 bits": (
        Kind.BGP_ADVERTISEMENT,
        "all",
        {"communities": {"standard": ["65536:1"]}},
        (
            "BGPAdvertisement all: spec.communities.standard[0]: '65536:1' has a part above 65535;"
            " write 2 decimal numbers from 0 to 65535, such as 65000:100"
        ),
    ),
    "a large community of two parts": (
        Kind.BGP_ADVERTISEMENT,
        "all",
        {"communities": {"large": ["65000:1"]}},
        (
            "BGPAdvertisement all: spec.communities.large[0]: '65000:1' is not a community of 3"
            " numbers; write 3 decimal numbers from 0 to 4294967295, such as 65000:1:100"
        ),
    ),
    "a large community above 32 bits": (
        Kind.BGP_ADVERTISEMENT,
        "all",
        {"communities": {"large": ["4294967296:1:1"]}},
        (
            "BGPAdvertisement all: spec.communities.large[0]: '4294967296:1:1' has a part above"
            " 4294967295; write 3 decimal numbers from 0 to 4294967295, such as 65000:1:100"
        ),
    ),
    "an extended community of no known kind": (
        Kind.BGP_ADVERTISEMENT,
        "all",
        {"communities": {"extended": ["lb:1:1"]}},
        (
            "BGPAdvertisement all: spec.communities.extended[0]: 'lb:1:1' is not an extended"
            " community; write rt:65000:100, soo:65000:100 or 0x and 16 hexadecimal digits"
        ),
    ),
    "a well-known community that is not known": (
        Kind.BGP_ADVERTISEMENT,
        "all",
        {"communities": {"wellKnown": ["no-exports"]}},
        (
            "BGPAdvertisement all: spec.communities.wellKnown[0]: 'no-exports' is not no-export,"
            " no-advertise, no-export-subconfed, no-peer, blackhole or graceful-shutdown;"
            " did you mean no-export?"
        ),
    ),
    "a MED above 32 bits": (
        Kind.BGP_ADVERTISEMENT,
        "all",
        {"med": 4294967296},
        "BGPAdvertisement all: spec.med: 4294967296 is above 4294967295; use 0 to 4294967295",
    ),
    "speakers where every node speaks": (
        Kind.BGP_ADVERTISEMENT,
        "all",
        {"nextHop": {"speakerNodeSelectors": [{}]}},
        (
            "BGPAdvertisement all: spec.nextHop.speakerNodeSelectors: [{}]: speakerNodeSelectors"
            " belongs"
            " to type Nodes; set type to Nodes, or leave it out"
        ),
    ),
    "no endpoint needed": (
        Kind.BGP_ADVERTISEMENT,
        "all",
        {"endpoints": {"min": 0}},
        "BGPAdvertisement all: spec.endpoints.min: 0 is below 1; use 1 to 10000",
    ),
    "a spec that is a list": (
        Kind.BGP_ADVERTISEMENT,
        "all",
        [],
        (
            "BGPAdvertisement all: spec: [] is a list, not an object of fields;"
            " write an object of fields"
        ),
    ),
    "no spec": (
        Kind.BGP_ADVERTISEMENT,
        "all",
        None,
        (
            "BGPAdvertisement all: spec: is missing; set it: what is announced, where, and how."
            " Selectors: OR within a field, AND between fields"
        ),
    ),
}


def _is_one(fault_texts: list[str], sentence: str) -> bool:
    # Rules that hold for the same object on top (a field not served yet) may follow.
    return fault_texts[:1] == [sentence]


@pytest.mark.parametrize(("kind", "name", "spec", "sentence"), FAULTS.values(), ids=FAULTS)
def test_the_daemon_names_the_fault_and_keeps_the_object_out(
    kind: Kind, name: str, spec: object, sentence: str
) -> None:
    found = decode(kind, json.dumps(document(kind, name, spec)).encode())

    assert _is_one([str(fault) for fault in found.faults], sentence)
    assert found.resource is not None
    assert _spec(found) is None
    assert not found.using_accepted


@pytest.mark.parametrize(("kind", "name", "spec", "sentence"), FAULTS.values(), ids=FAULTS)
def test_validation_says_the_same(kind: Kind, name: str, spec: object, sentence: str) -> None:
    faults = validate_document(document(kind, name, spec))

    assert _is_one([str(fault) for fault in faults], sentence)


def _spec(found: Decoded) -> object:
    return getattr(found.resource, "spec", None)
