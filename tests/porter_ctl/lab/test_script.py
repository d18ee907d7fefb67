"""The script `demo`: green as it is, and red at exactly the step whose cause is taken away."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from porter_ctl.lab.demo import CAUSES
from porter_ctl.lab.router import Router
from porter_ctl.lab.script import Look, Phase, Step, play
from tests.porter_ctl.lab.labs import played

if TYPE_CHECKING:
    from pathlib import Path

    from porter_ctl.lab.demo import Cause

STEPS = [cause.step for cause in CAUSES]
VIP = "198.51.100.21/32"  # where the pool's candidates for default/web begin
FIRST, SECOND, THIRD = "127.0.0.11", "127.0.0.12", "127.0.0.13"
LEFT = [FIRST, SECOND]

# What the router and the clients see where a cause is missing: the opposite of what the step wants.
# An address that does not rest is the rival's at once, or once the router has seen it withdrawn.
OPPOSITES: dict[str, list[dict[str, object]]] = {
    "pool": [{"sessions": ["node1", "node2", "node3"], "routes": {}}],
    "node3": [{"next_hops": LEFT}],
    "multipath": [{"answered_by": {"node1": 60}}],
    "endpoint-loss": [{"next_hops": [*LEFT, THIRD], "not_answered": 0}],
    "edit": [{"communities": ["65000:100"]}],
    "hold": [
        {"withdrawn": False, "answered": True},
        {"meanwhile": {VIP: LEFT, "198.51.100.89/32": LEFT}},
    ],
    "fault": [{"communities": ["65000:300"], "refusal": ""}],
    "graceful-restart": [{"session": "down", "next_hops": [FIRST], "kept_for_seconds": None}],
    "return": [{"end_of_rib": False, "next_hops": LEFT, "lost": 0}],
    "add-path": [{"told_by": ["node1"], "next_hops": [hop]} for hop in [*LEFT, THIRD]],
    "drain": [{"next_hops": [*LEFT, THIRD], "exit_status": 1, "lost": 0}],
    "undrain": [{"next_hops": [FIRST, THIRD], "exit_status": 0, "lost": 0}],
}


def told(output: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in output.splitlines()]


def test_every_step_is_seen_to_work(scratch: Path) -> None:
    done = played(scratch, "--script", "demo", "-o", "json")
    lines = told(done.stdout)
    seen = {str(line["step"]): line["seen"] for line in lines}
    again, refused = seen[STEPS[5]], seen[STEPS[6]]

    assert (done.returncode, done.stderr) == (0, "")
    assert [(line["step"], line["ok"]) for line in lines] == [(step, True) for step in STEPS]
    assert all(list(line) == ["step", "ok", "seen", "seconds"] for line in lines)
    assert seen[STEPS[1]] == {"prefix": VIP, "next_hops": [*LEFT, THIRD]}
    assert isinstance(again, dict)
    assert again["again"] == {VIP: LEFT, "198.51.100.89/32": LEFT}
    assert isinstance(refused, dict)
    assert refused["refusal"].startswith("Invalid: spec.communities.standard[0]: '65000:70000'")
    restarted, several, drained = (seen[STEPS[number]] for number in (8, 9, 10))
    assert isinstance(restarted, dict)
    assert restarted["lost"] == 0
    assert isinstance(several, dict)
    assert (several["told_by"], several["next_hops"]) == (["node1"], [*LEFT, THIRD])
    assert isinstance(drained, dict)
    assert drained["node2_tells"] == "3/3 VIPs, LastDraining"
    assert list(scratch.iterdir()) == []


def test_every_step_stands_on_one_cause_and_every_cause_has_its_opposite() -> None:
    assert len({cause.name for cause in CAUSES}) == len(STEPS) == len(set(STEPS)) == 12
    assert list(OPPOSITES) == [cause.name for cause in CAUSES]


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.name)
def test_without_its_cause_a_step_turns_red_and_no_earlier_one(cause: Cause, scratch: Path) -> None:
    number = CAUSES.index(cause)
    done = played(scratch, "--script", "demo", "-o", "json", "--without", cause.name)
    lines = told(done.stdout)
    seen = lines[-1]["seen"]

    assert (done.returncode, done.stderr) == (1, "")
    assert [line["step"] for line in lines] == STEPS[: number + 1]
    assert [line["ok"] for line in lines] == [True] * number + [False]
    assert isinstance(seen, dict)
    assert any(
        opposite == {name: seen.get(name) for name in opposite}
        for opposite in OPPOSITES[cause.name]
    )
    assert list(scratch.iterdir()) == []


# The command line


def test_the_causes_are_listed_with_their_steps(scratch: Path) -> None:
    plain, as_json = played(scratch, "--list"), played(scratch, "--list", "-o", "json")

    assert [line.split()[0] for line in plain.stdout.splitlines()] == list(OPPOSITES)
    assert [line["step"] for line in told(as_json.stdout)] == STEPS


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--script", "opera"), "there is no script 'opera'; these are: demo"),
        (("--without", "luck"), "there is no cause 'luck'; these are: pool, node3, multipath,"),
        ((), "the live lab needs a terminal; without one: porter lab --script demo"),
    ],
    ids=["another script", "another cause", "no terminal"],
)
def test_what_cannot_be_played_is_refused_in_one_sentence(
    arguments: tuple[str, ...], message: str, scratch: Path
) -> None:
    done = played(scratch, *arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"porter lab: {message}")
    assert list(scratch.iterdir()) == []


# The engine


async def test_a_script_ends_at_its_first_red_step_with_all_that_was_seen() -> None:
    done: list[str] = []

    def phase(name: str, *, ok: bool) -> Phase:
        async def look() -> Look:
            return Look(ok, {name: ok})

        return Phase(look, act=lambda: done.append(name))

    steps = [
        Step("good", (phase("one", ok=True), phase("two", ok=True))),
        Step("bad", (phase("three", ok=True), phase("four", ok=False), phase("five", ok=True))),
        Step("never", (phase("six", ok=True),)),
    ]
    outcomes = [outcome async for outcome in play(steps, Router({}), {"bad": 0.01})]

    assert [(outcome.step, outcome.ok, outcome.seen) for outcome in outcomes] == [
        ("good", True, {"one": True, "two": True}),
        ("bad", False, {"three": True, "four": False}),
    ]
    assert done == ["one", "two", "three", "four"]


async def test_a_look_is_repeated_until_it_is_good() -> None:
    looks = iter((False, False, True))

    async def look() -> Look:
        return Look(next(looks), {})

    outcomes = [outcome async for outcome in play([Step("x", (Phase(look),))], Router({}), {})]

    assert [outcome.ok for outcome in outcomes] == [True]
    assert next(looks, None) is None
