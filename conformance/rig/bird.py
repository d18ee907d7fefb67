"""BIRD 2 as a router of the rig and, without a kernel table, as a stand-in speaker on a node."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from conformance.rig.errors import RigError
from conformance.rig.process import wait_until
from conformance.rig.router import Path, Session, family_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.rig.hosts import Host
    from conformance.rig.process import Process
    from conformance.rig.router import RouterPeer

_PROTOCOL = re.compile(r"^(\S+) +BGP +\S+ +(\S+) +(\S+ \S+) *(\S*)", re.MULTILINE)
_HOLD = re.compile(r"Hold timer: +[\d.]+/(\d+)")
_PEER_ID = re.compile(r"Neighbor ID: +(\S+)")
_LAST_ERROR = re.compile(r"(?:Last error|Message): +(.*)")
_ROUTE = re.compile(r"unicast \[(\w+) [^\]]*\]")
_PAIR = re.compile(r"\((\d+),\s*(\d+)\)")
_TRIPLE = re.compile(r"\((\d+),\s*(\d+),\s*(\d+)\)")
_WAVERING = timedelta(milliseconds=5)
_TRUE_TO_THE_MILLISECOND = "timeformat protocol iso long ms;"


class BirdProcess:
    """One bird on one host, with whatever configuration a subclass writes."""

    def __init__(self, host: Host, *, router_id: str) -> None:
        self.host = host
        self.router_id = router_id
        self.process: Process | None = None
        self._folder = host.folder / f"{host.name}-bird"
        self._folder.mkdir()

    def config(self) -> Iterator[str]:
        """The configuration, line by line."""
        yield f"router id {self.router_id};"
        yield _TRUE_TO_THE_MILLISECOND
        yield "protocol device { scan time 10; }"

    def start(self) -> None:
        self._write()
        control, pid = self._folder / "bird.ctl", self._folder / "bird.pid"
        control.unlink(missing_ok=True)
        self.process = self.host.spawn(
            *("bird", "bird", "-f", "-c", str(self._folder / "bird.conf")),
            *("-s", str(control), "-P", str(pid)),
        )
        self.process.require(control.exists, timeout=10, what="bird opens its socket")

    def stop(self) -> None:
        if self.process:
            self.process.stop()
        self.process = None

    def kill(self) -> None:
        if self.process:
            self.process.kill()
        self.process = None

    def restart(self) -> None:
        self.stop()
        self.start()

    def birdc(self, command: str, *, check: bool = True) -> str:
        """Run one command of birdc; returns what it prints."""
        control = str(self._folder / "bird.ctl")
        return self.host.run("birdc", "-s", control, *command.split(), check=check)

    def reload(self) -> None:
        """Take the present configuration, if bird runs; unchanged sessions stay up.

        Raises:
            RigError: BIRD does not understand it.
        """
        self._write()
        if not self.process:
            return
        said = self.birdc("configure")
        if "Reconfigured" not in said and "Reconfiguration in progress" not in said:
            raise RigError(f"bird on {self.host.name}: {said.strip()}")

    def _write(self) -> None:
        (self._folder / "bird.conf").write_text("\n".join(self.config()) + "\n")


class Bird(BirdProcess):
    """A router that waits for its peers and spreads over up to 16 next hops.

    Args:
        addresses: Its own, one a family, that peers dial.
        hold_time: Seconds.
        multipath: `merge paths ... limit`; 1 gives one next hop.
    """

    def __init__(
        self,
        host: Host,
        *,
        asn: int,
        router_id: str,
        addresses: Sequence[str],
        hold_time: int = 9,
        multipath: int = 16,
    ) -> None:
        super().__init__(host, router_id=router_id)
        self.asn = asn
        self.hold_time = hold_time
        self._own = {family_of(address): address for address in addresses}
        self._multipath = multipath
        self._originated: tuple[str, ...] = ()
        self._epochs: dict[str, str] = {}
        self._peers: dict[str, RouterPeer] = {}

    def configure(self, *peers: RouterPeer) -> None:
        self._peers = {_name(peer.address): peer for peer in peers}
        self.reload()

    def originate(self, *prefixes: str) -> None:
        """Tell all peers exactly these prefixes; none withdraws all."""
        self._originated = prefixes
        self.reload()

    def sessions(self) -> dict[str, Session]:
        return {
            self._peers[match[1]].address: _session(match, details, epoch=self._epoch(match))
            for match, details in _blocks(_PROTOCOL, self.birdc("show protocols all"))
            if match[1] in self._peers
        }

    @property
    def helping(self) -> bool:
        """Whether it keeps the routes of a peer that restarts (RFC 4724 §4.2)."""
        return "graceful restart active" in self.birdc("show protocols all")

    def routes(self, prefix: str) -> tuple[Path, ...]:
        said = self.birdc(f"show route {prefix} all", check=False)  # no route at all is an error
        return tuple(
            self._path(match[1], details)
            for match, details in _blocks(_ROUTE, said)
            if match[1] in self._peers
        )

    def _epoch(self, summary: re.Match[str]) -> str:
        """Since when a session is as it is; BIRD's arithmetic wavers by a millisecond."""
        name, _, since, _ = summary.groups()
        known = self._epochs.get(name, "")
        if not known or abs(_moment(known) - _moment(since)) > _WAVERING:
            self._epochs[name] = since
        return self._epochs[name]

    def _path(self, protocol: str, block: str) -> Path:
        attributes = dict(re.findall(r"BGP\.(\w+): *(.*)", block))
        med, preference = attributes.get("med", ""), attributes.get("local_pref", "")
        return Path(
            peer=self._peers[protocol].address,
            next_hop=(attributes.get("next_hop", "").split() or [""])[0],
            as_path=tuple(int(asn) for asn in re.findall(r"\d+", attributes.get("as_path", ""))),
            communities=tuple(
                f"{a}:{b}" for a, b in _PAIR.findall(attributes.get("community", ""))
            ),
            large_communities=tuple(
                f"{a}:{b}:{c}" for a, b, c in _TRIPLE.findall(attributes.get("large_community", ""))
            ),
            med=int(med) if med else None,
            local_pref=int(preference) if preference else None,
        )

    def config(self) -> Iterator[str]:
        yield from super().config()
        yield 'protocol direct { ipv4; ipv6; interface "eth*"; }'
        merge = f"merge paths yes limit {self._multipath};" if self._multipath > 1 else ""
        for family in ("ipv4", "ipv6"):
            channel = f"{family} {{ import none; export where source = RTS_BGP; }};"
            yield f"protocol kernel kernel_{family} {{ scan time 20; {merge} {channel} }}"
        for family in ("ipv4", "ipv6"):
            routes = " ".join(
                f"route {prefix} blackhole;"
                for prefix in self._originated
                if family_of(prefix) == family
            )
            yield f"protocol static originated_{family} {{ {family}; {routes} }}"
        for name, peer in self._peers.items():
            yield f"protocol bgp {name} {{"
            yield from self._peer(peer)
            yield "}"

    def _peer(self, peer: RouterPeer) -> Iterator[str]:
        own = peer.own_address or self._own[family_of(peer.address)]
        yield f"  local {own} port {peer.own_port} as {peer.own_asn or self.asn};"
        yield f"  neighbor {peer.address} port {peer.port} as {peer.asn};"
        yield f"  multihop {peer.multihop};" if peer.multihop else "  direct;"
        yield f"  hold time {self.hold_time}; graceful restart aware; error wait time 1, 2;"
        yield "  passive yes;" if peer.passive else "  connect delay time 1; connect retry time 1;"
        if peer.hops:
            yield "  ttl security yes;"
        if peer.password:
            yield f'  password "{peer.password}";'
        more = "add paths rx; " if peer.add_path else ""
        for family in peer.served:
            yield f"  {family} {{ {more}import all; export where source = RTS_STATIC; }};"


class StandIn(BirdProcess):
    """A node's speaker that is not Porter: announces prefixes with itself as next hop.

    Tests of the rig use it, and as a control: what a router does with any speaker's routes.
    """

    def __init__(
        self, host: Host, *, asn: int, addresses: Sequence[str], restart_time: int = 30
    ) -> None:
        super().__init__(host, router_id=next(a for a in addresses if ":" not in a))
        self.asn = asn
        self.prefixes: tuple[str, ...] = ()
        self._own = {family_of(address): address for address in addresses}
        self._restart_time = restart_time
        self._peers: dict[str, int] = {}

    def configure(self, peers: dict[str, int]) -> None:
        """Dial these addresses, each with its AS number."""
        self._peers = dict(peers)
        self.reload()

    def announce(self, *prefixes: str) -> None:
        """Announce exactly these; none withdraws all."""
        self.prefixes = prefixes
        self.reload()

    def wait_established(self, timeout: float = 15) -> float:
        """Wait until all sessions are up; returns the seconds that took."""
        return wait_until(
            lambda: self.birdc("show protocols").count("Established") == len(self._peers),
            timeout=timeout,
            what=f"the stand-in on {self.host.name} has {len(self._peers)} sessions",
        )

    def config(self) -> Iterator[str]:
        yield from super().config()
        for family in ("ipv4", "ipv6"):
            routes = "".join(
                f" route {prefix} blackhole;"
                for prefix in self.prefixes
                if family_of(prefix) == family
            )
            yield f"protocol static vips_{family} {{ {family};{routes} }}"
        for address, asn in self._peers.items():
            family = family_of(address)
            yield f"protocol bgp {_name(address)} {{"
            yield f"  local {self._own[family]} as {self.asn}; neighbor {address} as {asn};"
            yield "  hold time 9; connect delay time 1; connect retry time 1;"
            yield f"  graceful restart on; graceful restart time {self._restart_time};"
            export = "export where source = RTS_STATIC; next hop self;"
            yield f"  {family} {{ import none; {export} }};"
            yield "}"


def _blocks(head: re.Pattern[str], said: str) -> Iterator[tuple[re.Match[str], str]]:
    """Each head line with what follows it, up to the next."""
    found = list(head.finditer(said))
    for number, match in enumerate(found, start=1):
        end = found[number].start() if number < len(found) else len(said)
        yield match, said[match.end() : end]


def _moment(since: str) -> datetime:
    return datetime.fromisoformat(f"{since}+00:00")


def _session(summary: re.Match[str], details: str, *, epoch: str) -> Session:
    """A session from its line and the lines below it in `show protocols all`."""
    _, state, _, info = summary.groups()
    hold, peer_id = _HOLD.search(details), _PEER_ID.search(details)
    return Session(
        state=info or state,
        epoch=epoch,
        hold_time=int(hold[1]) if hold else 0,
        peer_id=peer_id[1] if peer_id else "",
        last_error=" ".join(_LAST_ERROR.findall(details)),
    )


def _name(address: str) -> str:
    return "peer_" + re.sub(r"\W", "_", address)
