"""`porter`: what it offers, what it costs to ask, and how it refuses."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from porter_ctl.api.crd import to_yaml
from porter_ctl.cli.main import porter

if TYPE_CHECKING:
    from pathlib import Path

COMMANDS = (
    *("run", "status", "peers", "routes", "why"),
    *("drain", "undrain", "validate", "crd", "stop", "lab"),
)
HEAVY = (
    "porter_bgp",
    "aiohttp",
    "kubernetes_asyncio",
    "msgspec",
    "prometheus_client",
    "pyroute2",
    "structlog",
    "yaml",
)
FACTOR = 6  # a shared machine is slow at times
CONTROL = ("--control", "/nowhere.sock")


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (sys.executable, "-m", "porter_ctl", *arguments),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def fastest(*arguments: str) -> float:
    """Seconds, the best of three."""
    times = []
    for _ in range(3):
        begun = time.perf_counter()
        run(*arguments)
        times.append(time.perf_counter() - begun)
    return min(times)


def test_help_names_every_command_and_how_to_get_completion() -> None:
    done = run("--help")

    assert done.returncode == 0
    assert [name for name in COMMANDS if f"\n  {name} " not in done.stdout] == []
    assert "_PORTER_COMPLETE=bash_source porter" in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_shows_how_it_is_used(command: str) -> None:
    done = run(command, "--help")

    assert done.returncode == 0
    assert f"Examples:\n    porter {command}" in done.stdout.replace("kustomize build . | ", "")


def test_the_help_is_the_same_without_a_process_of_its_own() -> None:
    done = CliRunner().invoke(porter, ["--help"], prog_name="porter")

    assert done.stdout.split() == run("--help").stdout.split()
    assert CliRunner().invoke(porter, ["neighbours"]).exit_code == 2


def test_asking_is_cheap(tmp_path: Path) -> None:
    assert fastest("--help") < 0.150 * FACTOR
    assert fastest("status", "--control", str(tmp_path / "none")) < 0.250 * FACTOR


@pytest.mark.parametrize(
    "command",
    [("--help",), ("status",), ("why", "default/web"), ("peers", "--help"), ("drain", "--help")],
)
def test_asking_loads_no_library_of_the_daemon(command: tuple[str, ...]) -> None:
    done = subprocess.run(
        (sys.executable, "-X", "importtime", "-m", "porter_ctl", *command, *CONTROL),
        capture_output=True,
        text=True,
        check=False,
    )
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if "|" in line}

    assert "porter_ctl.cli.main" in loaded
    assert loaded & set(HEAVY) == set()


REFUSED = {
    "no such command": (("neighbours",), "No such command 'neighbours'"),
    "a run without a node": (("run",), "Missing option '--node'"),
    "two sources": (
        ("run", "--node", "a", "--manifests", ".", "--kubeconfig", __file__),
        "--manifests and --kubeconfig: give one of the two",
    ),
    "a directory that is not there": (
        ("run", "--node", "a", "--manifests", "/nowhere"),
        "Directory '/nowhere' does not exist",
    ),
    "no HOST:PORT": (
        ("run", "--node", "a", "--http", "7479"),
        "'7479' is not HOST:PORT; write for example 127.0.0.1:7479",
    ),
    "a format that there is not": (("peers", "-o", "xml"), "'xml' is not one of"),
    "nothing to validate": (("validate",), "Missing argument"),
    "a Service without a namespace": (("why", "web"), "'web': write NAMESPACE/NAME, or an address"),
    "two places to drain in": (
        ("drain", "n1", "--manifests", ".", "--kubeconfig", __file__),
        "--manifests and --kubeconfig: give one of the two",
    ),
}


@pytest.mark.parametrize(("arguments", "message"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_command_line_ends_with_status_2(arguments: tuple[str, ...], message: str) -> None:
    done = run(*arguments, NODE_NAME="")

    assert done.returncode == 2
    assert message in done.stderr


def test_the_shell_completes_commands() -> None:
    done = run(_PORTER_COMPLETE="bash_complete", COMP_WORDS="porter p", COMP_CWORD="1")

    assert done.stdout == "plain,peers\n"


def test_the_version_is_the_distribution_s() -> None:
    assert run("--version").stdout == f"porter, version {version('porter-bgp')}\n"


def test_crd_prints_what_the_types_say() -> None:
    done = run("crd")

    assert done.returncode == 0
    assert done.stdout == to_yaml()
