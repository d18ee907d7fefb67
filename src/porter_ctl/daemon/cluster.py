"""Where objects live, as the rest of the process sees it: an API server, or a directory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from porter_ctl.daemon.answers import FaultRow
    from porter_ctl.store.port import ClusterPort, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """One of the two, opened.

    Attributes:
        source: Fills the stores.
        port: Writes.
        candidate: Whether this process seeks to allocate; else it stands in.
        node_addresses: The InternalIPs of our own Node, where known before it is in the stores.
        troubles: What cannot be followed now, each a sentence.
        faults: What is wrong where no object is.
        close: Lets go of it.
    """

    source: Source
    port: ClusterPort
    candidate: bool
    node_addresses: tuple[str, ...]
    troubles: Callable[[], tuple[str, ...]]
    faults: Callable[[], tuple[FaultRow, ...]]
    close: Callable[[], Awaitable[None]]
