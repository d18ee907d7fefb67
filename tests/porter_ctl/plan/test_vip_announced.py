"""What a VIP says of its announcement, beside all else that its status says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from porter_ctl.plan import Reason, Verdict, Word, vip_status
from porter_ctl.plan.conditions import find
from tests.porter_ctl.plan.world import AT, vip

if TYPE_CHECKING:
    from porter_ctl.api import VIP

WELL = Word(holds=True, verdict=Verdict(reason=Reason.ALL_PATHS, message="so it is"), paths="6/6")


def written(one: VIP, word: Word | None) -> VIP:
    return msgspec.structs.replace(one, status=vip_status(one, {}, AT, (), word))


def said(one: VIP) -> str:
    found = find(one.status.conditions, "Announced")
    return f"{found.status} {found.reason} {one.status.paths}" if found else one.status.paths


def test_what_is_judged_is_said_and_stands_until_judged_otherwise() -> None:
    one = vip("192.0.2.1", "default/web")
    before = said(one)
    judged = written(one, WELL)
    again = written(judged, None)

    assert before == ""
    assert said(judged) == "True AllPaths 6/6"
    assert again == judged


def test_an_address_that_nobody_holds_says_nothing() -> None:
    one = written(vip("192.0.2.1", "default/web"), WELL)
    assert one.spec is not None
    released = msgspec.structs.replace(one, spec=msgspec.structs.replace(one.spec, holders=()))

    assert said(written(released, WELL)) == ""
    assert find(written(released, None).status.conditions, "Assigned") is not None
