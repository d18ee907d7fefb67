"""`porter_ctl.daemon.logs`: what a line looks like, who may write one, what never stands in it."""

from __future__ import annotations

import json
import logging
import os
from typing import TYPE_CHECKING

import pytest
import structlog

from porter_ctl.daemon.log_writer import LineWriter
from porter_ctl.daemon.logs import configure
from porter_ctl.daemon.settings import LogFormat, LogLevel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Lines = Callable[[], list[str]]


class Log:
    """A log of this process, in a pipe."""

    def __init__(self) -> None:
        self._reader, self._end = os.pipe()
        self.writer = LineWriter(self._end)

    def start(self, style: LogFormat, level: LogLevel = LogLevel.INFO) -> None:
        configure(self.writer, style=style, level=level)

    def lines(self) -> list[str]:
        """Everything that was logged; nothing can be logged after this."""
        self.writer.close(seconds=10)
        os.close(self._end)
        with os.fdopen(self._reader, "rb") as reader:
            return reader.read().decode().splitlines()

    def events(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.lines()]


@pytest.fixture
def log() -> Iterator[Log]:
    """Restores what `configure` changes in the whole process."""
    root = logging.getLogger()
    names = ("porter_bgp", "porter_ctl", "kubernetes_asyncio", "aiohttp.access")
    levels = {name: logging.getLogger(name).level for name in names}
    handlers, level = root.handlers[:], root.level
    yield Log()
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)
    access = logging.getLogger("aiohttp.access")
    access.disabled, access.propagate = False, True


def test_a_line_of_ours_is_json_with_its_keys_in_the_usual_order(log: Log) -> None:
    log.start(LogFormat.JSON)
    structlog.get_logger("porter_ctl.test").warning("a peer is down", peer="tor", hold=90)

    (line,) = log.lines()
    event = json.loads(line)
    assert list(event) == ["ts", "level", "logger", "msg", "peer", "hold"]
    assert event["ts"].endswith("Z")
    del event["ts"]
    assert event == {
        "level": "warning",
        "logger": "porter_ctl.test",
        "msg": "a peer is down",
        "peer": "tor",
        "hold": 90,
    }


def test_what_is_logged_through_the_standard_library_looks_the_same(log: Log) -> None:
    log.start(LogFormat.JSON)
    logging.getLogger("porter_bgp.speaker").info("peer %s: up", "tor")

    (event,) = log.events()
    assert (event["level"], event["logger"], event["msg"]) == (
        "info",
        "porter_bgp.speaker",
        "peer tor: up",
    )


@pytest.mark.parametrize(
    ("logger", "level", "heard"),
    [
        ("porter_bgp.speaker.peer", logging.INFO, True),
        ("porter_bgp.speaker.peer", logging.DEBUG, False),
        ("porter_ctl.kube.source", logging.INFO, True),
        ("kubernetes_asyncio.client.rest", logging.DEBUG, False),
        ("aiohttp.server", logging.INFO, False),
        ("aiohttp.server", logging.WARNING, True),
        ("aiohttp.access", logging.CRITICAL, False),
        ("asyncio", logging.ERROR, True),
    ],
)
def test_who_is_heard_from_which_level_on(log: Log, logger: str, level: int, heard: bool) -> None:  # noqa: FBT001 - a column of the table
    log.start(LogFormat.JSON)
    logging.getLogger(logger).log(level, "hello")

    assert bool(log.lines()) is heard


def test_the_kubernetes_library_is_never_heard_below_info(log: Log) -> None:
    log.start(LogFormat.JSON, LogLevel.DEBUG)
    logging.getLogger("kubernetes_asyncio.client.rest").debug("response body: SECRET")
    logging.getLogger("porter_ctl.kube").debug("heard")

    assert [event["msg"] for event in log.events()] == ["heard"]


def test_nothing_secret_is_written(log: Log) -> None:
    log.start(LogFormat.JSON)
    word = "hunter2"
    structlog.get_logger().info("m", md5_password=word, bearer_token=word, raw=word.encode())

    (line,) = log.lines()
    assert "hunter2" not in line
    assert json.loads(line)["raw"] == "(7 octets)"


def test_a_mistake_comes_with_its_trace_on_the_same_line(log: Log) -> None:
    log.start(LogFormat.JSON)
    try:
        json.loads("[")
    except ValueError:
        logging.getLogger("asyncio").exception("a task broke")

    (event,) = log.events()
    assert "JSONDecodeError: Expecting value" in str(event["exception"])


@pytest.mark.parametrize("value", ["\ud800", 2**80, {1, 2}], ids=["surrogate", "81 bits", "a set"])
def test_any_value_can_be_written(log: Log, value: object) -> None:
    log.start(LogFormat.JSON)
    structlog.get_logger().info("m", value=value)

    assert [event["msg"] for event in log.events()] == ["m"]


def test_arguments_that_do_not_fit_cost_no_line(log: Log) -> None:
    log.start(LogFormat.JSON)
    logging.getLogger("porter_ctl").warning("%d peers", "no")

    assert [event["msg"] for event in log.events()] == ["%d peers"]


def test_on_a_terminal_a_line_is_for_people(log: Log) -> None:
    log.start(LogFormat.CONSOLE)
    structlog.get_logger("porter_ctl.test").info("planned", prefixes=3)

    (line,) = log.lines()
    assert line[8:] == " info    planned prefixes=3 (porter_ctl.test)"
