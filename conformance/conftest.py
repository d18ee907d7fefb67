"""Fixtures of the conformance tests: a control plane alone, and the whole layout."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance.rig.control_plane import ControlPlane, find_binaries
from conformance.rig.errors import NOT_ROOT, RigError, is_root
from conformance.rig.hosts import Hosts
from conformance.rig.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Not root: every test here fails, with the remedy; none is skipped."""
    if not is_root():
        pytest.fail(NOT_ROOT, pytrace=False)


@pytest.fixture(scope="session")
def binaries() -> Path:
    """The folder with kube-apiserver, kubectl and the rest; fails with the remedy."""
    said = ""
    try:
        return find_binaries()
    except RigError as error:
        said = str(error)
    pytest.fail(said, pytrace=False)


@pytest.fixture(scope="session")
def control_plane(request: pytest.FixtureRequest) -> Iterator[ControlPlane]:
    """etcd, API server and controllers alone; shared by all tests: use names of your own."""
    request.getfixturevalue("binaries")
    with Hosts() as hosts:
        plane = ControlPlane(hosts, hosts.host("cp"))
        plane.wait_ready()
        plane.start_controller_manager()
        yield plane


@pytest.fixture(scope="module")
def rig(request: pytest.FixtureRequest) -> Iterator[Layout]:
    """The whole layout without Porter, new for each test file (4 s)."""
    request.getfixturevalue("binaries")
    with Layout() as layout:
        yield layout
