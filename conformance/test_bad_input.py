"""Bad inputs of the one table, through a real API server: refused there, or told of by the daemon.

`kubectl apply` is what a user would run. FRR's kernel has the route of the good Service all the
while, on one session.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance.bad_inputs import BAD
from conformance.manifests import VIP, good
from conformance.rig import porter as rig_porter
from conformance.rig.api import PORTER
from conformance.rig.errors import RigError
from conformance.rig.fib import FibWatch, wait_next_hops
from conformance.rig.layout import FRR_ASN, HOSTS, Layout
from conformance.rig.objects import at, objects, text
from conformance.rig.process import wait_until
from conformance.rig.workloads import ingress_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from conformance.manifests import Bad
    from conformance.rig.objects import Object

NODE, ROUTER = HOSTS["n1"][0], HOSTS["frr"][0]
ROUTE = f"{VIP}/32"
GOOD = good(node=NODE, router=ROUTER, asn=FRR_ASN)
PLACED = {name: row.at(node=NODE, router=ROUTER) for name, row in BAD.items()}
REFUSED = {name: row for name, row in PLACED.items() if row.server}
TAKEN = {name: row for name, row in PLACED.items() if row.subject and not row.server}
PLURALS = {
    "VIPPool": "vippools",
    "VIP": "vips",
    "BGPConfig": "bgpconfigs",
    "BGPPeer": "bgppeers",
    "BGPAdvertisement": "bgpadvertisements",
}


class Cluster:
    """The good world in a cluster, with `porter run` on n1, and what it was like when all was well.

    Args:
        layout: Where; all is announced there.
        watch: Of the route in FRR's kernel.
    """

    def __init__(self, layout: Layout, watch: FibWatch) -> None:
        self.plane = layout.control_plane
        self.api = layout.control_plane.api
        self._layout = layout
        self._watch = watch
        self.settle()

    def settle(self) -> None:
        """Take things as they are as being well."""
        self._before, self._changes = self._seen(), len(self._watch.changes)

    def apply(self, manifest: str) -> str:
        """`kubectl apply`; raises RigError with what it says where it is refused."""
        return self.plane.kubectl("apply", "-f", "-", manifest=manifest)

    def wait_route(self, *next_hops: str) -> None:
        """Wait until FRR's kernel has exactly these for the good Service."""
        wait_next_hops(self._layout.frr.host, ROUTE, next_hops, timeout=30)

    def get(self, subject: str) -> Object:
        """The object of that kind and name; empty if there is none."""
        path = path_of(subject)
        return self.api.get(path) if self.api.exists(path) else {}

    def condition(self, row: Bad) -> tuple[str, str, str]:
        """Status, reason and message of the condition that the row is about."""
        for one in objects(self.get(row.subject), "status", "conditions"):
            if one.get("type") == row.condition:
                return text(one, "status"), text(one, "reason"), text(one, "message")
        return "", "", ""

    @property
    def undisturbed(self) -> bool:
        """Whether Service, VIP, session and route are what they were, and were so all the time."""
        return (self._seen(), len(self._watch.changes)) == (self._before, self._changes)

    def _seen(self) -> object:
        holders = objects(self.get(f"VIP {VIP}"), "spec", "holders")
        session = self._layout.frr.sessions()[NODE]
        return ingress_of(self.api, "web"), holders, session


def path_of(subject: str) -> str:
    kind, _, name = subject.partition(" ")
    if kind == "Service":
        namespace, _, name = name.partition("/")
        return f"/api/v1/namespaces/{namespace}/services/{name}"
    return f"{PORTER}/{PLURALS[kind]}/{name}"


@pytest.fixture(scope="module")
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """The good world, announced to FRR; no node has kube-proxy."""
    request.getfixturevalue("binaries")
    with Layout(kube_proxy=False) as layout:
        rig_porter.install(layout.control_plane, secrets=["absent"])
        layout.control_plane.kubectl("apply", "-f", "-", manifest="---\n".join(GOOD.values()))
        porter = rig_porter.Porter(layout, "n1")
        porter.start()
        porter.wait_ready()
        wait_next_hops(layout.frr.host, ROUTE, [NODE], timeout=30)
        with FibWatch(layout.frr.host, [ROUTE]) as watch:
            watch.wait(lambda change: change.next_hops == {NODE})
            yield Cluster(layout, watch)
        porter.crash()


def rows(table: Mapping[str, Bad]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("row", table.values(), ids=table.keys())


def edits(row: Bad) -> bool:
    """Whether it is about an object that is there and in use."""
    return row.subject in GOOD or row.name == VIP


def is_told(cluster: Cluster, row: Bad) -> bool:
    status, reason, said = cluster.condition(row)
    kept = "the last accepted spec stays in use" if edits(row) else "nothing of it is in use"
    if row.kind == "VIP":
        kept = "who has the address keeps it, and nobody else gets it"
    whole = ". ".join((*row.sentences, kept))
    right = row.says in said if row.between else said == whole
    return (status, reason) == ("False", row.reason) and right


@rows(REFUSED)
def test_the_api_server_refuses_it_and_nothing_changes(cluster: Cluster, row: Bad) -> None:
    before = cluster.get(row.subject) if row.subject else {}

    with pytest.raises(RigError) as refused:
        cluster.apply(row.text)

    said = str(refused.value)
    assert row.server in said
    if row.subject:
        assert row.name in said
        assert row.path in said
        assert cluster.get(row.subject) == before
    assert cluster.undisturbed


@rows(TAKEN)
def test_what_only_the_daemon_can_know_is_told_in_a_condition(cluster: Cluster, row: Bad) -> None:
    cluster.apply(row.text)

    wait_until(lambda: is_told(cluster, row), timeout=10, what=f"{row.subject}: {row.says}")
    assert cluster.undisturbed

    if row.subject in GOOD:
        cluster.apply(GOOD[row.subject])
        well = "True"
    elif row.name == VIP:
        cluster.api.patch(path_of(row.subject), {"spec": {"sharingKey": None}})
        well = "True"
    else:
        cluster.api.delete(path_of(row.subject))
        well = ""
    wait_until(
        lambda: cluster.condition(row)[0] == well, timeout=10, what=f"{row.subject} is well again"
    )
    assert cluster.undisturbed


@pytest.mark.parametrize("name", GOOD)
def test_a_good_object_is_taken_and_accepted(cluster: Cluster, name: str) -> None:
    cluster.apply(GOOD[name])

    def all_well() -> bool:
        conditions = objects(cluster.get(name), "status", "conditions") if path_known(name) else []
        return all(at(one, "status") == "True" for one in conditions)

    wait_until(all_well, timeout=45, what=f"every condition of {name} is true")
    assert cluster.undisturbed


def test_a_session_that_is_reset_would_be_seen(cluster: Cluster) -> None:
    peer = GOOD["BGPPeer router"]
    assert cluster.undisturbed

    cluster.apply(peer.replace("spec: {", "spec: {adminState: Down, "))
    cluster.wait_route()
    disturbed = not cluster.undisturbed
    cluster.apply(peer)
    cluster.wait_route(NODE)
    cluster.settle()

    assert disturbed


def path_known(name: str) -> bool:
    return name.partition(" ")[0] in {*PLURALS, "Service"}
