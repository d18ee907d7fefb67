"""The smallest configuration of Porter for the rig's layout: one pool, four sessions a node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.rig.layout import BIRD_ASN, FRR_ASN, HOSTS, NODE_ASN

if TYPE_CHECKING:
    from conformance.rig.objects import Json, Object

POOL_V4 = "198.51.100.0/24"
POOL_V6 = "2001:db8:51::/112"


def ours(kind: str, name: str, **spec: Json) -> Object:
    """An object of porter.network/v1beta1."""
    return {
        "apiVersion": "porter.network/v1beta1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": dict(spec),
    }


def configuration() -> list[Object]:
    """BGPConfig, VIPPool, a BGPPeer for each address of each router, BGPAdvertisement."""
    return [
        ours("BGPConfig", "default", asn=NODE_ASN),
        ours("VIPPool", "default", addresses=[POOL_V4, POOL_V6]),
        *[
            ours(
                "BGPPeer",
                f"{router}-{'v6' if ':' in address else 'v4'}",
                address=address,
                asn=asn,
                timers={"holdSeconds": 9},
            )
            for router, asn in (("frr", FRR_ASN), ("bird", BIRD_ASN))
            for address in HOSTS[router]
        ],
        ours("BGPAdvertisement", "default"),
    ]
