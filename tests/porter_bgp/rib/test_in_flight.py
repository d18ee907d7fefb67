"""`porter_bgp.rib.in_flight`: a route waits for the last message that it stands in."""

from __future__ import annotations

import pytest

from porter_bgp.rib.in_flight import InFlight
from porter_bgp.wire import NlriKey, Prefix, nlri_key

ONE, TWO, THREE = (nlri_key(Prefix.parse(f"198.51.100.{n}")) for n in (1, 2, 3))


def three_messages() -> InFlight:
    """The second repeats a route of the first; they end at 50, 100 and 130."""
    flight = InFlight()
    flight.sent([ONE, TWO], 50)
    flight.sent([TWO], 100)
    flight.sent([THREE], 130)
    return flight


@pytest.mark.parametrize(
    ("octets", "done"),
    [
        (49, set()),
        (50, {ONE}),
        (99, {ONE}),
        (100, {ONE, TWO}),
        (129, {ONE, TWO}),
        (130, {ONE, TWO, THREE}),
        (1000, {ONE, TWO, THREE}),
    ],
)
def test_so_many_octets_are_so_many_routes(octets: int, done: set[NlriKey]) -> None:
    flight = three_messages()

    assert flight.acknowledge(octets) == done
    assert {key for key in (ONE, TWO, THREE) if key not in flight} == done
    assert flight.acknowledge(octets) == set()
    assert flight.acknowledge(130) == {ONE, TWO, THREE} - done


def test_what_was_acknowledged_may_go_again() -> None:
    flight = three_messages()
    flight.acknowledge(130)

    flight.sent([ONE], 180)

    assert ONE in flight
    assert flight.acknowledge(179) == set()
    assert flight.acknowledge(180) == {ONE}
