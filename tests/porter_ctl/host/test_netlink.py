"""`porter_ctl.host.netlink`: this machine's addresses, against what procfs says of them."""

from __future__ import annotations

from ipaddress import IPv4Interface, IPv6Address, IPv6Interface, ip_address, ip_interface
from pathlib import Path

import pytest

from porter_ctl.host import netlink
from porter_ctl.host.netlink import (
    HostAddress,
    Scope,
    Usability,
    host_addresses,
    source_address,
)


def _address(
    text: str,
    scope: Scope = Scope.UNIVERSE,
    usability: Usability = Usability.USABLE,
    interface: str = "eth0",
) -> HostAddress:
    return HostAddress(
        interface=interface,
        index=2,
        address=ip_interface(text),
        scope=scope,
        usability=usability,
    )


async def test_the_loopback_interface_has_its_address() -> None:
    found = await host_addresses()

    assert (
        HostAddress(
            interface="lo",
            index=1,
            address=ip_interface("127.0.0.1/8"),
            scope=Scope.HOST,
            usability=Usability.USABLE,
        )
        in found
    )


def _procfs() -> set[tuple[str, int, IPv4Interface | IPv6Interface, bool]]:
    found = set()
    for line in Path("/proc/net/if_inet6").read_text(encoding="ascii").splitlines():
        digits, index, length, _, flags, interface = line.split()
        bindable = not int(flags, 16) & 0x48
        address = f"{IPv6Address(bytes.fromhex(digits))}/{int(length, 16)}"
        found.add((interface, int(index, 16), ip_interface(address), bindable))
    return found


async def test_the_ipv6_addresses_are_those_of_procfs() -> None:
    expected = _procfs()

    found = {
        (a.interface, a.index, a.address, a.usability is not Usability.UNUSABLE)
        for a in await host_addresses()
        if a.address.version == 6
    }

    assert found == expected


async def test_an_interface_is_a_source_by_its_address() -> None:
    assert source_address(await host_addresses(), "lo", version=4) == ip_address("127.0.0.1")


PREFERENCES = {
    "the first of equals": (["192.0.2.1/24", "192.0.2.2/24"], 4, "192.0.2.1"),
    "only of the version asked for": (["192.0.2.1/24", "2001:db8::1/64"], 6, "2001:db8::1"),
    "none": (["2001:db8::1/64"], 4, None),
}


@pytest.mark.parametrize(("addresses", "version", "chosen"), PREFERENCES.values(), ids=PREFERENCES)
def test_the_source_is(addresses: list[str], version: int, chosen: str | None) -> None:
    found = source_address([_address(text) for text in addresses], "eth0", version=version)

    assert found == (ip_address(chosen) if chosen else None)


def test_another_interface_is_not_looked_at() -> None:
    assert source_address([_address("192.0.2.1/24")], "eth1", version=4) is None


def test_what_cannot_be_bound_is_never_the_source() -> None:
    tentative = _address("2001:db8::1/64", usability=Usability.UNUSABLE)

    assert source_address([tentative], "eth0", version=6) is None


def test_link_local_addresses_are_the_last_resort() -> None:
    link_local = _address("fe80::1/64", Scope.LINK)
    deprecated = _address("2001:db8::1/64", usability=Usability.DEPRECATED)
    good = _address("2001:db8::2/64")

    chosen = [
        source_address(addresses, "eth0", version=6)
        for addresses in (
            [link_local, deprecated, good],
            [link_local, deprecated],
            [link_local],
        )
    ]

    assert chosen == [ip_address("2001:db8::2"), ip_address("2001:db8::1"), ip_address("fe80::1")]


@pytest.mark.parametrize(
    ("flags", "usability"),
    [
        (0x80, Usability.USABLE),
        (0xA0, Usability.DEPRECATED),
        (0xC0, Usability.UNUSABLE),
        (0x88, Usability.UNUSABLE),
        (0x60, Usability.UNUSABLE),
    ],
    ids=["permanent", "deprecated", "tentative", "duplicate", "deprecated while tentative"],
)
def test_the_kernel_says_whether_an_address_is_usable(flags: int, usability: Usability) -> None:
    assert netlink._usability(flags) is usability


def test_a_scope_of_the_users_own_counts_as_site() -> None:
    assert [netlink._scope(number) for number in (0, 100, 253)] == [
        Scope.UNIVERSE,
        Scope.SITE,
        Scope.LINK,
    ]
