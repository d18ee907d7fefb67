"""`porter_ctl.kube.backoff`: bounds double, pauses are anywhere below them."""

from __future__ import annotations

import pytest

from porter_ctl.kube.backoff import Backoff


def test_the_bound_doubles_up_to_the_longest_and_starts_again() -> None:
    backoff = Backoff(0.2, 1.0, lambda: 1.0)

    assert [backoff.pause() for _ in range(5)] == [0.2, 0.4, 0.8, 1.0, 1.0]

    backoff.reset()

    assert backoff.pause() == 0.2


@pytest.mark.parametrize("jitter", [0.0, 0.3, 0.999])
def test_a_pause_is_anywhere_below_the_bound(jitter: float) -> None:
    backoff = Backoff(0.2, 30.0, lambda: jitter)

    assert [backoff.pause() for _ in range(3)] == pytest.approx(
        [0.2 * jitter, 0.4 * jitter, 0.8 * jitter]
    )


@pytest.mark.parametrize(("jitter", "seconds"), [(0.0, 5.0), (0.5, 5.5), (1.0, 6.0)])
def test_what_the_server_asks_for_is_waited_at_least_and_not_by_all_at_once(
    jitter: float, seconds: float
) -> None:
    assert Backoff(0.2, 30.0, lambda: jitter).pause(5.0) == seconds
