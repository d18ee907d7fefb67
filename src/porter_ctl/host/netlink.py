"""The addresses of this machine, as the kernel has them now (rtnetlink(7)).

The only importer of pyroute2, which ships no types: its messages end here, as dataclasses. Each
call is one dump; nothing is kept open between two.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface, ip_interface
from typing import TYPE_CHECKING

from pyroute2.iproute.linux import AsyncIPRoute
from pyroute2.netlink.exceptions import NetlinkError

if TYPE_CHECKING:
    from collections.abc import Iterable

Address = IPv4Address | IPv6Address

_DEPRECATED = 0x20  # IFA_F_DEPRECATED
_NOT_BINDABLE = 0x48  # IFA_F_DADFAILED, IFA_F_TENTATIVE (RFC 4862 §5.4)


class Scope(IntEnum):
    """How far an address is valid: the kernel's `rt_scope_t`."""

    UNIVERSE = 0
    SITE = 200
    LINK = 253
    HOST = 254
    NOWHERE = 255


class Usability(Enum):
    """Whether an address may be a source of new connections."""

    USABLE = "usable"
    DEPRECATED = "deprecated"  # only where there is no other (RFC 4862 §5.5.4)
    UNUSABLE = "unusable"  # duplicate, or not known to be unique yet: binding to it fails


@dataclass(frozen=True, slots=True, kw_only=True)
class HostAddress:
    """One address of this machine.

    Attributes:
        interface: The name of the interface that has it.
        index: The interface's index, the scope id of link-local addresses.
        address: The address with its prefix length, without a scope id.
        scope: How far it is valid; a user may set any number here, others count as SITE.
        usability: Whether connections may leave from it.
    """

    interface: str
    index: int
    address: IPv4Interface | IPv6Interface
    scope: Scope
    usability: Usability


async def host_addresses() -> tuple[HostAddress, ...]:
    """Dump all addresses, in the kernel's order.

    Raises:
        OSError: The kernel refused, or there is no netlink here.
    """
    try:
        async with AsyncIPRoute() as netlink:
            names: dict[int, str] = {}
            async for link in await netlink.link("dump"):
                names[link["index"]] = link.get("ifname")
            messages = [message async for message in await netlink.addr("dump")]
    except NetlinkError as error:
        raise OSError(error.code, f"netlink: {error}") from error
    found: list[HostAddress] = []
    for message in messages:
        index: int = message["index"]
        own: str | None = message.get("local") or message.get("address")
        if own is None or index not in names:  # an interface that came or went between the dumps
            continue
        flags: int = message.get("flags") or 0
        length: int = message["prefixlen"]
        found.append(
            HostAddress(
                interface=names[index],
                index=index,
                address=ip_interface(f"{own}/{length}"),
                scope=_scope(message["scope"]),
                usability=_usability(flags),
            )
        )
    return tuple(found)


def source_address(
    addresses: Iterable[HostAddress], interface: str, *, version: int
) -> Address | None:
    """Choose the address of an interface that connections should leave from.

    One that is not deprecated comes before one that is, then the widest scope, then the kernel's
    order; link-local addresses are the last resort.

    Args:
        addresses: Those of this machine.
        interface: The name of the interface.
        version: 4 or 6.
    """
    candidates = [
        candidate
        for candidate in addresses
        if candidate.interface == interface
        and candidate.address.version == version
        and candidate.usability is not Usability.UNUSABLE
    ]
    best = min(
        candidates,
        key=lambda candidate: (
            candidate.scope is Scope.LINK,
            candidate.usability is Usability.DEPRECATED,
            candidate.scope,
        ),
        default=None,
    )
    return best.address.ip if best is not None else None


def _scope(number: int) -> Scope:
    try:
        return Scope(number)
    except ValueError:
        return Scope.SITE


def _usability(flags: int) -> Usability:
    if flags & _NOT_BINDABLE:
        return Usability.UNUSABLE
    return Usability.DEPRECATED if flags & _DEPRECATED else Usability.USABLE
