"""What a Service is told of its announcement, as it is written and as an event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from porter_ctl.plan import Reason, Verdict, merged
from porter_ctl.plan.announced import ANNOUNCED, Word
from porter_ctl.plan.conditions import SERVICE_PREFIX, condition
from porter_ctl.plan.verdict import reason_of
from porter_ctl.reconcile.cluster import utc_now
from porter_ctl.store.port import KubeEvent

if TYPE_CHECKING:
    from porter_ctl.api import ObjectRef, Service


def saying(service: Service, word: Word) -> Service:
    """The Service as it says that word; its other conditions stay."""
    ours = (
        one
        for one in service.status.conditions
        if one.type.startswith(SERVICE_PREFIX) and one.type != ANNOUNCED
    )
    said = condition(
        ANNOUNCED,
        holds=word.holds,
        verdict=word.verdict,
        generation=service.metadata.generation,
    )
    before = service.status.conditions
    conditions = merged(before, (*ours, said), at=utc_now(), ours=SERVICE_PREFIX)
    return replace(service, status=replace(service.status, conditions=conditions))


def refused(reason: str, message: str) -> Word:
    """The word for a Service that got no address, as its condition Allocated tells why."""
    known = reason_of(reason, Reason.NOT_ALLOCATED)
    return Word(False, Verdict(reason=known, message=message))  # noqa: FBT003 - a condition's status


def announced_event(ref: ObjectRef, uid: str, word: Word) -> KubeEvent:
    """The event that goes with a word."""
    return KubeEvent(
        regarding=ref,
        uid=uid,
        type="Normal" if word.holds else "Warning",
        reason="Announced" if word.holds else word.verdict.reason.value,
        note=str(word.verdict),
        action="Announce",
    )
