"""`python -m conformance.rig`: the main job's cluster for people.

up           start everything, see the sample Service answered, stay up until Ctrl-C
up --once    the same, but end at once
down         remove what rigs that died have left behind
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from typing import NoReturn

from conformance.rig import porter, probes, samples, workloads
from conformance.rig.errors import RigError, require_root
from conformance.rig.fib import wait_next_hops
from conformance.rig.hosts import sweep
from conformance.rig.layout import HOSTS, NODES, Layout
from conformance.rig.process import wait_until

_SERVICE = "web"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m conformance.rig", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start the cluster and show that it works")
    up.add_argument("--once", action="store_true", help="end when it has shown that")
    commands.add_parser("down", help="remove what dead rigs left behind")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, _end)
    try:
        require_root()
        if arguments.command == "down":
            _say(f"removed: {', '.join(sweep()) or 'nothing was left'}")
        else:
            _up(stay=not arguments.once)
    except RigError as error:
        sys.exit(f"rig: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def _up(*, stay: bool) -> None:
    began = time.monotonic()
    _say("starting a control plane, three nodes, two routers, two clients")
    with Layout() as rig:
        _say(f"started in {time.monotonic() - began:.1f} s; installing Porter")
        porter.install(rig.control_plane)
        rig.control_plane.api.apply(*samples.configuration())
        porter.start_porters(rig)
        workloads.start_backends(rig.kubelet, rig.nodes.values(), _SERVICE)
        rig.control_plane.api.create(workloads.service(_SERVICE))
        vips = _wait_vips(rig)
        _say(
            f"Service {_SERVICE} has {' and '.join(vips)}, routed after"
            f" {time.monotonic() - began:.1f} s"
        )
        for client in rig.clients.values():
            for vip in vips:
                seen = probes.fetch(client, vip, times=30)
                said = ", ".join(f"{count} {outcome}" for outcome, count in sorted(seen.items()))
                _say(f"30 requests from {client.name} to {vip}: {said}")
        print(rig.control_plane.kubectl("get", _kinds()))
        if stay:
            _stay(rig, vips)
    _say("ended")


def _wait_vips(rig: Layout) -> list[str]:
    """Wait until the Service has both addresses and both routers route them to all nodes."""
    api = rig.control_plane.api
    wait_until(
        lambda: len(workloads.ingress_of(api, _SERVICE)) == 2,
        timeout=30,
        what=f"Service {_SERVICE} has two addresses",
    )
    vips = workloads.ingress_of(api, _SERVICE)
    for vip in vips:
        nodes = [HOSTS[node][":" in vip] for node in NODES]
        for router in rig.routers.values():
            wait_next_hops(router.host, vip, nodes, timeout=30)
    return vips


def _stay(rig: Layout, vips: list[str]) -> None:
    plane = rig.control_plane
    client = rig.clients["c1"].namespace
    url = f"http://[{vips[0]}]/" if ":" in vips[0] else f"http://{vips[0]}/"
    print(
        "Try:",
        f"  export KUBECONFIG={plane.kubeconfig} PATH={plane.binaries}:$PATH",
        f"  kubectl get {_kinds()}",
        f"  kubectl get service {_SERVICE} -o yaml",
        f"  ip netns exec {client} curl -s {url}",
        f"  ip -n {rig.frr.host.namespace} route show {vips[0]}",
        f"  kubectl delete service {_SERVICE}",
        "Logs:",
        f"  {rig.hosts.folder}/logs/",
        "Ctrl-C ends the cluster and removes all of it.",
        sep="\n",
        flush=True,
    )
    while True:
        time.sleep(3600)


def _kinds() -> str:
    return "vippools,vips,bgppeers.porter.network,bgpnodes"


def _say(line: str) -> None:
    print(f"rig: {line}", flush=True)


def _end(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
