"""The routes that every speaker announces: host routes of the benchmarking range (RFC 2544)."""

from __future__ import annotations

from ipaddress import IPv4Address

FIRST = IPv4Address("198.18.0.0")


def host_route(number: int) -> IPv4Address:
    """The address of the route with this number, from 0."""
    return FIRST + number
