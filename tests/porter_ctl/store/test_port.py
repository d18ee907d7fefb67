"""`porter_ctl.store.port`: what a refusal says."""

from __future__ import annotations

from porter_ctl.store.port import Conflict, Forbidden, Unavailable


def test_a_refusal_reads_with_its_remedy() -> None:
    assert str(Conflict("VIP 192.0.2.1 has changed")) == "VIP 192.0.2.1 has changed"
    assert str(Forbidden("get nodes", reason="Forbidden", remedy="grant it")) == (
        "get nodes: grant it"
    )


def test_no_answer_carries_how_long_to_wait() -> None:
    assert Unavailable("too many requests", retry_after=3).retry_after == 3
