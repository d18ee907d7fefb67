"""The announcement rule: may this node announce the address for this Service, and if not, why?

The order of the questions is the order of the reasons. Whether it may happen *now* is for
`porter_ctl.gate` to say, with which attributes for `porter_ctl.plan.attributes`; that a session
is up is a matter of status, not of desire.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from porter_ctl.api import Publish, TrafficPolicy, WhenNone
from porter_ctl.plan.addresses import ingress_addresses
from porter_ctl.plan.attributes import Said
from porter_ctl.plan.verdict import Reason, Verdict

if TYPE_CHECKING:
    from porter_ctl.api import Endpoints, NodeEndpoints, Service, VIPSpec
    from porter_ctl.plan.addresses import Address
    from porter_ctl.plan.attributes import Rule
    from porter_ctl.plan.context import Context
    from porter_ctl.plan.inputs import HolderInputs

ANNOUNCE_ALL = """\
apiVersion: porter.network/v1beta1
kind: BGPAdvertisement
metadata: {name: all}
spec: {}"""


class Judgement(NamedTuple):
    """The answer for one Service.

    Attributes:
        said: The rules that say yes; empty for a no.
        verdicts: Why not, or why last; empty for a plain yes.
    """

    said: frozenset[Said]
    verdicts: tuple[Verdict, ...]


def judge(
    context: Context, spec: VIPSpec, address: Address, inputs: HolderInputs, *, announced: bool
) -> Judgement:
    """Ask all the questions, in their order.

    Args:
        context: This node's.
        spec: Of the VIP.
        address: The VIP's, parsed.
        inputs: The holder in question.
        announced: This node has announced the address for this very Service before.
    """
    name = f"{inputs.holder.namespace}/{inputs.holder.name}"
    service = holding_service(inputs)
    if service is None:
        return _no(Reason.NOT_ALLOCATED, f"VIP/{address} names {name}, which is not that Service")
    if not announced and address not in ingress_addresses(service):
        return _no(Reason.STATUS_PENDING, f"{address} does not stand in the status of {name} yet")
    rules = _rules_here(context, spec, service)
    if isinstance(rules, Verdict):
        return Judgement(frozenset(), (rules,))
    said = frozenset(
        Said(place, last)
        for place, rule in rules
        if (last := _last(rule.endpoints, inputs.endpoints, announced=announced)) is not None
    )
    if not said:
        return _no_endpoint(name, service, context.node.name)
    if all(one.last for one in said):
        verdict = Verdict(
            reason=Reason.LAST_TERMINATING,
            message=f"the endpoints of {name} that are left are terminating",
        )
        return Judgement(said, (verdict,))
    return Judgement(said, ())


def _rules_here(
    context: Context, spec: VIPSpec, service: Service
) -> list[tuple[int, Rule]] | Verdict:
    pool = spec.pool.name if spec.pool is not None else ""
    selecting = [
        (place, rule)
        for place, rule in enumerate(context.rules)
        if rule.pools.selects(pool) and rule.services.selects(service.metadata.labels)
    ]
    if not selecting:
        return Verdict(
            reason=Reason.NO_ADVERTISEMENT,
            message=f"no BGPAdvertisement selects {spec.address}",
            remedy=f"this one would announce every VIP to every peer:\n{ANNOUNCE_ALL}",
        )
    here = [(place, rule) for place, rule in selecting if rule.here]
    if not here:
        names = ", ".join(rule.name for _, rule in selecting)
        return Verdict(
            reason=Reason.NODE_NOT_SELECTED,
            message=f"Node/{context.node.name} is not one that BGPAdvertisement {names} selects",
        )
    return here if context.barred is None else context.barred


def holding_service(inputs: HolderInputs) -> Service | None:
    """Return the Service if it is the one that the VIP names, and still a load balancer."""
    service = inputs.service
    if service is None or service.metadata.uid != inputs.holder.uid:
        return None
    return service if service.spec.type == "LoadBalancer" else None


def _last(rule: Endpoints, found: NodeEndpoints, *, announced: bool) -> bool | None:
    """Tell whether there are endpoints only for announcing last; None: not even for that."""
    if found.ready >= rule.min:
        return False
    if rule.publish is Publish.ANY and found.ready + found.serving + found.other >= rule.min:
        return False
    if rule.publish is Publish.READY_OR_SERVING and found.ready + found.serving >= rule.min:
        return found.ready == 0
    if rule.when_none is WhenNone.KEEP and announced:
        return False
    return None


def _no_endpoint(name: str, service: Service, node: str) -> Judgement:
    if service.spec.external_traffic_policy is TrafficPolicy.LOCAL:
        return _no(Reason.NO_LOCAL_ENDPOINT, f"{name} has no ready endpoint on Node/{node}")
    return _no(
        Reason.NO_ENDPOINT,
        f"{name} has no ready endpoint",
        "look at the Pods that its selector means, and at their readiness",
    )


def _no(reason: Reason, message: str, remedy: str = "") -> Judgement:
    return Judgement(frozenset(), (Verdict(reason=reason, message=message, remedy=remedy),))
