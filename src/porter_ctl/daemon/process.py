"""One process from its start to its end: logs first and last, the event loop in between."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from porter_ctl.daemon.app import serve
from porter_ctl.daemon.log_writer import LineWriter
from porter_ctl.daemon.logs import configure

if TYPE_CHECKING:
    from porter_ctl.daemon.settings import LogFormat, LogLevel, Settings


def run(settings: Settings, *, style: LogFormat, level: LogLevel) -> int:
    """Run until told to end, or until something breaks; returns the exit status."""
    writer = LineWriter(sys.stdout.fileno())
    configure(writer, style=style, level=level)
    try:
        return asyncio.run(serve(settings, writer))
    finally:
        writer.close()
