"""What the control socket answers, as JSON: the shapes that the daemon makes and `porter` reads.

`GET /v1/status` is a `StatusAnswer`, `/v1/peers` a `PeersAnswer`, `/v1/routes` a `RoutesAnswer`.
Fields are added, none is renamed or removed.
"""

from __future__ import annotations

from typing import Literal, TypedDict


class SessionCount(TypedDict):
    """How many sessions there are, of how many that should be."""

    established: int
    configured: int


class PrefixCount(TypedDict):
    """How many prefixes at least one peer was told, of how many that the plans announce."""

    announced: int
    planned: int


class AllocatorState(TypedDict):
    """Whether this process gives addresses away, or seeks to."""

    leading: bool
    candidate: bool


class VerdictRow(TypedDict):
    """Why something is not announced; `service`, `prefix` and `peer` are empty where none."""

    service: str
    prefix: str
    peer: str
    reason: str
    message: str
    remedy: str


class FaultRow(TypedDict):
    """What is wrong with an object."""

    kind: str
    name: str
    path: str
    value: str
    message: str
    remedy: str
    reason: str


class StatusAnswer(TypedDict):
    """The node in short, and what is wrong on it; `verdictsOmitted` counts those left out."""

    node: str
    version: str
    source: Literal["API", "Manifests"]
    ready: bool
    notReady: list[str]
    peers: SessionCount
    prefixes: PrefixCount
    allocator: AllocatorState
    verdicts: list[VerdictRow]
    verdictsOmitted: int
    faults: list[FaultRow]


class FamilyRow(TypedDict):
    """One address family of a session, counted in routes."""

    wanted: int
    advertised: int
    pending: int
    received: int


class PeerRow(TypedDict):
    """One peer. `reason` and `message` say why it is down, or was; empty if it never was."""

    name: str
    remote: str
    port: int
    asn: int | None
    state: str
    uptimeSeconds: float | None
    localAddress: str | None
    routerID: str | None
    holdSeconds: int
    families: dict[str, FamilyRow]
    flaps: int
    reason: str
    message: str
    lastDownSecondsAgo: float | None
    messagesIn: dict[str, int]
    messagesOut: dict[str, int]


class PeersAnswer(TypedDict):
    """All peers of the node, those without a session included."""

    peers: list[PeerRow]


class RouteRow(TypedDict):
    """One path of one prefix to one peer; attributes are those on the wire where it was told.

    `state` is `advertised` once it was handed to the peer's connection, `pending` until then,
    `waiting` while there is no session to tell it on.
    """

    prefix: str
    peer: str
    service: str
    nextHop: str
    asPath: list[int]
    communities: list[str]
    largeCommunities: list[str]
    med: int | None
    localPref: int | None
    pathID: int
    state: Literal["advertised", "pending", "waiting"]


class RoutesAnswer(TypedDict):
    """Routes, in the order of prefix and peer."""

    routes: list[RouteRow]
