"""What the process says of itself: one line an event, as JSON or for a terminal.

The message is a constant sentence, what varies stands in keys. Our own modules log through
structlog, the library and those who share its habits through `logging`; both end in one chain of
processors and one `LineWriter`. Nothing secret is ever written: see `_hide`.
"""

from __future__ import annotations

import json
import logging
import re
from typing import TYPE_CHECKING

import msgspec
import structlog

from porter_ctl.daemon.settings import LogFormat, LogLevel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from structlog.typing import EventDict, WrappedLogger

    from porter_ctl.daemon.log_writer import LineWriter

    Step = Callable[[WrappedLogger, str, EventDict], EventDict]
    Renderer = Callable[[WrappedLogger, str, EventDict], bytes]

_LEVELS: Mapping[LogLevel, int] = {
    LogLevel.DEBUG: logging.DEBUG,
    LogLevel.INFO: logging.INFO,
    LogLevel.WARNING: logging.WARNING,
    LogLevel.ERROR: logging.ERROR,
}
_OURS = ("porter_bgp", "porter_ctl")
_KUBERNETES = "kubernetes_asyncio"  # at DEBUG it logs answers, Secrets included
_SECRET = re.compile("passw|token|authorization|private_key|secret_data", re.IGNORECASE)
_FIRST = ("ts", "level", "logger", "msg")


def configure(writer: LineWriter, *, style: LogFormat, level: LogLevel) -> None:
    """Send everything that is logged in this process to `writer`.

    Args:
        writer: Where lines go.
        style: How they are spelt.
        level: From which level on events of Porter are logged; others begin at warning.
    """
    number = _LEVELS[level]
    steps: list[Step] = [
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
        structlog.processors.EventRenamer("msg"),
        structlog.processors.format_exc_info,
        _hide,
    ]
    render = _RENDERERS[style]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.stdlib.add_logger_name,
            *steps,
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda *names: _LineLogger(writer, *names),
    )
    root = logging.getLogger()
    root.handlers[:] = [_Handler(writer, steps, render)]
    root.setLevel(logging.WARNING)
    for name in _OURS:
        logging.getLogger(name).setLevel(number)
    logging.getLogger(_KUBERNETES).setLevel(max(logging.INFO, number))
    access = logging.getLogger("aiohttp.access")
    access.disabled, access.propagate = True, False


class _LineLogger:
    """What structlog wraps: a method a level, each taking the rendered line."""

    def __init__(self, writer: LineWriter, name: str = "porter_ctl") -> None:
        self.name = name
        self._writer = writer

    def msg(self, line: bytes) -> None:
        self._writer.write(line)

    debug = info = warning = error = critical = msg


class _Handler(logging.Handler):
    """Takes what was logged through `logging` down the same chain."""

    def __init__(self, writer: LineWriter, steps: list[Step], render: Renderer) -> None:
        super().__init__()
        self._writer = writer
        self._steps = steps
        self._render = render

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = record.getMessage()
        except (TypeError, ValueError):  # its arguments do not fit its message
            message = str(record.msg)
        level = record.levelname.lower()
        event: EventDict = {"event": message, "level": level, "logger": record.name}
        if record.exc_info:
            event["exc_info"] = record.exc_info
        for step in self._steps:
            event = step(None, level, event)
        self._writer.write(self._render(None, level, event))


def _hide(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Leave out what may be secret: by the key's name, and octets whatever their name."""
    for key, value in event.items():
        if isinstance(value, bytes):
            event[key] = f"({len(value)} octets)"
        elif _SECRET.search(key):
            event[key] = "(hidden)"
    return event


def _render_json(_: WrappedLogger, __: str, event: EventDict) -> bytes:
    ordered = {key: event.pop(key) for key in _FIRST if key in event} | dict(event)
    try:
        return msgspec.json.encode(ordered, enc_hook=str) + b"\n"
    except (TypeError, ValueError, OverflowError):  # a lone surrogate, a number of 65 bits
        return json.dumps(ordered, default=str).encode() + b"\n"


def _render_console(_: WrappedLogger, __: str, event: EventDict) -> bytes:
    stamp, level, logger, message = (str(event.pop(key, "")) for key in _FIRST)
    trace = event.pop("exception", None)
    keys = "".join(f" {key}={value}" for key, value in event.items())
    line = f"{stamp[11:19]} {level:<7} {message}{keys} ({logger})\n"
    return (line if trace is None else f"{line}{trace}\n").encode(errors="backslashreplace")


_RENDERERS: Mapping[LogFormat, Renderer] = {
    LogFormat.JSON: _render_json,
    LogFormat.CONSOLE: _render_console,
}
