"""What each pool may give, once all pools and the nodes are known.

A pool by itself is checked in `porter_ctl.api`. Here the rules between objects are applied: where
two pools overlap the younger gives nothing of the overlap, and nobody gives a node's own address.
What was given before stays given: `owned` keeps what a pool says, `giveable` is what is left of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from porter_ctl.plan.addresses import (
    VERSIONS,
    AddressSet,
    addresses_in,
    by_version,
    count_text,
    to_address,
)
from porter_ctl.plan.verdict import Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from porter_ctl.api import Node, VIPPool, VIPPoolSpec
    from porter_ctl.plan.addresses import Address, Occupied


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """One accepted pool among the others.

    Attributes:
        name: The VIPPool's name.
        spec: Its accepted spec.
        labels: The VIPPool's labels.
        owned: By IP version, what it has, `exclude` taken out.
        giveable: By IP version, what of that no older pool has and no node uses.
        overlaps: One verdict for each older pool it shares addresses with.
        taboos: One verdict for each node whose address it has.
    """

    name: str
    spec: VIPPoolSpec
    labels: Mapping[str, str] = field(default_factory=dict)
    owned: Mapping[int, AddressSet]
    giveable: Mapping[int, AddressSet]
    overlaps: tuple[Verdict, ...] = ()
    taboos: tuple[Verdict, ...] = ()

    def has(self, address: Address) -> bool:
        """Tell whether `address` is one of the pool's."""
        return int(address) in self.owned[address.version]

    def gives(self, address: Address) -> bool:
        """Tell whether the pool may give `address` to somebody."""
        return int(address) in self.giveable[address.version]

    def entry(self, address: Address) -> str:
        """Return the entry of `spec.addresses` that holds `address`; empty if none does."""
        for text, block in zip(self.spec.addresses, self.spec.address_ranges(), strict=True):
            if block.contains(address):
                return text
        return ""

    def usage(self, held: Mapping[int, Occupied]) -> str:
        """Write how full it is, "12/254, 3/2^64", given the held addresses by IP version."""
        return ", ".join(
            f"{held[version].count(self.owned[version])}/{count_text(self.owned[version].size)}"
            for version in VERSIONS
            if self.owned[version]
        )


def addresses_of_nodes(nodes: Iterable[Node]) -> dict[Address, str]:
    """Return the InternalIPs of `nodes`, each with the name of its node."""
    return {
        address: node.metadata.name for node in nodes for address in addresses_in(node.internal_ips)
    }


def compile_pools(
    pools: Iterable[VIPPool], node_addresses: Mapping[Address, str]
) -> dict[str, Pool]:
    """Judge all pools together.

    Args:
        pools: In any order; those without an accepted spec are passed over.
        node_addresses: The addresses of nodes, which no pool may give, with the node's name.

    Returns:
        The pools by name, in the order in which they are drawn from.
    """
    accepted = [(pool, pool.spec) for pool in pools if pool.spec is not None]
    accepted.sort(key=lambda item: (item[0].metadata.creation_timestamp, item[0].metadata.name))
    older: list[Pool] = []
    for pool, spec in accepted:
        taken_out = by_version(spec.exclude_ranges())
        owned = {
            version: addresses.minus(taken_out[version])
            for version, addresses in by_version(spec.address_ranges()).items()
        }
        used = {a: node for a, node in node_addresses.items() if int(a) in owned[a.version]}
        taboo = {
            version: AddressSet.of((int(a), int(a)) for a in used if a.version == version)
            for version in VERSIONS
        }
        giveable = {version: owned[version].minus(taboo[version]) for version in VERSIONS}
        for senior in older:
            giveable = {v: giveable[v].minus(senior.owned[v]) for v in VERSIONS}
        older.append(
            Pool(
                name=pool.metadata.name,
                spec=spec,
                labels=pool.metadata.labels,
                owned=owned,
                giveable=giveable,
                overlaps=_overlaps(pool.metadata.name, owned, older),
                taboos=tuple(_taboo(pool.metadata.name, a, node) for a, node in used.items()),
            )
        )
    return {pool.name: pool for pool in sorted(older, key=lambda pool: pool.name)}


def _overlaps(name: str, owned: Mapping[int, AddressSet], older: list[Pool]) -> tuple[Verdict, ...]:
    verdicts = []
    for senior in older:
        for version in VERSIONS:
            shared = owned[version].common(senior.owned[version])
            if shared:
                first, last = (to_address(version, value) for value in shared.ranges[0])
                text = str(first) if first == last else f"{first}-{last}"
                verdicts.append(
                    Verdict(
                        reason=Reason.OVERLAP,
                        message=(
                            f"spec.addresses: {text} belongs to the older VIPPool/{senior.name}; "
                            "this pool gives nothing of it"
                        ),
                        remedy="take it out of one of the two pools",
                        subject=f"VIPPool/{name}",
                    )
                )
                break
    return tuple(verdicts)


def _taboo(name: str, address: Address, node: str) -> Verdict:
    return Verdict(
        reason=Reason.CONFLICTING,
        message=f"spec.addresses: {address} is the address of Node/{node} and is never given",
        remedy=f"put {address} into spec.exclude",
        subject=f"VIPPool/{name}",
    )
