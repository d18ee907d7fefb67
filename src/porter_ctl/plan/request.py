"""What a Service asks for: its families, and addresses and pools by annotation or field."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

from porter_ctl.api import IPFamily, IPFamilyPolicy
from porter_ctl.plan.addresses import ingress_addresses
from porter_ctl.plan.allocate import Request
from porter_ctl.plan.verdict import Reason, Verdict

if TYPE_CHECKING:
    from porter_ctl.api import Service
    from porter_ctl.plan.addresses import Address
    from porter_ctl.plan.ledger import Ledger

ADDRESSES = "porter.network/addresses"
POOLS = "porter.network/pools"
_VERSION = {IPFamily.IPV4: 4, IPFamily.IPV6: 6}


def request_of(owner: str, service: Service, ledger: Ledger) -> tuple[Request, Verdict | None]:
    """Read the request; where the Service contradicts itself it asks for no address, with why."""
    asked: list[Address] = []
    fault = None
    try:
        asked = _asked_addresses(service)
    except ValueError as error:
        fault = Verdict(
            reason=Reason.INVALID,
            message=f"{error} (annotation {ADDRESSES} or spec.loadBalancerIP)",
            remedy="write addresses separated by commas",
        )
    versions = _versions(service, asked, ledger)
    fault = fault or _disagreement(asked, versions)
    names = service.metadata.annotations.get(POOLS, "").split(",")
    request = Request(
        owner=owner,
        uid=service.metadata.uid,
        versions=versions,
        require_all=service.spec.ip_family_policy == IPFamilyPolicy.REQUIRE_DUAL_STACK,
        addresses=() if fault else tuple(asked),
        pools=tuple(name.strip() for name in names if name.strip()),
        standing=ingress_addresses(service),
    )
    return request, fault


def _asked_addresses(service: Service) -> list[Address]:
    texts = service.metadata.annotations.get(ADDRESSES, "").split(",")
    texts.append(service.spec.load_balancer_ip)
    asked: list[Address] = []
    for text in texts:
        if text.strip():
            address = ip_address(text.strip())
            if address not in asked:
                asked.append(address)
    return asked


def _disagreement(asked: list[Address], versions: tuple[int, ...]) -> Verdict | None:
    for version in (4, 6):
        mine = [str(address) for address in asked if address.version == version]
        if len(mine) > 1:
            return Verdict(
                reason=Reason.REQUEST_CONFLICT,
                message=f"the Service asks for {' and '.join(mine)} at once",
                remedy=f"let the annotation {ADDRESSES} and spec.loadBalancerIP agree",
            )
        if mine and version not in versions:
            return Verdict(
                reason=Reason.REQUEST_CONFLICT,
                message=f"the Service asks for {mine[0]}, but its ipFamilies have no IPv{version}",
                remedy=f"add IPv{version} to spec.ipFamilies, or ask for another address",
            )
    return None


def _versions(service: Service, asked: list[Address], ledger: Ledger) -> tuple[int, ...]:
    """Return the IP versions wanted: an API server fills `ipFamilies` in, a file need not."""
    spec = service.spec
    if spec.ip_families:
        return tuple(_VERSION[family] for family in spec.ip_families)
    if spec.ip_family_policy != IPFamilyPolicy.SINGLE_STACK:
        return (4, 6)
    if asked:
        return (asked[0].version,)
    pools = ledger.pools.values()
    return (4,) if any(pool.owned[4] for pool in pools) or not pools else (6,)
