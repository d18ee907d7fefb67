"""A misbehaving API server and a client that waits briefly for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from porter_ctl.kube.client import KubeClient
from porter_ctl.kube.timings import Timings
from tests.porter_ctl.kube.fake_api import FakeApi

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

BRIEF = Timings(
    connect=2.0,
    request=5.0,
    idle=5.0,
    first_pause=0.001,
    pause=0.01,
    older=0.05,
    event=2.0,
    silence=60.0,
)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
async def api() -> AsyncIterator[FakeApi]:
    async with FakeApi() as api:
        yield api


@pytest.fixture
async def client(api: FakeApi, tmp_path: Path) -> AsyncIterator[KubeClient]:
    async with KubeClient(kubeconfig=api.kubeconfig(tmp_path), timings=BRIEF) as client:
        yield client
