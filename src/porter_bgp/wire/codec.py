"""What two speakers settled about how octets are spelled and judged between them.

Every function that reads or writes depends on this value and on nothing else that was negotiated.
How it follows from two OPENs and a configuration is said in `porter_bgp.fsm.negotiate`.
"""

from __future__ import annotations

from dataclasses import dataclass

from porter_bgp.wire.prefix import IPV4_UNICAST, AddressFamily

MAX_MESSAGE = 4096  # RFC 4271 §4.1
MAX_EXTENDED_MESSAGE = 65535  # RFC 8654 §4


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec:
    """The spelling of one session, in both directions.

    Attributes:
        external: The peer is in another AS (RFC 7606 judges some attributes by that).
        four_octet_as: AS numbers have four octets (RFC 6793 §4.1).
        max_send: The longest message the peer takes, in octets (RFC 8654 §4).
        max_receive: The longest message we take, in octets.
        families: The families both announced; all others are ignored on receipt.
        add_path_send: Families in which our NLRI carry path identifiers (RFC 7911 §3).
        add_path_receive: Families in which the peer's do.
        extended_next_hop: Families whose NLRI may have an IPv6 next hop (RFC 8950 §4).
        enhanced_route_refresh: Both know the demarcations of RFC 7313.
        peer_asn: The peer's AS number.
        enforce_first_as: An external path must begin with `peer_asn` (RFC 4271 §6.3).
        local_addresses: Our own addresses as octets; as next hops they are faults.
        loopback: Both ends are loopback addresses; only then may such a next hop be.

    Raises:
        ValueError: One of `families` has NLRI that are not prefixes.
    """

    external: bool = True
    four_octet_as: bool = True
    max_send: int = MAX_MESSAGE
    max_receive: int = MAX_MESSAGE
    families: frozenset[AddressFamily] = frozenset({IPV4_UNICAST})
    add_path_send: frozenset[AddressFamily] = frozenset()
    add_path_receive: frozenset[AddressFamily] = frozenset()
    extended_next_hop: frozenset[AddressFamily] = frozenset()
    enhanced_route_refresh: bool = False
    peer_asn: int = 0
    enforce_first_as: bool = False
    local_addresses: frozenset[bytes] = frozenset()
    loopback: bool = False

    def __post_init__(self) -> None:
        for family in self.families:
            _ = family.bits  # a family whose NLRI nobody here can read is no family of ours
