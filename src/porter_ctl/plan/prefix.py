"""What this node should say of one prefix, and why: the unit of all planning."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from porter_ctl.api import Protocol, TrafficPolicy
from porter_ctl.plan.addresses import ingress_addresses
from porter_ctl.plan.announce import holding_service, judge
from porter_ctl.plan.verdict import Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from porter_bgp.rib import Path
    from porter_bgp.wire import Prefix
    from porter_ctl.api import Service
    from porter_ctl.plan.addresses import Address
    from porter_ctl.plan.context import Context
    from porter_ctl.plan.inputs import PrefixInputs
    from porter_ctl.plan.routes import Said

_NOT_ALLOCATED = Verdict(reason=Reason.NOT_ALLOCATED, message="no VIP names a holder")


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """What of the node has to serve a prefix before it is announced for the first time.

    Attributes:
        holders: The UIDs of the Services that have it.
        in_status: It stands in the status of one of them.
        tcp_port: A TCP port that must answer; None if there is none.
        health_check_port: The healthCheckNodePort that must be healthy; None if there is none.
    """

    holders: frozenset[str]
    in_status: bool
    tcp_port: int | None = None
    health_check_port: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PrefixPlan:
    """What should be said of a prefix.

    Attributes:
        prefix: The prefix.
        paths: What each peer should hear; empty: it is withdrawn everywhere.
        verdicts: Why it is not announced, to none or to some, or only last; empty when all is well.
        serving: None where nobody has it.
        unready: It goes, or would go, because none of the endpoints that exist is ready.
    """

    prefix: Prefix
    paths: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    verdicts: tuple[Verdict, ...] = ()
    serving: Serving | None = None
    unready: bool = False


def plan_prefix(context: Context, inputs: PrefixInputs) -> PrefixPlan:
    """Plan one prefix on the node of `context`."""
    prefix = inputs.prefix
    spec = inputs.vip.spec if inputs.vip is not None else None
    if spec is None or not inputs.holders:
        return PrefixPlan(prefix=prefix, verdicts=(_NOT_ALLOCATED,))
    address = prefix.address
    said: frozenset[Said] = frozenset()
    verdicts: tuple[Verdict, ...] = ()
    unready = False
    for one in inputs.holders:
        announced = one.holder.uid in inputs.announced
        judgement = judge(context, spec, address, one, announced=announced)
        said |= judgement.said
        verdicts += judgement.verdicts
        unready |= judgement.unready
    serving = _serving(inputs, address)
    if not said:
        return PrefixPlan(prefix=prefix, verdicts=verdicts, serving=serving, unready=unready)
    if serving is not None and all(context.rules[one.rule].hops is not None for one in said):
        serving = replace(serving, health_check_port=None)  # it tells of this node's endpoints
    routes = context.routes.routes(said, prefix.family)
    return PrefixPlan(
        prefix=prefix,
        paths=routes.paths,
        verdicts=verdicts + routes.verdicts,
        serving=serving,
    )


def _serving(inputs: PrefixInputs, address: Address) -> Serving | None:
    services = [service for one in inputs.holders if (service := holding_service(one)) is not None]
    if not services:
        return None
    return Serving(
        holders=frozenset(service.metadata.uid for service in services),
        in_status=any(address in ingress_addresses(service) for service in services),
        tcp_port=_tcp_port(services),
        health_check_port=_health_check_port(services),
    )


def _tcp_port(services: list[Service]) -> int | None:
    for service in services:
        for port in service.spec.ports:
            if port.protocol is Protocol.TCP:
                return port.port
    return None


def _health_check_port(services: list[Service]) -> int | None:
    for service in services:
        if service.spec.external_traffic_policy is TrafficPolicy.LOCAL:
            return service.spec.health_check_node_port or None
    return None
