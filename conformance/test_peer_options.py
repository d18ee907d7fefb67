"""What a BGPPeer may say, proven at FRR and BIRD: each test adds one session and takes it away.

The fixture `subject` compares the sessions of all other peers before and after each test.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from conformance.rig import rbac, steady
from conformance.rig.api import PORTER
from conformance.rig.layout import BIRD_ASN, FRR_ASN, HOSTS, NODE_ASN, NODES
from conformance.rig.objects import objects, text
from conformance.rig.process import wait_until
from conformance.rig.router import RouterPeer
from conformance.rig.samples import ours

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.rig.hosts import Host
    from conformance.rig.layout import Layout
    from conformance.rig.objects import Json, Object
    from conformance.rig.porter import Porter
    from conformance.rig.router import Path, Session

V4, V6 = "198.51.100.10", "2001:db8:51::10"
ASNS = {"frr": FRR_ASN, "bird": BIRD_ASN}
N1 = RouterPeer(address=HOSTS["n1"][0], asn=NODE_ASN)
SECOND_V4, SECOND_V6 = "172.30.0.21", "fd00:30::21"  # of n1, besides its own
FAR = "172.31.0.102"  # bird's, behind frr
KEY = "a-key-of-the-tests"
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def porters(rig: Layout) -> Iterator[dict[str, Porter]]:
    """Porter on every node, and a Service with an address of each family."""
    rig.nodes["n1"].ip(
        f"addr add {SECOND_V4}/24 dev eth0",
        f"addr add {SECOND_V6}/64 dev eth0 nodad preferred_lft 0",  # else the kernel may pick it
    )
    started = steady.start(rig, secrets=["present", "late"])
    steady.offer(rig, "web", [V4, V6], port=8201)
    steady.wait_routed(rig, V6)
    yield started
    for porter in started.values():
        porter.crash()


class Subject:
    """The BGPPeer that a test is about; by default n1's, with the router's IPv4 address."""

    def __init__(self, rig: Layout) -> None:
        self.name = f"subject-{next(_NUMBERS)}"
        self._rig = rig

    def expect(self, router: str, *peers: RouterPeer) -> None:
        """Tell the router whom to expect besides the steady peers."""
        self._rig.routers[router].configure(*steady.steady_peers(), *peers)

    def apply(self, router: str, *, nodes: tuple[str, ...] = ("n1",), **spec: Json) -> None:
        """Create the BGPPeer, or have exactly this spec in its place."""
        wanted: Object = {
            "address": HOSTS[router][0],
            "nodeSelectors": steady.on_nodes(*nodes),
            **spec,
        }
        if "peerType" not in wanted:
            wanted.setdefault("asn", ASNS[router])
        self._rig.control_plane.api.apply(ours("BGPPeer", self.name, **wanted))

    def status(self) -> Object:
        return self._rig.control_plane.api.get(f"{PORTER}/bgppeers/{self.name}")

    def session(self, router: str, address: str = N1.address) -> Session:
        return self._rig.routers[router].sessions()[address]

    def wait_up(self, router: str, address: str = N1.address, *, timeout: float = 8) -> Session:
        wait_until(
            lambda: self.session(router, address).established,
            timeout=timeout,
            what=f"{router} has a session with {address}",
        )
        return self.session(router, address)

    def wait_said(self, porter: Porter, words: str, *, timeout: float = 8) -> Object:
        """Wait until a node says these words of its session."""

        def row() -> Object:
            rows = objects(porter.view("peers"), "peers")
            return next((row for row in rows if text(row, "name") == self.name), {})

        wait_until(
            lambda: words in text(row(), "message"), timeout=timeout, what=f"it says: {words}"
        )
        return row()

    def path(self, router: str, address: str = V4, peer: str = N1.address) -> Path | None:
        """What the router was told of an address on this session."""
        paths = self._rig.routers[router].routes(steady.prefix_of(address))
        return next((path for path in paths if path.peer == peer), None)

    def wait_path(self, router: str, address: str = V4, peer: str = N1.address) -> Path:
        wait_until(
            lambda: self.path(router, address, peer) is not None,
            timeout=5,
            what=f"{router} has a path to {address} from {peer}",
        )
        path = self.path(router, address, peer)
        assert path is not None
        return path


@pytest.fixture
def subject(rig: Layout, porters: dict[str, Porter]) -> Iterator[Subject]:
    """One peer for one test; all others must not notice."""
    assert len(porters) == 3
    before = steady.established(rig, "ipv6")
    subject = Subject(rig)
    yield subject
    path = f"{PORTER}/bgppeers/{subject.name}"
    if rig.control_plane.api.exists(path):
        rig.control_plane.api.delete(path)
    wait_until(lambda: not steady.established(rig, "ipv4"), timeout=5, what="the session has ended")
    for router in steady.ROUTERS:
        rig.routers[router].configure(*steady.steady_peers())
    assert len(before) == 6
    assert steady.established(rig, "ipv6") == before


def secret(name: str, **data: Json) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": rbac.NAMESPACE},
        "stringData": dict(data),
    }


def sockets(rig: Layout, *query: str) -> str:
    """What n1's kernel knows of its TCP sockets."""
    return rig.nodes["n1"].run("ss", "-Htni", *query)


@pytest.mark.parametrize("router", steady.ROUTERS)
def test_a_key_from_a_secret_signs_the_session(rig: Layout, subject: Subject, router: str) -> None:
    rig.control_plane.api.apply(secret("present", bgp=KEY))
    subject.expect(router, replace(N1, password=KEY))

    subject.apply(router, auth={"secretRef": {"name": "present", "key": "bgp"}})
    subject.wait_up(router)

    assert "md5" in sockets(rig, "state", "established", "dst", HOSTS[router][0])
    assert subject.wait_path(router).next_hop == N1.address


def test_without_its_secret_a_peer_is_not_dialled_until_the_secret_is_there(
    rig: Layout, subject: Subject
) -> None:
    subject.expect("frr", replace(N1, password=KEY))
    unsigned = unsigned_segments(rig)

    subject.apply("frr", auth={"secretRef": {"name": "late"}})
    wait_until(
        lambda: text(subject.status(), "status", "reason") == "SecretMissing",
        timeout=5,
        what="the status says why",
    )
    established = steady.condition(subject.status(), "Established")
    refused = unsigned_segments(rig) - unsigned
    rig.control_plane.api.create(secret("late", password=KEY))
    subject.wait_up("frr")

    assert refused == 0
    assert text(established, "reason") == "SecretMissing"
    assert "Secret late has no password under 'password'" in text(established, "message")


def unsigned_segments(rig: Layout) -> int:
    """How many segments FRR's kernel has dropped for want of a signature."""
    names, values = (
        line.split()
        for line in rig.frr.host.run("cat", "/proc/net/netstat").splitlines()
        if line.startswith("TcpExt:")
    )
    return int(values[names.index("TCPMD5NotFound")])


@pytest.mark.parametrize("router", steady.ROUTERS)
def test_a_router_with_ttl_security_is_reached_with_it_and_not_without(
    rig: Layout, subject: Subject, router: str
) -> None:
    subject.expect(router, replace(N1, hops=1))

    subject.apply(router, timers={"connectSeconds": 1})
    wait_unheard(rig.nodes["n1"], HOSTS[router][0])
    without = subject.session(router).established
    subject.expect(router)  # BIRD takes no second connection while it waits on the first
    subject.expect(router, replace(N1, hops=1))
    subject.apply(router, timers={"connectSeconds": 1}, ttlSecurity={"hops": 1})
    subject.wait_up(router)

    assert not without
    assert subject.wait_path(router).next_hop == N1.address


def wait_unheard(host: Host, address: str) -> None:
    """Wait until a host says its words to an address again and again: they are not taken."""
    open_to = ("state", "established", "dst", address)
    wait_until(
        lambda: re.search(r"retrans:[1-9]", host.run("ss", "-Htni", *open_to)) is not None,
        timeout=5,
        what=f"{host.name} is not heard by {address}",
    )


def test_ttl_security_takes_nothing_from_a_router_that_could_be_further_away(
    rig: Layout, subject: Subject
) -> None:
    subject.expect("bird", N1)

    subject.apply("bird", timers={"connectSeconds": 1}, ttlSecurity={"hops": 1})
    wait_unheard(rig.bird.host, N1.address)
    with_it = subject.session("bird").established
    subject.expect("bird")  # as above
    subject.expect("bird", N1)
    subject.apply("bird")
    subject.wait_up("bird")

    assert not with_it


def test_a_router_behind_another_is_reached_with_multihop_and_not_without(
    rig: Layout, porters: dict[str, Porter], subject: Subject
) -> None:
    rig.bird.host.address("lo", f"{FAR}/32")
    rig.frr.host.ip(f"route add {FAR}/32 via {HOSTS['bird'][0]}")
    subject.expect("bird", replace(N1, own_address=FAR, multihop=2))

    subject.apply("bird", address=FAR)
    subject.wait_said(porters["n1"], "no route to the host, or a hop refused")
    subject.apply("bird", address=FAR, multihop={"ttl": 2})
    subject.wait_up("bird")

    assert subject.wait_path("bird").next_hop == N1.address
    steady.wait_routed(rig, V4, ["n1"], routers=["bird"])


def test_a_passive_peer_is_dialled_by_the_router_signed_and_with_ttl_security(
    rig: Layout, subject: Subject
) -> None:
    rig.control_plane.api.apply(secret("present", password=KEY))
    subject.apply(
        "frr",
        connection="PassiveOnly",  # a Passive one would dial as well, soon after a restart
        ttlSecurity={"hops": 1},
        auth={"secretRef": {"name": "present"}},
    )
    wait_listening(rig, 179)

    subject.expect("frr", replace(N1, password=KEY, hops=1, passive=False))
    subject.wait_up("frr")

    dialled = sockets(rig, "state", "established", "sport", "=", ":179")
    assert f"{N1.address}:179" in dialled
    assert "md5" in dialled
    steady.wait_routed(rig, V4, ["n1"], routers=["frr"])


def test_a_peer_that_never_dials_is_dialled_at_the_port_of_the_bgpconfig(
    rig: Layout, subject: Subject
) -> None:
    api = rig.control_plane.api
    steady.configure(api, listen={"port": 1790})
    subject.apply("bird", connection="PassiveOnly")
    wait_listening(rig, 1790)

    subject.expect("bird", replace(N1, passive=False, port=1790))
    subject.wait_up("bird")
    dialled = sockets(rig, "state", "established", "sport", "=", ":1790")
    steady.configure(api)
    wait_until(lambda: not listening(rig, 1790), timeout=5, what="the port is closed again")

    assert f"{N1.address}:1790" in dialled
    assert subject.session("bird").established


def listening(rig: Layout, port: int) -> bool:
    return bool(rig.nodes["n1"].run("ss", "-Hltn", f"sport = :{port}").strip())


def wait_listening(rig: Layout, port: int) -> None:
    wait_until(lambda: listening(rig, port), timeout=5, what=f"n1 listens on {port}")


def test_the_source_address_is_where_the_router_sees_us_and_the_next_hop(
    subject: Subject,
) -> None:
    subject.expect("frr", replace(N1, address=SECOND_V4))

    subject.apply("frr", source={"address": SECOND_V4})
    subject.wait_up("frr", SECOND_V4)
    path = subject.wait_path("frr", V4, SECOND_V4)

    assert path.next_hop == SECOND_V4


def test_the_source_interface_binds_the_session_to_it(rig: Layout, subject: Subject) -> None:
    subject.expect("bird", N1)

    subject.apply("bird", source={"interface": "eth0"})
    subject.wait_up("bird")

    assert f"{N1.address}%eth0:" in sockets(rig, "state", "established", "dst", HOSTS["bird"][0])


def test_a_router_on_another_port_is_dialled_there(subject: Subject) -> None:
    subject.expect("bird", replace(N1, own_port=1179))

    subject.apply("bird", port=1179)
    subject.wait_up("bird")

    assert subject.wait_path("bird").next_hop == N1.address


def test_an_external_peer_needs_no_as_number(porters: dict[str, Porter], subject: Subject) -> None:
    subject.expect("frr", N1)

    subject.apply("frr", peerType="External")
    subject.wait_up("frr")
    path = subject.wait_path("frr")
    (row,) = (
        row
        for row in objects(porters["n1"].view("peers"), "peers")
        if text(row, "name") == subject.name
    )

    assert path.as_path == (NODE_ASN,)
    assert text(row, "asn") == str(FRR_ASN)


def test_an_internal_peer_of_another_as_is_refused(subject: Subject) -> None:
    subject.expect("bird", N1)

    subject.apply("bird", peerType="Internal")

    wait_until(
        lambda: "Bad peer AS" in subject.session("bird").last_error,
        timeout=5,
        what="the router hears why",
    )


@pytest.mark.parametrize("field", ["peerType", "asn"])
def test_an_internal_peer_is_told_the_local_preference(
    rig: Layout, subject: Subject, field: str
) -> None:
    api = rig.control_plane.api
    subject.expect("bird", replace(N1, own_asn=NODE_ASN))

    if field == "asn":
        subject.apply("bird", asn=NODE_ASN)
    else:
        subject.apply("bird", peerType="Internal")
    subject.wait_up("bird")
    by_default = subject.wait_path("bird")
    epoch = subject.session("bird")
    steady.advertise(api, localPref=250)
    wait_until(lambda: subject.wait_path("bird").local_pref == 250, timeout=5, what="BIRD sees 250")
    outside = {path.local_pref for path in rig.frr.routes(steady.prefix_of(V6))}
    steady.advertise(api)
    wait_until(lambda: subject.wait_path("bird").local_pref == 100, timeout=5, what="BIRD sees 100")

    assert by_default.as_path == ()
    assert by_default.next_hop == N1.address
    assert by_default.local_pref == 100
    assert outside == {None}
    assert subject.session("bird") == epoch


@pytest.mark.parametrize("router", steady.ROUTERS)
def test_one_ipv4_session_carries_both_families_with_the_next_hop_of_the_spec(
    rig: Layout, subject: Subject, router: str
) -> None:
    subject.expect(router, replace(N1, families=("ipv4", "ipv6")))

    subject.apply(router, families=["ipv4-unicast", "ipv6-unicast"], nextHop={"ipv6": SECOND_V6})
    subject.wait_up(router)
    paths = [subject.wait_path(router, vip).next_hop for vip in (V4, V6)]
    subject.apply(router, families=["ipv4-unicast", "ipv6-unicast"])
    wait_until(
        lambda: subject.wait_path(router, V6).next_hop == HOSTS["n1"][1],
        timeout=5,
        what="without an override the next hop is the node's own",
    )

    assert paths == [N1.address, SECOND_V6]
    steady.wait_routed(rig, V4, ["n1"], routers=[router])


def test_only_the_nodes_that_a_peer_selects_have_a_session_with_it(
    rig: Layout, subject: Subject
) -> None:
    peers = [replace(N1, address=HOSTS[node][0]) for node in NODES]
    subject.expect("frr", *peers)

    subject.apply("frr", nodes=("n1", "n3"))
    for node in ("n1", "n3"):
        subject.wait_up("frr", HOSTS[node][0])
    wait_until(
        lambda: text(subject.status(), "status", "sessions") == "2/2",
        timeout=5,
        what="the status counts two of two",
    )
    steady.wait_routed(rig, V4, ["n1", "n3"], routers=["frr"])
    others = {address: subject.session("frr", address).established for _, address in held(rig)}
    subject.apply("frr", nodes=("n2", "n3"))
    subject.wait_up("frr", HOSTS["n2"][0])
    steady.wait_routed(rig, V4, ["n2", "n3"], routers=["frr"])

    assert others == {HOSTS["n1"][0]: True, HOSTS["n3"][0]: True}


def held(rig: Layout) -> list[tuple[str, str]]:
    """The IPv4 sessions that are up."""
    return sorted(steady.established(rig, "ipv4"))


@pytest.mark.parametrize("router", steady.ROUTERS)
def test_a_peer_that_is_set_down_tells_the_router_why_and_comes_up_again(
    rig: Layout, subject: Subject, router: str
) -> None:
    words = "maintenance of rack 7"
    subject.expect(router, N1)
    subject.apply(router)
    subject.wait_up(router)
    steady.wait_routed(rig, V4, ["n1"], routers=[router])

    subject.apply(router, adminState="Down", shutdownMessage=words)
    steady.wait_routed(rig, V4, [], routers=[router])
    told = subject.session(router)
    subject.apply(router)
    subject.wait_up(router)

    assert not told.established
    assert "shutdown" in told.last_error.lower()
    assert words in told.last_error
    steady.wait_routed(rig, V4, ["n1"], routers=[router])


@pytest.mark.parametrize("router", steady.ROUTERS)
def test_the_lower_hold_time_is_agreed_on_and_keepalives_come_as_often_as_asked(
    subject: Subject, porters: dict[str, Porter], router: str
) -> None:
    subject.expect(router, N1)

    subject.apply(router, timers={"holdSeconds": 6, "keepaliveSeconds": 1})
    session = subject.wait_up(router)
    wait_until(
        lambda: keepalives(porters["n1"], subject.name) >= 4,
        timeout=5,  # at a third of the hold time it would be the second
        what="four keepalives have gone out",
    )

    assert session.hold_time == 6


def keepalives(porter: Porter, peer: str) -> int:
    rows = objects(porter.view("peers"), "peers")
    return next(
        int(text(row, "messagesOut", "KEEPALIVE") or 0) for row in rows if text(row, "name") == peer
    )


def test_a_router_that_sends_too_much_keeps_its_session_and_is_complained_of(
    rig: Layout, porters: dict[str, Porter], subject: Subject
) -> None:
    def wait_complained(limit: int) -> None:
        words = f"peer {subject.name} sent more than {limit} routes of ipv4-unicast"
        log = porters["n1"].process.log
        wait_until(lambda: words in log.read_text(), timeout=5, what=f"the log says: {words}")

    subject.expect("bird", N1)
    subject.apply("bird")
    subject.wait_up("bird")
    steady.wait_routed(rig, V4, ["n1"], routers=["bird"])
    before = subject.session("bird")

    rig.bird.originate(*(f"10.7.0.{n}/32" for n in range(6)))
    subject.apply("bird", maxPrefixes={"limit": 5})
    wait_complained(5)
    subject.apply("bird")
    rig.bird.originate(*(f"10.7.{n // 256}.{n % 256}/32" for n in range(1001)))
    wait_complained(1000)
    received = metric(porters["n1"], "porter_bgp_received_prefixes", HOSTS["bird"][0])
    rig.bird.originate()

    assert received == 1001
    assert subject.session("bird") == before
    steady.wait_routed(rig, V4, ["n1"], routers=["bird"])


def metric(porter: Porter, name: str, peer: str) -> float:
    """The value of a metric for a peer."""
    return next(
        float(line.rsplit(maxsplit=1)[1])
        for line in porter.metrics().splitlines()
        if line.startswith(f"{name}{{") and f'peer="{peer}"' in line
    )
