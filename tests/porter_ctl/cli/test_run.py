"""`porter run` and the other commands that hand on: which settings their options come to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from porter_ctl.api.crd import to_yaml
from porter_ctl.cli.main import porter
from porter_ctl.daemon import process
from porter_ctl.daemon.settings import (
    HttpAddress,
    LogFormat,
    LogLevel,
    PodIdentity,
    Settings,
)

if TYPE_CHECKING:
    from collections.abc import Callable

Told = tuple[Settings, LogFormat, LogLevel]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Told]:
    """Runs `porter run` with a daemon that only says what it was told, and ends with 7."""
    heard: list[Told] = []

    def run(settings: Settings, *, style: LogFormat, level: LogLevel) -> int:
        heard.append((settings, style, level))
        return 7

    def call(*arguments: str, **environment: str) -> Told:
        done = CliRunner().invoke(porter, ["run", *arguments], env=environment)
        assert done.exit_code == 7, done.stderr
        return heard.pop()

    monkeypatch.setattr(process, "run", run)
    return call


def test_what_is_not_said_has_a_default(told: Callable[..., Told]) -> None:
    settings, style, level = told("--node", "a")

    assert settings == Settings(
        node="a",
        state_dir=Path("/var/lib/porter"),
        control=Path("/run/porter/control.sock"),
        http=HttpAddress("127.0.0.1", 7479),
        manifests=None,
        kubeconfig=None,
        service_classes=frozenset({"porter.network/bgp", ""}),
        pod=PodIdentity(name="", namespace="kube-system", uid=""),
    )
    assert (style, level) == (LogFormat.JSON, LogLevel.INFO)  # no terminal here


def test_every_option_arrives(told: Callable[..., Told], tmp_path: Path) -> None:
    settings, style, level = told(
        *("--node", "a", "--manifests", str(tmp_path), "--state-dir", "/s", "--control", "/c"),
        *("--http", "[::1]:1", "--service-class", "x/y", "--service-class", ""),
        *("--log-format", "console", "--log-level", "debug"),
    )

    assert settings.manifests == tmp_path
    assert settings.source_name == "Manifests"
    assert (settings.state_dir, settings.control) == (Path("/s"), Path("/c"))
    assert settings.http == HttpAddress("::1", 1)
    assert settings.service_classes == frozenset({"x/y", ""})
    assert (style, level) == (LogFormat.CONSOLE, LogLevel.DEBUG)


def test_a_pod_tells_who_it_is_in_the_environment(told: Callable[..., Told]) -> None:
    settings, _, _ = told(
        NODE_NAME="b", POD_NAME="porter-1", POD_NAMESPACE="porter-system", POD_UID="u"
    )

    assert settings.node == "b"
    assert settings.source_name == "API"
    assert settings.pod == PodIdentity(name="porter-1", namespace="porter-system", uid="u")


def test_crd_prints_what_the_types_say() -> None:
    done = CliRunner().invoke(porter, ["crd"])

    assert (done.exit_code, done.stdout) == (0, to_yaml())
