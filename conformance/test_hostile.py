"""A live hostile peer beside healthy sessions: thousands of connections, and nobody notices."""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from conformance.rig.bird import Bird
from conformance.rig.fib import next_hops
from conformance.rig.frr import Frr
from conformance.rig.hosts import Hosts
from conformance.rig.objects import parse, texts
from conformance.rig.repetitions import repetitions
from conformance.rig.router import RouterPeer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.rig.hosts import Host
    from conformance.rig.process import Process
    from conformance.rig.router import Router, Session

ROOT = Path(__file__).parent.parent
ASN, FRR_ASN, BIRD_ASN, EVIL_ASN = 64512, 64701, 64702, 65002
SPEAKER = ("172.30.9.11", "fd00:39::11")
ADDRESSES = {
    "speaker": SPEAKER,
    "frr": ("172.30.9.101", "fd00:39::101"),
    "bird": ("172.30.9.102", "fd00:39::102"),
    "server": ("172.30.9.201", "fd00:39::201"),  # hostile, dialled by us
    "client": ("172.30.9.202", "fd00:39::202"),  # hostile, dials us
}
PREFIX = "198.51.100.7/32"
FIRST = 200  # connections after which memory is taken for settled
MESSAGES = 50
GROWTH = 5 * 1024  # KiB


@pytest.fixture(scope="module")
def hosts() -> Iterator[dict[str, Host]]:
    """A speaker, two routers and two strangers on one fabric."""
    with Hosts() as made:
        fabric = made.switch("fabric")
        on_fabric = {name: made.host(name) for name in ADDRESSES}
        for name, host in on_fabric.items():
            v4, v6 = ADDRESSES[name]
            made.plug(host, "eth0", fabric)
            host.address("eth0", f"{v4}/24", f"{v6}/64")
        yield on_fabric


@pytest.fixture(scope="module")
def routers(hosts: dict[str, Host]) -> dict[str, Router]:
    """FRR with a session in each family, BIRD with one."""
    frr = Frr(hosts["frr"], asn=FRR_ASN, router_id=ADDRESSES["frr"][0])
    bird = Bird(
        hosts["bird"], asn=BIRD_ASN, router_id=ADDRESSES["bird"][0], addresses=ADDRESSES["bird"]
    )
    frr.configure(*(RouterPeer(address=address, asn=ASN) for address in SPEAKER))
    bird.configure(RouterPeer(address=SPEAKER[0], asn=ASN))
    frr.start()
    bird.start()
    return {"frr": frr, "bird": bird}


@pytest.fixture(scope="module")
def speaker(hosts: dict[str, Host], routers: dict[str, Router]) -> Process:
    """The library's speaker, with its three healthy sessions up."""
    peers = {
        "frr-v4": f"{ADDRESSES['frr'][0]},{FRR_ASN}",
        "frr-v6": f"{ADDRESSES['frr'][1]},{FRR_ASN}",
        "bird": f"{ADDRESSES['bird'][0]},{BIRD_ASN}",
        "server": f"{ADDRESSES['server'][0]},{EVIL_ASN}",
        "client": f"{ADDRESSES['client'][0]},{EVIL_ASN},passive",
    }
    process = hosts["speaker"].spawn(
        "speaker",
        *(sys.executable, "-m", "conformance.rig.lone_speaker"),
        *(str(ASN), SPEAKER[0], PREFIX),
        *(f"{name}={peer}" for name, peer in peers.items()),
        cwd=ROOT,
    )
    process.require(lambda: len(up(routers)) == 3, timeout=20, what="three sessions are up")
    return process


def up(routers: dict[str, Router]) -> dict[tuple[str, str], Session]:
    return {
        (name, address): session
        for name, router in routers.items()
        for address, session in router.sessions().items()
        if session.established
    }


def attack(hosts: dict[str, Host], connections: int, *, seed: int) -> list[list[str]]:
    """Both strangers at once, half of the connections each; what each connection heard."""
    strangers = [
        hosts[name].spawn(
            f"hostile-{seed}",
            *(sys.executable, "-m", "conformance.rig.hostile", whom),
            *(str(connections // 2), str(MESSAGES), str(seed + number)),
            cwd=ROOT,
        )
        for number, (name, whom) in enumerate((("server", "listen"), ("client", SPEAKER[0])))
    ]
    heard = []
    for stranger in strangers:
        assert stranger.wait(timeout=250) == 0, stranger.tail()
        heard += [texts(parse(line), "heard") for line in stranger.log.read_text().splitlines()]
    return heard


def resident(process: Process) -> int:
    """Its resident memory in KiB."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def descriptors(process: Process) -> int:
    """Its open files when it is quiet: the least of twenty looks, for it dials meanwhile."""
    looks = []
    for _ in range(20):
        looks.append(len(list(Path(f"/proc/{process.pid}/fd").iterdir())))
        time.sleep(0.01)
    return min(looks)


def test_thousands_of_hostile_connections_disturb_no_session_and_leave_nothing_behind(
    hosts: dict[str, Host], routers: dict[str, Router], speaker: Process
) -> None:
    before = up(routers)
    first = attack(hosts, FIRST, seed=1)
    memory, files = resident(speaker), descriptors(speaker)

    began = time.monotonic()
    heard = first + attack(hosts, repetitions(2000, 300) - FIRST, seed=101)
    seconds = time.monotonic() - began
    grown, left = resident(speaker) - memory, descriptors(speaker) - files
    messages = Counter(kind for kinds in heard for kind in kinds)

    print(
        f"{len(heard)} connections of {MESSAGES} messages, {seconds:.0f} s after the first {FIRST};"
        f" {memory} KiB then, {grown:+} KiB since; {files} files, {left:+}; heard: {dict(messages)}"
    )
    assert speaker.running
    assert len(heard) >= repetitions(2000, 300)
    assert up(routers) == before
    assert len(before) == 3
    assert grown <= GROWTH
    assert left == 0
    for router in routers.values():
        assert next_hops(router.host, PREFIX) == {SPEAKER[0]}
    assert sum("KEEPALIVE" in kinds for kinds in heard) > len(heard) / 4  # their OPEN was accepted
    assert messages["NOTIFICATION"] > len(heard) / 4
