"""Scenario pages: a cluster on top, and below what Porter makes of it.

A page begins with comments that say in a sentence what it shows. `--- cluster` lists one object a
line: its kind, and in braces its name, metadata (`labels`, `annotations`, `age` in seconds, the
greater the younger) and `spec`. Then come the tables that are expected:

    --- expect vips                 what each Service has, or why it has nothing
    --- expect routes node=NAME     what each peer hears from that node, or why it does not
    --- expect sessions node=NAME   which sessions that node has, or why it does not
    --- expect statuses             usage and holders, and each condition with its reason
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import yaml

from porter_bgp.wire import format_community
from porter_ctl.api import (
    VIP,
    AddressType,
    BGPAdvertisement,
    BGPConfig,
    BGPPeer,
    EndpointSlice,
    Node,
    NodeEndpoints,
    Secret,
    Service,
    VIPPool,
    VIPSpec,
)
from porter_ctl.plan import (
    SERVICE_CLASSES,
    conflicts,
    plan_node,
    plan_service,
    vip_pool_status,
    vip_status,
)
from porter_ctl.plan.status import bgp_advertisement_status
from tests.porter_ctl.plan.world import AT, Cluster, uid_of, vip_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from porter_bgp.rib import RouteAttributes
    from porter_ctl.api import Condition, Resource
    from porter_ctl.plan import PrefixPlan

Document = dict[str, object]
_LINE = re.compile(r"kind: (?P<kind>\w+)\s+(?P<document>\{.*\})")
_STRUCTS: dict[str, type[Resource]] = {
    "Service": Service,
    "Node": Node,
    "Secret": Secret,
    "VIPPool": VIPPool,
    "VIP": VIP,
    "BGPConfig": BGPConfig,
    "BGPPeer": BGPPeer,
    "BGPAdvertisement": BGPAdvertisement,
}


@dataclass(frozen=True)
class Page:
    """A page, read: `head` is everything above the expectations, which are named sections."""

    head: str
    cluster: tuple[str, ...]
    expected: dict[str, str]

    @classmethod
    def read(cls, text: str) -> Page:
        head, *sections = re.split(r"^--- expect ", text, flags=re.MULTILINE)
        named = (section.partition("\n")[::2] for section in sections)
        return cls(
            head=head,
            cluster=tuple(line for line in head.splitlines() if line.startswith("kind: ")),
            expected={name.strip(): body for name, body in named},
        )

    def write(self, found: dict[str, str]) -> str:
        return self.head + "".join(f"--- expect {name}\n{found[name]}" for name in self.expected)


def play(page: Page) -> dict[str, str]:
    """Allocate, plan, and print the tables that the page asks for."""
    cluster = Cluster(*(read_object(line) for line in page.cluster))
    cluster.allocate()
    return {name: _table(cluster, name) for name in page.expected}


def read_object(line: str) -> Resource:
    """Read one line of a cluster."""
    match = _LINE.fullmatch(line)
    assert match is not None, f"not an object: {line}"
    document = msgspec.convert(yaml.safe_load(match["document"]), Document)
    if match["kind"] == "EndpointSlice":
        return _slice(document)
    if match["kind"] == "VIP":
        return _vip(document)
    if match["kind"] == "Node":
        addresses = msgspec.convert(document.pop("addresses", []), list[str])
        found = [{"type": "InternalIP", "address": address} for address in addresses]
        document["status"] = {"addresses": found}
    return msgspec.convert(_whole(match["kind"], document), _STRUCTS[match["kind"]])


def _vip(document: Document) -> VIP:
    """Read a VIP: its name is its address, and a holder's UID that of the Service of that name."""
    spec = msgspec.convert(document["spec"], VIPSpec)
    holders = tuple(
        msgspec.structs.replace(one, uid=one.uid or uid_of(f"{one.namespace}/{one.name}"))
        for one in spec.holders
    )
    whole = _whole("VIP", {"name": vip_key(spec.address), **document})
    read = msgspec.convert(whole, VIP)
    return msgspec.structs.replace(read, spec=msgspec.structs.replace(spec, holders=holders))


def _whole(kind: str, short: Document) -> Document:
    whole: Document = {key: short.pop(key) for key in ("spec", "status", "data") if key in short}
    namespace = short.pop("namespace", "default") if kind in {"Service", "Secret"} else ""
    full = f"{namespace}/{short['name']}" if namespace else str(short["name"])
    whole["metadata"] = {
        "namespace": namespace,
        "uid": uid_of(full),
        "resourceVersion": "1",
        "creationTimestamp": f"2026-01-01T00:00:{short.pop('age', 0):02}Z",
        **short,
    }
    return whole


def _slice(document: dict[str, object]) -> EndpointSlice:
    given = msgspec.convert(document, _Slice, strict=False)
    nodes: dict[str, NodeEndpoints] = {}
    for one in given.endpoints:
        before = nodes.get(one.node, NodeEndpoints())
        nodes[one.node] = before._replace(
            ready=before.ready + one.ready,
            serving=before.serving + (one.serving and not one.ready),
            other=before.other + (not one.ready and not one.serving),
        )
    name = f"{given.service}-{given.family.lower()}-{given.nth}"
    whole = _whole("", {"name": name, "namespace": "default"})
    bare = msgspec.convert({"metadata": whole["metadata"]}, EndpointSlice)
    family = AddressType(given.family)
    return msgspec.structs.replace(bare, service=given.service, address_type=family, nodes=nodes)


class _Endpoint(msgspec.Struct):
    node: str
    ready: bool
    serving: bool = False


class _Slice(msgspec.Struct):
    service: str = msgspec.field(name="for")
    endpoints: list[_Endpoint]
    family: str = "IPv4"
    nth: int = 1


def _table(cluster: Cluster, name: str) -> str:
    what, _, node = name.partition(" node=")
    tables: dict[str, Callable[[], Iterable[tuple[str, ...]]]] = {
        "vips": lambda: _vips(cluster),
        "routes": lambda: _routes(cluster, node),
        "sessions": lambda: _sessions(cluster, node),
        "statuses": lambda: _statuses(cluster),
    }
    rows = list(tables[what]())
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "".join(
        "    ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        + "\n"
        for row in rows
    )


def _vips(cluster: Cluster) -> Iterable[tuple[str, ...]]:
    ledger = cluster.ledger()
    for name in sorted(cluster.services):
        plan = plan_service(name, cluster.services[name], ledger, AT, SERVICE_CLASSES)
        addresses = ", ".join(cluster.addresses(name)) or "(none)"
        verdict = plan.verdict
        told = verdict is not None and verdict.reason != "Allocated"
        yield name, addresses, f"{verdict.reason}: {verdict}" if told and verdict else ""


def _routes(cluster: Cluster, node: str) -> Iterable[tuple[str, ...]]:
    plan = plan_node(cluster, node)
    for peer in plan.context.peers or ("-",):
        for prefix in sorted(plan.prefixes):
            one = plan.prefixes[prefix]
            reasons = ", ".join(
                verdict.reason for verdict in one.verdicts if verdict.subject in {"", peer}
            )
            paths = one.paths.get(peer, ())
            if not paths:
                yield peer, "(none)", f"{_owner(cluster, one)}: {reasons or 'not for this peer'}"
            for path in paths:
                words = _words(path.attributes)
                yield peer, str(prefix), f"{words}; {reasons}" if reasons else words


def _sessions(cluster: Cluster, node: str) -> Iterable[tuple[str, ...]]:
    context = plan_node(cluster, node).context
    for name, peer in context.peers.items():
        session = peer.session
        yield f"BGPPeer/{name}", str(peer.tcp.remote), f"AS {session.local_asn} {session.router_id}"
    for verdict in context.verdicts:
        yield verdict.subject or f"Node/{node}", "(none)", f"{verdict.reason}: {verdict}"


def _owner(cluster: Cluster, plan: PrefixPlan) -> str:
    spec = cluster.vips[vip_key(str(plan.prefix.address))].spec
    assert spec is not None
    return ", ".join(f"{one.namespace}/{one.name}" for one in spec.holders) or str(plan.prefix)


def _words(attributes: RouteAttributes) -> str:
    standard = [format_community(community) for community in attributes.communities]
    fields = {
        "communities": ",".join(standard + [str(one) for one in attributes.large_communities]),
        "localPref": attributes.local_pref,
        "med": attributes.med,
        "prepend": attributes.prepend or None,
    }
    words = [f"{name} {value}" for name, value in fields.items() if value not in {None, ""}]
    return " ".join(words) or "self"


def _statuses(cluster: Cluster) -> Iterable[tuple[str, ...]]:
    ledger = cluster.ledger()
    for name, pool in sorted(cluster.vip_pools.items()):
        status = vip_pool_status(pool, (), ledger, AT)
        yield f"VIPPool/{name}", status.usage, _conditions(status.conditions)
    for name, vip in sorted(cluster.vips.items()):
        found = vip_status(vip, ledger.pools, AT)
        yield f"VIP/{name}", found.holder, _conditions(found.conditions)
    verdicts = conflicts(
        plan for node in cluster.nodes for plan in plan_node(cluster, node).prefixes.values()
    )
    for name, one in sorted(cluster.bgp_advertisements.items()):
        told = bgp_advertisement_status(one, (), verdicts, AT)
        yield f"BGPAdvertisement/{name}", "", _conditions(told.conditions)
    for name, service in sorted(cluster.services.items()):
        yield f"Service/{name}", "", _conditions(service.status.conditions)


def _conditions(conditions: tuple[Condition, ...]) -> str:
    return " ".join(f"{one.type}={one.status}({one.reason})" for one in conditions)
