"""The last-good file as this process keeps it: the truth of one prefix in, one line out.

A loss is in the file before the call that tells of it returns, so that its withdrawal may leave
after that; what else there is to say may lag a second. So whatever the moment at which the process
is killed, the file says what was so at some moment before, and never that a path stands whose loss
had been told.

A disk that fails never stops the process. Where a loss cannot be written the file is emptied or
removed, for an old path must not come back; it is written anew once the disk permits. What cannot
be done is said in `trouble`.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from porter_ctl.record.last_good import UnusableError, decode
from porter_ctl.record.lines import FORMAT, Confirm, Header, Put, Remove, encode_record
from porter_ctl.record.log_file import LogFile, read_bounded, write_whole
from porter_ctl.record.passwords import decode_passwords, encode_passwords, without_passwords
from porter_ctl.record.rewrite import Rewrite
from porter_ctl.record.state import State, configure_record, paths_record

if TYPE_CHECKING:
    from collections.abc import Callable, KeysView, Mapping
    from pathlib import Path as FilePath

    from porter_bgp.config import PeerConfig, SpeakerConfig
    from porter_bgp.rib import Path
    from porter_bgp.wire import Prefix
    from porter_ctl.record.last_good import LastGood, Reading
    from porter_ctl.record.lines import Record

MAX_OCTETS = 64 << 20
LAG = 1.0  # seconds
RETRY = 10.0  # seconds after a failure
RETRY_TOO_LONG = 600.0  # seconds after the file had become too long
CONFIRM_INTERVAL = 60.0  # seconds between two confirmations in the file
_FEW = 1000  # lines that are not worth a rewriting


class Journal:
    """Keeps the last-good file of this node.

    `now` is seconds on the caller's monotonic clock, where it is not said otherwise.

    Args:
        path: The file; its directory exists.
        passwords: The file of passwords, on a medium that forgets.
        node: This node's name.
        boot_id: The kernel's id of this boot.
        limit: How long the file may be, in octets.

    """

    def __init__(
        self,
        path: FilePath,
        passwords: FilePath,
        *,
        node: str,
        boot_id: str,
        limit: int = MAX_OCTETS,
    ) -> None:
        self._path = path
        self._passwords_path = passwords
        self._header = Header(FORMAT, node, boot_id)
        self._limit = limit
        self._state = State()
        self._numbers: dict[tuple[tuple[str, tuple[Path, ...]], ...], int] = {}
        self._next_number = 0
        self._configured: tuple[SpeakerConfig, Mapping[str, PeerConfig], str] | None = None
        self._passwords: dict[str, bytes] = {}
        self._passwords_kept = False
        self._file: LogFile | None = None  # in step with the state but for what is pending
        self._obsolete = True  # a file may be there that says what is not so
        self._pending: list[bytes] = []
        self._due: float | None = None
        self._rewrite: Rewrite | None = None
        self._trouble = ""
        self._password_trouble = ""

    @property
    def trouble(self) -> str:
        """What cannot be done and what may follow, in sentences; empty while all is well."""
        return "; ".join(filter(None, (self._trouble, self._password_trouble)))

    def load(self, now: float) -> LastGood | str:
        """Read what was kept, and go on from it; a sentence says why there is nothing to use.

        As long as nothing but this is announced there is nothing to tell: the file has it.

        Args:
            now: Seconds of Unix.
        """
        try:
            reading = self._read(now)
        except FileNotFoundError:
            return f"{self._path} is not there: nothing was kept"
        except OSError as error:
            return f"{self._path} cannot be read: {error.strerror}; look at the state directory"
        except UnusableError as error:
            return f"{self._path} is not used: {error}; {error.remedy}"
        self._adopt(reading)
        return reading.good

    def prefixes(self) -> KeysView[Prefix]:
        """The prefixes that are announced to anyone, as far as was told here."""
        return self._state.entries.keys()

    def put(
        self,
        prefix: Prefix,
        paths: Mapping[str, tuple[Path, ...]],
        served: frozenset[str],
        now: float,
    ) -> None:
        """Take the whole truth of one prefix, before it is announced.

        Args:
            prefix: The prefix.
            paths: What each peer is to be told; nothing for a prefix that goes.
            served: The UIDs of the Services for which it has passed the dataplane gate.
            now: The time.
        """
        if not paths:
            self.remove(prefix, now)
            return
        before = self._state.entries.get(prefix)
        number = self._number(paths, now)
        entry = (number, served)
        if entry == before:
            return
        self._state.entries[prefix] = entry
        loses = before is not None and before[0] != number and self._loses(before[0], paths)
        self._record(Put(str(prefix), number, tuple(served)), now, must=loses)

    def remove(self, prefix: Prefix, now: float) -> None:
        """A prefix goes, for all peers: this is in the file when it returns."""
        if self._state.entries.pop(prefix, None) is not None:
            self._record(Remove(str(prefix)), now, must=True)

    def configure(
        self, speaker: SpeakerConfig, peers: Mapping[str, PeerConfig], now: float, *, last: str = ""
    ) -> None:
        """Take all peers, before the speaker is configured: it is in the file when this returns.

        Args:
            speaker: What the sessions share.
            peers: All of them; the paths to others are gone.
            now: The time.
            last: The reason for which the node announces last; empty if it does not.
        """
        if self._configured == (speaker, peers, last):
            return
        self._configured = (speaker, dict(peers), last)
        bare, passwords = without_passwords(peers)
        if passwords != self._passwords or not self._passwords_kept:
            self._passwords = passwords
            self._keep_passwords()
        self._state.configure(speaker, bare, frozenset(passwords), last)
        self._index()  # for sets may have lost peers
        self._record(configure_record(speaker, bare, passwords, last), now, must=True)

    def confirm(self, at: float, now: float) -> None:
        """All kinds are in step with the API.

        Args:
            at: Seconds of Unix.
            now: The time.
        """
        before = self._state.confirmed_at
        if before is None or abs(at - before) >= CONFIRM_INTERVAL:
            self._state.confirmed_at = at
            self._record(Confirm(at), now, must=False)

    def next_deadline(self) -> float | None:
        """When `handle_timeout` is due; None while nothing lags."""
        return self._due

    def handle_timeout(self, now: float) -> None:
        """Write what lags, and where a file is written anew a slice of it."""
        if self._due is None or now < self._due:
            return
        self._due = None
        if self._configured is not None and not self._passwords_kept:
            self._keep_passwords()
        self._write(now, must=False)
        self._go_on(now)

    def flush(self, now: float) -> None:
        """Write everything, however long it takes."""
        self._due = None
        self._write(now, must=False)
        self._go_on(now)
        while self._rewrite is not None:
            self._go_on(now)

    def close(self) -> None:
        """Let go of the files; what lags is lost."""
        if self._rewrite is not None:
            self._rewrite.abandon()
        if self._file is not None:
            self._file.close()
        self._file = self._rewrite = None

    # What is said

    def _number(self, paths: Mapping[str, tuple[Path, ...]], now: float) -> int:
        key = tuple(paths.items())
        number = self._numbers.get(key)
        if number is None:
            if len(self._state.sets) > self._enough:
                self._forget_unused()
            number = self._numbers[key] = self._next_number
            self._next_number += 1
            self._state.sets[number] = dict(paths)
            self._record(paths_record(number, paths), now, must=False)
        return number

    def _index(self) -> None:
        self._numbers = {tuple(paths.items()): number for number, paths in self._state.sets.items()}

    def _loses(self, number: int, paths: Mapping[str, tuple[Path, ...]]) -> bool:
        """Whether anything of the paths of that number is missing in `paths`."""
        for peer, before in self._state.sets[number].items():
            ids = {path.path_id for path in paths.get(peer, ())}
            if any(path.path_id not in ids for path in before):
                return True
        return False

    def _record(self, record: Record, now: float, *, must: bool) -> None:
        octets = encode_record(record)
        if self._rewrite is not None:
            self._rewrite.also(octets)
        if self._file is not None:
            self._pending.append(octets)
        if must or (self._trouble and len(self._pending) > self._enough):
            self._write(now, must=True)
        if self._due is None:
            self._due = now + LAG

    # Where it is said

    def _read(self, now: float) -> Reading:
        octets = read_bounded(self._path, self._limit)
        if octets is None:
            raise UnusableError(f"it is longer than {self._limit} octets")
        node, boot_id = self._header.node, self._header.boot_id
        return decode(octets, self._kept_passwords(), node=node, boot_id=boot_id, now=now)

    def _adopt(self, reading: Reading) -> None:
        self._state = reading.state
        self._index()
        self._next_number = max(reading.state.sets, default=-1) + 1
        try:
            self._file = LogFile.reopen(
                self._path, octets=reading.octets, checksum=reading.checksum, lines=reading.lines
            )
        except OSError as error:
            self._fail(error, "be written")
        else:
            self._obsolete = False

    def _write(self, now: float, *, must: bool) -> None:
        """Write what is pending; where that fails and it must be, or the file is torn, void it."""
        if self._file is None:
            if must and self._obsolete:
                self._void()
            return
        if not self._pending:
            return
        try:
            self._file.append(self._pending)
        except OSError as error:
            self._due = now + RETRY
            if must or not _done(self._file.cut):
                self._void()
            if not self._obsolete:
                self._fail(error, "be written")
            return
        self._trouble = ""
        self._pending.clear()

    def _void(self) -> None:
        """Make sure that nobody reads there what is not so any more."""
        self._pending.clear()
        emptied = False
        if self._file is not None:
            emptied = _done(self._file.empty)
            self._file.close()
            self._file = None
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            self._obsolete = not emptied
            if self._obsolete:
                self._fail(error, "be removed")
        else:
            self._obsolete = False

    def _go_on(self, now: float) -> None:
        """Begin to write the file anew where that is called for, or go on with it."""
        if self._rewrite is None and not self._worn:
            return
        try:
            if self._rewrite is None:
                self._forget_unused()
                self._rewrite = Rewrite(self._path, self._header, self._state)
            file = self._rewrite.step(self._limit)
        except OSError as error:
            self._give_up(error, now)
            return
        if file is None:
            self._due = now
            return
        if self._file is not None:
            self._file.close()
        self._file, self._rewrite = file, None
        self._obsolete, self._trouble = False, ""
        self._pending.clear()

    @property
    def _worn(self) -> bool:
        if self._file is None:
            return True
        return self._file.lines > self._enough or self._file.octets > self._limit

    @property
    def _enough(self) -> int:
        """How many records there may be, of each prefix one and one of its paths."""
        return 3 * 2 * len(self._state.entries) + _FEW

    def _give_up(self, error: OSError, now: float) -> None:
        if self._rewrite is not None:
            self._rewrite.abandon()
            self._rewrite = None
        self._fail(error, "be written anew")
        self._due = now + RETRY
        if error.errno == errno.EFBIG:  # too much for any file, and not less in a moment
            self._due = now + RETRY_TOO_LONG
            self._void()
        elif self._file is None and self._obsolete:
            self._void()

    def _forget_unused(self) -> None:
        used = {number for number, _ in self._state.entries.values()}
        self._state.sets = {
            number: paths for number, paths in self._state.sets.items() if number in used
        }
        self._index()

    def _fail(self, error: OSError, what: str) -> None:
        if self._file is not None:
            outcome = "it lacks what was announced since"
        elif self._obsolete:
            outcome = "it may hold paths that are gone, so remove it before Porter starts again"
        else:
            outcome = "without it a restart while the API server is away announces nothing"
        self._trouble = f"{self._path} cannot {what}: {error.strerror}; {outcome}"

    # Passwords

    def _kept_passwords(self) -> dict[str, bytes]:
        try:
            octets = read_bounded(self._passwords_path, self._limit)
            return decode_passwords(octets) if octets is not None else {}
        except (OSError, ValueError):
            return {}

    def _keep_passwords(self) -> None:
        try:
            write_whole(self._passwords_path, encode_passwords(self._passwords))
        except OSError as error:
            self._passwords_kept = False
            self._password_trouble = (
                f"{self._passwords_path} cannot be written: {error.strerror}; peers that have a "
                "password have no session after a restart while the API server is away"
            )
        else:
            self._passwords_kept, self._password_trouble = True, ""


def _done(deed: Callable[[], None]) -> bool:
    try:
        deed()
    except OSError:
        return False
    return True
