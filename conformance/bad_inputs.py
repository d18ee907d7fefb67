"""Bad inputs, in one table: what a user may write, and the one sentence that answers it.

Every row goes three ways: through a real API server (`conformance/test_bad_input.py`), and as a
file of a directory and of `porter validate` (`tests/porter_ctl/test_bad_input.py`). A row that
names an object of the good world is an edit of that object, which the good Service lives on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.manifests import API, VIP, Bad, ours, service

if TYPE_CHECKING:
    from collections.abc import Mapping

_TOO_MANY = ", ".join(f"203.0.113.{number}" for number in range(256)) + ", 192.0.2.1"

BAD: Mapping[str, Bad] = {
    "AS 0": Bad(
        subject="BGPConfig default",
        spec="{asn: 0}",
        says="spec.asn: 0 is below 1 (the smallest AS number); use 1 to 4294967295",
        server="should be greater than or equal to 1",
    ),
    "AS_TRANS": Bad(
        subject="BGPConfig as-trans",
        spec="{asn: 23456}",
        says="spec.asn: 23456 is AS_TRANS, which no AS may use (RFC 6793); use your AS number",
        server="23456 (AS_TRANS), 65535 and 4294967295 are reserved; use your AS number",
    ),
    "an AS number above 2^32-1": Bad(
        subject="BGPConfig above",
        spec="{asn: 4294967296}",
        says=(
            "spec.asn: 4294967296 is above 4294967295 (the largest AS number); use 1 to 4294967295"
        ),
        server="should be less than or equal to 4294967295",
    ),
    "a negative AS number": Bad(
        subject="BGPConfig negative",
        spec="{asn: -1}",
        says="spec.asn: -1 is below 1 (the smallest AS number); use 1 to 4294967295",
        server="should be greater than or equal to 1",
    ),
    "an AS number as text": Bad(
        subject="BGPConfig text",
        spec='{asn: "64512"}',
        says="spec.asn: '64512' is text, not a whole number; use 1 to 4294967295",
        server='must be of type integer: "string"',
    ),
    "no AS number of ours": Bad(
        subject="BGPConfig none",
        spec="{adminState: Up}",
        says=(
            "spec.asn: exactly one of asn and asnFrom must be set; set asn, or asnFrom where each"
            " node says its own"
        ),
        server="exactly one of asn and asnFrom must be set; set asn, or asnFrom",
    ),
    "an IPv6 address as BGP Identifier": Bad(
        subject="BGPConfig identifier",
        spec="{asn: 64512, routerID: '2001:db8::1'}",
        says="spec.routerID: '2001:db8::1' is not an IPv4 address; write an IPv4 address",
        server="2001:db8::1: must be a unicast IPv4 address",
    ),
    "a switch that is true or false": Bad(
        subject="BGPConfig switch",
        spec="{asn: 64512, adminState: true}",
        says="spec.adminState: true is true or false, not a word; use Up or Drained",
        server='must be of type string: "boolean"',
    ),
    "the default configuration for some nodes only": Bad(
        subject="BGPConfig default",
        spec="{asn: 64512, nodeSelectors: [{matchLabels: {rack: a}}]}",
        says=(
            'spec.nodeSelectors: [{"matchLabels":{"rack":"a"}}]: the BGPConfig named default is'
            " for all nodes; select nodes in a BGPConfig of another name"
        ),
        more=(
            (
                'spec.nodeSelectors: [{"matchLabels":{"rack":"a"}}] is not supported yet;'
                " leave the field out"
            ),
        ),
        server="the BGPConfig named default is for all nodes",
    ),
    "long-lived graceful restart, which is not there yet": Bad(
        subject="BGPConfig default",
        spec="{asn: 64512, gracefulRestart: {longLivedSeconds: 60}}",
        says=(
            "spec.gracefulRestart.longLivedSeconds: 60 is not supported yet; leave the field out"
        ),
    ),
    "a peer without an address": Bad(
        subject="BGPPeer router",
        spec="{asn: 64701}",
        says=(
            "spec.address: exactly one of address, addressFrom and interface must be set; set"
            " address to the router's address"
        ),
        server="exactly one of address, addressFrom and interface must be set",
    ),
    "a peer with address and interface": Bad(
        subject="BGPPeer both",
        spec="{address: 192.0.2.1, interface: eth0, asn: 64701}",
        says=(
            "spec.address: '192.0.2.1': exactly one of address, addressFrom and interface must be"
            " set; set address to the router's address"
        ),
        more=("spec.interface: 'eth0' is not supported yet; leave the field out",),
        server="exactly one of address, addressFrom and interface must be set",
    ),
    "a peer with asn and peerType": Bad(
        subject="BGPPeer two-asns",
        spec="{address: 192.0.2.1, asn: 64701, peerType: External}",
        says=(
            "spec.asn: 64701: exactly one of asn, asnFrom and peerType must be set; set asn to"
            " the router's AS number"
        ),
        server="exactly one of asn, asnFrom and peerType must be set",
    ),
    "a peer's AS number that is reserved": Bad(
        subject="BGPPeer last-asn",
        spec="{address: 192.0.2.1, asn: 4294967295}",
        says="spec.asn: 4294967295 is reserved (RFC 7300); use your AS number",
        server="23456 (AS_TRANS), 65535 and 4294967295 are reserved; use your AS number",
    ),
    "a name where an address belongs": Bad(
        subject="BGPPeer by-name",
        spec="{address: tor1.example.net, asn: 64701}",
        says=(
            "spec.address: 'tor1.example.net' is not an IP address; write an IPv4 or IPv6 address"
            " such as 192.0.2.10 or 2001:db8::10"
        ),
        server="tor1.example.net: must be the unicast address of a host",
    ),
    "a multicast address as peer": Bad(
        subject="BGPPeer multicast",
        spec="{address: 224.0.0.5, asn: 64701}",
        says="spec.address: '224.0.0.5' is not the address of a host; write a unicast address",
        server="224.0.0.5: must be the unicast address of a host",
    ),
    "a link-local peer without an interface": Bad(
        subject="BGPPeer link-local",
        spec="{address: 'fe80::1', asn: 64701}",
        says=(
            "spec.address: 'fe80::1': a link-local address is behind an interface that"
            " source.interface must name; set source.interface"
        ),
        server="a link-local address is behind an interface that source.interface must name",
    ),
    "port 0": Bad(
        subject="BGPPeer port-0",
        spec="{address: 192.0.2.1, asn: 64701, port: 0}",
        says="spec.port: 0 is below 1; use 1 to 65535",
        server="should be greater than or equal to 1",
    ),
    "port 65536": Bad(
        subject="BGPPeer port-65536",
        spec="{address: 192.0.2.1, asn: 64701, port: 65536}",
        says="spec.port: 65536 is above 65535; use 1 to 65535",
        server="should be less than or equal to 65535",
    ),
    "a hold time of 1": Bad(
        subject="BGPPeer hold-1",
        spec="{address: 192.0.2.1, asn: 64701, timers: {holdSeconds: 1}}",
        says=(
            "spec.timers.holdSeconds: 1 is neither 0 nor at least 3 (RFC 4271 §4.2); use 0 or 3"
            " to 65535"
        ),
        server="must be 0 or 3 to 65535, not 1 or 2 (RFC 4271)",
    ),
    "a hold time of 2": Bad(
        subject="BGPPeer hold-2",
        spec="{address: 192.0.2.1, asn: 64701, timers: {holdSeconds: 2}}",
        says=(
            "spec.timers.holdSeconds: 2 is neither 0 nor at least 3 (RFC 4271 §4.2); use 0 or 3"
            " to 65535"
        ),
        server="must be 0 or 3 to 65535, not 1 or 2 (RFC 4271)",
    ),
    "keepalives further apart than a third of the hold time": Bad(
        subject="BGPPeer keepalive",
        spec=("{address: 192.0.2.1, asn: 64701, timers: {holdSeconds: 9, keepaliveSeconds: 9}}"),
        says=(
            "spec.timers.keepaliveSeconds: 9: keepaliveSeconds must be at most a third of"
            " holdSeconds (RFC 4271 §4.4); lower it, or leave it out"
        ),
        server="keepaliveSeconds must be at most a third of holdSeconds (RFC 4271 §4.4)",
    ),
    "a dial that may take no time": Bad(
        subject="BGPPeer connect-0",
        spec="{address: 192.0.2.1, asn: 64701, timers: {connectSeconds: 0}}",
        says="spec.timers.connectSeconds: 0 is below 1; use 1 to 300",
        server="should be greater than or equal to 1",
    ),
    "a TTL of 256": Bad(
        subject="BGPPeer ttl-256",
        spec="{address: 192.0.2.1, asn: 64701, multihop: {ttl: 256}}",
        says="spec.multihop.ttl: 256 is above 255; use 1 to 255",
        server="should be less than or equal to 255",
    ),
    "multihop and ttlSecurity": Bad(
        subject="BGPPeer two-ttls",
        spec="{address: 192.0.2.1, asn: 64701, multihop: {ttl: 2}, ttlSecurity: {hops: 2}}",
        says=(
            'spec.multihop: {"ttl":2}: multihop and ttlSecurity exclude each other; keep one of'
            " them"
        ),
        server="multihop and ttlSecurity exclude each other; keep one of them",
    ),
    "a source that is address and interface": Bad(
        subject="BGPPeer source",
        spec=("{address: 192.0.2.1, asn: 64701, source: {address: 192.0.2.2, interface: eth0}}"),
        says=(
            "spec.source.address: '192.0.2.2': exactly one of address and interface must be set;"
            " keep one of them"
        ),
        server="exactly one of address and interface must be set; keep one of them",
    ),
    "a family that nobody knows": Bad(
        subject="BGPPeer family",
        spec="{address: 192.0.2.1, asn: 64701, families: [ipv4-unicast, ipv6-unicats]}",
        says=(
            "spec.families[1]: 'ipv6-unicats' is not ipv4-unicast or ipv6-unicast; did you mean"
            " ipv6-unicast?"
        ),
        server='supported values: "ipv4-unicast", "ipv6-unicast"',
    ),
    "a word in another case": Bad(
        subject="BGPPeer connection",
        spec="{address: 192.0.2.1, asn: 64701, connection: passive}",
        says=(
            "spec.connection: 'passive' is not Active, Passive or PassiveOnly; did you mean"
            " Passive?"
        ),
        server='supported values: "Active", "Passive", "PassiveOnly"',
    ),
    "an IPv6 next hop for IPv4": Bad(
        subject="BGPPeer next-hop",
        spec="{address: 192.0.2.1, asn: 64701, nextHop: {ipv4: '2001:db8::1'}}",
        says="spec.nextHop.ipv4: '2001:db8::1' is not an IPv4 address; write an IPv4 address",
        server="2001:db8::1: must be a unicast IPv4 address",
    ),
    "a shutdown message that is too long": Bad(
        subject="BGPPeer farewell",
        spec=f"{{address: 192.0.2.1, asn: 64701, shutdownMessage: {'é' * 128}}}",
        says=(
            "spec.shutdownMessage: 256 octets of UTF-8 are above 255 (RFC 9003); shorten it to"
            " 255 octets or less"
        ),
        server="must be at most 255 octets of UTF-8 (RFC 9003)",
    ),
    "a field that nobody knows": Bad(
        subject="BGPPeer router",
        spec="{address: 192.0.2.1, asn: 64701, prot: 1790}",
        says="spec.prot: 1790: is not a field; did you mean port?",
        server='unknown field "spec.prot"',
    ),
    "a signature without a password": Bad(
        subject="BGPPeer no-secret",
        spec="{address: 192.0.2.1, asn: 64701, auth: {method: MD5}}",
        says=(
            "spec.auth.secretRef: is missing; set it: where the password is; without it no"
            " session starts"
        ),
        server="Required value",
    ),
    "TCP-AO, which is not there yet": Bad(
        subject="BGPPeer ao",
        spec=(
            "{address: 192.0.2.1, asn: 64701,"
            " auth: {method: AO, keyID: 7, secretRef: {name: absent}}}"
        ),
        says="spec.auth.method: 'AO' is not supported yet; use MD5",
        more=("spec.auth.keyID: 7 is not supported yet; leave the field out",),
    ),
    "a role, which is not there yet": Bad(
        subject="BGPPeer router",
        spec="{address: 192.0.2.1, asn: 64701, role: Peer}",
        says="spec.role: 'Peer' is not supported yet; leave the field out",
    ),
    "a Secret that is not there": Bad(
        subject="BGPPeer secret",
        spec="{address: 192.0.2.1, asn: 64701, auth: {secretRef: {name: absent}}}",
        says=(
            "spec.auth.secretRef: Secret absent has no password under 'password'; the session"
            " does not start without it; create Secret absent in Porter's namespace with the key"
            " password"
        ),
        code="SecretMissing",
        condition="Established",
    ),
    "a second peer with one address": Bad(
        subject="BGPPeer zz-twin",
        spec="{address: ROUTER, asn: 64701}",
        says=(
            "spec.address: ROUTER is the address of the older BGPPeer/router on this node; delete"
            " one of the two, or select different nodes"
        ),
        code="Conflicting",
        condition="NoConflict",
    ),
    "a community whose half is too big": Bad(
        subject="BGPAdvertisement all",
        spec="{communities: {standard: [65000:70000]}}",
        says=(
            "spec.communities.standard[0]: '65000:70000' has a part above 65535; write 2 decimal"
            " numbers from 0 to 65535, such as 65000:100"
        ),
        server="65000:70000: must be 2 decimal numbers from 0 to 65535, such as 65000:100",
    ),
    "a word as community": Bad(
        subject="BGPAdvertisement word",
        spec="{communities: {standard: [blue]}}",
        says=(
            "spec.communities.standard[0]: 'blue' is not a community of 2 numbers; write 2"
            " decimal numbers from 0 to 65535, such as 65000:100"
        ),
        server="blue: must be 2 decimal numbers from 0 to 65535, such as 65000:100",
    ),
    "a number as community": Bad(
        subject="BGPAdvertisement number",
        spec="{communities: {standard: [4259840100]}}",
        says="spec.communities.standard[0]: 4259840100 is a number, not text; put it in quotes",
        server='must be of type string: "integer"',
    ),
    "a large community of two numbers": Bad(
        subject="BGPAdvertisement large",
        spec="{communities: {large: ['65000:100']}}",
        says=(
            "spec.communities.large[0]: '65000:100' is not a community of 3 numbers; write 3"
            " decimal numbers from 0 to 4294967295, such as 65000:1:100"
        ),
        server="65000:100: must be 3 decimal numbers from 0 to 4294967295, such as 65000:1:100",
    ),
    "a MED above 2^32-1": Bad(
        subject="BGPAdvertisement med",
        spec="{med: 4294967296}",
        says="spec.med: 4294967296 is above 4294967295; use 0 to 4294967295",
        server="should be less than or equal to 4294967295",
    ),
    "a selector without values": Bad(
        subject="BGPAdvertisement selector",
        spec="{serviceSelectors: [{matchExpressions: [{key: app, operator: In}]}]}",
        says=(
            "spec.serviceSelectors[0].matchExpressions[0].values: In and NotIn need values,"
            " Exists and DoesNotExist take none; list the values, or use Exists"
        ),
        server="In and NotIn need values, Exists and DoesNotExist take none; list the values",
    ),
    "a label with a space": Bad(
        subject="BGPAdvertisement label",
        spec="{nodeSelectors: [{matchLabels: {rack: a 7}}]}",
        says=(
            "spec.nodeSelectors[0].matchLabels.rack: 'a 7' is not the value of a label; use"
            " letters, digits, '-', '_' and '.', the first and last alphanumeric"
        ),
        server="should match",
    ),
    "an operator that nobody knows": Bad(
        subject="BGPAdvertisement operator",
        spec="{nodeSelectors: [{matchExpressions: [{key: a, operator: Exist}]}]}",
        says=(
            "spec.nodeSelectors[0].matchExpressions[0].operator: 'Exist' is not In, NotIn, Exists"
            " or DoesNotExist; did you mean Exists?"
        ),
        server='supported values: "In", "NotIn", "Exists", "DoesNotExist"',
    ),
    "a limit of nodes, which is not there yet": Bad(
        subject="BGPAdvertisement all",
        spec="{maxNodes: 2}",
        says="spec.maxNodes: 2 is not supported yet; leave the field out",
    ),
    "a pool without addresses": Bad(
        subject="VIPPool lab",
        spec="{addresses: []}",
        says="spec.addresses: has 0 entries; use 1 to 256 entries",
        server="should have at least 1 items",
    ),
    "a pool with too many entries": Bad(
        subject="VIPPool many",
        spec=f"{{addresses: [{_TOO_MANY}]}}",
        says="spec.addresses: has 257 entries; use 1 to 256 entries",
        server="must have at most 256 items",
    ),
    "text where a list belongs": Bad(
        subject="VIPPool text",
        spec="{addresses: 198.51.100.0/28}",
        says="spec.addresses: '198.51.100.0/28' is text, not a list; write a list",
        server='must be of type array: "string"',
    ),
    "a block with host bits": Bad(
        subject="VIPPool host-bits",
        spec="{addresses: [203.0.113.1/24]}",
        says="spec.addresses[0]: '203.0.113.1/24' has host bits set; write 203.0.113.0/24",
        server="203.0.113.1/24: must be one address, a CIDR block without host bits, or first-last",
    ),
    "a pool of multicast": Bad(
        subject="VIPPool multicast",
        spec="{addresses: [203.0.113.0/24, 233.252.0.0/24]}",
        says=(
            "spec.addresses[1]: '233.252.0.0/24' reaches into special space 224.0.0.0/3; write"
            " unicast addresses that are yours to give"
        ),
        server="233.252.0.0/24: must be one address, a CIDR block without host bits, or first-last",
    ),
    "a pool of loopback": Bad(
        subject="VIPPool loopback",
        spec="{addresses: [127.0.0.0/8]}",
        says=(
            "spec.addresses[0]: '127.0.0.0/8' reaches into special space 127.0.0.0/8; write"
            " unicast addresses that are yours to give"
        ),
        server="127.0.0.0/8: must be one address, a CIDR block without host bits, or first-last",
    ),
    "a pool of everything": Bad(
        subject="VIPPool everything",
        spec="{addresses: [0.0.0.0/0]}",
        says=(
            "spec.addresses[0]: '0.0.0.0/0' is the default route; write the block that is yours"
            " to give"
        ),
        server="0.0.0.0/0: must be one address, a CIDR block without host bits, or first-last",
    ),
    "a pool of link-local space": Bad(
        subject="VIPPool link-local",
        spec="{addresses: ['fe80::/64']}",
        says=(
            "spec.addresses[0]: 'fe80::/64' reaches into special space fe80::/10; write unicast"
            " addresses that are yours to give"
        ),
        server="fe80::/64: must be one address, a CIDR block without host bits, or first-last",
    ),
    "a pool that reaches into loopback": Bad(
        subject="VIPPool wide",
        spec="{addresses: [126.0.0.0/7]}",
        says=(
            "spec.addresses[0]: '126.0.0.0/7' reaches into special space 127.0.0.0/8; write"
            " unicast addresses that are yours to give"
        ),
    ),
    "a range whose first is behind its last": Bad(
        subject="VIPPool lab",
        spec="{addresses: [198.51.100.9-198.51.100.2]}",
        says=(
            "spec.addresses[0]: '198.51.100.9-198.51.100.2' ends before it begins; write"
            " 198.51.100.2-198.51.100.9"
        ),
    ),
    "an exclusion outside the pool": Bad(
        subject="VIPPool excludes",
        spec="{addresses: [198.51.100.0/28], exclude: [198.51.100.16]}",
        says=(
            'spec.exclude: ["198.51.100.16"]: an entry does not lie inside one entry of'
            " addresses; exclude only addresses that the pool would give"
        ),
    ),
    "a pool that overlaps itself": Bad(
        subject="VIPPool twice",
        spec="{addresses: [203.0.113.0/24, 203.0.113.9]}",
        says=(
            'spec.addresses: ["203.0.113.0/24","203.0.113.9"]: two entries overlap; write each'
            " address once"
        ),
    ),
    "a priority, which is not there yet": Bad(
        subject="VIPPool lab",
        spec="{addresses: [198.51.100.0/28], priority: 5}",
        says="spec.priority: 5 is not supported yet; leave the field out",
    ),
    "two pools that overlap": Bad(
        subject="VIPPool zz-overlap",
        spec="{addresses: [198.51.100.14-198.51.100.20]}",
        says=(
            "spec.addresses: 198.51.100.14-198.51.100.15 belongs to the older VIPPool/lab; this"
            " pool gives nothing of it; take it out of one of the two pools"
        ),
        code="Overlap",
        condition="NoOverlap",
    ),
    "a pool over a node": Bad(
        subject="VIPPool node",
        spec="{addresses: [NODE]}",
        says=(
            "spec.addresses: NODE is the address of Node/n1 and is never given; put NODE into"
            " spec.exclude"
        ),
        code="Conflicting",
        condition="NoOverlap",
    ),
    "a VIP whose name is another address": Bad(
        subject="VIP 203.0.113.2",
        spec="{address: 203.0.113.1}",
        says=(
            "metadata.name: '203.0.113.2': the name must be the address (IPv6 in full, with - for"
            " :); name the object after its address"
        ),
        server="metadata.name: the name must be the address (IPv6 in full, with - for :)",
    ),
    "a VIP whose name is a shorter spelling": Bad(
        subject="VIP 2001-db8--10",
        spec="{address: '2001:db8::10'}",
        says=(
            "metadata.name: '2001-db8--10': the name must be the address (IPv6 in full, with -"
            " for :); name the object after its address"
        ),
        server="metadata.name: the name must be the address (IPv6 in full, with - for :)",
    ),
    "a VIP in another spelling of IPv6": Bad(
        subject="VIP 2001-0db8-0000-0000-0000-0000-0000-0010",
        spec="{address: '2001:DB8:0::10'}",
        says="spec.address: '2001:DB8:0::10' is not the canonical spelling; write 2001:db8::10",
        server="2001:DB8:0::10: must be a unicast IP address in its canonical spelling",
    ),
    "a VIP in another spelling of IPv4": Bad(
        subject="VIP 203.0.113.3",
        spec="{address: 203.0.113.003}",
        says=(
            "spec.address: '203.0.113.003' is not an IP address; write an IPv4 or IPv6 address"
            " such as 192.0.2.10 or 2001:db8::10"
        ),
        server="203.0.113.003: must be a unicast IP address in its canonical spelling",
    ),
    "the address of a VIP edited": Bad(
        subject="VIP 198.51.100.7",
        spec="{address: 198.51.100.8}",
        says=(
            "metadata.name: '198.51.100.7': the name must be the address (IPv6 in full, with -"
            " for :); name the object after its address"
        ),
        server="198.51.100.8: never changes; create another object for another value",
    ),
    "a sharing key for a VIP that is held": Bad(
        subject="VIP 198.51.100.7",
        spec=f"{{address: {VIP}, sharingKey: mail}}",
        says="spec.sharingKey: 'mail' is not supported yet; leave the field out",
    ),
    "a Service that asks for what is no address": Bad(
        subject="Service default/asks",
        raw=service("asks", "addresses: 198.51.100.300"),
        says=(
            "metadata.annotations[porter.network/addresses]: '198.51.100.300' is not an IP"
            " address; write an IPv4 or IPv6 address such as 192.0.2.10 or 2001:db8::10"
        ),
        condition="porter.network/Allocated",
    ),
    "a Service that asks for two addresses of one family": Bad(
        subject="Service default/two",
        raw=service("two", "addresses: '198.51.100.3,198.51.100.4'"),
        says=(
            "metadata.annotations[porter.network/addresses]: the Service asks for 198.51.100.3"
            " and 198.51.100.4 at once; ask for one address of each family"
        ),
        code="RequestConflict",
        condition="porter.network/Allocated",
    ),
    "no YAML": Bad(
        raw=f"{API}: [",
        says="did not find expected node content, while parsing a flow node; correct that line",
        server="error converting YAML to JSON",
        line=2,
    ),
    "a key that stands twice": Bad(
        raw=ours("VIPPool", "keys", "{addresses: [203.0.113.1], addresses: [203.0.113.2]}"),
        says="addresses stands already in line 4; remove one of the two; correct that line",
        line=4,
    ),
    "a kind that nobody knows": Bad(
        raw=ours("BGPPear", "tor", "{asn: 64701}"),
        says="kind: 'BGPPear' is not a kind of porter.network/v1beta1; did you mean BGPPeer?",
        server='no matches for kind "BGPPear"',
    ),
    "a version that nobody knows": Bad(
        raw=ours("BGPPeer", "tor", "{asn: 64701}").replace("v1beta1", "v2"),
        says="BGPPeer: apiVersion: 'porter.network/v2' is not known; write porter.network/v1beta1",
        server='no matches for kind "BGPPeer" in version "porter.network/v2"',
    ),
    "a name that nobody could use": Bad(
        raw=ours("VIPPool", "Lab_1", "{addresses: [203.0.113.0/24]}"),
        says=(
            "VIPPool: metadata.name: 'Lab_1' is no name;"
            " use a-z, 0-9, - and ., at most 180 characters"
        ),
        server="metadata.name: Invalid value",
    ),
    "an object in two files": Bad(
        raw=ours("VIPPool", "lab", "{addresses: [203.0.113.0/24]}"),
        says="VIPPool lab stands already in FIRST, which counts; remove one of the two",
    ),
}
