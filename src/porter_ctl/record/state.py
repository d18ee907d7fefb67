"""What the records of a last-good file come to, one after the other; and the records of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from porter_bgp.config import PeerConfig, SpeakerConfig
from porter_bgp.rib import Path, RouteAttributes
from porter_bgp.wire import Prefix
from porter_ctl.record.lines import Configure, Confirm, DamagedError, Header, Paths, Put, Remove
from porter_ctl.record.values import plain, restored

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from porter_ctl.record.lines import Line, Record


class State:
    """What the records so far come to.

    Attributes:
        speaker: Of the last Configure.
        peers: Of the last Configure, without passwords.
        secret: The peers that have a password.
        last: Of the last Configure.
        confirmed_at: Of the last Confirm; None before any.
        sets: The Paths by number, without the peers that have gone since.
        entries: By prefix, the number of its Paths and the UIDs it is served for.
    """

    def __init__(self) -> None:
        self.speaker = SpeakerConfig()
        self.peers: dict[str, PeerConfig] = {}
        self.secret: frozenset[str] = frozenset()
        self.last = ""
        self.confirmed_at: float | None = None
        self.sets: dict[int, dict[str, tuple[Path, ...]]] = {}
        self.entries: dict[Prefix, tuple[int, frozenset[str]]] = {}

    def configure(
        self,
        speaker: SpeakerConfig,
        peers: dict[str, PeerConfig],
        secret: frozenset[str],
        last: str,
    ) -> None:
        """Take all peers; those that are not among them lose their paths."""
        for gone in self.peers.keys() - peers.keys():
            for paths in self.sets.values():
                paths.pop(gone, None)
        self.speaker, self.peers, self.secret, self.last = speaker, peers, secret, last

    def apply(self, line: Line) -> None:
        """Take one record as read.

        Raises:
            DamagedError: It cannot follow the others.
        """
        try:
            self._apply(line.record)
        except ValueError as error:
            raise DamagedError(f"line {line.number} makes no sense: {error}") from error

    def preamble(self) -> Iterator[Record]:
        """Yield what the records of the prefixes rest on."""
        yield configure_record(self.speaker, self.peers, self.secret, self.last)
        for number, paths in self.sets.items():
            yield paths_record(number, paths)
        if self.confirmed_at is not None:
            yield Confirm(self.confirmed_at)

    def _apply(self, record: Record) -> None:
        match record:
            case Put():
                if record.paths not in self.sets:
                    raise ValueError(f"the paths {record.paths} are not known")
                entry = (record.paths, frozenset(record.served))
                self.entries[Prefix.parse(record.prefix)] = entry
            case Remove():
                self.entries.pop(Prefix.parse(record.prefix), None)
            case Paths():
                self.sets[record.number] = {
                    peer: tuple(
                        Path(path_id, restored(RouteAttributes, attributes))
                        for path_id, attributes in paths
                    )
                    for peer, paths in record.peers.items()
                }
            case Configure():
                peers = {name: restored(PeerConfig, peer) for name, peer in record.peers.items()}
                speaker = restored(SpeakerConfig, record.speaker)
                self.configure(speaker, peers, frozenset(record.secret), record.last)
            case Confirm():
                self.confirmed_at = record.at
            case Header():
                raise ValueError("a second header")
            case _:
                assert_never(record)


def configure_record(
    speaker: SpeakerConfig, peers: Mapping[str, PeerConfig], secret: Iterable[str], last: str
) -> Configure:
    """Return the record of a configuration; `peers` are without passwords."""
    return Configure(
        speaker=plain(speaker),
        peers={name: plain(peer) for name, peer in peers.items()},
        secret=tuple(sorted(secret)),
        last=last,
    )


def paths_record(number: int, paths: Mapping[str, tuple[Path, ...]]) -> Paths:
    """Return the record that gives paths a number."""
    return Paths(
        number,
        {
            peer: [(path.path_id, plain(path.attributes)) for path in several]
            for peer, several in paths.items()
        },
    )


def put_records(entries: Iterable[tuple[Prefix, tuple[int, frozenset[str]]]]) -> Iterator[Put]:
    """Yield the records of prefixes whose paths have their numbers."""
    for prefix, (number, served) in entries:
        yield Put(str(prefix), number, tuple(served))
