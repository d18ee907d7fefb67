"""BGPNode: what one node says of itself. Status only, and only that node writes it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from msgspec import Meta, field

from porter_ctl.api.meta import ApiStruct, Conditions, Kind, ObjectMeta
from porter_ctl.api.values import AddressFamily, Timestamp, Uid

PeerName = Annotated[str, Meta(min_length=1, max_length=300)]
Reason = Annotated[str, Meta(max_length=64)]


class PlanSource(StrEnum):
    """What a node's announcements rest on."""

    API = "API"
    LAST_GOOD = "LastGood"


class SessionState(StrEnum):
    """The state of a session (RFC 4271 §8.2.2)."""

    IDLE = "Idle"
    CONNECT = "Connect"
    ACTIVE = "Active"
    OPEN_SENT = "OpenSent"
    OPEN_CONFIRM = "OpenConfirm"
    ESTABLISHED = "Established"


class NodeSession(ApiStruct, frozen=True, kw_only=True):
    """One session of the node."""

    peer: Annotated[
        PeerName,
        Meta(description="The BGPPeer, with `/address` where one object gives several sessions."),
    ]
    state: Annotated[SessionState, Meta(description="Its state.")] = SessionState.IDLE
    reason: Annotated[
        Reason, Meta(description="Why it is not established, or what it lacks; else empty.")
    ] = ""
    message: Annotated[
        str, Meta(max_length=1024, description="The same for people, with the remedy.")
    ] = ""
    families: Annotated[
        tuple[AddressFamily, ...],
        Meta(
            max_length=2,
            description="The address families agreed on; empty unless Established.",
            extra_json_schema={"x-kubernetes-list-type": "atomic"},
        ),
    ] = ()
    add_path: Annotated[
        tuple[AddressFamily, ...],
        Meta(
            max_length=2,
            description="Those of them in which several paths to a prefix can be told.",
            extra_json_schema={"x-kubernetes-list-type": "atomic"},
        ),
    ] = ()
    since: Annotated[Timestamp | None, Meta(description="Since when it is in that state.")] = None


class NodeException(ApiStruct, frozen=True, kw_only=True):
    """A prefix that the node does not announce as the rest, and why."""

    prefix: Annotated[str, Meta(min_length=4, max_length=49, description="The prefix.")]
    peer: Annotated[
        str, Meta(max_length=300, description="The peer it is about; empty: all of them.")
    ] = ""
    reason: Annotated[Reason, Meta(description="The reason code.")]


class BGPNodeStatus(ApiStruct, frozen=True, kw_only=True):
    """What the node speaks, announces, and leaves out."""

    pod_uid: Annotated[Uid, Meta(description="The Pod that wrote this.")] = field(
        name="podUID", default=""
    )
    incarnation: Annotated[
        str, Meta(max_length=64, description="A new value for each start of the process.")
    ] = ""
    source: Annotated[
        PlanSource,
        Meta(description="API: in step with the cluster. LastGood: from the last-good file."),
    ] = PlanSource.API
    summary: Annotated[
        str, Meta(max_length=128, description='In one line: "4/4 peers, 312/312 VIPs".')
    ] = ""
    sessions: Annotated[
        tuple[NodeSession, ...],
        Meta(
            max_length=128,
            description="Its sessions, one entry a peer.",
            extra_json_schema={
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["peer"],
            },
        ),
    ] = ()
    desired: Annotated[
        int, Meta(ge=0, le=2**31 - 1, description="Prefixes it should announce.")
    ] = 0
    announced: Annotated[
        int, Meta(ge=0, le=2**31 - 1, description="Prefixes it announces to at least one peer.")
    ] = 0
    digests: Annotated[
        tuple[Annotated[str, Meta(max_length=20)], ...],
        Meta(
            max_length=64,
            description="Proof of what was announced: one sum a bucket of prefixes.",
            extra_json_schema={"x-kubernetes-list-type": "atomic"},
        ),
    ] = ()
    digest_version: Annotated[
        int,
        Meta(ge=0, le=2**31 - 1, description="How the digests were computed; 0: there are none."),
    ] = 0
    exceptions: Annotated[
        tuple[NodeException, ...],
        Meta(max_length=64, description="Prefixes not announced as the rest, and why."),
    ] = ()
    exceptions_omitted: Annotated[
        int, Meta(ge=0, le=2**31 - 1, description="Exceptions that did not fit.")
    ] = 0
    conditions: Conditions = ()


class BGPNode(ApiStruct, frozen=True, kw_only=True):
    """What one node says of itself; named after the node and owned by it."""

    kind: ClassVar[Kind] = Kind.BGP_NODE
    metadata: ObjectMeta
    status: BGPNodeStatus = BGPNodeStatus()
