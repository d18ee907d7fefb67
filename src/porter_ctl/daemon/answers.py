"""What the control socket answers, as JSON: the shapes that the daemon makes and `porter` reads.

`GET /v1/status` is a `StatusAnswer`, `/v1/peers` a `PeersAnswer`, `/v1/routes` a `RoutesAnswer`,
`/v1/why` a `WhyAnswer`. Fields are added, none is renamed or removed.
"""

from __future__ import annotations

from typing import Literal, TypedDict


class SessionCount(TypedDict):
    """How many sessions there are, of how many that should be."""

    established: int
    configured: int


class PrefixCount(TypedDict):
    """How many prefixes at least one peer was told, of how many that the plans announce.

    `held` counts those that a gate or a guard keeps as they are.
    """

    announced: int
    planned: int
    held: int


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
    source: Literal["API", "LastGood", "Manifests"]
    ready: bool
    notReady: list[str]
    peers: SessionCount
    prefixes: PrefixCount
    allocator: AllocatorState
    verdicts: list[VerdictRow]
    verdictsOmitted: int
    faults: list[FaultRow]


class FamilyRow(TypedDict):
    """One address family of a session, counted in routes.

    `stale` are routes of the peer that are kept while it restarts; `overLimit`: it sent more than
    it may; `addPath`: we may send it several paths of a prefix.
    """

    wanted: int
    advertised: int
    pending: int
    received: int
    stale: int
    overLimit: bool
    addPath: bool
    endOfRIBSent: bool
    endOfRIBReceived: bool


class PeerRow(TypedDict):
    """One peer. `reason` and `message` say why it is down, or was; empty if it never was.

    `gracefulRestart` was negotiated for all families, both ways; `restartingSeconds` is how long
    its routes are still kept for it to come back; `unacknowledgedSeconds` how long ago the oldest
    octets were sent of which its kernel has not said that it has them.
    """

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
    gracefulRestart: bool
    restartingSeconds: float | None
    unacknowledgedSeconds: float | None
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

    `state` is `acknowledged` once the peer's kernel said that it has it, `advertised` from when it
    was handed to the connection, `pending` until then, `waiting` while there is no session to tell
    it on. `reason` is the code of why it is announced last, or kept; empty for a plain yes.
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
    state: Literal["acknowledged", "advertised", "pending", "waiting"]
    reason: str


class RoutesAnswer(TypedDict):
    """Routes, in the order of prefix and peer."""

    routes: list[RouteRow]


class Told(TypedDict):
    """A reason code, one sentence, and what a person can do; `remedy` is empty for nothing."""

    reason: str
    message: str
    remedy: str


class WhyRow(Told):
    """Whether a node announces a prefix to a peer; `yes` is null where that is not known here.

    `peer` is empty where the node has none, `prefix` where the Service has no address.
    """

    node: str
    peer: str
    prefix: str
    yes: bool | None


class ConditionRow(TypedDict):
    """A condition of ours in the status of the Service."""

    type: str
    status: str
    reason: str
    message: str


class WhyAnswer(TypedDict):
    """Why a Service is announced, or is not.

    `state` is `Unknown` where what is not known here could change the answer; `notes` say what
    that is. `node` is the one that answers.
    """

    service: str
    node: str
    state: Literal["Well", "Wrong", "Unknown"]
    headline: Told
    addresses: list[str]
    verdicts: list[WhyRow]
    conditions: list[ConditionRow]
    notes: list[str]
