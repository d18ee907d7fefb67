"""The announcement rule: may this node announce the address for this Service, and if not, why?

The order of the questions is the order of the reasons. Whether it may happen *now* is for
`porter_ctl.gate` to say, with which attributes for `porter_ctl.plan.attributes`; that a session
is up is a matter of status, not of desire.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from porter_ctl.api import NodeEndpoints, Publish, TrafficPolicy, WhenNone
from porter_ctl.plan.addresses import ingress_addresses
from porter_ctl.plan.inputs import endpoints_by_node
from porter_ctl.plan.routes import Said
from porter_ctl.plan.verdict import Reason, Verdict

if TYPE_CHECKING:
    from porter_ctl.api import Endpoints, Service, VIPSpec
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
        unready: It is a no because none of the endpoints that exist is ready.
    """

    said: frozenset[Said]
    verdicts: tuple[Verdict, ...]
    unready: bool = False


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
    local = service.spec.external_traffic_policy is TrafficPolicy.LOCAL
    said = [
        one
        for place, rule in rules
        if (one := _answer(place, rule, inputs, local=local, announced=announced)) is not None
    ]
    if not said:
        return _no_endpoint(name, context, rules, inputs, local=local)
    verdicts: list[Verdict] = []
    if context.last is not None and any(rule.hops is None for _, rule in rules):
        verdicts.append(context.last)
    if all(one.last for one in said):
        verdicts.append(
            Verdict(
                reason=Reason.LAST_TERMINATING,
                message=f"the endpoints of {name} that are left are terminating",
            )
        )
    return Judgement(frozenset(_as_last(context, one) for one in said), tuple(verdicts))


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
    allowed = [(place, rule) for place, rule in here if not context.bars(rule)]
    return context.barred if context.barred is not None and not allowed else allowed


def _answer(
    place: int, rule: Rule, inputs: HolderInputs, *, local: bool, announced: bool
) -> Said | None:
    """Ask one rule; None for a no."""
    if rule.hops is None or not local:
        last = _last(rule.endpoints, inputs.endpoints, announced=announced)
        return Said(place, last) if last is not None else None
    there = endpoints_by_node(inputs.slices)
    hops = tuple(
        (nth, last)
        for nth, hop in enumerate(rule.hops)
        if hop.node in there and (last := _last(rule.endpoints, there[hop.node])) is not None
    )
    if hops:
        return Said(place, all(last for _, last in hops), hops)
    last = _last(rule.endpoints, NodeEndpoints(), announced=announced)
    return Said(place, last) if last is not None else None


def _as_last(context: Context, said: Said) -> Said:
    """What this node says of itself is the last resort where the node is."""
    if context.last is None or context.rules[said.rule].hops is not None:
        return said
    return Said(said.rule, last=True)


def holding_service(inputs: HolderInputs) -> Service | None:
    """Return the Service if it is the one that the VIP names, and still a load balancer."""
    service = inputs.service
    if service is None or service.metadata.uid != inputs.holder.uid:
        return None
    return service if service.spec.type == "LoadBalancer" else None


def _last(rule: Endpoints, found: NodeEndpoints, *, announced: bool = False) -> bool | None:
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


def _no_endpoint(
    name: str,
    context: Context,
    rules: list[tuple[int, Rule]],
    inputs: HolderInputs,
    *,
    local: bool,
) -> Judgement:
    if not local:
        judgement = _no(
            Reason.NO_ENDPOINT,
            f"{name} has no ready endpoint",
            "look at the Pods that its selector means, and at their readiness",
        )
        return judgement._replace(unready=_unready(inputs.endpoints))
    where = f"Node/{context.node.name}"
    looked = [inputs.endpoints] if any(rule.hops is None for _, rule in rules) else []
    hops = {hop.node for _, rule in rules for hop in rule.hops or ()}
    if hops:
        where = "any node that it may be announced for"
        there = endpoints_by_node(inputs.slices)
        looked += [there[node] for node in hops & there.keys()]
    judgement = _no(Reason.NO_LOCAL_ENDPOINT, f"{name} has no ready endpoint on {where}")
    return judgement._replace(unready=any(map(_unready, looked)))


def _unready(found: NodeEndpoints) -> bool:
    return found.ready == 0 and found.serving + found.other > 0


def _no(reason: Reason, message: str, remedy: str = "") -> Judgement:
    return Judgement(frozenset(), (Verdict(reason=reason, message=message, remedy=remedy),))
