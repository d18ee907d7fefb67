"""Told to end: is this a restart, or do we leave? Restart only on positive evidence, read live.

A restart closes its sessions without a word, and the routers keep the routes until we are back. A
leave announces last, waits, withdraws and says Cease. A wrong leave costs a router one of several
paths for a while; a wrong restart is a black hole. So whatever is in doubt is a leave.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from porter_ctl.api import DrainTrigger, Kind, Node, ObjectRef, Pod
from porter_ctl.plan import NodeFacts, Reason, draining
from porter_ctl.store.port import PortFailure

if TYPE_CHECKING:
    from porter_ctl.api import Resource
    from porter_ctl.daemon.settings import Settings
    from porter_ctl.plan import Context
    from porter_ctl.store.port import ClusterPort

ASK_SECONDS = 1.0  # for all that is asked


@dataclass(frozen=True, slots=True)
class Ending:
    """How to end.

    Attributes:
        restart: Close without a word, for we come back; else leave in good order.
        why: One sentence without a full stop.
    """

    restart: bool
    why: str


async def decide(settings: Settings, port: ClusterPort | None, context: Context | None) -> Ending:
    """Decide within a second.

    Args:
        settings: Who we are.
        port: Where our Pod and our Node are read; None: the cluster was never reached.
        context: Under which we plan; None: nothing was announced yet by this process.
    """
    barred = context.barred if context is not None else None
    if barred is not None and barred.reason is Reason.NODE_DRAINED:
        return Ending(restart=False, why=barred.message)
    try:
        async with asyncio.timeout(ASK_SECONDS):
            if settings.manifests is not None:
                return await _of_files()
            if port is None:
                return Ending(restart=False, why="the API server was not reached")
            return await _of_cluster(settings, port, context)
    except TimeoutError:
        return Ending(restart=False, why=f"no answer within {ASK_SECONDS:g} s")
    except (PortFailure, OSError) as failure:
        return Ending(restart=False, why=str(failure))


async def _of_cluster(settings: Settings, port: ClusterPort, context: Context | None) -> Ending:
    if not settings.pod.name:
        return Ending(restart=False, why="this process knows of no Pod that it runs in")
    ref = ObjectRef(Kind.POD, settings.pod.namespace, settings.pod.name)
    pod, node = await asyncio.gather(
        port.get_live(ref), port.get_live(ObjectRef(Kind.NODE, "", settings.node))
    )
    against = _against_pod(settings, pod) or _against_node(settings.node, node, context)
    if against:
        return Ending(restart=False, why=against)
    return Ending(restart=True, why=f"{ref} is deleted, and another takes its place")


def _against_pod(settings: Settings, pod: Resource | None) -> str:
    """Why the Pod gives no evidence of a restart; empty: it does."""
    name = f"Pod/{settings.pod.namespace}/{settings.pod.name}"
    if not isinstance(pod, Pod) or pod.metadata.uid != settings.pod.uid:
        return f"{name} is gone"
    if pod.metadata.deletion_timestamp is None:
        return f"nobody deletes {name}, so none takes its place"
    return ""


def _against_node(name: str, node: Resource | None, context: Context | None) -> str:
    """Why the Node speaks against a restart; empty: it does not."""
    if not isinstance(node, Node):
        return f"Node/{name} is gone"
    triggers = context.drain_triggers if context is not None else frozenset(DrainTrigger)
    verdict = draining(NodeFacts.of(name, node), triggers)
    return verdict.message if verdict is not None else ""


async def _of_files() -> Ending:
    """Without a cluster only the system itself can say that it stops for good."""
    systemctl = shutil.which("systemctl")
    if systemctl is None:
        return Ending(restart=True, why="nothing says that this machine stops")
    asking = await asyncio.create_subprocess_exec(
        systemctl,
        "is-system-running",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        answer, _ = await asking.communicate()
    finally:
        if asking.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                asking.kill()
            await asking.wait()
    state = answer.decode("ascii", "replace").strip()
    if state == "stopping":
        return Ending(restart=False, why="this machine is shutting down")
    return Ending(restart=True, why="nothing says that this machine stops")
