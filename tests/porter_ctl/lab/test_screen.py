"""`porter_ctl.lab.screen`: what of a scene can be read on a terminal."""

from __future__ import annotations

import re
from dataclasses import replace

from porter_ctl.lab.screen import NodeRow, RouteRow, Scene, render

SCENE = Scene(
    directory="/tmp/porter-lab/manifests",  # noqa: S108 - a name, nothing is written
    control="/tmp/porter-lab/node2/control.sock",  # noqa: S108 - as above
    nodes=(
        NodeRow(
            name="node1",
            address="127.0.0.11",
            porter="running",
            up_for=61.2,
            kept_for=None,
            servers=("web-1a", "web-1b"),
            flows=12,
        ),
        NodeRow(
            name="node2",
            address="127.0.0.12",
            porter="ended",
            up_for=None,
            kept_for=None,
            servers=(),
            flows=7,
        ),
    ),
    chosen="node2",
    routes=(
        RouteRow(
            prefix="198.51.100.21/32",
            next_hops=("127.0.0.11", "127.0.0.13"),
            communities=("65000:100",),
            url="http://127.0.0.1:4000/",
        ),
    ),
    lost=3,
    pool="198.51.100.0/24",
    refusals={},
)


def text(scene: Scene, width: int = 200) -> list[str]:
    return [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in render(scene, width)]


def test_nodes_stand_in_columns_and_the_chosen_one_is_marked() -> None:
    lines = text(SCENE)

    assert "   NODE   ADDRESS     PORTER   SESSION           SERVERS        FLOWS" in lines
    assert "   node1  127.0.0.11  running  Established 61 s  web-1a web-1b  12" in lines
    assert ">  node2  127.0.0.12  ended    down              none           7" in lines


def test_a_node_whose_routes_are_kept_is_told_so() -> None:
    node = replace(SCENE.nodes[1], kept_for=41.8)
    lines = text(replace(SCENE, nodes=(node,)))

    assert ">  node2  127.0.0.12  ended   down, routes kept 42 s  none     7" in lines


def test_a_route_tells_its_next_hops_and_how_to_try_it() -> None:
    lines = text(SCENE)

    assert (
        "198.51.100.21/32  127.0.0.11, 127.0.0.13  65000:100    curl http://127.0.0.1:4000/"
    ) in lines
    assert "pool 198.51.100.0/24    flows that found no way: 3" in lines


def test_where_there_is_no_route_it_says_so() -> None:
    assert "no routes yet" in text(replace(SCENE, routes=()))


def test_a_refusal_is_told_with_its_object() -> None:
    lines = text(replace(SCENE, refusals={"VIPPool/lab": "Invalid: spec.addresses[0]"}))

    assert "VIPPool/lab is refused: Invalid: spec.addresses[0]" in lines


def test_no_line_is_wider_than_the_terminal() -> None:
    assert max(map(len, text(SCENE, width=40))) == 40
