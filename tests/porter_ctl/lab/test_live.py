"""The live lab on a terminal: what keys do is seen on the screen."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import selectors
import signal
import subprocess
import termios
import time
from typing import TYPE_CHECKING, Self

from tests.porter_ctl.lab.labs import LAB, environment, offspring, running, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

import pytest

LINES, COLUMNS = 40, 160


class Screen:
    """A terminal with a live lab on it."""

    def __init__(self, scratch: Path) -> None:
        self._ours, self.theirs = pty.openpty()
        termios.tcsetwinsize(self.theirs, (LINES, COLUMNS))
        self.before = termios.tcgetattr(self.theirs)
        self.lab = subprocess.Popen(
            LAB,
            env=environment(scratch),
            stdin=self.theirs,
            stdout=self.theirs,
            stderr=self.theirs,
            start_new_session=True,
        )
        self._text = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.lab.poll() is None:
            self.lab.kill()
        self.lab.wait()
        os.close(self._ours)
        os.close(self.theirs)

    def press(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def shows(self, true: Callable[[str], bool], *, seconds: float = 20.0) -> str:
        """Read until one whole screen is as wanted, and give it.

        Raises:
            TimeoutError: None was.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self._read(deadline)
            frames = self._text.split("\x1b[J")
            for frame in frames[:-1]:
                if true(plain := re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", frame)):
                    self._text = frames[-1]
                    return plain
            self._text = frames[-1]
        raise TimeoutError(self._text)

    def drain(self) -> None:
        """Read whatever is there, so that the lab can write its last words."""
        with contextlib.suppress(TimeoutError):
            self.shows(lambda _: False, seconds=0.2)

    def _read(self, deadline: float) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._ours, selectors.EVENT_READ)
            if selector.select(max(0.0, deadline - time.monotonic())):
                self._text += os.read(self._ours, 65536).decode(errors="ignore")


@pytest.fixture
def screen(scratch: Path) -> Iterator[Screen]:
    with Screen(scratch) as screen:
        yield screen


def hops(text: str) -> list[str]:
    """The next hops of the first route on a screen."""
    route = re.search(r"^198\.51\.100\.\d+/32.*$", text, re.MULTILINE)
    return re.findall(r"127\.0\.0\.1\d", route[0].partition("curl")[0]) if route else []


def routes(text: str) -> int:
    return len(re.findall(r"^198\.51\.100\.\d+/32", text, re.MULTILINE))


def test_keys_change_the_world_and_q_leaves_nothing(screen: Screen, scratch: Path) -> None:
    first = screen.shows(lambda text: text.count("Established") == 3 and len(hops(text)) == 3)
    children = offspring(screen.lab.pid)
    screen.press("2k")
    killed = screen.shows(lambda text: "ended" in text and "routes kept" in text)
    screen.press("k")
    screen.shows(lambda text: "ended" not in text and text.count("Established") == 3)
    screen.press("n")
    drained = screen.shows(lambda text: "running, drained" in text and len(hops(text)) == 2)
    screen.press("n")
    screen.shows(lambda text: "drained" not in text and len(hops(text)) == 3)
    screen.press("\x1b[Be")
    one_left = screen.shows(lambda text: "web-3b" in text and "web-3a" not in text)
    screen.press("e")
    lost = screen.shows(lambda text: len(hops(text)) == 2)
    screen.press("e")
    screen.shows(lambda text: "web-3a web-3b" in text and len(hops(text)) == 3)
    screen.press("q")
    screen.drain()
    wait_until(lambda: screen.lab.poll() is not None)
    wait_until(lambda: running(children) == [])

    assert f"manifests  {scratch}" in first
    assert ">  node2" in killed
    assert len(hops(killed)) == 3
    assert hops(drained) == ["127.0.0.11", "127.0.0.13"]
    assert len(hops(one_left)) == 3
    assert hops(lost) == ["127.0.0.11", "127.0.0.12"]
    assert screen.lab.returncode == 0
    assert termios.tcgetattr(screen.theirs) == screen.before
    assert list(scratch.iterdir()) == []


def test_pools_services_and_edited_files_are_followed(screen: Screen, scratch: Path) -> None:
    screen.shows(lambda text: len(hops(text)) == 3)
    screen.press("ps")
    two = screen.shows(lambda text: routes(text) == 2)
    screen.press("d")
    screen.shows(lambda text: routes(text) == 1)
    (advertisement,) = scratch.glob("*/manifests/bgpadvertisement.yaml")
    text = advertisement.read_text()
    advertisement.write_text(text.replace("65000:100", "65000:300"))
    screen.shows(lambda text: "65000:300" in text)
    advertisement.write_text(text.replace("65000:100", "65000:100000"))
    refused = screen.shows(lambda text: "is refused" in text)
    screen.lab.send_signal(signal.SIGINT)
    screen.drain()
    wait_until(lambda: screen.lab.poll() is not None)

    assert "pool 198.51.100.0/25" in two
    assert "BGPAdvertisement/all is refused: Invalid: spec.communities.standard[0]" in refused
    assert "65000:300" in refused
    assert list(scratch.iterdir()) == []
