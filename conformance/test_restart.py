"""Speakers die and come back, in every way there is, while clients behind both routers keep asking.

Whatever is asserted of traffic was seen by the clients: each probe is a flow of its own, and a
lost packet counts even where TCP mended it. Each promise has a control in which the same thing
happens to a speaker that breaks one rule: there some probes are lost.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from conformance.rig import porter as rig_porter
from conformance.rig import restarts, samples, steady
from conformance.rig.api import PORTER
from conformance.rig.capture import Capture
from conformance.rig.layout import HOSTS
from conformance.rig.objects import as_object, at, parse, text
from conformance.rig.process import wait_until
from conformance.rig.repetitions import repetitions
from conformance.rig.traffic import Traffic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from conformance.rig.capture import Said
    from conformance.rig.layout import Layout
    from conformance.rig.porter import Porter
    from conformance.rig.traffic import Seen

WEB = ("198.51.100.10", "2001:db8:51::10")  # every node has it
ALONE = ("198.51.100.20", "2001:db8:51::20")  # Local, with one endpoint on n2
ALL = (*WEB, *ALONE)
SHUT = "65535:0"  # GRACEFUL_SHUTDOWN
FAULT = "PORTER_FAULT"  # environment of a process that shall break a rule
SESSIONS = 12
PROBES = 1000  # at least, in the full form
CALM = 20  # probes of each prober after the last restart


@pytest.fixture(scope="module")
def cluster(rig: Layout) -> Iterator[dict[str, Porter]]:
    """Porter on every node with all its sessions, and the two Services."""
    rig_porter.install(rig.control_plane)
    rig.control_plane.api.apply(*samples.configuration())
    porters = rig_porter.start_porters(rig)
    steady.offer(rig, "web", WEB, port=8401)
    pods = steady.offer(rig, "alone", ALONE, port=8402, policy="Local")
    for pod in pods:
        if pod.host.name != "n2":
            pod.delete(grace=5)
    yield porters
    for porter in porters.values():
        porter.crash()  # to leave in good order takes its time


@pytest.fixture
def porters(rig: Layout, cluster: dict[str, Porter]) -> Iterator[dict[str, Porter]]:
    """All is well before; afterwards the configuration is as it was, and no fault is left."""
    wait_well(rig)
    yield cluster
    if not rig.control_plane.apiserver.running:
        rig.control_plane.start_apiserver()
        rig.control_plane.wait_ready()
    rig.control_plane.api.apply(*samples.configuration())
    rig.frr.configure(*rig.peers())
    rig.bird.configure(*rig.peers())
    faulty = [
        porter
        for porter in cluster.values()
        if porter.env.pop(FAULT, None) or not porter.process.running
    ]
    restarts.kill(faulty)
    for porter in faulty:
        porter.wait_ready()


def wait_well(rig: Layout) -> None:
    wait_until(
        lambda: len(steady.established(rig)) == SESSIONS, timeout=60, what="twelve sessions are up"
    )
    for address in WEB:
        steady.wait_routed(rig, address, timeout=30)
    for address in ALONE:
        steady.wait_routed(rig, address, ["n2"], timeout=30)
    wait_until(lambda: not restarts.stale(rig, ALL), timeout=60, what="no route is stale")


def during(
    rig: Layout,
    porters: dict[str, Porter],
    restart: Callable[[Sequence[Porter]], object],
    *,
    addresses: Sequence[str] = WEB,
    times: int,
) -> list[Seen]:
    """What clients saw while these speakers were restarted so often, each time to the end."""
    with Traffic(rig, addresses) as traffic:
        for _ in range(times):
            before = steady.established(rig)
            restart(list(porters.values()))
            restarts.wait_back(rig, before, porters, ALL)
        traffic.wait(CALM)
        seen = traffic.stop()
    print(f"{times} times:", "; ".join(map(str, seen)))
    return seen


def lost(seen: list[Seen]) -> int:
    return sum(len(one.lost) for one in seen)


def assert_nothing_lost(seen: list[Seen]) -> None:
    assert sum(len(one.probes) for one in seen) >= repetitions(PROBES, 100)
    assert [(one.router, one.lost) for one in seen if one.lost] == []


def assert_lost_behind_both(seen: list[Seen]) -> None:
    assert [one.router for one in seen if not one.lost] == []


def test_nothing_is_lost_when_all_speakers_are_killed_at_once(
    rig: Layout, porters: dict[str, Porter]
) -> None:
    seen = during(rig, porters, restarts.kill, times=repetitions(10, 2))

    assert_nothing_lost(seen)
    assert [one.changes for one in seen] == [[], []]  # the kernels' next hops stayed


def test_nothing_is_lost_when_the_only_speaker_of_an_address_is_killed(
    rig: Layout, porters: dict[str, Porter]
) -> None:
    only = {"n2": porters["n2"]}

    seen = during(rig, only, restarts.kill, addresses=ALONE, times=repetitions(10, 2))

    assert_nothing_lost(seen)
    assert [one.changes for one in seen] == [[], []]


def test_without_graceful_restart_probes_are_lost_when_all_are_killed(
    rig: Layout, porters: dict[str, Porter]
) -> None:
    disable_graceful_restart(rig)

    seen = during(rig, porters, restarts.kill, addresses=ALL, times=repetitions(10, 1))

    assert_lost_behind_both(seen)


def disable_graceful_restart(rig: Layout) -> None:
    """Have no session with graceful restart."""
    steady.configure(rig.control_plane.api, gracefulRestart={"mode": "Disabled"})

    def gone() -> bool:
        neighbors = rig.frr.json("show bgp neighbors json")
        assert isinstance(neighbors, dict)
        offers = [
            text(peer, "neighborCapabilities", "gracefulRestart") for peer in neighbors.values()
        ]
        return "advertisedAndReceived" not in offers

    wait_until(gone, timeout=15, what="no session has graceful restart")
    wait_well(rig)


def test_nothing_is_lost_when_all_pods_are_deleted_at_once(
    rig: Layout, porters: dict[str, Porter]
) -> None:
    seen = during(rig, porters, restarts.replace, addresses=ALL, times=repetitions(10, 2))

    assert_nothing_lost(seen)
    assert [one.changes for one in seen] == [[], []]


def test_without_graceful_restart_probes_are_lost_when_all_pods_are_deleted(
    rig: Layout, porters: dict[str, Porter]
) -> None:
    disable_graceful_restart(rig)

    seen = during(rig, porters, restarts.replace, addresses=ALL, times=repetitions(10, 1))

    assert_lost_behind_both(seen)


def test_without_the_api_server_a_speaker_comes_back_from_its_last_good_file(
    rig: Layout, porters: dict[str, Porter]
) -> None:
    only = {"n2": porters["n2"]}
    plane = rig.control_plane
    plane.apiserver.stop()

    def restart(_: Sequence[Porter]) -> None:
        restarts.kill(only.values())
        wait_until(lambda: source(only["n2"]) == "LastGood", timeout=30, what="the file is in use")

    with Traffic(rig, ALL) as traffic:
        for _ in range(repetitions(10, 1)):
            before = steady.established(rig)
            restart(list(only.values()))
            restarts.wait_back(rig, before, only, ALL)
        traffic.wait(CALM)
        captures = [Capture(router.host) for router in rig.routers.values()]
        plane.start_apiserver()
        plane.wait_ready()
        wait_until(
            lambda: source(only["n2"]) == "API" and reported_source(rig, "n2") == "API",
            timeout=30,
            what="the cluster is in use again",
        )
        traffic.wait(CALM)
        seen = traffic.stop()
    print("; ".join(map(str, seen)))
    updates = [
        one
        for capture in captures
        for one in capture.said()
        if one.source in HOSTS["n2"] and one.kind in {"announce", "withdraw", "open"}
    ]
    for capture in captures:
        capture.stop()

    assert_nothing_lost(seen)
    assert [one.changes for one in seen] == [[], []]
    assert updates == []


def source(porter: Porter) -> str:
    """Where a speaker has what it says from, as it says itself."""
    status = porter.cli("status", "-o", "json")
    return text(parse(status), "source") if status.startswith("{") else ""


def reported_source(rig: Layout, node: str) -> str:
    """The same in the API."""
    return text(rig.control_plane.api.get(f"{PORTER}/bgpnodes/{node}"), "status", "source")


def test_end_of_rib_before_the_routes_loses_probes(rig: Layout, porters: dict[str, Porter]) -> None:
    for porter in porters.values():
        porter.env[FAULT] = "early-end-of-rib"

    seen = during(rig, porters, restarts.kill, addresses=ALL, times=repetitions(10, 2))

    assert_lost_behind_both(seen)


def test_a_cease_at_exit_loses_probes(rig: Layout, porters: dict[str, Porter]) -> None:
    for porter in porters.values():
        porter.env[FAULT] = "cease-at-exit"
    before = steady.established(rig)
    restarts.replace(porters.values())
    restarts.wait_back(rig, before, porters, ALL)

    seen = during(rig, porters, restarts.replace, addresses=ALL, times=repetitions(10, 2))

    assert_lost_behind_both(seen)


def test_ended_without_evidence_a_speaker_leaves_step_by_step_and_nothing_is_lost(
    rig: Layout, porters: dict[str, Porter]
) -> None:
    leaver = porters["n3"]
    steady.configure(rig.control_plane.api, drain={"delaySeconds": 1})
    last_errors = []

    with Traffic(rig, WEB) as traffic, Capture(rig.frr.host) as capture:
        for _ in range(repetitions(10, 1)):
            before = steady.established(rig)
            leaver.process.stop(20)
            last_errors.append(rig.frr.sessions()[HOSTS["n3"][0]].last_error)
            leaver.restart()
            restarts.wait_back(rig, before, {"n3": leaver}, ALL)
        traffic.wait(CALM)
        seen = traffic.stop()
        said = {address: capture.said(source=address) for address in HOSTS["n3"]}
    calm = {one.router: one.undisturbed for one in seen}
    print("; ".join(map(str, seen)), {router: len(probes) for router, probes in calm.items()})

    for address, words in said.items():
        steps = [step for one in words if (step := step_of(one, of=WEB))]
        assert steps[: steps.index("6/2") + 1] == [SHUT, "withdraw", "6/2"]
        assert steps.count("6/2") == len(last_errors)
        assert address
    assert all("Administrative Shutdown" in error for error in last_errors)
    assert {router: [p for p in probes if p.lost] for router, probes in calm.items()} == {
        "frr": [],
        "bird": [],
    }


def step_of(one: Said, *, of: Sequence[str]) -> str:
    """The steps of leaving; empty for anything else."""
    if one.kind == "notification":
        return one.notification
    if one.prefix not in map(steady.prefix_of, of):
        return ""
    if one.kind == "withdraw":
        return "withdraw"
    return SHUT if SHUT in one.communities else ""


def test_passive_peers_come_back_without_loss(rig: Layout, porters: dict[str, Porter]) -> None:
    api = rig.control_plane.api
    for item in samples.configuration():
        if text(item, "kind") == "BGPPeer":
            spec = as_object(at(item, "spec"))
            api.apply({**item, "spec": {**spec, "connection": "Passive"}})
    active = [replace(peer, passive=False) for peer in rig.peers()]
    for router in rig.routers.values():
        router.configure(*active)
    wait_well(rig)

    seen = during(rig, porters, restarts.kill, addresses=ALL, times=repetitions(10, 1))

    assert_nothing_lost(seen)
    assert [one.changes for one in seen] == [[], []]
