"""Who may announce an address still that nobody holds any more: asked before it is given away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from porter_ctl.plan.addresses import Address


class Absence(Protocol):
    """Somebody who knows what the nodes announce."""

    def awaited(self, address: Address) -> str | None:
        """Return the node that has not shown yet that it does not announce `address`.

        None for nobody: every node that may have announced it has shown that it does not, has no
        Node object any more, or has reported nothing for 24 h.
        """


class NobodyAwaited:
    """An `Absence` where there is nobody to ask."""

    def awaited(self, address: Address) -> str | None:
        """Return None."""
        del address
        return None
