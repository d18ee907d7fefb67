"""A terminal: whole screens out, single keys in."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import sys
import termios
import tty
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

UP, DOWN = "\x1b[A", "\x1b[B"
_ENTER = "\x1b[?1049h\x1b[?25l"  # another screen, without a cursor
_LEAVE = "\x1b[?25h\x1b[?1049l"
_KEY = re.compile(r"\x1b\[[0-9;]*[A-Za-z~]|[^\x1b]")  # a key is a character or a sequence
_TOP, _END_OF_LINE, _REST = "\x1b[H", "\x1b[K\r\n", "\x1b[J"


class Terminal:
    """Ours between `opened` and its end.

    Attributes:
        keys: What was pressed: characters, and sequences such as `UP` and `DOWN`.
    """

    def __init__(self) -> None:
        self.keys: asyncio.Queue[str] = asyncio.Queue()

    @contextlib.contextmanager
    def opened(self) -> Iterator[None]:
        """Take the terminal, and give it back as it was."""
        keyboard = sys.stdin.fileno()
        before = termios.tcgetattr(keyboard)
        loop = asyncio.get_running_loop()
        tty.setcbreak(keyboard)  # Ctrl-C stays what it is
        loop.add_reader(keyboard, self._read, keyboard)
        _write(_ENTER)
        try:
            yield
        finally:
            _write(_LEAVE)
            loop.remove_reader(keyboard)
            termios.tcsetattr(keyboard, termios.TCSADRAIN, before)

    @property
    def width(self) -> int:
        """Its columns."""
        return shutil.get_terminal_size().columns

    def show(self, lines: Sequence[str]) -> None:
        """Show these lines, from the top, and nothing else; what does not fit is left out."""
        height = shutil.get_terminal_size().lines - 1
        _write(_TOP + "".join(line + _END_OF_LINE for line in lines[:height]) + _REST)

    def _read(self, keyboard: int) -> None:
        pressed = os.read(keyboard, 64).decode(errors="ignore")
        for key in _KEY.findall(pressed):
            self.keys.put_nowait(key)


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
