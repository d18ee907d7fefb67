"""What a peer is to have: kept as planned, exported into its tables, sent by its pump.

The tables outlive sessions, and so does what was exported into them as long as the next session
says the same of our next hops. Where the session has no ADD-PATH towards the peer, several paths
would replace each other there (RFC 7911 §2): only the first goes.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from porter_bgp.rib import AdjRibOut, Exporter
from porter_bgp.speaker.pump import Pump
from porter_bgp.wire import nlri_key, split_key

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterable, Sequence
    from collections.abc import Set as AbstractSet

    from porter_bgp.rib import ExportFacts, Path
    from porter_bgp.speaker.pump import Stream
    from porter_bgp.wire import AddressFamily, Codec, PathAttributes, Prefix


class Outbound:
    """The sending side of one peer.

    Attributes:
        tables: The Adj-RIB-Out of each configured family.
        introduced: End-of-RIB of every family has gone on some session with it.
    """

    def __init__(
        self,
        families: Iterable[AddressFamily],
        loop: asyncio.AbstractEventLoop,
        stream: Stream,
        *,
        on_introduced: Callable[[], None],
        introduced: bool = False,
    ) -> None:
        self.tables = {family: AdjRibOut(family) for family in families}
        self.introduced = introduced
        self._on_introduced = on_introduced
        self._paths: dict[Prefix, tuple[Path, ...]] = {}
        self._changed: set[Prefix] = set()
        self._facts: ExportFacts | None = None
        self._exporter: Exporter | None = None
        self._add_path: AbstractSet[AddressFamily] = frozenset()
        self._pump = Pump(loop, stream, turned=self._turned)

    def announce(self, prefix: Prefix, paths: tuple[Path, ...]) -> None:
        """Replace everything said of a prefix."""
        before = self._paths.get(prefix, ())
        if before == paths:
            return
        if before:
            self._changed.add(prefix)
        if paths:
            self._paths[prefix] = paths
        else:
            del self._paths[prefix]
        if (table := self.tables.get(prefix.family)) is not None and self._exporter is not None:
            numbered = _numbered(paths, add_path=prefix.family in self._add_path)
            for path_id, _ in _numbered(before, add_path=prefix.family in self._add_path):
                if all(path_id != kept for kept, _ in numbered):
                    table.set(nlri_key(prefix, path_id), None)
            _export(table, self._exporter, (prefix,), numbered)
            self._pump.kick()

    def complete(self) -> None:
        """All it is to have has been announced: End-of-RIB may follow."""
        for table in self.tables.values():
            table.complete()
        self._pump.kick()

    def learn(self, facts: ExportFacts) -> None:
        """What the session says of our next hops and of ADD-PATH; a change is announced."""
        if facts == self._facts:
            return
        if self._pump.tables:
            self._changed.update(self._paths)
        before, self._add_path = self._add_path, facts.codec.add_path_send
        self._facts, self._exporter = facts, Exporter(facts)
        alike: defaultdict[tuple[AddressFamily, tuple[Path, ...]], list[Prefix]] = defaultdict(list)
        for prefix, paths in self._paths.items():
            alike[prefix.family, paths].append(prefix)
        for (family, paths), prefixes in alike.items():
            if (table := self.tables.get(family)) is None:
                continue
            if (family in before) != (family in self._add_path):
                for path_id, _ in _numbered(paths, add_path=family in before):
                    for prefix in prefixes:
                        table.set(nlri_key(prefix, path_id), None)
            numbered = _numbered(paths, add_path=family in self._add_path)
            _export(table, self._exporter, prefixes, numbered)
        self._pump.kick()

    def open(self, codec: Codec) -> None:
        """A session is Established: send."""
        self._pump.tables = [self.tables[family] for family in sorted(codec.families)]
        for table in self._pump.tables:
            table.open(codec)
        self._pump.kick()

    def close(self) -> None:
        """The session is over: the peer knows nothing."""
        self._changed.update(self._paths)
        self._pump.stop()
        for table in self.tables.values():
            table.forget()

    def resume(self) -> None:
        """The socket takes octets again."""
        self._pump.kick()

    def refresh(self, family: AddressFamily) -> None:
        """The peer asks for all of a family again."""
        if (table := self.tables.get(family)) is not None:
            table.refresh()
            self._pump.kick()

    @property
    def pending(self) -> bool:
        """Whether there is something left to send on the present session."""
        return any(table.pending for table in self._pump.tables)

    def acknowledge(self, octets: int) -> bool:
        """The peer has acknowledged so many octets of the session; whether that concerns routes."""
        concerned = [table.acknowledge(octets) for table in self._pump.tables]
        return any(concerned)

    def acknowledged(self, prefix: Prefix) -> tuple[Path, ...]:
        """The planned paths of a prefix that the peer has acknowledged on this session."""
        table = self.tables.get(prefix.family)
        if table is None:
            return ()
        return tuple(
            path
            for path_id, path in self._told(prefix)
            if table.acknowledged(nlri_key(prefix, path_id))
        )

    def advertised(self, prefix: Prefix) -> tuple[tuple[int, PathAttributes], ...]:
        """What the peer was told of a prefix on this session, by the planned path identifier."""
        table = self.tables.get(prefix.family)
        if table is None:
            return ()
        told = (
            (path.path_id, table.advertised(nlri_key(prefix, path_id)))
            for path_id, path in self._told(prefix)
        )
        return tuple((path_id, attributes) for path_id, attributes in told if attributes)

    def take_changes(self) -> set[Prefix]:
        """The prefixes of which `acknowledged` may say something else since this was last asked."""
        changed, self._changed = self._changed, set()
        for family, table in self.tables.items():
            changed.update(split_key(family, key)[1] for key in table.take_arrived())
        return changed

    def _told(self, prefix: Prefix) -> Sequence[tuple[int, Path]]:
        paths = self._paths.get(prefix, ())
        return _numbered(paths, add_path=prefix.family in self._add_path)

    def _turned(self) -> None:
        tables = tuple(self._pump.tables)
        if not self.introduced and tables and all(table.end_of_rib_sent for table in tables):
            self.introduced = True
            self._on_introduced()


def _numbered(paths: tuple[Path, ...], *, add_path: bool) -> Sequence[tuple[int, Path]]:
    """The paths that go, under the identifiers they go by."""
    if add_path:
        return [(path.path_id, path) for path in paths]
    return [(0, path) for path in paths[:1]]


def _export(
    table: AdjRibOut,
    exporter: Exporter,
    prefixes: Iterable[Prefix],
    numbered: Sequence[tuple[int, Path]],
) -> None:
    """Have the table say the same of all these prefixes."""
    for path_id, path in numbered:
        keys = [nlri_key(prefix, path_id) for prefix in prefixes]
        exported = exporter.export(table.family, path.attributes)
        if exported is None:
            for key in keys:
                table.set(key, None)
        else:
            table.set_all(keys, exported)
