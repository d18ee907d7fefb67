"""`porter_ctl.reconcile.retry`: what is to be worked on, and when again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from porter_ctl.api import Kind, ObjectRef
from porter_ctl.reconcile import retry
from porter_ctl.reconcile.retry import RetryQueue
from tests.support.eventually import eventually

if TYPE_CHECKING:
    import pytest

A, B = (ObjectRef(Kind.SERVICE, "default", name) for name in "ab")


async def test_a_failure_outranks_what_was_added_on_the_way_to_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(retry, "_FIRST", 0.001)
    queue = RetryQueue()
    queue.add(A)

    queue.later(A)
    at_once = queue.take_ready()
    await eventually(lambda: len(queue) == 1)

    assert at_once is None
    assert queue.take_ready() == A


async def test_who_is_overtaken_again_and_again_waits() -> None:
    queue = RetryQueue()

    queue.again(A)
    first = queue.take_ready()
    queue.add(A)  # by what was read after the conflict
    queue.again(A)

    assert first == A
    assert queue.take_ready() is None


async def test_an_addition_after_the_failure_ends_the_wait() -> None:
    queue = RetryQueue()
    queue.later(A)

    queue.add(A)

    assert queue.take_ready() == A
    assert queue.take_ready() is None


async def test_nothing_that_was_forgotten_comes_back() -> None:
    queue = RetryQueue()
    queue.add(A)
    queue.later(B)
    timer = queue._timers[B]

    queue.clear()

    assert queue.take_ready() is None
    assert timer.cancelled()
    queue.again(B)
    assert queue.take_ready() == B  # its failures are forgotten, too
