"""Which nodes have shown that they do not announce an address (any more).

What a node has shown is remembered until the address's VIP changes. The node that was missing last
is the one to look at first, so asking again and again costs one look.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from porter_bgp.wire import Prefix

if TYPE_CHECKING:
    from porter_ctl.plan import Address, Ledger
    from porter_ctl.plan.truth import Witness
    from porter_ctl.reconcile.expected import Expected
    from porter_ctl.reconcile.testimony import Testimony

_ALL = "every node (nothing is known of them yet)"
_UNSEEN = "every node (what became of its VIP is yet to be seen)"


class Absences:
    """Knows who is awaited.

    Args:
        ledger: What became of addresses: our own writes are in it before they are to be seen.
        testimony: Which nodes may announce at all.
    """

    def __init__(self, ledger: Ledger, testimony: Testimony) -> None:
        self._ledger = ledger
        self._testimony = testimony
        self._shown: dict[Prefix, set[str]] = {}
        self._blockers: dict[Prefix, str] = {}

    def clear(self) -> None:
        """Forget everything."""
        self._shown.clear()
        self._blockers.clear()

    def forget(self, prefix: Prefix) -> None:
        """Forget what was shown of an address: it may have been announced since."""
        self._shown.pop(prefix, None)
        self._blockers.pop(prefix, None)

    def note(self, expected: Expected, prefix: Prefix, now: float) -> None:
        """Remember the nodes that show it now."""
        found = {
            name
            for name, witness in expected.witnesses.items()
            if witness.shows_absence(prefix, now)
        }
        if found:
            self._shown.setdefault(prefix, set()).update(found)

    def awaited(self, expected: Expected | None, address: Address, now: float) -> str | None:
        """The node that may have announced an address and has not shown that it does not.

        A node without a Node object is not awaited, nor one that was not heard of for 24 h, nor one
        where Porter never ran.
        """
        if expected is None or not expected.complete:
            return _ALL
        prefix = Prefix.of(address)
        entry = self._ledger.entry(address)
        if entry is not None and entry.exists and not expected.has_planned(prefix, entry.vip):
            return _UNSEEN
        blocker = self._blockers.pop(prefix, "")
        if blocker in expected.witnesses and self._blocks(
            expected, expected.witnesses[blocker], prefix, now
        ):
            self._blockers[prefix] = blocker
            return blocker
        for name, witness in expected.witnesses.items():
            if self._blocks(expected, witness, prefix, now):
                self._blockers[prefix] = name
                return name
        return None

    def _blocks(self, expected: Expected, witness: Witness, prefix: Prefix, now: float) -> bool:
        planned = witness.planned(prefix)
        if planned is not None and not planned.paths:
            if witness.name in self._shown.get(prefix, ()):
                return False
            if witness.shows_absence(prefix, now):
                self._shown.setdefault(prefix, set()).add(witness.name)
                return False
        elif planned is None:
            if self._ledger.entry(prefix.address) is None:
                return False  # nobody has had it for long
            expected.plan_soon(prefix)
        return self._testimony.may_speak(witness.name, now)
