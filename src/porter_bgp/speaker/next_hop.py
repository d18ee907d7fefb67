"""What a session knows that concerns export: above all, which address SELF is there."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

from porter_bgp.rib import ExportFacts

if TYPE_CHECKING:
    from porter_bgp.config import Address, PeerConfig, SpeakerConfig
    from porter_bgp.session import Negotiated


def export_facts(
    config: PeerConfig, shared: SpeakerConfig, negotiated: Negotiated, local: Address
) -> ExportFacts:
    """The facts for one session, whose connection has `local` as our end.

    SELF is what the configuration says for the family, else our end of the connection, else one of
    the node's addresses.
    """
    own = (config.next_hop_ipv4, config.next_hop_ipv6, local, *shared.node_addresses)
    return ExportFacts(
        external=negotiated.external,
        local_asn=config.session.shown_asn,
        codec=negotiated.codec,
        self_ipv4=next((address for address in own if isinstance(address, IPv4Address)), None),
        self_ipv6=next((address for address in own if isinstance(address, IPv6Address)), None),
    )
