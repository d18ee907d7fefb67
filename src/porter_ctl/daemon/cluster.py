"""Where objects live, as the rest of the process sees it: an API server, or a directory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from porter_ctl.api import Node
    from porter_ctl.daemon.answers import FaultRow
    from porter_ctl.store.port import ClusterPort, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """One of the two, opened.

    Attributes:
        source: Fills the stores.
        port: Writes.
        seeks: Whether who runs on this Node seeks to allocate; else it stands in.
        seek: Says which of the two it is.
        troubles: What cannot be followed now, each a sentence.
        faults: What is wrong where no object is.
        close: Lets go of it.
        alive: Whether Porter runs on a node, where no Pod tells; None: Pods tell.
    """

    source: Source
    port: ClusterPort
    seeks: Callable[[Node | None], bool]
    seek: Callable[[bool], None]
    troubles: Callable[[], tuple[str, ...]]
    faults: Callable[[], tuple[FaultRow, ...]]
    close: Callable[[], Awaitable[None]]
    alive: Callable[[str], bool] | None = None
