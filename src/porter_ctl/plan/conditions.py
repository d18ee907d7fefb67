"""Conditions as the API keeps them: one a type, their time that of the last change of status."""

from __future__ import annotations

from typing import TYPE_CHECKING

from porter_ctl.api import Condition, ConditionStatus

if TYPE_CHECKING:
    from collections.abc import Iterable

    from porter_ctl.plan.verdict import Verdict

SERVICE_PREFIX = "porter.network/"  # of our conditions on objects that are not ours
ALLOCATED = f"{SERVICE_PREFIX}Allocated"
ACCEPTED = "Accepted"
_STATUS: dict[bool | None, ConditionStatus] = {
    True: ConditionStatus.TRUE,
    False: ConditionStatus.FALSE,
    None: ConditionStatus.UNKNOWN,
}


def condition(kind: str, *, holds: bool | None, verdict: Verdict, generation: int = 0) -> Condition:
    """Make a condition of type `kind`; `holds` None for Unknown. Its time is set by `merged`."""
    return Condition(
        type=kind,
        status=_STATUS[holds],
        observed_generation=generation,
        reason=verdict.reason,
        message=str(verdict),
    )


def merged(
    before: tuple[Condition, ...], wanted: Iterable[Condition], *, at: str, ours: str = ""
) -> tuple[Condition, ...]:
    """Return the conditions to write.

    Args:
        before: Those that stand.
        wanted: All that should be there of ours.
        at: RFC 3339, for those whose status changes.
        ours: Only conditions whose type begins so are ours: others stay as they are.

    Returns:
        `before`, with what is ours replaced; equal to it if nothing changes.
    """
    standing = {old.type: old for old in before}
    fresh = {new.type: _timed(new, standing.get(new.type), at) for new in wanted}
    kept = [fresh.pop(old.type, old) for old in before if _stays(old, fresh, ours)]
    return (*kept, *fresh.values())


def find(conditions: tuple[Condition, ...], kind: str) -> Condition | None:
    """Return the condition of that type; None if there is none."""
    return next((condition for condition in conditions if condition.type == kind), None)


def _stays(old: Condition, fresh: dict[str, Condition], ours: str) -> bool:
    return old.type in fresh or not old.type.startswith(ours)


def _timed(new: Condition, old: Condition | None, at: str) -> Condition:
    unchanged = old is not None and old.status == new.status
    return Condition(
        type=new.type,
        status=new.status,
        observed_generation=new.observed_generation,
        last_transition_time=old.last_transition_time if old and unchanged else at,
        reason=new.reason,
        message=new.message,
    )
