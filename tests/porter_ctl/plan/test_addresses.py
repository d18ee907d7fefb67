"""`porter_ctl.plan.addresses`: ranges, holes, candidates and counts, without enumeration."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porter_ctl.plan.addresses import (
    AddressSet,
    Occupied,
    addresses_in,
    count_text,
    first_candidate,
    next_free,
)

SPANS = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 12)).map(lambda one: (one[0], one[0] + one[1])),
    max_size=6,
)
HUGE = AddressSet(((1 << 127, (1 << 127) + (1 << 64) - 1),))


def listed(addresses: AddressSet) -> set[int]:
    return {value for first, last in addresses.ranges for value in range(first, last + 1)}


def occupied(*values: int) -> Occupied:
    found = Occupied()
    for value in values:
        found.add(value)
    return found


@given(SPANS, SPANS)
def test_sets_of_ranges_behave_as_sets_of_numbers(
    left: list[tuple[int, int]], right: list[tuple[int, int]]
) -> None:
    one, other = AddressSet.of(left), AddressSet.of(right)

    assert listed(one.minus(other)) == listed(one) - listed(other)
    assert listed(one.common(other)) == listed(one) & listed(other)
    assert one.size == len(listed(one))
    assert [one.at(rank) for rank in range(one.size)] == sorted(listed(one))
    assert all((value in one) == (value in listed(one)) for value in range(80))
    assert all(a[1] + 1 < b[0] for a, b in zip(one.ranges, one.ranges[1:], strict=False))


@given(SPANS, st.sets(st.integers(0, 80)), st.integers(0, 80))
def test_the_next_free_address_is_the_one_that_walking_would_find(
    spans: list[tuple[int, int]], taken: set[int], start: int
) -> None:
    addresses = AddressSet.of(spans)
    order = sorted(listed(addresses), key=lambda value: (value < start, value))

    found = next_free(start, addresses, occupied(*taken))

    assert found == next((value for value in order if value not in taken), None)


@given(SPANS, st.lists(st.integers(0, 80)), st.lists(st.integers(0, 80)))
def test_occupied_counts_what_lies_within(
    spans: list[tuple[int, int]], added: list[int], removed: list[int]
) -> None:
    addresses, found = AddressSet.of(spans), occupied(*added)
    for value in removed:
        found.discard(value)

    assert found.count(addresses) == len(listed(addresses) & (set(added) - set(removed)))


def test_a_pool_of_two_to_the_sixty_fourth_is_as_quick_as_a_small_one() -> None:
    start = first_candidate("default/web", HUGE)
    full = occupied(*range(start, start + 1000))

    assert start in HUGE
    assert next_free(start, HUGE, full) == start + 1000


def test_the_first_candidate_depends_on_the_name_alone() -> None:
    small = AddressSet(((10, 19),))

    assert first_candidate("default/web", small) == first_candidate("default/web", small)
    assert len({first_candidate(f"default/web{n}", small) for n in range(100)}) == 10


def test_an_empty_set_has_no_address_at_any_rank() -> None:
    with pytest.raises(IndexError):
        AddressSet().at(0)


def test_a_set_refuses_len_which_cannot_tell_two_to_the_sixty_fourth() -> None:
    with pytest.raises(TypeError):
        len(HUGE)


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (254, "254"),
        (65535, "65535"),
        (1 << 16, "2^16"),
        (1 << 64, "2^64"),
        ((1 << 64) - 2, "~2^63"),
        (100_000, "100000"),
    ],
)
def test_counts_are_written_for_people(count: int, text: str) -> None:
    assert count_text(count) == text


def test_what_is_no_address_is_passed_over() -> None:
    found = addresses_in(("None", "192.0.2.1", "", "2001:db8::1", "lb.example"))

    assert [str(address) for address in found] == ["192.0.2.1", "2001:db8::1"]
