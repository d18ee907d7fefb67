"""Has a Service an address, and if not, why? The first half of "why".

The leader knows what it decided. Every other process keeps the same ledger, but not the leader's
clock and evidence: where what it would decide is not what the leader wrote into the Service, the
Service is believed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from porter_ctl.daemon.why_rows import reason_of, with_remedy
from porter_ctl.plan import ALLOCATED, Reason, Verdict, plan_service
from porter_ctl.plan.addresses import ingress_addresses

if TYPE_CHECKING:
    from porter_ctl.api import Condition, Key, Service
    from porter_ctl.daemon.running import Running

_NOT_YET = "the allocator has not decided on {} yet"


def allocation(running: Running, key: Key) -> tuple[Verdict, bool]:
    """Return the verdict on a Service's addresses, and whether it has any of ours."""
    service = running.stores.services.get(key)
    if service is None:
        return _no_service(key), False
    if service.spec.type != "LoadBalancer":
        return _no_load_balancer(key, service), False
    verdict = with_remedy(_decided(running, key, service))
    foreign = verdict.reason in {Reason.FOREIGN_CLASS, Reason.HELD_BY_OTHER}
    return verdict, bool(ingress_addresses(service)) and not foreign


def _no_service(key: Key) -> Verdict:
    return Verdict(
        reason=Reason.NO_SERVICE,
        message=f"there is no Service {key}",
        remedy="write NAMESPACE/NAME as kubectl get services -A shows them",
    )


def _no_load_balancer(key: Key, service: Service) -> Verdict:
    return Verdict(
        reason=Reason.NOT_LOAD_BALANCER,
        message=f"{key} is of type {service.spec.type}, and only LoadBalancer gets an address",
        remedy="set spec.type: LoadBalancer",
    )


def _decided(running: Running, key: Key, service: Service) -> Verdict:
    decided = running.allocator.verdicts.get(key)
    if decided is not None and running.leadership.leading:
        return decided
    plan = plan_service(
        key, service, running.allocator.ledger, "", running.settings.service_classes
    )
    planned = plan.verdict or Verdict(reason=Reason.NOT_ALLOCATED, message=_NOT_YET.format(key))
    if planned.reason in {Reason.FOREIGN_CLASS, Reason.HELD_BY_OTHER}:
        return planned
    told = next((one for one in service.status.conditions if one.type == ALLOCATED), None)
    if told is None:
        return Verdict(reason=Reason.NOT_ALLOCATED, message=_NOT_YET.format(key))
    return planned if planned.reason == told.reason else _as_told(told)


def _as_told(told: Condition) -> Verdict:
    """Read a verdict from its condition, in which the remedy follows the sentence."""
    message, _, remedy = told.message.rpartition("; ")
    if not message:
        message, remedy = told.message, ""
    return Verdict(
        reason=reason_of(told.reason, Reason.NOT_ALLOCATED), message=message, remedy=remedy
    )
