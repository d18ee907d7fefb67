"""`porter_bgp.session.connection`: what it does without a TCP connection under it."""

from __future__ import annotations

from collections import deque
from itertools import count
from typing import TYPE_CHECKING

from porter_bgp.fsm import RestartFacts
from porter_bgp.session.connection import Common, Connection
from porter_bgp.session.counters import Counters
from porter_bgp.wire import KEEPALIVE
from tests.support.pair import A_CONFIG

if TYPE_CHECKING:
    from porter_bgp.session import Output


def test_without_a_connection_nothing_is_written_or_closed() -> None:
    outputs: deque[Output] = deque()
    common = Common(outputs, Counters(), count(1), lambda: 1.0, RestartFacts())
    connection = Connection(A_CONFIG, common)

    connection.send(KEEPALIVE, 0.0)
    connection.progress(1, 1, 0.0)

    assert not outputs
    assert not common.counters.sent
    assert connection.next_deadline() is None
