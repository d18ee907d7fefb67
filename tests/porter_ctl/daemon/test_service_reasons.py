"""`porter_ctl.daemon.service_reasons`: how many Services get a series of their own.

What stands in the series is looked at in the twelve situations of `porter why`.
"""

from __future__ import annotations

from porter_ctl.daemon.service_reasons import LIMIT, Tally
from porter_ctl.plan import Reason


def test_only_so_many_services_are_named_and_the_rest_is_counted() -> None:
    tally = Tally()
    for number in range(LIMIT + 3):
        tally.name(f"default/web-{number}", Reason.NO_ENDPOINT)

    assert len(tally.named) == LIMIT
    assert tally.omitted == 3


def test_of_two_reasons_of_a_service_the_foremost_is_told() -> None:
    tally = Tally()
    for reason in (Reason.SESSION_DOWN, Reason.NO_ENDPOINT, Reason.SOME_PATHS):
        tally.name("default/web", reason)

    assert tally.named == {"default/web": Reason.NO_ENDPOINT}
    assert tally.omitted == 0
