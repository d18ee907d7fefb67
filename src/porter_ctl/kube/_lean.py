"""The Kubernetes library without its 800 model modules.

`kubernetes_asyncio` imports every API and model when any part of it is imported: a second of
start-up and 60 MiB on every node, of which Porter uses nothing but authentication, TLS and the
HTTP call. So the packages `kubernetes_asyncio`, its `client` and `client.models` are entered into
`sys.modules` as shells first: modules with the real `__path__` whose names are imported on demand
(PEP 562). Whatever a shell cannot find, it finds by giving way to the real package: this module
may cost memory, never a crash.

Nothing else imports the library, so its types end here, in the protocols below.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    import aiohttp

_log = logging.getLogger(__name__)
_ROOT = "kubernetes_asyncio"
_CLIENT = f"{_ROOT}.client"
_MODELS = f"{_ROOT}.client.models"
_DEFINED_IN = {"ApiClient": "api_client", "Configuration": "configuration"}


class Configuration(Protocol):
    """Where the API server is and how we prove who we are."""

    host: str
    connection_pool_maxsize: int


class RestClient(Protocol):
    """What is below it."""

    pool_manager: aiohttp.ClientSession


class ApiClient(Protocol):
    """The library's HTTP client: authentication, TLS, proxies, the raw answer."""

    user_agent: str
    rest_client: RestClient

    async def close(self) -> None:
        """Close all connections."""

    def call_api(
        self,
        resource_path: str,
        method: str,
        *,
        query_params: Sequence[tuple[str, str]],
        header_params: Mapping[str, str],
        body: object,
        auth_settings: Sequence[str],
        _preload_content: bool,
        _request_timeout: aiohttp.ClientTimeout,
    ) -> Awaitable[aiohttp.ClientResponse]:
        """Send one request; the answer is not read yet."""


class Library(Protocol):
    """What we use of the library."""

    config_error: type[Exception]

    def configuration(self) -> Configuration:
        """Return an empty configuration."""

    def client(self, configuration: Configuration) -> ApiClient:
        """Return a client; needs a running event loop."""

    async def load_kubeconfig(
        self, path: str | None, context: str | None, configuration: Configuration
    ) -> None:
        """Fill `configuration` from a kubeconfig file."""

    def load_in_cluster(self, configuration: Configuration) -> None:
        """Fill `configuration` from the ServiceAccount of this Pod."""


class _Loaded:
    """`Library` over the modules as imported."""

    def __init__(self) -> None:
        config = importlib.import_module(f"{_ROOT}.config")
        self.config_error: type[Exception] = config.ConfigException
        self._load_kube_config: Callable[..., Awaitable[object]] = config.load_kube_config
        self._load_in_cluster: Callable[..., object] = config.load_incluster_config
        api_client = importlib.import_module(f"{_CLIENT}.api_client")
        self._client: Callable[[Configuration], ApiClient] = api_client.ApiClient
        configuration = importlib.import_module(f"{_CLIENT}.configuration")
        self._configuration: Callable[[], Configuration] = configuration.Configuration

    def configuration(self) -> Configuration:
        return self._configuration()

    def client(self, configuration: Configuration) -> ApiClient:
        return self._client(configuration)

    async def load_kubeconfig(
        self, path: str | None, context: str | None, configuration: Configuration
    ) -> None:
        await self._load_kube_config(
            config_file=path,
            context=context,
            client_configuration=configuration,
            persist_config=False,
        )

    def load_in_cluster(self, configuration: Configuration) -> None:
        self._load_in_cluster(client_configuration=configuration)


class _Shell(ModuleType):
    """Stands for a package without running its `__init__`."""

    def __init__(self, name: str, path: Sequence[str]) -> None:
        super().__init__(name)
        self.__path__ = list(path)
        self.__package__ = name
        self.__spec__ = importlib.util.spec_from_file_location(
            name, f"{path[0]}/__init__.py", submodule_search_locations=list(path)
        )

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        for submodule in (_DEFINED_IN.get(name), name, _snake_case(name)):
            if submodule is None or not _has(self.__path__[0], submodule):
                continue
            module = importlib.import_module(f"{self.__name__}.{submodule}")
            found: object = module if submodule == name else getattr(module, name)
            setattr(self, name, found)
            return found
        return getattr(_give_way(self.__name__), name)


def load(*, lean: bool = True) -> Library:
    """Import what we use of the library.

    Args:
        lean: Through shells; False imports the packages as they are.
    """
    if lean and _ROOT not in sys.modules:
        try:
            _install_shells()
            return _Loaded()
        except (ImportError, AttributeError) as error:
            _log.warning("kubernetes_asyncio is imported whole, it costs 60 MiB: %s", error)
            _forget()
    return _Loaded()


def _install_shells() -> None:
    spec = importlib.util.find_spec(_ROOT)
    if spec is None or not spec.submodule_search_locations:
        raise ImportError(f"{_ROOT} is not installed")
    root = spec.submodule_search_locations[0]
    for name, path in (
        (_ROOT, root),
        (_CLIENT, f"{root}/client"),
        (_MODELS, f"{root}/client/models"),
    ):
        shell = _Shell(name, [path])
        sys.modules[name] = shell
        parent, _, last = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], last, shell)


def _give_way(name: str) -> ModuleType:
    """Import the real package in place of its shell, and of the shells below it."""
    _log.warning("%s is imported whole, it costs memory", name)
    for shell in [m for m in sys.modules if isinstance(sys.modules[m], _Shell)]:
        if shell == name or shell.startswith(f"{name}."):
            del sys.modules[shell]
    return importlib.import_module(name)


def _forget() -> None:
    for name in [m for m in sys.modules if m == _ROOT or m.startswith(f"{_ROOT}.")]:
        del sys.modules[name]


def _has(directory: str, submodule: str) -> bool:
    path = Path(directory, submodule)
    return path.is_dir() or path.with_suffix(".py").is_file()


def _snake_case(name: str) -> str:
    """V1ServiceList -> v1_service_list, as the library's generator names its files."""
    step = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", step).lower()
