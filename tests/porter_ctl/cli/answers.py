"""Answers of a daemon, for tests of how they are printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from porter_ctl.daemon.answers import (
        FaultRow,
        PeerRow,
        PeersAnswer,
        RouteRow,
        RoutesAnswer,
        StatusAnswer,
        VerdictRow,
        WhyAnswer,
        WhyRow,
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
        "ipv4-unicast": {
            "wanted": 12,
            "advertised": 11,
            "pending": 1,
            "received": 0,
            "stale": 0,
            "overLimit": False,
            "addPath": True,
            "endOfRIBSent": True,
            "endOfRIBReceived": True,
        },
        "ipv6-unicast": {
            "wanted": 2,
            "advertised": 2,
            "pending": 0,
            "received": 1001,
            "stale": 0,
            "overLimit": True,
            "addPath": False,
            "endOfRIBSent": True,
            "endOfRIBReceived": False,
        },
    },
    "gracefulRestart": True,
    "restartingSeconds": None,
    "unacknowledgedSeconds": 2.0,
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
    "gracefulRestart": False,
    "restartingSeconds": 81.2,
    "unacknowledgedSeconds": None,
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
    "state": "acknowledged",
    "reason": "LastDraining",
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
    "reason": "",
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
    held: int = 0,
    source: Literal["API", "LastGood", "Manifests"] = "API",
) -> StatusAnswer:
    return {
        "node": "a",
        "version": "1.2.3",
        "source": source,
        "ready": ready,
        "notReady": [] if ready else ["not read yet: Service"],
        "peers": {"established": established, "configured": 2},
        "prefixes": {"announced": 3, "planned": 4, "held": held},
        "allocator": {"leading": False, "candidate": True},
        "verdicts": verdicts or [],
        "verdictsOmitted": omitted,
        "faults": faults or [],
    }


def why_row(node: str, peer: str, reason: str, message: str, *, yes: bool | None) -> WhyRow:
    return {
        "node": node,
        "peer": peer,
        "prefix": "198.51.100.7/32",
        "reason": reason,
        "message": message,
        "remedy": "" if yes else "look at the router",
        "yes": yes,
    }


WHY: WhyAnswer = {
    "service": "default/web",
    "node": "a",
    "state": "Wrong",
    "headline": {
        "reason": "SomePaths",
        "message": "default/web is announced on 2 of 3 paths",
        "remedy": "look at the router",
    },
    "addresses": ["198.51.100.7"],
    "verdicts": [
        why_row("a", "tor-a", "AllPaths", "tor-a has acknowledged it", yes=True),
        why_row("a", "tor-b", "AllPaths", "tor-b has acknowledged it", yes=True),
        why_row("b", "tor-a", "SessionDown", "the session with tor-a is Active", yes=False),
        why_row("c", "tor-a", "SessionDown", "Node/c has not reported", yes=None),
    ],
    "conditions": [],
    "notes": ["other nodes: not known"],
}
