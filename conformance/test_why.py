"""`porter why` in the twelve situations of the one table, made with kubectl in a real cluster.

The same code stands in the Service's condition, read by kubectl, and in the scraped metric. A
foreign Service gets no condition, and is but counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families

from conformance.rig import porter as rig_porter
from conformance.rig.fib import wait_next_hops
from conformance.rig.hosts import run
from conformance.rig.layout import FRR_ASN, HOSTS, NODES, Layout
from conformance.rig.objects import as_object, at, objects, parse, text
from conformance.rig.process import wait_until
from conformance.situations import WEB, WELL, Situation, situations, world

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.rig.objects import Object

ROUTER = HOSTS["frr"][0]
VIP = "198.51.100.7"
ALL = frozenset(HOSTS[node][0] for node in NODES)
GOOD = world(node=HOSTS["n1"][0], router=ROUTER, asn=FRR_ASN, peer="timers: {holdSeconds: 9}")
SITUATIONS = situations(GOOD)
PLURALS = {
    "VIPPool": "vippools.porter.network",
    "BGPConfig": "bgpconfigs.porter.network",
    "BGPPeer": "bgppeers.porter.network",
    "BGPAdvertisement": "bgpadvertisements.porter.network",
    "Service": "services",
    "EndpointSlice": "endpointslices.discovery.k8s.io",
}


class Cluster:
    """A `World` behind kubectl, with `porter run` on every node."""

    def __init__(self, layout: Layout, porters: dict[str, rig_porter.Porter]) -> None:
        self.layout = layout
        self.porters = porters
        self._kubectl = layout.control_plane.kubectl
        self._here = dict(GOOD)
        self._marks: list[tuple[str, str]] = []

    def apply(self, subject: str, text: str) -> None:
        self._here[subject] = text
        self._kubectl("apply", "-f", "-", manifest=text)

    def delete(self, subject: str) -> None:
        del self._here[subject]
        self._kubectl("delete", *named(subject))

    def mark_nodes(self, field: str, key: str) -> None:
        verb = {"labels": "label", "annotations": "annotate"}[field]
        self._marks.append((verb, key))
        self._kubectl(verb, "nodes", "--all", f"{key}=true")

    def restore(self) -> None:
        """Have the good world again, and nothing else."""
        while self._marks:
            verb, key = self._marks.pop()
            self._kubectl(verb, "nodes", "--all", f"{key}-")
        for subject in self._here.keys() - GOOD.keys():
            self.delete(subject)
        for subject, text_ in GOOD.items():
            if self._here.get(subject) != text_:
                self.apply(subject, text_)

    def why(self, what: str, node: str = "n1") -> Object:
        """What `porter why -o json` says on a node."""
        return as_object(parse(self.porters[node].cli("why", what, "-o", "json")))

    def status(self, what: str) -> int:
        """The exit status of `porter why`."""
        porter = self.porters["n1"]
        line = f"{rig_porter.COMMAND} why {what} --control {porter.control} >&2; echo $?"
        return int(porter.host.run("sh", "-c", line))

    def until(self, what: str, reason: str) -> Object:
        """Ask until the answer has this reason."""
        told: list[Object] = []

        def right() -> bool:
            told[:] = [self.why(what)]
            return text(told[0], "headline", "reason") == reason

        wait_until(right, timeout=30, what=f"{what} is told {reason}")
        return told[0]

    def conditions(self, service: str) -> dict[str, str]:
        """The reasons of our conditions, as kubectl gives them."""
        found = as_object(parse(self._kubectl("get", *named(f"Service {service}"), "-o", "json")))
        return {
            text(one, "type"): text(one, "reason")
            for one in objects(found, "status", "conditions")
            if text(one, "type").startswith("porter.network/")
        }

    def metric(self, service: str, reason: str) -> bool:
        """Whether the page of the process that allocates gives a Service this reason."""
        _, _, name = service.partition("/")
        page = text_string_to_metric_families(self.porters["n1"].metrics())
        samples = [sample for family in page for sample in family.samples]
        if reason in {"ForeignClass", "AllPaths"}:
            return any(
                one.name == "porter_service_decisions"
                and one.labels == {"reason": reason}
                and one.value >= 1
                for one in samples
            )
        wanted = {"namespace": "default", "service": name, "reason": reason}
        return any(one.name == "porter_service_reason" and one.labels == wanted for one in samples)


def named(subject: str) -> list[str]:
    """Kind, name and namespace as kubectl wants them."""
    kind, _, name = subject.partition(" ")
    namespace, slash, inner = name.partition("/")
    return [PLURALS[kind], inner, "-n", namespace] if slash else [PLURALS[kind], name]


@pytest.fixture(scope="module")
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """The good world, announced to FRR by three nodes; none has kube-proxy."""
    request.getfixturevalue("binaries")
    with Layout(kube_proxy=False) as layout:
        rig_porter.install(layout.control_plane, secrets=["absent"])
        layout.control_plane.kubectl("apply", "-f", "-", manifest="---\n".join(GOOD.values()))
        porters = rig_porter.start_porters(layout)
        wait_next_hops(layout.frr.host, f"{VIP}/32", ALL, timeout=30)
        found = Cluster(layout, porters)
        found.until(WEB, "AllPaths")
        yield found


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_situation_has_one_code_in_answer_condition_and_metric(
    cluster: Cluster, name: str
) -> None:
    situation = SITUATIONS[name]
    for act in situation.first:
        act.do(cluster)
    if situation.first:
        cluster.until(*situation.settled)
    for act in situation.acts:
        act.do(cluster)

    told = cluster.until(situation.asked, situation.reason)
    assert situation.says in text(told, "headline", "message")
    assert situation.remedy in text(told, "headline", "remedy")
    assert bool(text(told, "headline", "remedy")) == (situation.status != WELL)
    assert cluster.status(situation.asked) == situation.status
    _check_condition(cluster, situation)
    wait_until(
        lambda: cluster.metric(situation.asked, situation.reason),
        timeout=10,
        what=f"the metric says {situation.reason}",
    )

    cluster.restore()
    cluster.until(WEB, "AllPaths")


def _check_condition(cluster: Cluster, situation: Situation) -> None:
    if not situation.condition:
        assert cluster.conditions(situation.asked) == {}
        return
    wait_until(
        lambda: cluster.conditions(situation.asked).get(situation.condition) == situation.reason,
        timeout=30,
        what=f"{situation.condition} of {situation.asked} says {situation.reason}",
    )


def test_the_allocator_answers_for_every_node_and_the_others_for_their_own(
    cluster: Cluster,
) -> None:
    whole, own = cluster.until(WEB, "AllPaths"), cluster.why(WEB, "n2")

    assert [text(row, "node") for row in objects(whole, "verdicts")] == list(NODES)
    assert all(at(row, "yes") is True for row in objects(whole, "verdicts"))
    assert at(whole, "notes") == []
    assert [text(row, "node") for row in objects(own, "verdicts")] == ["n2"]
    notes = at(own, "notes")
    assert isinstance(notes, list)
    assert str(notes[0]).startswith("other nodes: ")


def test_porter_drain_moves_flows_away_before_it_says_that_a_node_may_go(
    cluster: Cluster,
) -> None:
    plane = cluster.layout.control_plane

    def porter(verb: str) -> str:
        return run(str(rig_porter.COMMAND), verb, "n3", f"--kubeconfig={plane.kubeconfig}")

    drained = porter("drain")
    wait_next_hops(cluster.layout.frr.host, f"{VIP}/32", ALL - {HOSTS["n3"][0]}, timeout=0)
    rows = objects(cluster.why(WEB), "verdicts")
    undrained = porter("undrain")
    wait_next_hops(cluster.layout.frr.host, f"{VIP}/32", ALL, timeout=5)

    assert drained.splitlines()[-1] == "node/n3 may go"
    assert [(text(row, "node"), text(row, "reason")) for row in rows] == [
        ("n1", "AllPaths"),
        ("n2", "AllPaths"),
        ("n3", "LastDraining"),
    ]
    assert undrained.splitlines()[-1] == "node/n3 is announced like any other"
