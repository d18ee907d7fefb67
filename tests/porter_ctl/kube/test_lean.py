"""`porter_ctl.kube._lean`: cheap where it can be, and never a crash."""

from __future__ import annotations

import subprocess
import sys

import pytest

IMPORTED = """
import pathlib, sys, time
started = time.perf_counter()
from porter_ctl.kube import _lean
library = _lean.load(lean={lean})
seconds = time.perf_counter() - started
loaded = sum(name.startswith("kubernetes_asyncio.client.models.") for name in sys.modules)
status = pathlib.Path("/proc/self/status").read_text().splitlines()
peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
print(seconds, peak / 1024, loaded)
"""


def run(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-c", program],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_lean_import_stays_within_its_budget() -> None:
    seconds, mebibytes, models = map(float, run(IMPORTED.format(lean=True)).split())

    assert models == 0
    assert mebibytes < 60
    assert seconds < 5  # 0.4 s alone; other tests share the machine


def test_the_whole_import_works_as_well() -> None:
    _, _, models = map(float, run(IMPORTED.format(lean=False)).split())

    assert models > 500


FOUND = {
    "a model": ("kubernetes_asyncio.client", "V1ServiceList", "v1_service_list"),
    "a model of models": ("kubernetes_asyncio.client.models", "V1Service", "v1_service"),
    "the client": ("kubernetes_asyncio.client", "ApiClient", "api_client"),
    "an exception": ("kubernetes_asyncio.client", "ApiException", "exceptions"),
    "an API": ("kubernetes_asyncio.client", "CoreV1Api", "core_v1_api"),
}


@pytest.mark.parametrize(("package", "name", "module"), FOUND.values(), ids=FOUND)
def test_a_shell_finds_what_the_package_has(package: str, name: str, module: str) -> None:
    program = f"""
from porter_ctl.kube import _lean
_lean.load()
from {package} import {name}
print({name}.__module__)
"""

    assert run(program).strip().endswith(module)


def test_a_name_that_is_nowhere_is_an_ordinary_error() -> None:
    program = """
from porter_ctl.kube import _lean
_lean.load()
import kubernetes_asyncio.client
print(hasattr(kubernetes_asyncio.client, "NoSuchThing"))
print(hasattr(kubernetes_asyncio.client, "__no_such_thing__"))
"""

    assert run(program).split() == ["False", "False"]


def test_where_no_shell_can_be_made_the_library_is_imported_whole() -> None:
    program = """
import importlib.util, sys
from porter_ctl.kube import _lean
found = importlib.util.find_spec
importlib.util.find_spec = lambda name: None
library = _lean.load()
print(type(library.configuration()).__name__, "kubernetes_asyncio.watch" in sys.modules)
"""

    assert run(program).split() == ["Configuration", "True"]
