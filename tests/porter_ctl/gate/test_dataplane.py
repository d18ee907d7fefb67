"""`porter_ctl.gate.dataplane`: no first announcement before kube-proxy serves the address here."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from porter_bgp.rib import Path, RouteAttributes
from porter_bgp.wire import Prefix
from porter_ctl.api import DataplaneGate as Mode
from porter_ctl.gate import (
    Connected,
    ConnectQuery,
    DataplaneGate,
    Evidence,
    HealthQuery,
    Healthy,
    SyncQuery,
    SyncRefused,
    SyncTimes,
)
from porter_ctl.plan import PrefixPlan, Reason, Serving

VIP = ip_address("192.0.2.10")
PREFIX = Prefix.of(VIP)
V6 = Prefix.of(ip_address("2001:db8::10"))
PATHS = {"tor": (Path(0, RouteAttributes()),)}
SYNC, CONNECT, HEALTH = SyncQuery(), ConnectQuery(VIP, 80), HealthQuery(30001)
REACHED, SILENT = Connected(VIP, 80, reached=True), Connected(VIP, 80, reached=False)
REFUSED = SyncRefused("connection refused")


def wanted(
    *holders: str,
    prefix: Prefix = PREFIX,
    tcp_port: int | None = 80,
    health_check_port: int | None = None,
    announce: bool = True,
) -> PrefixPlan:
    serving = Serving(
        holders=frozenset(holders or ("web",)),
        in_status=True,
        tcp_port=tcp_port,
        health_check_port=health_check_port,
    )
    return PrefixPlan(prefix=prefix, paths=PATHS if announce else {}, serving=serving)


def running(mode: Mode = Mode.KUBE_PROXY, delay: float = 3.0) -> DataplaneGate:
    """A gate whose first list is over."""
    gate = DataplaneGate(new_boot=False)
    gate.configure(mode, delay)
    gate.first_list_done()
    return gate


def synced(at: float) -> SyncTimes:
    return SyncTimes({4: at})


def held(gate: DataplaneGate, plan: PrefixPlan, now: float) -> bool:
    admitted = gate.admit(plan, now)
    if admitted.paths:
        assert admitted == plan
        return False
    assert [one.reason for one in admitted.verdicts] == [Reason.DATAPLANE_NOT_READY]
    return True


def test_a_sync_after_the_address_and_one_answered_connect_are_the_evidence() -> None:
    gate = running()

    assert held(gate, wanted(), 10.0)
    assert gate.wanted(10.0) == {SYNC}
    assert gate.evidence(synced(10.1), 10.2) == frozenset()
    assert held(gate, wanted(), 10.2)
    assert gate.wanted(10.2) == {CONNECT}
    assert gate.evidence(REACHED, 10.3) == {PREFIX}
    assert not held(gate, wanted(), 10.3)
    assert gate.announced(PREFIX) == {"web"}
    assert gate.wanted(99.0) == frozenset()
    assert gate.next_deadline() is None


def test_a_sync_from_before_the_address_proves_nothing() -> None:
    gate = running()
    held(gate, wanted(), 10.0)
    gate.wanted(10.0)

    gate.evidence(synced(9.9), 10.0)

    assert gate.next_deadline() == pytest.approx(10.1)
    assert gate.wanted(10.05) == frozenset()
    assert gate.wanted(10.1) == {SYNC}


def test_two_seconds_without_a_sync_say_that_kube_proxy_was_faster_than_we() -> None:
    gate = running()
    held(gate, wanted(), 10.0)
    gate.wanted(10.0)

    gate.evidence(synced(9.99), 11.9)
    early = gate.wanted(12.0)
    gate.evidence(synced(9.99), 12.0)

    assert early == {SYNC}
    assert gate.wanted(12.0) == {CONNECT}
    assert gate.evidence(REACHED, 12.1) == {PREFIX}


def test_a_sync_of_the_other_family_proves_nothing() -> None:
    gate = running()
    held(gate, wanted(prefix=V6), 10.0)
    gate.wanted(10.0)

    gate.evidence(synced(11.0), 11.0)

    assert gate.wanted(11.1) == {SYNC}


def test_a_query_is_not_repeated_before_its_answer() -> None:
    gate = running()
    held(gate, wanted(), 10.0)

    assert gate.wanted(10.0) == {SYNC}
    held(gate, wanted("api", prefix=V6), 10.1)
    assert gate.wanted(60.0) == frozenset()


def test_silence_on_the_connect_asks_for_a_later_sync() -> None:
    gate = running()
    held(gate, wanted(), 10.0)
    gate.wanted(10.0)
    gate.evidence(synced(10.1), 10.2)
    gate.wanted(10.2)

    assert gate.evidence(SILENT, 11.2) == frozenset()
    assert gate.wanted(11.3) == {SYNC}
    gate.evidence(synced(11.1), 11.3)  # it ended before the silence
    assert gate.wanted(11.4) == {SYNC}
    gate.evidence(synced(11.35), 11.4)
    assert gate.wanted(11.4) == {CONNECT}
    assert gate.evidence(REACHED, 11.5) == {PREFIX}


def test_without_a_tcp_port_a_second_after_the_sync_has_to_do() -> None:
    gate = running()
    plan = wanted(tcp_port=None)
    held(gate, plan, 10.0)
    gate.wanted(10.0)
    gate.evidence(synced(10.1), 10.2)

    assert gate.next_deadline() == pytest.approx(11.2)
    assert held(gate, plan, 11.1)
    assert gate.handle_timeout(11.2) == {PREFIX}
    assert not held(gate, plan, 11.2)


def test_a_local_service_must_be_healthy_as_well() -> None:
    gate = running()
    plan = wanted(health_check_port=30001)
    held(gate, plan, 10.0)

    assert gate.wanted(10.0) == {SYNC, HEALTH}
    gate.evidence(Healthy(30001, ok=False), 10.0)
    gate.evidence(synced(10.1), 10.1)
    assert gate.wanted(10.1) == {CONNECT, HEALTH}
    assert gate.evidence(REACHED, 10.2) == frozenset()
    assert gate.evidence(Healthy(30001, ok=True), 10.3) == {PREFIX}
    assert not held(gate, plan, 10.3)


def test_what_was_announced_for_these_services_passes_again() -> None:
    gate = running(Mode.NONE)
    gate.admit(wanted(), 10.0)
    gate.configure(Mode.KUBE_PROXY, 3.0)

    gate.admit(wanted(announce=False), 11.0)

    assert not held(gate, wanted(), 12.0)


def test_another_holder_is_a_first_announcement() -> None:
    gate = running(Mode.NONE)
    gate.admit(wanted("web"), 10.0)
    gate.configure(Mode.KUBE_PROXY, 3.0)

    assert held(gate, wanted("api"), 11.0)
    assert gate.announced(PREFIX) == frozenset()


def test_a_further_holder_is_none() -> None:
    gate = running(Mode.NONE)
    gate.admit(wanted("web"), 10.0)
    gate.configure(Mode.KUBE_PROXY, 3.0)

    assert not held(gate, wanted("web", "api"), 11.0)


def test_an_address_that_nobody_has_is_forgotten() -> None:
    gate = running(Mode.NONE)
    gate.admit(wanted(), 10.0)
    gate.configure(Mode.KUBE_PROXY, 3.0)

    gate.admit(PrefixPlan(prefix=PREFIX), 11.0)

    assert held(gate, wanted(), 12.0)


def test_a_loss_passes_at_once_and_ends_the_waiting() -> None:
    gate = running()
    held(gate, wanted(), 10.0)
    loss = wanted(announce=False)

    assert gate.admit(loss, 10.1) is loss
    assert gate.waiting == 0
    assert gate.wanted(10.1) == frozenset()


def test_what_stood_in_status_at_the_first_list_is_not_first() -> None:
    gate = DataplaneGate(new_boot=False)

    assert not held(gate, wanted(), 1.0)
    gate.first_list_done()
    assert held(gate, wanted(prefix=V6), 2.0)


def test_what_had_no_endpoint_at_the_first_list_is_not_first_either() -> None:
    gate = DataplaneGate(new_boot=False)
    gate.admit(wanted(announce=False), 1.0)
    gate.first_list_done()

    assert gate.announced(PREFIX) == frozenset()
    assert not held(gate, wanted(), 2.0)


def test_after_a_boot_everything_is_first() -> None:
    gate = DataplaneGate(new_boot=True)

    assert held(gate, wanted(), 1.0)


def test_delay_waits_and_asks_nothing() -> None:
    gate = running(Mode.DELAY, 3.0)

    assert held(gate, wanted(), 10.0)
    assert gate.wanted(10.0) == frozenset()
    assert gate.next_deadline() == pytest.approx(13.0)
    assert gate.handle_timeout(13.0) == {PREFIX}
    assert not held(gate, wanted(), 13.0)


def test_none_waits_for_nothing() -> None:
    assert not held(running(Mode.NONE), wanted(), 10.0)


def test_refused_for_ten_seconds_a_delay_has_to_do() -> None:
    gate = running(Mode.KUBE_PROXY, 3.0)
    held(gate, wanted(), 10.0)
    gate.wanted(10.0)

    assert gate.evidence(REFUSED, 10.0) == frozenset()
    assert gate.wanted(10.1) == {SYNC}
    assert gate.evidence(REFUSED, 19.9) == frozenset()
    assert not gate.unverified
    gate.wanted(20.0)
    assert gate.evidence(REFUSED, 20.0) == {PREFIX}
    assert gate.unverified
    assert not held(gate, wanted(), 20.0)


def test_while_nothing_answers_new_addresses_wait_for_the_delay() -> None:
    gate = running(Mode.KUBE_PROXY, 3.0)
    refuse_for_long(gate)

    assert held(gate, wanted(prefix=V6), 30.0)
    assert gate.handle_timeout(33.0) == {V6}
    assert not held(gate, wanted(prefix=V6), 33.0)


def test_when_kube_proxy_answers_again_it_is_asked_again() -> None:
    gate = running(Mode.KUBE_PROXY, 3.0)
    refuse_for_long(gate)
    held(gate, wanted(prefix=V6), 30.0)
    gate.wanted(30.0)

    again = gate.evidence(SyncTimes({4: 5.0}), 30.1)

    assert again == {V6}
    assert not gate.unverified
    assert held(gate, wanted(prefix=V6), 33.0)


def test_refusals_count_only_while_somebody_waits() -> None:
    gate = running()
    held(gate, wanted(), 10.0)
    gate.wanted(10.0)
    gate.evidence(REFUSED, 10.0)
    gate.admit(wanted(announce=False), 10.1)

    held(gate, wanted(), 3600.0)
    gate.wanted(3600.0)

    assert gate.evidence(REFUSED, 3600.0) == frozenset()
    assert not gate.unverified


def refuse_for_long(gate: DataplaneGate) -> None:
    held(gate, wanted(), 10.0)
    gate.wanted(10.0)
    gate.evidence(REFUSED, 10.0)
    gate.wanted(10.1)
    gate.evidence(REFUSED, 20.1)
    assert not held(gate, wanted(), 20.1)


def test_other_ports_while_waiting_have_to_answer_instead() -> None:
    gate = running()
    held(gate, wanted(health_check_port=30001), 10.0)
    gate.wanted(10.0)
    gate.evidence(synced(10.1), 10.1)
    gate.wanted(10.1)

    held(gate, wanted(tcp_port=443), 10.2)

    assert gate.evidence(REACHED, 10.2) == frozenset()
    assert gate.wanted(10.2) == {ConnectQuery(VIP, 443)}
    assert gate.evidence(Connected(VIP, 443, reached=True), 10.3) == {PREFIX}


@pytest.mark.parametrize("late", [synced(99.0), REFUSED, REACHED, SILENT, Healthy(30001, ok=True)])
def test_an_answer_that_nobody_waits_for_any_more_changes_nothing(late: Evidence) -> None:
    gate = running()
    held(gate, wanted(health_check_port=30001), 10.0)
    gate.admit(PrefixPlan(prefix=PREFIX), 10.1)

    assert gate.evidence(late, 10.2) == frozenset()
    assert gate.wanted(99.0) == frozenset()


def test_what_was_served_before_this_process_began_needs_no_evidence() -> None:
    gate = running()

    gate.remember({PREFIX: frozenset({"web"})})

    assert gate.announced(PREFIX) == {"web"}
    assert not held(gate, wanted(), 10.0)
    assert held(gate, wanted("other"), 10.0)
