"""Twelve situations of a Service, and what `porter why` says in each: one table for all players.

Whoever plays it has the good world of `conformance.manifests` and does what users do: apply and
delete manifests, label and annotate Nodes. In texts `ROUTER` stands for the address of the router.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from conformance.manifests import good, ours, service

if TYPE_CHECKING:
    from collections.abc import Mapping

WEB = "default/web"
EXCLUDE = "node.kubernetes.io/exclude-from-external-load-balancers"
DRAIN = "porter.network/drain"
CONFIRM = "porter.network/confirm-delete"
ALLOCATED, ANNOUNCED = "porter.network/Allocated", "porter.network/Announced"
WELL, WRONG = 0, 1


class World(Protocol):
    """Who plays: a directory, or a cluster."""

    def apply(self, subject: str, text: str) -> None:
        """Have an object, by kind and name, as the text says."""

    def delete(self, subject: str) -> None:
        """Have it no longer."""

    def mark_nodes(self, field: str, key: str) -> None:
        """Give all Nodes a label or an annotation, as `field` says."""


@dataclass(frozen=True, slots=True)
class Apply:
    """An object is as this text says."""

    subject: str
    text: str

    def do(self, world: World) -> None:
        world.apply(self.subject, self.text)


@dataclass(frozen=True, slots=True)
class Delete:
    """An object is deleted."""

    subject: str

    def do(self, world: World) -> None:
        world.delete(self.subject)


@dataclass(frozen=True, slots=True)
class Mark:
    """All Nodes get a label or an annotation."""

    field: str
    key: str

    def do(self, world: World) -> None:
        world.mark_nodes(self.field, self.key)


Act = Apply | Delete | Mark
_Change = tuple[Act | None, str, str, str]  # with the reason, what the sentence has, the remedy


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """One situation.

    Attributes:
        first: What is done beforehand.
        settled: What is asked until it has which reason, before the acts.
        acts: What makes the situation.
        asked: The Service that is asked about.
        reason: The code that is told.
        says: What the sentence has in it.
        remedy: What the remedy has in it.
        condition: The condition of the Service that carries the code; empty: it has none.
        status: The exit status of `porter why`.
    """

    first: tuple[Act, ...] = ()
    settled: tuple[str, str] = ("", "")
    acts: tuple[Act, ...] = ()
    asked: str = WEB
    reason: str
    says: str
    remedy: str
    condition: str = ANNOUNCED
    status: int = WRONG


def world(*, node: str, router: str, asn: int, peer: str = "") -> Mapping[str, str]:
    """The good world, in which no removal has to be confirmed."""
    texts = good(node=node, router=router, asn=asn, peer=peer)
    config = texts["BGPConfig default"]
    confirmed = f"metadata: {{annotations: {{{CONFIRM}: 'true'}}, "
    return {**texts, "BGPConfig default": config.replace("metadata: {", confirmed)}


def situations(texts: Mapping[str, str]) -> Mapping[str, Situation]:
    """The table, given the good world."""
    return {**_of_allocation(), **_of_announcement(texts)}


def _of_allocation() -> Mapping[str, Situation]:
    return {
        "no pool": Situation(
            first=(Delete("VIPPool lab"),),
            settled=("198.51.100.1", "NoPool"),
            acts=(_new("late", "keep-address: 'true'"),),
            asked="default/late",
            reason="NoPool",
            says="VIPPool",
            remedy="create",
            condition=ALLOCATED,
        ),
        "pool full": Situation(
            first=(
                Apply("VIPPool tiny", ours("VIPPool", "tiny", "{addresses: [198.51.100.32]}")),
                _new("one", "pools: tiny"),
            ),
            settled=("default/one", "NoEndpoint"),
            acts=(_new("two", "pools: tiny"),),
            asked="default/two",
            reason="PoolExhausted",
            says="all 1 IPv4 addresses of tiny are in use",
            remedy="add addresses to the pool, or release some",
            condition=ALLOCATED,
        ),
        "address resting": Situation(
            first=(
                Apply(
                    "VIPPool lounge",
                    ours("VIPPool", "lounge", "{addresses: [198.51.100.48]}"),
                ),
                _new("early", "addresses: 198.51.100.48"),
            ),
            settled=("default/early", "NoEndpoint"),
            acts=(Delete("Service default/early"), _new("next", "addresses: 198.51.100.48")),
            asked="default/next",
            reason="AddressResting",
            says="198.51.100.48",
            remedy="wait",
            condition=ALLOCATED,
        ),
        "foreign class": Situation(
            acts=(
                Apply(
                    "Service default/foreign",
                    service("foreign", "keep-address: 'true'").replace(
                        "spec: {", "spec: {loadBalancerClass: example.com/lb, "
                    ),
                ),
            ),
            asked="default/foreign",
            reason="ForeignClass",
            says="loadBalancerClass 'example.com/lb' is not one of ours",
            remedy="leave it to its own controller",
            condition="",
        ),
    }


def _of_announcement(texts: Mapping[str, str]) -> Mapping[str, Situation]:
    """Each changes the world first, and makes a Service then.

    What stands in a condition of an old Service is changed for the better, or in its reason, no
    oftener than every 30 seconds; that of a new one is written at once.
    """
    peer = texts["BGPPeer router"]
    auth = "auth: {method: MD5, secretRef: {name: absent}}, "
    nobody = ours("BGPAdvertisement", "all", "{peers: [nobody]}")
    down = peer.replace("spec: {", "spec: {adminState: Down, ")
    secret = peer.replace("spec: {", f"spec: {{{auth}")
    changes: Mapping[str, _Change] = {
        "excluded node": (
            Mark("labels", EXCLUDE),
            "NodeExcluded",
            f"carries the label {EXCLUDE}",
            "remove the label",
        ),
        "no advertisement": (
            Delete("BGPAdvertisement all"),
            "NoAdvertisement",
            "no BGPAdvertisement selects 198.51.100.",
            "kind: BGPAdvertisement",
        ),
        "no peer selected": (
            Apply("BGPAdvertisement all", nobody),
            "NoPeer",
            "BGPAdvertisement",
            "spec.peers",
        ),
        "session down": (Apply("BGPPeer router", down), "SessionDown", "router", "look at"),
        "Secret missing": (
            Apply("BGPPeer router", secret),
            "SecretMissing",
            "Secret absent has no password under 'password'",
            "create Secret absent",
        ),
        "draining": (
            Mark("annotations", DRAIN),
            "LastDraining",
            f"carries the annotation {DRAIN}",
            "drain",
        ),
        "all well": (None, "AllPaths", "is announced: 198.51.100.", ""),
    }
    return {
        "no endpoint": Situation(
            acts=(_new("empty", "keep-address: 'true'"),),
            asked="default/empty",
            reason="NoEndpoint",
            says="default/empty has no ready endpoint",
            remedy="look at the Pods",
        ),
        **{name: _of_change(texts, name, row) for name, row in changes.items()},
    }


def _of_change(texts: Mapping[str, str], name: str, row: _Change) -> Situation:
    change, reason, says, remedy = row
    new = name.lower().replace(" ", "-")
    endpoints = texts["EndpointSlice default/web-1"].replace("web", new)
    return Situation(
        first=(change,) if change is not None else (),
        settled=(WEB, reason),
        acts=(
            Apply(f"EndpointSlice default/{new}-1", endpoints),
            _new(new, "keep-address: 'true'"),
        ),
        asked=f"default/{new}",
        reason=reason,
        says=says,
        remedy=remedy,
        status=WELL if reason == "AllPaths" else WRONG,
    )


def _new(name: str, annotation: str) -> Apply:
    return Apply(f"Service default/{name}", service(name, annotation))
