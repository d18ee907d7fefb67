"""Nodes as next hops: what a speaker tells where it speaks for others (next hop `Nodes`).

A path a node, each with an identifier that stays the same for as long as the node does, over
restarts and on every speaker: whoever hears two speakers hears the same paths (RFC 7911 §3). Where
the router takes one path only it is told the first.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from porter_ctl.plan.addresses import Address
    from porter_ctl.plan.inputs import NodeFacts
    from porter_ctl.plan.verdict import Verdict

_PATH_IDS = 1 << 32


class Hop(NamedTuple):
    """A node that may be a next hop.

    Attributes:
        node: Its name.
        path_id: What its paths are known by; never 0.
        addresses: Its first InternalIP of each IP version that it has one of.
        last: Why its paths are the last resort only; None: they are not.
    """

    node: str
    path_id: int
    addresses: Mapping[int, Address]
    last: Verdict | None


class Candidate(NamedTuple):
    """A node with the labels by which advertisements select it."""

    labels: dict[str, str]
    hop: Hop


class _Wanted(NamedTuple):
    made_up: bool
    path_id: int


def candidates(
    nodes: Iterable[NodeFacts], last: Callable[[NodeFacts], Verdict | None]
) -> list[Candidate]:
    """Return the nodes as next hops, in the order of their path identifiers.

    Args:
        nodes: All nodes there are, whether or not they may be next hops: an identifier must not
            change because another node becomes one.
        last: Why a node is announced as the last resort only.
    """
    facts = {node.name: node for node in nodes}
    found = []
    for name, path_id in sorted(path_ids(facts.values()).items(), key=lambda one: one[1]):
        node = facts[name]
        hop = Hop(name, path_id, _first_of_each_version(node), last(node))
        found.append(Candidate(node.labels, hop))
    return found


def path_ids(nodes: Iterable[NodeFacts]) -> dict[str, int]:
    """Give each node an identifier: its IPv4 InternalIP as a number, else one made of its name.

    Where two come to the same one, the first by name has it, a node whose address it is before all
    others; the rest take the next that is free.
    """
    wanted = {node.name: _wanted_id(node) for node in nodes}
    owners: dict[int, str] = {}
    displaced = [
        name
        for name in sorted(wanted, key=lambda name: (wanted[name], name))
        if owners.setdefault(wanted[name].path_id, name) != name
    ]
    for name in displaced:
        path_id = wanted[name].path_id
        while path_id in owners or path_id == 0:
            path_id = (path_id + 1) % _PATH_IDS
        owners[path_id] = name
    return {name: path_id for path_id, name in owners.items()}


def _first_of_each_version(node: NodeFacts) -> dict[int, Address]:
    return {address.version: address for address in reversed(node.addresses) if int(address)}


def _wanted_id(node: NodeFacts) -> _Wanted:
    address = _first_of_each_version(node).get(4)
    if address is not None:
        return _Wanted(made_up=False, path_id=int(address))
    digest = blake2b(node.name.encode(), digest_size=4).digest()
    return _Wanted(made_up=True, path_id=int.from_bytes(digest, "big") or 1)
