"""`porter_ctl.api.decode`: bad peers and configs, each with its one sentence."""

from __future__ import annotations

import json

import pytest

from porter_ctl.api import KINDS, Decoded, Kind, decode, validate_document

PEER = {"address": "192.0.2.1", "asn": 65001}
CONFIG = {"asn": 64512}
SELECTOR = {"matchExpressions": [{"key": "a", "operator": "In"}]}


def document(kind: Kind, name: str, spec: object) -> dict[str, object]:
    return {
        "apiVersion": KINDS[kind].api_version,
        "kind": kind.value,
        "metadata": {"name": name},
        "spec": spec,
    }


# kind, name, spec, the one sentence about it
FAULTS: dict[str, tuple[Kind, str, object, str]] = {
    "an AS number above 2^32-1": (
        Kind.BGP_PEER,
        "tor1",
        {**PEER, "asn": 4294967296},
        (
            "BGPPeer tor1: spec.asn: 4294967296 is above 4294967295 (the largest AS number);"
            " use 1 to 4294967295"
        ),
    ),
    "AS 0": (
        Kind.BGP_CONFIG,
        "default",
        {"asn": 0},
        "BGPConfig default: spec.asn: 0 is below 1 (the smallest AS number); use 1 to 4294967295",
    ),
    "AS_TRANS": (
        Kind.BGP_CONFIG,
        "default",
        {"asn": 23456},
        (
            "BGPConfig default: spec.asn: 23456 is AS_TRANS, which no AS may use (RFC 6793);"
            " use your AS number"
        ),
    ),
    "the last AS number of 16 bits": (
        Kind.BGP_PEER,
        "tor1",
        {**PEER, "asn": 65535},
        "BGPPeer tor1: spec.asn: 65535 is reserved (RFC 7300); use your AS number",
    ),
    "an AS number as text": (
        Kind.BGP_CONFIG,
        "default",
        {"asn": "64512"},
        "BGPConfig default: spec.asn: '64512' is text, not a whole number; use 1 to 4294967295",
    ),
    "an AS number with a fraction": (
        Kind.BGP_CONFIG,
        "default",
        {"asn": 64512.5},
        "BGPConfig default: spec.asn: 64512.5 is a number, not a whole number; use 1 to 4294967295",
    ),
    "no AS number of ours": (
        Kind.BGP_CONFIG,
        "default",
        {},
        (
            "BGPConfig default: spec.asn: exactly one of asn and asnFrom must be set;"
            " set asn, or asnFrom where each node says its own"
        ),
    ),
    "an IPv6 router id": (
        Kind.BGP_CONFIG,
        "default",
        {**CONFIG, "routerID": "2001:db8::1"},
        (
            "BGPConfig default: spec.routerID: '2001:db8::1' is not an IPv4 address;"
            " write an IPv4 address"
        ),
    ),
    "router id 0.0.0.0": (
        Kind.BGP_CONFIG,
        "default",
        {**CONFIG, "routerID": "0.0.0.0"},  # noqa: S104 - an address to refuse
        (
            "BGPConfig default: spec.routerID: '0.0.0.0' is not the address of a host;"
            " write a unicast address"
        ),
    ),
    "a delay of minus one": (
        Kind.BGP_CONFIG,
        "default",
        {**CONFIG, "dataplane": {"gate": "Delay", "delayMilliseconds": -1}},
        "BGPConfig default: spec.dataplane.delayMilliseconds: -1 is below 0; use 0 to 600000",
    ),
    "a misspelt word": (
        Kind.BGP_CONFIG,
        "default",
        {**CONFIG, "adminState": "drained"},
        "BGPConfig default: spec.adminState: 'drained' is not Up or Drained; did you mean Drained?",
    ),
    "a switch that is no word": (
        Kind.BGP_CONFIG,
        "default",
        {**CONFIG, "adminState": True},
        "BGPConfig default: spec.adminState: true is true or false, not a word; use Up or Drained",
    ),
    "listening on port 0": (
        Kind.BGP_CONFIG,
        "default",
        {**CONFIG, "listen": {"port": 0}},
        "BGPConfig default: spec.listen.port: 0 is below 1; use 1 to 65535",
    ),
    "the default config for some nodes only": (
        Kind.BGP_CONFIG,
        "default",
        {**CONFIG, "nodeSelectors": [{}]},
        (
            "BGPConfig default: spec.nodeSelectors: [{}]: the BGPConfig named default is for all"
            " nodes;"
            " select nodes in a BGPConfig of another name"
        ),
    ),
    "a peer without address": (
        Kind.BGP_PEER,
        "tor1",
        {"asn": 65001},
        (
            "BGPPeer tor1: spec.address: exactly one of address, addressFrom and interface must be"
            " set; set address to the router's address"
        ),
    ),
    "a peer with address and interface": (
        Kind.BGP_PEER,
        "tor1",
        {**PEER, "interface": "eth0"},
        (
            "BGPPeer tor1: spec.address: '192.0.2.1': exactly one of address, addressFrom and"
            " interface must be"
            " set; set address to the router's address"
        ),
    ),
    "a multicast peer": (
        Kind.BGP_PEER,
        "tor1",
        {**PEER, "address": "224.0.0.5"},
        (
            "BGPPeer tor1: spec.address: '224.0.0.5' is not the address of a host;"
            " write a unicast address"
        ),
    ),
    "the broadcast address": (
        Kind.BGP_PEER,
        "tor1",
        {**PEER, "address": "255.255.255.255"},
        (
            "BGPPeer tor1: spec.address: '255.255.255.255' is not the address of a host;"
            " write a unicast address"
        ),
    ),
    "a peer by host name": (
        Kind.BGP_PEER,
        "tor1",
        {**PEER, "address": "tor1.example"},
        (
            "BGPPeer tor1: spec.address: 'tor1.example' is not an IP address;"
            " write an IPv4 or IPv6 address such as 192.0.2.10 or 2001:db8::10"
        ),
    ),
    "a zone in an address": (
        Kind.BGP_PEER,
        "tor1",
        {**PEER, "address": "fe80::1%eth0"},
        (
            "BGPPeer tor1: spec.address: 'fe80::1%eth0' carries a zone;"
            " write the address without %zone"
        ),
    ),
    "a link-local peer without interface": (
        Kind.BGP_PEER,
        "tor1",
        {**PEER, "address": "fe80::1"},
        (
            "BGPPeer tor1: spec.address: 'fe80::1': a link-local address is behind an interface"
            " that"
            " source.interface must name; set source.interface"
        ),
    ),
    "an IPv4 address mapped into IPv6": (
        Kind.BGP_PEER,
        "tor1",
        {**PEER, "address": "::ffff:192.0.2.1"},
        (
            "BGPPeer tor1: spec.address: '::ffff:192.0.2.1' is an IPv4 address mapped into IPv6;"
            " write 192.0.2.1"
        ),
    ),
    "two ways to say the AS": (
        Kind.BGP_PEER,
        "tor1",
        {**PEER, "peerType": "External"},
        (
            "BGPPeer tor1: spec.asn: 65001: exactly one of asn, asnFrom and peerType must be set;"
            " set asn to the router's AS number"
        ),
    ),
    "port 65536": (
        Kind.BGP_PEER,
        "tor1",
        {**PEER, "port": 65536},
        "BGPPeer tor1: spec.port: 65536 is above 65535; use 1 to 65535",
    ),
    "a hold time of 2 s": (
        Kind.BGP_PEER,
        "tor1",
        {**PEER, "timers": {"holdSeconds": 2}},
        (
            "BGPPeer tor1: spec.timers.holdSeconds: 2 is neither 0 nor at least 3 (RFC 4271 §4.2);"
            " use 0 or 3 to 65535"
        ),
    ),
    "keepalives too far apart": (
        Kind.BGP_PEER,
        "tor1",
        {**PEER, "timers": {"holdSeconds": 9, "keepaliveSeconds": 4}},
        (
            "BGPPeer tor1: spec.timers.keepaliveSeconds: 4: keepaliveSeconds must be at most a"
            " third"
            " of holdSeconds (RFC 4271 §4.4); lower it, or leave it out"
        ),
    ),
    "keepalives without a hold time": (
        Kind.BGP_PEER,
        "tor1",
        {**PEER, "timers": {"holdSeconds": 0, "keepaliveSeconds": 1}},
        (
            "BGPPeer tor1: spec.timers.keepaliveSeconds: 1: keepaliveSeconds must be at most a"
            " third"
            " of holdSeconds (RFC 4271 §4.4); lower it, or leave it out"
        ),
    ),
    "multihop and ttlSecurity": (
        Kind.BGP_PEER,
        "tor1",
        {**PEER, "multihop": {"ttl": 3}, "ttlSecurity": {"hops": 1}},
        (
            'BGPPeer tor1: spec.multihop: {"ttl":3}: multihop and ttlSecurity exclude each other;'
            " keep one of them"
        ),
    ),
    "multihop without ttl": (
        Kind.BGP_PEER,
        "tor1",
        {**PEER, "multihop": {}},
        "BGPPeer tor1: spec.multihop.ttl: is missing; set it: the TTL of our packets",
    ),
    "a source that says nothing": (
        Kind.BGP_PEER,
        "tor1",
        {**PEER, "source": {}},
        (
            "BGPPeer tor1: spec.source.address: exactly one of address and interface must be set;"
            " keep one of them"
        ),
    ),
    "a password without Secret": (
        Kind.BGP_PEER,
        "tor1",
        {**PEER, "auth": {"method": "MD5"}},
        (
            "BGPPeer tor1: spec.auth.secretRef: is missing;"
            " set it: where the password is; without it no session starts"
        ),
    ),
    "a Secret with an impossible name": (
        Kind.BGP_PEER,
        "tor1",
        {**PEER, "auth": {"secretRef": {"name": "Tor_1"}}},
        (
            "BGPPeer tor1: spec.auth.secretRef.name: 'Tor_1' is not the name of an object;"
            " use lower-case letters, digits, '-' and '.'"
        ),
    ),
    "a family twice": (
        Kind.BGP_PEER,
        "tor1",
        {**PEER, "families": ["ipv4-unicast", "ipv4-unicast"]},
        "BGPPeer tor1: spec.families[1]: 'ipv4-unicast' stands already at 0; remove one of the two",
    ),
    "an unknown family": (
        Kind.BGP_PEER,
        "tor1",
        {**PEER, "families": ["ipv4"]},
        (
            "BGPPeer tor1: spec.families[0]: 'ipv4' is not ipv4-unicast or ipv6-unicast;"
            " use ipv4-unicast or ipv6-unicast"
        ),
    ),
    "an IPv4 next hop in IPv6": (
        Kind.BGP_PEER,
        "tor1",
        {**PEER, "nextHop": {"ipv4": "2001:db8::1"}},
        (
            "BGPPeer tor1: spec.nextHop.ipv4: '2001:db8::1' is not an IPv4 address;"
            " write an IPv4 address"
        ),
    ),
    "a shutdown message above 255 octets": (
        Kind.BGP_PEER,
        "tor1",
        {**PEER, "shutdownMessage": "ü" * 128},
        (
            "BGPPeer tor1: spec.shutdownMessage: 256 octets of UTF-8 are above 255 (RFC 9003);"
            " shorten it to 255 octets or less"
        ),
    ),
    "a selector that compares with nothing": (
        Kind.BGP_PEER,
        "tor1",
        {**PEER, "nodeSelectors": [SELECTOR]},
        (
            "BGPPeer tor1: spec.nodeSelectors[0].matchExpressions[0].values: In and NotIn need"
            " values, Exists and DoesNotExist take none; list the values, or use Exists"
        ),
    ),
    "a label key that is none": (
        Kind.BGP_PEER,
        "tor1",
        {**PEER, "nodeSelectors": [{"matchLabels": {"a b": "c"}}]},
        (
            "BGPPeer tor1: spec.nodeSelectors[0].matchLabels.a b: 'a b' is not the key of a label;"
            " write it as name or domain/name"
        ),
    ),
    "a selector where a list of them belongs": (
        Kind.BGP_PEER,
        "tor1",
        {**PEER, "nodeSelectors": {"matchLabels": {}}},
        (
            'BGPPeer tor1: spec.nodeSelectors: {"matchLabels":{}} is an object, not a list;'
            " write a list"
        ),
    ),
    "labels that are a list": (
        Kind.BGP_PEER,
        "tor1",
        {**PEER, "nodeSelectors": [{"matchLabels": ["rack"]}]},
        (
            'BGPPeer tor1: spec.nodeSelectors[0].matchLabels: ["rack"] is a list, not an object of'
            " texts; write an object of texts"
        ),
    ),
    "too many labels": (
        Kind.BGP_PEER,
        "tor1",
        {**PEER, "nodeSelectors": [{"matchLabels": {f"a{n}": "" for n in range(65)}}]},
        "BGPPeer tor1: spec.nodeSelectors[0].matchLabels: has 65 entries; use at most 64",
    ),
    "a label whose value YAML made a number": (
        Kind.BGP_PEER,
        "tor1",
        {**PEER, "nodeSelectors": [{"matchLabels": {"rack": 1}}]},
        (
            "BGPPeer tor1: spec.nodeSelectors[0].matchLabels.rack: 1 is a number, not text;"
            " put it in quotes"
        ),
    ),
    "an interface with a long name": (
        Kind.BGP_PEER,
        "tor1",
        {**PEER, "source": {"interface": "x" * 16}},
        (
            "BGPPeer tor1: spec.source.interface: 'xxxxxxxxxxxxxxxx' has 16 characters;"
            " use at most 15"
        ),
    ),
    "an interface without a name": (
        Kind.BGP_PEER,
        "tor1",
        {**PEER, "source": {"interface": ""}},
        "BGPPeer tor1: spec.source.interface: '' is too short; use 1 or more characters",
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
