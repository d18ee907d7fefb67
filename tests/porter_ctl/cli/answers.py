"""Answers of a daemon, for tests of how they are printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from porter_ctl.daemon.answers import (
        FaultRow,
        PeerRow,
        PeersAnswer,
        RouteRow,
        RoutesAnswer,
        StatusAnswer,
        VerdictRow,
    )

UP: PeerRow = {
    "name": "tor-a",
    "remote": "192.0.2.1",
    "port": 179,
    "asn": 65000,
    "state": "Established",
    "uptimeSeconds": 94321.4,
    "localAddress": "192.0.2.9",
    "routerID": "192.0.2.1",
    "holdSeconds": 90,
    "families": {
        "ipv4-unicast": {"wanted": 12, "advertised": 11, "pending": 1, "received": 0},
        "ipv6-unicast": {"wanted": 2, "advertised": 2, "pending": 0, "received": 0},
    },
    "flaps": 1,
    "reason": "ConnectionLost",
    "message": "the connection was lost",
    "lastDownSecondsAgo": 94330.0,
    "messagesIn": {"OPEN": 1},
    "messagesOut": {"OPEN": 1},
}
DOWN: PeerRow = {
    "name": "tor-b",
    "remote": "2001:db8::1",
    "port": 1179,
    "asn": None,
    "state": "Active",
    "uptimeSeconds": None,
    "localAddress": None,
    "routerID": None,
    "holdSeconds": 0,
    "families": {},
    "flaps": 0,
    "reason": "DialFailed",
    "message": "the dial failed",
    "lastDownSecondsAgo": 3.0,
    "messagesIn": {},
    "messagesOut": {},
}
PEERS: PeersAnswer = {"peers": [UP, DOWN]}

TOLD: RouteRow = {
    "prefix": "198.51.100.7/32",
    "peer": "tor-a",
    "service": "default/web",
    "nextHop": "192.0.2.9",
    "asPath": [64512, 64512],
    "communities": ["65000:100", "65535:65281"],
    "largeCommunities": ["4200000001:1:2"],
    "med": 10,
    "localPref": None,
    "pathID": 0,
    "state": "advertised",
}
WAITING: RouteRow = {
    "prefix": "198.51.100.7/32",
    "peer": "tor-b",
    "service": "default/web",
    "nextHop": "self",
    "asPath": [],
    "communities": [],
    "largeCommunities": [],
    "med": None,
    "localPref": None,
    "pathID": 3,
    "state": "waiting",
}
ROUTES: RoutesAnswer = {"routes": [TOLD, WAITING]}

FAULT: FaultRow = {
    "kind": "VIPPool",
    "name": "lab",
    "path": "spec.addresses[0]",
    "value": "10.0.0.0/33",
    "message": "'10.0.0.0/33' is not a block",
    "remedy": "write a CIDR",
    "reason": "Invalid",
}
VERDICT: VerdictRow = {
    "service": "default/web",
    "prefix": "198.51.100.7/32",
    "peer": "",
    "reason": "NoLocalEndpoint",
    "message": "default/web has no ready endpoint on Node/a",
    "remedy": "",
}


def status(
    *,
    ready: bool = True,
    established: int = 2,
    faults: list[FaultRow] | None = None,
    verdicts: list[VerdictRow] | None = None,
    omitted: int = 0,
) -> StatusAnswer:
    return {
        "node": "a",
        "version": "1.2.3",
        "source": "API",
        "ready": ready,
        "notReady": [] if ready else ["not read yet: Service"],
        "peers": {"established": established, "configured": 2},
        "prefixes": {"announced": 3, "planned": 4},
        "allocator": {"leading": False, "candidate": True},
        "verdicts": verdicts or [],
        "verdictsOmitted": omitted,
        "faults": faults or [],
    }
