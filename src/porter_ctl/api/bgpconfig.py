"""BGPConfig: the local speaker. `default` is for all nodes; others override it whole."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from msgspec import Meta, field

from porter_ctl.api.meta import ApiStruct, Conditions, Kind, ObjectMeta
from porter_ctl.api.rules import Rule
from porter_ctl.api.values import (
    Asn,
    HostAddress,
    HostIPv4,
    LabelSelectors,
    NodeValueSource,
    ObjectName,
    Port,
    Timestamp,
)


class SpeakerAdminState(StrEnum):
    """Whether these nodes announce at all."""

    UP = "Up"
    DRAINED = "Drained"


class Switch(StrEnum):
    """On or off."""

    ENABLED = "Enabled"
    DISABLED = "Disabled"


class DrainTrigger(StrEnum):
    """A sign that a node is about to leave."""

    NODE_SHUTDOWN = "NodeShutdown"
    OUT_OF_SERVICE_TAINT = "OutOfServiceTaint"
    TO_BE_DELETED_TAINT = "ToBeDeletedTaint"
    CORDON = "Cordon"
    ANNOTATION = "Annotation"


class WithholdReason(StrEnum):
    """A node condition under which a node's paths are announced last."""

    NETWORK_UNAVAILABLE = "NetworkUnavailable"
    NOT_READY = "NotReady"


class ExcludeLabel(StrEnum):
    """What `node.kubernetes.io/exclude-from-external-load-balancers` does."""

    RESPECT = "Respect"
    IGNORE = "Ignore"


class DataplaneGate(StrEnum):
    """What the first announcement on a node waits for."""

    KUBE_PROXY = "KubeProxy"
    DELAY = "Delay"
    NONE = "None"


class LoopGuard(StrEnum):
    """Whether a route stops packets that no Service port takes."""

    NONE = "None"
    UNREACHABLE = "Unreachable"


class Listen(ApiStruct, frozen=True, kw_only=True):
    """Where peers may connect to."""

    port: Annotated[Port, Meta(description="The TCP port.")] = 179
    addresses: Annotated[
        tuple[HostAddress, ...],
        Meta(max_length=16, description="Local addresses to listen on; empty: all."),
    ] = ()


class GracefulRestart(ApiStruct, frozen=True, kw_only=True):
    """What routers shall do while a speaker restarts (RFC 4724, RFC 9494)."""

    mode: Annotated[Switch, Meta(description="Whether the capability is offered.")] = Switch.ENABLED
    restart_seconds: Annotated[
        int,
        Meta(ge=1, le=4095, description="How long routers keep our routes without a session."),
    ] = 90
    long_lived_seconds: Annotated[
        int,
        Meta(
            ge=0,
            le=2**24 - 1,
            description="How long after that they keep them as a last resort; 0: not at all.",
        ),
    ] = 0


class Drain(ApiStruct, frozen=True, kw_only=True):
    """How a node leaves."""

    triggers: Annotated[
        tuple[DrainTrigger, ...],
        Meta(max_length=5, description="What counts as a node about to leave."),
    ] = (
        DrainTrigger.NODE_SHUTDOWN,
        DrainTrigger.OUT_OF_SERVICE_TAINT,
        DrainTrigger.TO_BE_DELETED_TAINT,
        DrainTrigger.ANNOTATION,
    )
    delay_seconds: Annotated[
        int,
        Meta(ge=0, le=3600, description="How long paths are announced last before they go."),
    ] = 10


class Dataplane(ApiStruct, frozen=True, kw_only=True):
    """When a node may announce an address it has not announced before."""

    gate: Annotated[
        DataplaneGate,
        Meta(
            description=(
                "KubeProxy: once kube-proxy has programmed it. Delay: after a time. None: at once."
            )
        ),
    ] = DataplaneGate.KUBE_PROXY
    delay_milliseconds: Annotated[
        int,
        Meta(
            ge=0,
            le=600_000,
            description="The time of Delay, also used where kube-proxy cannot be asked.",
        ),
    ] = 3000


class BGPConfigSpec(ApiStruct, frozen=True, kw_only=True):
    """How the nodes it selects speak BGP."""

    node_selectors: Annotated[
        LabelSelectors,
        Meta(description="The nodes it is for; absent: all. `default` has none."),
    ] = ()
    priority: Annotated[
        int,
        Meta(
            ge=-1_000_000,
            le=1_000_000,
            description=(
                "Of several that select a node the higher number counts; ties by name; "
                "`default` comes last."
            ),
        ),
    ] = 0
    admin_state: Annotated[
        SpeakerAdminState,
        Meta(description="Drained: all nodes leave in good order; objects stay."),
    ] = SpeakerAdminState.UP
    asn: Annotated[Asn | None, Meta(description="The AS number of these nodes.")] = None
    asn_from: Annotated[
        NodeValueSource | None, Meta(description="Where each node says its AS number.")
    ] = None
    router_id: Annotated[
        HostIPv4 | None,
        Meta(description="The BGP Identifier; sensible only where one node is selected."),
    ] = field(name="routerID", default=None)
    router_id_from: Annotated[
        NodeValueSource | None,
        Meta(
            description=(
                "Where each node says its BGP Identifier; absent: its IPv4 InternalIP, "
                "or a number made of its name."
            )
        ),
    ] = field(name="routerIDFrom", default=None)
    listen: Annotated[
        Listen | None,
        Meta(description="Where peers may connect to; absent: only what passive peers need."),
    ] = None
    graceful_restart: Annotated[
        GracefulRestart, Meta(description="What routers shall do while a speaker restarts.")
    ] = GracefulRestart()
    drain: Annotated[Drain, Meta(description="How a node leaves.")] = Drain()
    withhold_on: Annotated[
        tuple[WithholdReason, ...],
        Meta(
            max_length=2,
            description="Node conditions under which paths are announced last.",
        ),
    ] = (WithholdReason.NETWORK_UNAVAILABLE,)
    exclude_label: Annotated[
        ExcludeLabel,
        Meta(
            description=(
                "Whether a node labelled node.kubernetes.io/exclude-from-external-load-balancers "
                "announces nothing."
            )
        ),
    ] = ExcludeLabel.RESPECT
    dataplane: Annotated[
        Dataplane, Meta(description="When a node may first announce an address.")
    ] = Dataplane()
    loop_guard: Annotated[
        LoopGuard,
        Meta(
            description=(
                "Unreachable: packets to a pool that no Service port takes end on the node "
                "instead of going back to the router; needs NET_ADMIN."
            )
        ),
    ] = LoopGuard.NONE

    rules: ClassVar[tuple[Rule[BGPConfigSpec], ...]] = (
        Rule(
            reads=("asn", "asnFrom"),
            cel="has(self.asn) != has(self.asnFrom)",
            holds=lambda self: (self.asn is None) != (self.asn_from is None),
            message="exactly one of asn and asnFrom must be set",
            remedy="set asn, or asnFrom where each node says its own",
        ),
        Rule(
            reads=("routerID", "routerIDFrom"),
            cel="!has(self.routerID) || !has(self.routerIDFrom)",
            holds=lambda self: self.router_id is None or self.router_id_from is None,
            message="routerID and routerIDFrom exclude each other",
            remedy="keep one of them",
        ),
    )


class WithheldNode(ApiStruct, frozen=True, kw_only=True):
    """A node whose paths are announced last because of its condition."""

    node: Annotated[ObjectName, Meta(description="The node.")]
    reason: Annotated[WithholdReason, Meta(description="The condition it shows.")]
    since: Annotated[Timestamp, Meta(description="Since when it is withheld.")]


class BGPConfigStatus(ApiStruct, frozen=True, kw_only=True):
    """Whether the spec is in use; of `default` also which nodes are withheld."""

    conditions: Conditions = ()
    accepted: Annotated[
        BGPConfigSpec | None,
        Meta(
            description="The last spec that was accepted; in use while the present one is not.",
            extra_json_schema={"x-kubernetes-preserve-unknown-fields": True},
        ),
    ] = None
    withheld: Annotated[
        tuple[WithheldNode, ...],
        Meta(
            max_length=1024,
            description="Nodes whose paths are announced last; only in `default`.",
            extra_json_schema={
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["node"],
            },
        ),
    ] = ()


class BGPConfig(ApiStruct, frozen=True, kw_only=True):
    """The local speaker.

    Without `spec` it is quarantined: faulty, and nothing was accepted before.
    """

    kind: ClassVar[Kind] = Kind.BGP_CONFIG
    metadata: ObjectMeta
    spec: BGPConfigSpec | None = None
    status: BGPConfigStatus = BGPConfigStatus()

    rules: ClassVar[tuple[Rule[BGPConfig], ...]] = (
        Rule(
            reads=("spec.nodeSelectors", "metadata.name"),
            cel=(
                "self.metadata.name != 'default' || !has(self.spec.nodeSelectors)"
                " || size(self.spec.nodeSelectors) == 0"
            ),
            holds=lambda self: (
                self.metadata.name != "default" or self.spec is None or not self.spec.node_selectors
            ),
            message="the BGPConfig named default is for all nodes",
            remedy="select nodes in a BGPConfig of another name",
        ),
    )
