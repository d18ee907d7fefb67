"""FRR (zebra and bgpd, 8.4 or later) as a router of the rig, driven by vtysh."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path as File
from typing import TYPE_CHECKING

from conformance.rig.errors import RigError
from conformance.rig.objects import as_object, at, number, objects, parse, text
from conformance.rig.router import ESTABLISHED, Path, Session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.rig.hosts import Host
    from conformance.rig.objects import Json, Object
    from conformance.rig.process import Process
    from conformance.rig.router import RouterPeer

_BINARIES = File("/usr/lib/frr")
_WELL_KNOWN = {  # FRR spells these by name
    "graceful-shutdown": "65535:0",
    "blackhole": "65535:666",
    "no-export": "65535:65281",
    "no-advertise": "65535:65282",
    "local-AS": "65535:65283",
    "no-peer": "65535:65284",
}


class Frr:
    """A router that waits for its peers and spreads over up to 16 next hops.

    Args:
        hold_time: Seconds; it proposes keepalives every third of it.
        multipath: `maximum-paths`; None leaves FRR's default.
    """

    def __init__(
        self,
        host: Host,
        *,
        asn: int,
        router_id: str,
        hold_time: int = 9,
        multipath: int | None = 16,
    ) -> None:
        self.host = host
        self.asn = asn
        self.hold_time = hold_time
        self.zebra: Process | None = None
        self.bgpd: Process | None = None
        self._router_id = router_id
        self._multipath = multipath
        self._peers: dict[str, RouterPeer] = {}
        self._folder = host.folder / host.name
        self._folder.mkdir()
        with contextlib.suppress(LookupError):  # no user frr: `start` says what is missing
            shutil.chown(self._folder, "frr", "frr")

    def configure(self, *peers: RouterPeer) -> None:
        wanted = {peer.address: peer for peer in peers}
        changed = [peer for peer in peers if self._peers.get(peer.address) != peer]
        dropped = [a for a, peer in self._peers.items() if wanted.get(a) != peer]
        self._peers = wanted
        if not self.bgpd:
            return
        lines = [f"router bgp {self.asn}", *(f" no neighbor {address}" for address in dropped)]
        for peer in changed:
            lines += _neighbor(peer, self.hold_time)
        if dropped or changed:
            self.vtysh("configure terminal", *lines)

    def start(self) -> None:
        if not (_BINARIES / "bgpd").exists():
            raise RigError("FRR is not installed; run: make setup")
        (self._folder / "zebra.conf").touch()
        (self._folder / "bgpd.conf").write_text("\n".join(self._config()) + "\n")
        zserv = self._folder / "zserv"
        zserv.unlink(missing_ok=True)
        self.zebra = self._spawn("zebra")
        self.zebra.require(zserv.exists, timeout=10, what="zebra opens its socket")
        self.bgpd = self._spawn("bgpd")
        self.bgpd.require(self._answers, timeout=10, what="bgpd answers vtysh")

    def stop(self) -> None:
        for daemon in (self.bgpd, self.zebra):
            if daemon:
                daemon.stop()
        self.bgpd = self.zebra = None

    def kill(self) -> None:
        for daemon in (self.bgpd, self.zebra):
            if daemon:
                daemon.kill()
        self.bgpd = self.zebra = None

    def restart(self) -> None:
        self.stop()
        self.start()

    def sessions(self) -> dict[str, Session]:
        seen = as_object(self.json("show bgp neighbors json"))
        return {address: _session(peer) for address, peer in seen.items() if isinstance(peer, dict)}

    def routes(self, prefix: str) -> tuple[Path, ...]:
        family = "ipv6" if ":" in prefix else "ipv4"
        seen = self.json(f"show bgp {family} unicast {prefix} json")
        return tuple(_path(path) for path in objects(seen, "paths"))

    def json(self, command: str) -> Json:
        """What `command`, which ends in `json`, answers."""
        return parse(self.vtysh(command) or "{}")

    def vtysh(self, *commands: str) -> str:
        """Run vtysh commands one after the other; returns what they print.

        Raises:
            RigError: A command was not understood.
        """
        arguments = [argument for command in commands for argument in ("-c", command.strip())]
        said = self.host.run("vtysh", "--vty_socket", str(self._folder), *arguments)
        if any(line.startswith("% ") for line in said.splitlines()):
            raise RigError(f"vtysh on {self.host.name}: {said.strip()}")
        return said

    def _answers(self) -> bool:
        said = self.host.run(
            *("vtysh", "--vty_socket", str(self._folder), "-d", "bgpd"),
            *("-c", "show bgp summary json"),
            check=False,
        )
        return "routerId" in said or "Unicast" in said or said.strip() == "{}"

    def _spawn(self, name: str) -> Process:
        folder = self._folder
        port = ("-P", "0")  # no telnet
        return self.host.spawn(
            name,
            *(str(_BINARIES / name), "-f", str(folder / f"{name}.conf")),
            *("-i", str(folder / f"{name}.pid"), "-u", "frr", "-g", "frr"),
            *("--vty_socket", str(folder), "-z", str(folder / "zserv"), *port),
        )

    def _config(self) -> Iterator[str]:
        yield f"router bgp {self.asn}"
        yield f" bgp router-id {self._router_id}"
        yield " no bgp ebgp-requires-policy"  # RFC 8212 would let nothing in
        yield " no bgp default ipv4-unicast"
        yield " bgp bestpath as-path multipath-relax"  # nodes may have an ASN each
        yield " coalesce-time 0"
        for family in ("ipv4", "ipv6"):
            yield f" address-family {family} unicast"
            if self._multipath:
                yield f"  maximum-paths {self._multipath}"
                yield f"  maximum-paths ibgp {self._multipath}"
            yield " exit-address-family"
        for peer in self._peers.values():
            yield from _neighbor(peer, self.hold_time)
        yield "route-map V6IN permit 10"
        yield " set ipv6 next-hop prefer-global"  # else the kernel gets the link-local one


def _neighbor(peer: RouterPeer, hold_time: int) -> Iterator[str]:
    line = f" neighbor {peer.address}"
    yield f"{line} remote-as {peer.asn}"
    if peer.passive:
        yield f"{line} passive"
    else:
        yield f"{line} timers connect 1"
        yield f"{line} port {peer.port}"
    if peer.hops:
        yield f"{line} ttl-security hops {peer.hops}"
    if peer.multihop:
        yield f"{line} ebgp-multihop {peer.multihop}"
    yield f"{line} timers {hold_time // 3} {hold_time}"
    if peer.password:
        yield f"{line} password {peer.password}"
    for family in peer.served:
        yield f" address-family {family} unicast"
        yield f" {line} activate"
        if family == "ipv6":
            yield f" {line} route-map V6IN in"
        if peer.add_path is False:
            yield f" {line} disable-addpath-rx"
        yield " exit-address-family"


def _session(peer: Object) -> Session:
    up = text(peer, "bgpState") == ESTABLISHED
    words = ("lastNotificationReason", "lastShutdownDescription", "lastResetDueTo")
    return Session(
        state=text(peer, "bgpState"),
        epoch=text(peer, "connectionsEstablished"),
        hold_time=number(peer, "bgpTimerHoldTimeMsecs") // 1000 if up else 0,
        peer_id=text(peer, "remoteRouterId") if up else "",
        last_error=" ".join(word for key in words if (word := text(peer, key))),
    )


def _path(path: Object) -> Path:
    hops = [h for h in objects(path, "nexthops") if h.get("scope", "global") == "global"]
    med, local_pref = at(path, "metric"), at(path, "locPrf")
    return Path(
        peer=text(path, "peer", "peerId"),
        next_hop=text(hops[0], "ip") if hops else "",
        as_path=tuple(int(asn) for asn in text(path, "aspath", "string").split() if asn.isdigit()),
        communities=tuple(
            _WELL_KNOWN.get(word, word) for word in text(path, "community", "string").split()
        ),
        large_communities=tuple(text(path, "largeCommunity", "string").split()),
        med=med if isinstance(med, int) else None,
        local_pref=local_pref if isinstance(local_pref, int) else None,
        stale=at(path, "stale") is True,
    )
