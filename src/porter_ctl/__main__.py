"""The command `porter`: names what is missing without the extra `controller`, else runs the CLI."""

from __future__ import annotations

import sys
from importlib.util import find_spec

_LIBRARIES = (
    "aiohttp",
    "click",
    "kubernetes_asyncio",
    "msgspec",
    "prometheus_client",
    "pyroute2",
    "structlog",
    "yaml",
)


def main() -> None:
    """Run `porter`; end with status 1 and the remedy where its libraries are not installed."""
    missing = [name for name in _LIBRARIES if find_spec(name) is None]
    if missing:
        sys.exit(
            f"porter: the controller needs {', '.join(missing)}; "
            "install them with: pip install 'porter-bgp[controller]'"
        )
    from porter_ctl.cli.main import main as run  # noqa: PLC0415 - it imports what may be missing

    run()


if __name__ == "__main__":
    main()
