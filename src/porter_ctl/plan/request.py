"""What a Service asks for: its families, and addresses and pools by annotation or field."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from porter_ctl.api import AddressError, IPFamily, IPFamilyPolicy, parse_address
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
_ANNOTATION = f"metadata.annotations[{ADDRESSES}]"
_FIELD = "spec.loadBalancerIP"


class _Asked(NamedTuple):
    """An address that is asked for, and the field that asks."""

    address: Address
    field: str


class _NoAddressError(ValueError):
    """A field asks for what is no address; carries the verdict."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(str(verdict))
        self.verdict = verdict


def request_of(owner: str, service: Service, ledger: Ledger) -> tuple[Request, Verdict | None]:
    """Read the request; where the Service contradicts itself it asks for no address, with why."""
    asked: list[_Asked] = []
    fault = None
    try:
        asked = _asked_addresses(service)
    except _NoAddressError as error:
        fault = error.verdict
    addresses = tuple(dict.fromkeys(one.address for one in asked))
    versions = _versions(service, addresses, ledger)
    fault = fault or _disagreement(asked, versions)
    names = service.metadata.annotations.get(POOLS, "").split(",")
    request = Request(
        owner=owner,
        uid=service.metadata.uid,
        versions=versions,
        require_all=service.spec.ip_family_policy == IPFamilyPolicy.REQUIRE_DUAL_STACK,
        addresses=() if fault else addresses,
        pools=tuple(name.strip() for name in names if name.strip()),
        standing=ingress_addresses(service),
    )
    return request, fault


def _asked_addresses(service: Service) -> list[_Asked]:
    texts = [
        (text, _ANNOTATION) for text in service.metadata.annotations.get(ADDRESSES, "").split(",")
    ]
    texts.append((service.spec.load_balancer_ip, _FIELD))
    return [_asked(text.strip(), field) for text, field in texts if text.strip()]


def _asked(text: str, field: str) -> _Asked:
    try:
        return _Asked(parse_address(text), field)
    except AddressError as error:
        message, remedy = error.problem
        raise _NoAddressError(
            Verdict(reason=Reason.INVALID, message=f"{field}: {message}", remedy=remedy)
        ) from error


def _disagreement(asked: list[_Asked], versions: tuple[int, ...]) -> Verdict | None:
    for version in (4, 6):
        mine = [one for one in asked if one.address.version == version]
        addresses = dict.fromkeys(str(one.address) for one in mine)
        fields = " and ".join(dict.fromkeys(one.field for one in mine))
        if len(addresses) > 1:
            return Verdict(
                reason=Reason.REQUEST_CONFLICT,
                message=f"{fields}: the Service asks for {' and '.join(addresses)} at once",
                remedy="ask for one address of each family",
            )
        if mine and version not in versions:
            return Verdict(
                reason=Reason.REQUEST_CONFLICT,
                message=(
                    f"{fields}: the Service asks for {mine[0].address},"
                    f" but its ipFamilies have no IPv{version}"
                ),
                remedy=f"add IPv{version} to spec.ipFamilies, or ask for another address",
            )
    return None


def _versions(service: Service, asked: tuple[Address, ...], ledger: Ledger) -> tuple[int, ...]:
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
