"""What the live lab shows: a scene in, lines for a terminal out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_BOLD, _GOOD, _BAD, _CHOSEN, _PLAIN = "\x1b[1m", "\x1b[32m", "\x1b[31m", "\x1b[7m", "\x1b[0m"
_HELP = (
    (
        "1 2 3 or arrows: choose a node    k: kill its porter, or have it back    "
        "n: drain it, or undrain"
    ),
    (
        "e: lose one of its servers, at last restore them    p: change the pool    "
        "s: one more Service    d: delete the newest    q: quit"
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRow:
    """One node.

    Attributes:
        porter: Whether its `porter run` runs, in a word.
        up_for: Seconds since its session came up; None: it is down.
        kept_for: Seconds for which the router still keeps its routes without one; None: it has
            none to keep.
        servers: Those that answer.
        flows: How many it was given.
    """

    name: str
    address: str
    porter: str
    up_for: float | None
    kept_for: float | None
    servers: tuple[str, ...]
    flows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteRow:
    """One route of the router; `url` is what a client asks."""

    prefix: str
    next_hops: tuple[str, ...]
    communities: tuple[str, ...]
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """All that is shown.

    Attributes:
        directory: Where the manifests are.
        control: The socket of the chosen node.
        nodes: All of them.
        chosen: The name of the one that keys act on.
        routes: All that the router has.
        lost: How many flows found no way.
        pool: What the pool has to give, as the lab last wrote it.
        refusals: Why objects are not accepted, by kind and name.
    """

    directory: str
    control: str
    nodes: tuple[NodeRow, ...]
    chosen: str
    routes: tuple[RouteRow, ...]
    lost: int
    pool: str
    refusals: Mapping[str, str]


def render(scene: Scene, width: int) -> list[str]:
    """The lines of a scene, none wider than `width` columns."""
    lines = [
        ("Three nodes and a router, all of them processes on loopback", _BOLD),
        (f"manifests  {scene.directory}  (edit them: they are the cluster)", ""),
        (f"ask a node  porter status --control {scene.control}", ""),
        ("", ""),
        *_node_lines(scene),
        ("", ""),
        *_route_lines(scene),
        ("", ""),
        (f"pool {scene.pool}    flows that found no way: {scene.lost}", ""),
        *((f"{name} is refused: {why}", _BAD) for name, why in scene.refusals.items()),
        ("", ""),
        *((line, "") for line in _HELP),
    ]
    return [f"{style}{text[:width]}{_PLAIN}" if style else text[:width] for text, style in lines]


def _node_lines(scene: Scene) -> Iterable[tuple[str, str]]:
    header = ("", "NODE", "ADDRESS", "PORTER", "SESSION", "SERVERS", "FLOWS")
    rows = [
        (
            ">" if node.name == scene.chosen else "",
            node.name,
            node.address,
            node.porter,
            _session(node),
            " ".join(node.servers) or "none",
            str(node.flows),
        )
        for node in scene.nodes
    ]
    head, *body = _columns([header, *rows])
    yield head, _BOLD
    for node, text in zip(scene.nodes, body, strict=True):
        style = _BAD if node.up_for is None else _GOOD
        yield text, style + _CHOSEN if node.name == scene.chosen else style


def _session(node: NodeRow) -> str:
    if node.up_for is not None:
        return f"Established {node.up_for:.0f} s"
    return "down" if node.kept_for is None else f"down, routes kept {node.kept_for:.0f} s"


def _route_lines(scene: Scene) -> Iterable[tuple[str, str]]:
    header = ("VIP", "NEXT HOPS", "COMMUNITIES", "TRY IT")
    rows = [
        (
            route.prefix,
            ", ".join(route.next_hops),
            ", ".join(route.communities),
            f"curl {route.url}",
        )
        for route in scene.routes
    ]
    head, *body = _columns([header, *rows])
    yield head, _BOLD
    yield from ((text, "") for text in body)
    if not rows:
        yield "no routes yet", ""


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
