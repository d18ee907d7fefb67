"""What every object carries: its kind, its metadata, its conditions.

Only what Porter reads is decoded; everything else in the JSON is skipped, not kept. Writers that
must not lose it start from the JSON they read last, never from these structs.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Self, TypeVar

import msgspec
from msgspec import Meta, field

from porter_ctl.api.rules import Rule, RuleText

GROUP = "porter.network"
VERSION = "v1beta1"


class Kind(StrEnum):
    """The kinds Porter knows: its own six, and those of Kubernetes that it reads."""

    VIP_POOL = "VIPPool"
    VIP = "VIP"
    BGP_CONFIG = "BGPConfig"
    BGP_PEER = "BGPPeer"
    BGP_ADVERTISEMENT = "BGPAdvertisement"
    BGP_NODE = "BGPNode"
    SERVICE = "Service"
    ENDPOINT_SLICE = "EndpointSlice"
    NODE = "Node"
    POD = "Pod"
    NAMESPACE = "Namespace"
    SECRET = "Secret"  # noqa: S105 - the name of a kind, not a password


class ApiStruct(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """The base of every decoded object: immutable, untracked by the garbage collector."""

    rules: ClassVar[tuple[Rule[Self], ...]] = ()


StructT = TypeVar("StructT", bound=ApiStruct)


def broken_rules(obj: StructT) -> list[RuleText]:
    """Give the rules over several fields that this object itself breaks."""
    return [rule for rule in obj.rules if not rule.holds(obj)]


class OwnerReference(ApiStruct, frozen=True, kw_only=True):
    """The object that this one goes away with."""

    api_version: str
    kind: str
    name: str
    uid: str
    controller: bool = False


class ObjectMeta(ApiStruct, frozen=True, kw_only=True, omit_defaults=True):
    """The metadata of an object; an absent value is empty.

    Attributes:
        generation: Counts changes of the spec; what a condition's `observedGeneration` refers to.
        creation_timestamp: RFC 3339, as the server wrote it.
        deletion_timestamp: Set once deletion was asked for; the object may stay for a while.
    """

    name: str
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    creation_timestamp: str = ""
    deletion_timestamp: str | None = None
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    owner_references: tuple[OwnerReference, ...] = ()


class ConditionStatus(StrEnum):
    """Whether a condition holds."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Condition(ApiStruct, frozen=True, kw_only=True):
    """One thing that is true, false or unknown of an object, and why."""

    type: Annotated[str, Meta(min_length=1, max_length=316, description="What the condition says.")]
    status: Annotated[ConditionStatus, Meta(description="Whether it holds.")]
    observed_generation: Annotated[
        int,
        Meta(
            ge=0,
            le=2**53 - 1,  # the API server compares bounds as doubles
            description="The `metadata.generation` that this judgement is about.",
        ),
    ] = 0
    last_transition_time: Annotated[
        str,
        Meta(
            max_length=64,
            description="When `status` last changed.",
            extra_json_schema={"format": "date-time"},
        ),
    ] = "1970-01-01T00:00:00Z"
    reason: Annotated[str, Meta(max_length=1024, description="The reason code, for machines.")] = ""
    message: Annotated[
        str, Meta(max_length=32768, description="The reason and its remedy, for people.")
    ] = ""


Conditions = Annotated[
    tuple[Condition, ...],
    Meta(
        max_length=32,
        description="What is true of this object; one entry a type.",
        extra_json_schema={
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["type"],
        },
    ),
]
