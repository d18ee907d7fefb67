"""What a peer is to have: kept as planned, exported into its tables, sent by its pump.

The tables outlive sessions, and so does what was exported into them as long as the next session
says the same of our next hops.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from porter_bgp.rib import AdjRibOut, Exporter
from porter_bgp.speaker.pump import Pump
from porter_bgp.wire import nlri_key

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterable
    from collections.abc import Set as AbstractSet

    from porter_bgp.rib import ExportFacts, Path
    from porter_bgp.wire import AddressFamily, Codec, NlriKey, PathAttributes, Prefix


class Outbound:
    """The sending side of one peer.

    Attributes:
        tables: The Adj-RIB-Out of each configured family.
    """

    def __init__(
        self,
        families: Iterable[AddressFamily],
        loop: asyncio.AbstractEventLoop,
        *,
        send: Callable[[bytes], None],
        ready: Callable[[], bool],
    ) -> None:
        self.tables = {family: AdjRibOut(family) for family in families}
        self._paths: dict[Prefix, tuple[Path, ...]] = {}
        self._facts: ExportFacts | None = None
        self._exporter: Exporter | None = None
        self._pump = Pump(loop, send=send, ready=ready)

    def announce(self, prefix: Prefix, paths: tuple[Path, ...]) -> None:
        """Replace everything said of a prefix."""
        before = self._paths.get(prefix, ())
        if before == paths:
            return
        if paths:
            self._paths[prefix] = paths
        else:
            del self._paths[prefix]
        if (table := self.tables.get(prefix.family)) is not None and self._exporter is not None:
            for path_id in {path.path_id for path in before} - {path.path_id for path in paths}:
                table.set(nlri_key(prefix, path_id), None)
            _export(table, self._exporter, (prefix,), paths)
            self._pump.kick()

    def complete(self) -> None:
        """All it is to have has been announced: End-of-RIB may follow."""
        for table in self.tables.values():
            table.complete()
        self._pump.kick()

    def learn(self, facts: ExportFacts) -> None:
        """What the session says of our next hops; a change is announced."""
        if facts == self._facts:
            return
        self._facts, self._exporter = facts, Exporter(facts)
        alike: defaultdict[tuple[AddressFamily, tuple[Path, ...]], list[Prefix]] = defaultdict(list)
        for prefix, paths in self._paths.items():
            alike[prefix.family, paths].append(prefix)
        for (family, paths), prefixes in alike.items():
            if (table := self.tables.get(family)) is not None:
                _export(table, self._exporter, prefixes, paths)
        self._pump.kick()

    def open(self, codec: Codec) -> None:
        """A session is Established: send."""
        self._pump.tables = [self.tables[family] for family in sorted(codec.families)]
        for table in self._pump.tables:
            table.open(codec)
        self._pump.kick()

    def close(self) -> None:
        """The session is over: the peer knows nothing."""
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

    def advertised(self, prefix: Prefix) -> tuple[tuple[int, PathAttributes], ...]:
        """What the peer was told of a prefix on this session: path identifiers and attributes."""
        table = self.tables.get(prefix.family)
        if table is None:
            return ()
        told = (
            (path.path_id, table.advertised(nlri_key(prefix, path.path_id)))
            for path in self._paths.get(prefix, ())
        )
        return tuple((path_id, attributes) for path_id, attributes in told if attributes)

    def take_sent(self) -> dict[AddressFamily, AbstractSet[NlriKey]]:
        """The keys sent since this was last asked, by family."""
        sent = {family: table.take_sent() for family, table in self.tables.items()}
        return {family: keys for family, keys in sent.items() if keys}


def _export(
    table: AdjRibOut, exporter: Exporter, prefixes: Iterable[Prefix], paths: tuple[Path, ...]
) -> None:
    """Have the table say the same of all these prefixes."""
    for path_id, attributes in paths:
        keys = [nlri_key(prefix, path_id) for prefix in prefixes]
        exported = exporter.export(table.family, attributes)
        if exported is None:
            for key in keys:
                table.set(key, None)
        else:
            table.set_all(keys, exported)
