"""`porter_ctl.record.journal`: killed at any octet, it has lost a little and resurrects nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porter_ctl.record.journal import Journal
from porter_ctl.record.last_good import UnusableError, decode
from tests.support.kept import AT, BOOT, LAST, NODE, PLAIN, SPEAKER, paths, peer, prefix

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from porter_bgp.rib import Path as Route

Said = dict[int, dict[str, tuple["Route", ...]]]  # by prefix number
NAMES = ("tor-1", "tor-2", "tor-3")
PEERS = {name: peer(number) for number, name in enumerate(NAMES, 1)}
NOW = 10.0


@dataclass(frozen=True)
class Put:
    number: int
    names: tuple[str, ...]
    last: bool


@dataclass(frozen=True)
class Remove:
    number: int


@dataclass(frozen=True)
class Configure:
    names: tuple[str, ...]


@dataclass(frozen=True)
class Tick:
    """A second goes by."""


@dataclass(frozen=True)
class Reopen:
    """The process is killed, and the next goes on from what it finds."""


Step = Put | Remove | Configure | Tick | Reopen

numbers = st.integers(1, 4)
several = st.lists(st.sampled_from(NAMES), min_size=1, unique=True).map(tuple)
steps = st.lists(
    st.builds(Put, numbers, several, st.booleans())
    | st.builds(Remove, numbers)
    | st.builds(Configure, several)
    | st.just(Tick())
    | st.just(Reopen()),
    max_size=25,
)


@dataclass
class Model:
    """All that was ever so, in order, and from where on it may not be forgotten."""

    names: tuple[str, ...] = NAMES
    said: Said = field(default_factory=dict)
    history: list[tuple[frozenset[str], Said]] = field(default_factory=list)
    least: int = 0

    def note(self, *, must: bool) -> None:
        there = {number: dict(paths) for number, paths in self.said.items() if paths}
        self.history.append((frozenset(self.names), there))
        if must:
            self.least = len(self.history) - 1

    def take(self, step: Step) -> bool:
        """Whether something is lost by it."""
        before = {number: set(paths) for number, paths in self.said.items()}
        match step:
            case Put(number, names, last):
                self.said[number] = paths(*names, attributes=LAST if last else PLAIN)
            case Remove(number):
                self.said.pop(number, None)
            case Configure(names):
                gone, same = set(self.names) - set(names), set(self.names) == set(names)
                self.names = names
                for there in self.said.values():
                    for name in gone:
                        there.pop(name, None)
                return not same
            case Tick() | Reopen():
                return False
        return any(before[number] - self.said.get(number, {}).keys() for number in before)


def do(journal: Journal, step: Step) -> None:
    match step:
        case Put(number, names, last):
            there = paths(*names, attributes=LAST if last else PLAIN)
            journal.put(prefix(number), there, frozenset({"web"}), NOW)
        case Remove(number):
            journal.remove(prefix(number), NOW)
        case Configure(names):
            journal.configure(SPEAKER, {name: PEERS[name] for name in names}, NOW)
        case Tick():
            journal.handle_timeout(NOW + 100)
        case Reopen():
            return


def opened(folder: str) -> Journal:
    return Journal(Path(folder, "f"), Path(folder, "p"), node=NODE, boot_id=BOOT)


def content(folder: str) -> bytes:
    path = Path(folder, "f")
    return path.read_bytes() if path.exists() else b""


def found(octets: bytes) -> tuple[frozenset[str], Said] | None:
    """What the next process would announce; None: nothing."""
    try:
        good = decode(octets, {}, node=NODE, boot_id=BOOT, now=AT).good
    except UnusableError:
        return None
    by_number = {one.address.packed[3]: dict(paths) for one, paths in good.paths.items()}
    return frozenset(good.peers), by_number


def torn(before: bytes, after: bytes, *, every: bool) -> Iterator[bytes]:
    """The files that a kill in the middle of one step may leave: all, or those about line ends."""
    yield after
    if not after.startswith(before):  # a rename: the one or the other
        yield before
        return
    for length in range(len(before), len(after)):
        if every or b"\n" in after[length - 1 : length + 2]:
            yield after[:length]


def play(script: Sequence[Step], folder: str, *, every: bool) -> None:
    """Take the steps, and see after each that every file it may leave says what it may say."""
    journal, model = opened(folder), Model()
    journal.configure(SPEAKER, PEERS, NOW)
    journal.confirm(AT, NOW)
    journal.flush(NOW)
    model.note(must=True)
    for step in script:
        before = content(folder)
        do(journal, step)
        must = model.take(step)
        model.note(must=False)
        for octets in torn(before, content(folder), every=every):
            assert found(octets) in model.history[model.least :]
        if must:
            model.least = len(model.history) - 1
            assert found(content(folder)) == model.history[-1]
        if isinstance(step, Reopen):
            journal.close()
            journal = opened(folder)
            assert not isinstance(journal.load(AT), str)
            now = found(content(folder))
            assert now is not None
            model.said = {number: dict(there) for number, there in now[1].items()}
            model.note(must=True)
    assert journal.trouble == ""
    journal.flush(NOW)
    assert found(content(folder)) == model.history[-1]
    journal.close()


@given(steps, st.booleans())
def test_a_kill_about_a_line_leaves_a_state_since_the_last_loss(
    script: list[Step],
    wears: bool,  # noqa: FBT001 - drawn
) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        if wears:
            patch.setattr("porter_ctl.record.rewrite.SLICE", 1)
            patch.setattr("porter_ctl.record.journal._FEW", -100)
        play(script, folder, every=False)


def test_a_kill_at_any_octet_leaves_a_state_since_the_last_loss() -> None:
    script = (
        Put(1, NAMES, last=False),
        Put(2, NAMES[:2], last=True),
        Tick(),
        Put(3, NAMES, last=False),
        Remove(1),
        Put(3, NAMES[:1], last=False),
        Reopen(),
        Configure(NAMES[1:]),
        Put(2, NAMES[1:], last=False),
        Tick(),
    )

    with TemporaryDirectory() as folder:
        play(script, folder, every=True)


class Lagging(Journal):
    """Writes losses when it writes additions: within a second."""

    def _write(self, now: float, *, must: bool) -> None:
        if not must:
            super()._write(now, must=False)


def test_a_loss_that_lags_is_resurrected_by_a_kill() -> None:
    """The negative control: what the order of writing is for."""
    with TemporaryDirectory() as folder:
        journal = Lagging(Path(folder, "f"), Path(folder, "p"), node=NODE, boot_id=BOOT)
        journal.configure(SPEAKER, PEERS, NOW)
        journal.confirm(AT, NOW)
        journal.put(prefix(1), paths("tor-1"), frozenset(), NOW)
        journal.flush(NOW)

        journal.remove(prefix(1), NOW)

        assert found(content(folder)) == (frozenset(NAMES), {1: paths("tor-1")})
