"""Starts from what this node announced last, where the cluster does not answer in time.

Routers keep our routes for the restart time; a cluster that is away for longer must not cost them.
What was announced is read from this boot's file and announced again, as it was; from then on
nothing of it changes until everything that planning reads has synced.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from porter_ctl.reconcile.node import NodeReconciler
    from porter_ctl.record.last_good import LastGood
    from porter_ctl.record.when import Fallback

log = logging.getLogger(__name__)

_LOOK_AGAIN = 0.1  # seconds, for some seconds after the start


class LastGoodStart:
    """Waits until the cluster has answered, or has not.

    Args:
        kept: What was announced last.
        when: When to fall back on it.
        node: Who announces it then.
        seen: Something that is another whenever a list has got further.
    """

    def __init__(
        self, kept: LastGood, when: Fallback, *, node: NodeReconciler, seen: Callable[[], object]
    ) -> None:
        self._kept = kept
        self._when = when
        self._node = node
        self._seen = seen

    async def run(self) -> None:
        """Announce what is kept when its time has come; returns then, or when it is not needed."""
        loop = asyncio.get_running_loop()
        last = self._seen()
        while self._node.context is None:
            now, seen = loop.time(), self._seen()
            if seen != last:
                last = seen
                self._when.progress(now)
            if self._when.due(now):
                log.warning("the cluster does not answer: announcing what was announced last")
                self._node.adopt(self._kept)
                return
            await asyncio.sleep(_LOOK_AGAIN)
        self._when.synced()
